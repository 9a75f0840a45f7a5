"""Anything of a user's own by a part of its name: for the command palette."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from core import db
from core.audience import addresses, book, matches
from core.audience.search import Word
from core.campaigns.drafts import touched
from core.campaigns.title import title
from core.models import Campaign, CampaignStatus, ContactList, Sender, Template
from core.stats.going import BLOCKED, WAITING, is_blocked, waiting
from core.stats.titled import called

_EACH = 5
_KINDS = {CampaignStatus.draft: "draft"}
_SHORTEST = 3  # letters; what is shorter fits half of the address book


@dataclass(frozen=True)
class Found:
    """``kind``: campaign, draft, list, sender, template, contact; ``detail``: a status, a count, an address."""

    kind: str
    id: int
    name: str
    detail: str


def find(session: Session, user_id: int, words: str, each: int = _EACH) -> list[Found]:
    """At most ``each`` of a kind whose name has ``words`` in it; the newest campaigns alone where there are none."""
    words = words.strip()[:200].replace("\0", "")
    found = _campaigns(session, user_id, words, each)
    if words:
        found += _lists(session, user_id, words, each)
        found += _senders(session, user_id, words, each)
        found += _templates(session, user_id, words, each)
        found += _contacts(session, user_id, words, each)
    return found


def _campaigns(session: Session, user_id: int, words: str, each: int) -> list[Found]:
    columns: list[Any] = [Campaign.id, Campaign.name, Campaign.subject, Campaign.status, is_blocked()]
    wanted: Any = select(*columns).where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
    wanted = wanted.where(touched(), *([called(session, user_id, words)] if words else []))
    latest = wanted.order_by(col(Campaign.updated_at).desc(), col(Campaign.id).desc()).limit(each)
    rows = session.execute(latest).all()
    waits = waiting(session, [id for id, _, _, status, _ in rows if status == CampaignStatus.sending])
    return [
        Found(
            _KINDS.get(status, "campaign"),
            id,
            title(name, subject),
            BLOCKED if blocked else WAITING if id in waits else status,
        )
        for id, name, subject, status, blocked in rows
    ]


def _lists(session: Session, user_id: int, words: str, each: int) -> list[Found]:
    wanted = select(ContactList).where(col(ContactList.user_id) == user_id, _has(words, ContactList.name))
    rows = session.exec(wanted.order_by(col(ContactList.name)).limit(each))
    return [Found("list", row.id or 0, row.name, f"{row.contact_count:,}") for row in rows]


def _senders(session: Session, user_id: int, words: str, each: int) -> list[Found]:
    columns = (col(Sender.id), col(Sender.name), col(Sender.from_address))
    wanted = select(*columns).where(col(Sender.user_id) == user_id, col(Sender.deleted_at).is_(None))
    found = []
    for id, name, address in session.execute(wanted.order_by(col(Sender.name))):
        shown = addresses.shown(address)  # a part of its letters is no part of what is kept
        if words.casefold() in f"{name}\n{shown}\n{address}".casefold():
            found.append(Found("sender", id, name, shown))
    return found[:each]


def _templates(session: Session, user_id: int, words: str, each: int) -> list[Found]:
    wanted = select(col(Template.id), col(Template.name)).where(col(Template.user_id) == user_id)
    wanted = wanted.where(_has(words, Template.name)).order_by(col(Template.name)).limit(each)
    return [Found("template", id, name, "") for id, name in session.execute(wanted)]


def _contacts(session: Session, user_id: int, words: str, each: int) -> list[Found]:
    if len(words) < _SHORTEST:
        return []
    page, wanted = book.page(session, user_id, search=words, limit=each), matches.words(session, user_id, words)
    return [Found("contact", row.id or 0, addresses.shown(row.email), _hit(row.fields, wanted)) for row in page.rows]


def _hit(fields: dict[str, Any], wanted: list[Word]) -> str:
    """The merge fields that have what is looked for, if any have."""
    hits = (str(value) for name, value in fields.items() if any(_has_word(name, value, word) for word in wanted))
    return " · ".join(hits)[:60]


def _has_word(name: str, value: object, word: Word) -> bool:
    return word.field in ("", name) and not word.is_address and word.text in db.folded(str(value))


def _has(words: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(col(column).icontains(words, autoescape=True) for column in columns))
