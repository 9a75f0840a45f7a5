"""A list of a campaign's recipients by what became of them: who got it, opened it or did not, followed a link."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlmodel import Session, col

from core import db
from core.audience import contacts, known, members
from core.campaigns import drafts
from core.models import Campaign, CampaignLink, LinkClick, Message, MessageState


class Who(StrEnum):
    """``not_opened`` and ``not_clicked``: got it, and it did not bounce; nor did they complain or unsubscribe."""

    sent = "sent"
    opened = "opened"
    not_opened = "not_opened"
    clicked = "clicked"
    not_clicked = "not_clicked"
    link = "link"  # followed one link
    failed = "failed"


@dataclass(frozen=True)
class Gathered:
    """``people`` of the group are on the list; ``gone`` are not: no contact has their address any more."""

    people: int
    gone: int


def counts(session: Session, user_id: int, campaign_id: int) -> dict[Who, int]:
    """How many recipients each group has now, ``link`` apart; looks at every message. Raises NotFound."""
    drafts.get(session, user_id, campaign_id)
    groups = [who for who in Who if who != Who.link]
    numbers = [func.count().filter(_are(who, campaign_id)) for who in groups]
    row = session.execute(select(*numbers).where(col(Message.campaign_id) == campaign_id)).one()
    return dict(zip(groups, row, strict=True))


def begin(session: Session, user_id: int, campaign_id: int, name: str) -> int:
    """The empty list that ``fill`` fills; a name that is taken gets a number. Raises RuleError without one, NotFound
    for a stranger's campaign."""
    drafts.get(session, user_id, campaign_id)
    return contacts.create_list(session, user_id, name)


def fill(
    user_id: int,
    campaign_id: int,
    list_id: int,
    who: Who,
    url: str = "",
    progress: Callable[[int], None] | None = None,
) -> Gathered:
    """Put the contacts of a group on a list of the user; ``url``: of the link they followed.

    Recipients are told by their address: SQLite gives the number of a deleted contact to the next one.
    Opens its own short transactions, in order of the messages, and may be run again after a failure: who is on the
    list is there once. ``progress`` hears how many messages were looked at. Raises NotFound, also where campaign or
    list are deleted meanwhile.
    """
    after, seen, people, gone = 0, 0, 0, 0
    while rows := _next(user_id, campaign_id, _are(who, campaign_id, url), after):
        emails = [email for _, email, fits in rows if fits]
        put = _put(user_id, list_id, emails) if emails else 0
        people, gone = people + put, gone + len(emails) - put
        after, seen = rows[-1][0], seen + len(rows)
        if progress:
            progress(seen)
    return Gathered(people, gone)


def draft_to(session: Session, user_id: int, list_id: int) -> Campaign:
    """A new draft to this list alone. Raises NotFound."""
    made = drafts.create(session, user_id)
    drafts.set_lists(session, user_id, made.id or 0, [list_id])
    return made


def copy_to(session: Session, user_id: int, campaign_id: int, list_id: int) -> Campaign:
    """A copy of the campaign as a draft to this list, without those whom the campaign leaves out. Raises NotFound."""
    left_out = drafts.left_out_ids(session, user_id, campaign_id)
    made = drafts.duplicate(session, user_id, campaign_id)
    drafts.set_lists(session, user_id, made.id or 0, [list_id], left_out)
    return made


def _are(who: Who, campaign_id: int, url: str = "") -> ColumnElement[bool]:
    """Whether a message is of the group."""
    sent, opened, clicked = _is(MessageState.sent), _has(Message.opened_at), _has(Message.clicked_at)
    ended = (_has(fact) for fact in (Message.bounced_at, Message.complained_at, Message.unsubscribed_at))
    reached = and_(sent, *(~fact for fact in ended))
    groups: dict[Who, ColumnElement[bool]] = {
        Who.sent: sent,
        Who.opened: opened,
        Who.not_opened: and_(reached, ~opened, ~clicked),
        Who.clicked: clicked,
        Who.not_clicked: and_(reached, ~clicked),
        Who.link: _followed(campaign_id, url),
        Who.failed: _is(MessageState.failed),
    }
    return groups[who]


def _is(state: MessageState) -> ColumnElement[bool]:
    return col(Message.state) == state


def _has(fact: Any) -> ColumnElement[bool]:
    return col(fact).is_not(None)


def _followed(campaign_id: int, url: str) -> ColumnElement[bool]:
    link = select(col(CampaignLink.id)).where(
        col(CampaignLink.campaign_id) == campaign_id, col(CampaignLink.url) == url
    )
    click = exists().where(col(LinkClick.link_id) == link.scalar_subquery())
    return click.where(col(LinkClick.message_id) == col(Message.id))


def _next(user_id: int, campaign_id: int, fits: ColumnElement[bool], after: int) -> list[Any]:
    """The next messages, so many whether they fit or not: each step is as quick as the first."""
    with db.reading() as session:
        drafts.get(session, user_id, campaign_id)
        wanted = select(col(Message.id), col(Message.email), fits).where(col(Message.campaign_id) == campaign_id)
        ahead = wanted.where(col(Message.id) > after).order_by(col(Message.id)).limit(db.chunk_rows(session))
        return list(session.execute(ahead))


def _put(user_id: int, list_id: int, emails: list[str]) -> int:
    """Returns how many of them are contacts."""
    with db.session() as session:
        held = known.held_of(session, user_id, emails)
        members.put(session, user_id, list_id, [each.id for each in held])
    return len(held)
