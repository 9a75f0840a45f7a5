"""Which contacts a search finds: by address and domain, and by what stands in their merge fields."""

from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, func, select

from core import db
from core.audience import addresses
from core.audience import search as looking
from core.models import Contact, ListMember

MOST_COUNTED = 1_000  # above that "more than 1,000" is as good, and costs nothing
_MOST_DOMAINS = 2_000
_SHARE = 10

_contact: Any = Contact.__table__  # type: ignore[attr-defined]


def found(session: Session, user_id: int, search: str) -> Any:
    """SQL of whether a contact of the user is found: its address begins with ``search``, or its domain does where that
    is meant, or one of its merge fields has it in it, in any case. With an @ it is no word of a merge field."""
    term = looking.term(search)
    hits = [looking.found(term, _contact.c.email, _contact.c.domain)]
    before, at, _ = term.rpartition("@")
    if looking.is_open(search):
        domains = _international(session, user_id, looking.letters(search))
        kept = [f"{before}@{domain}" for domain in domains]
        hits = [_contact.c.email.in_(kept) if before else _contact.c.domain.in_(domains)]
        hits += [] if at else [looking.begins(_contact.c.email, term)]
    hits += [] if at else [db.has_value(session, "contact.fields", term)]
    return or_(*hits)


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


def _international(session: Session, user_id: int, letters: str) -> list[str]:
    """The user's domains, as they are kept, that begin with ``letters``; of the first 2,000 that can."""
    start, dot, _ = letters.rpartition(".")
    kept = looking.begins(_contact.c.domain, f"{addresses.ascii_domain(start)}{dot}xn--")
    wanted = select(_contact.c.domain).where(_contact.c.user_id == user_id, kept).distinct().limit(_MOST_DOMAINS)
    domains = session.execute(wanted).scalars()
    return [each for each in domains if addresses.shown_domain(each).startswith(letters)]
