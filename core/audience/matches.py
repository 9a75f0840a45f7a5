"""Which contacts a search finds: by words of their address and of their merge fields."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, or_, true
from sqlmodel import Session, col, func, select

from core import db
from core.audience import addresses, contacts
from core.audience import search as looking
from core.audience.search import Word
from core.models import Contact, ListMember

MOST_COUNTED = 1_000  # above that "more than 1,000" is as good, and costs nothing
_MOST_DOMAINS = 2_000
_SHARE = 10

_contact: Any = Contact.__table__  # type: ignore[attr-defined]


def found(session: Session, user_id: int, search: str) -> Any:
    """SQL of whether a contact of the user is found: each word of ``search`` is in its address or in one of its merge
    fields, in any case. A word with an @ is the beginning of an address or, with nothing before it, of a domain; one
    after the name of a merge field and a colon is in that field."""
    looks = [_looks(session, user_id, word) for word in words(session, user_id, search)]
    return and_(
        true(), *(look for every in zip(*looks, strict=True) for look in every)
    )  # the quick ones of all words first


def words(session: Session, user_id: int, search: str) -> list[Word]:
    """The words of a search among the contacts of the user."""
    return looking.words(search, contacts.field_names(session, user_id) if ":" in search else ())


def _looks(session: Session, user_id: int, word: Word) -> tuple[Any, Any]:
    """A quick look at a contact, and one that is sure."""
    if word.field:
        return db.has_value(session, "contact.fields", word.text, word.field)
    return (_begins if word.is_address else _has)(session, user_id, word.text)


def _begins(session: Session, user_id: int, word: str) -> tuple[Any, Any]:
    term, letters = looking.term(word), looking.letters(word)
    if not looking.is_open(word):
        return looking.found(term, _contact.c.email, _contact.c.domain), true()
    domains, before = _international(session, user_id, letters, str.startswith), term.rpartition("@")[0]
    kept = [f"{before}@{domain}" for domain in domains]
    return _contact.c.email.in_(kept) if before else _contact.c.domain.in_(domains), true()


def _has(session: Session, user_id: int, word: str) -> tuple[Any, Any]:
    in_address = _contact.c.email.contains(word, autoescape=True)
    if not word.isascii() and (domains := _international(session, user_id, word, str.__contains__)):
        in_address = or_(in_address, _contact.c.domain.in_(domains))
    quick, sure = db.has_value(session, "contact.fields", word)
    return or_(in_address, quick), or_(in_address, sure)


def few(session: Session, user_id: int, search: str, list_id: int | None = None) -> list[int] | None:
    """The ids of all that ``search`` finds, of the list if one is named; None for more than MOST_COUNTED.

    Nothing is sorted: a database that looked for them by address would look at all of them one by one.
    """
    wanted = select(Contact.id).where(_owned(session, user_id), found(session, user_id, search))
    if list_id is not None:
        wanted = wanted.join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        wanted = wanted.where(col(ListMember.list_id) == list_id)
    # Else PostgreSQL, which hopes to find so many soon, goes through the table with one process only.
    hit = wanted.cte("hit").prefix_with("materialized", dialect="postgresql")
    ids = list(session.execute(select(hit.c.id).limit(MOST_COUNTED + 1)).scalars())
    return ids if len(ids) <= MOST_COUNTED else None


def _owned(session: Session, user_id: int) -> Any:
    own = _contact.c.user_id == user_id
    newest = session.execute(select(func.max(_contact.c.id))).scalar() or 0
    is_much = session.execute(select(1).where(own).offset(newest // _SHARE).limit(1)).scalar()
    return db.unindexed(session, _contact.c.user_id) == user_id if is_much else own


def _international(session: Session, user_id: int, letters: str, fits: Callable[[str, str], bool]) -> list[str]:
    """The user's domains, as they are kept, that ``letters`` fit; of the first 2,000 that can."""
    kept = looking.begins(_contact.c.domain, looking.kept_start(letters))
    wanted = select(_contact.c.domain).where(_contact.c.user_id == user_id, kept).distinct().limit(_MOST_DOMAINS)
    domains = session.execute(wanted).scalars()
    return [each for each in domains if fits(addresses.shown_domain(each), letters)]
