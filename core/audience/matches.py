"""Which contacts a search finds: by words of their address and of their merge fields."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_, true
from sqlmodel import Session, col, func, select

from core import db
from core.audience import addressed, contacts
from core.audience import search as looking
from core.audience.addressed import Kept
from core.audience.search import Word
from core.models import Contact, ListMember

MOST_COUNTED = 1_000  # above that "more than 1,000" is as good, and costs nothing
_SHARE = 10

_contact: Any = Contact.__table__  # type: ignore[attr-defined]
_KEPT = Kept(_contact.c.user_id, _contact.c.email, _contact.c.domain)


def found(session: Session, user_id: int, search: str) -> Any:
    """SQL of whether a contact of the user is found: each word of ``search`` is in its address or in one of its merge
    fields, in any case. A word with an @ is the beginning of an address or, with nothing before it, of a domain; one
    after the name of a merge field and a colon is in that field."""
    looks = [_looks(session, user_id, word) for word in words(session, user_id, search)]
    quick_first = (look for every in zip(*looks, strict=True) for look in every)
    return and_(true(), *quick_first)


def words(session: Session, user_id: int, search: str) -> list[Word]:
    """The words of a search among the contacts of the user."""
    return looking.words(search, contacts.field_names(session, user_id) if ":" in search else ())


def _looks(session: Session, user_id: int, word: Word) -> tuple[Any, Any]:
    """A quick look at a contact, and one that is sure."""
    if word.is_address:
        return addressed.begins(session, user_id, word.text, _KEPT), true()
    quick, sure = db.has_value(session, "contact.fields", word.text, word.field)
    if word.field:
        return quick, sure
    in_address = addressed.has(session, user_id, word.text, _KEPT)
    return or_(in_address, quick), or_(in_address, sure)


def few(session: Session, user_id: int, search: str, list_ids: Sequence[int] | None = None) -> list[int] | None:
    """The ids of all that ``search`` finds, of these lists if they are named; None for more than MOST_COUNTED.

    Nothing is sorted: a database that looked for them by address would look at all of them one by one.
    """
    wanted = select(Contact.id).where(_owned(session, user_id), found(session, user_id, search))
    if list_ids is not None:
        on = select(ListMember.contact_id).where(col(ListMember.list_id).in_(list_ids))
        wanted = wanted.where(_contact.c.id.in_(on))
    # Else PostgreSQL, which hopes to find so many soon, goes through the table with one process only.
    hit = wanted.cte("hit").prefix_with("materialized", dialect="postgresql")
    ids = list(session.execute(select(hit.c.id).limit(MOST_COUNTED + 1)).scalars())
    return ids if len(ids) <= MOST_COUNTED else None


def _owned(session: Session, user_id: int) -> Any:
    own = _contact.c.user_id == user_id
    newest = session.execute(select(func.max(_contact.c.id))).scalar() or 0
    is_much = session.execute(select(1).where(own).offset(newest // _SHARE).limit(1)).scalar()
    return db.unindexed(session, _contact.c.user_id) == user_id if is_much else own
