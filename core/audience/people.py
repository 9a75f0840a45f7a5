"""The people of some lists, each once: walked through in order of contact id, or searched."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlmodel import Session, col

from core.audience import contacts, matches
from core.audience import search as looking
from core.models import Contact, ContactList, ListMember, Suppression

_contact: Any = Contact.__table__  # type: ignore[attr-defined]


class Person(NamedTuple):
    id: int
    email: str
    fields: Mapping[str, Any]
    is_suppressed: bool


def walk(
    session: Session,
    user_id: int,
    list_ids: Sequence[int],
    after_id: int = 0,
    limit: int = 1_000,
    left_out: Sequence[int] = (),
) -> list[Person]:
    """The next ``limit`` people after contact ``after_id``; empty at the end; as quick at the millionth.

    Lists of other users count as empty; who is on a list ``left_out`` is none of them.
    """
    owned = _owned(session, user_id, list_ids)
    ahead: set[int] = set()
    for list_id in owned:  # one index range per list; asked for together every member is read
        of_list = select(col(ListMember.contact_id)).where(
            col(ListMember.list_id) == list_id, col(ListMember.contact_id) > after_id
        )
        if left_out:
            of_list = of_list.where(~contacts.on_lists(col(ListMember.contact_id), left_out))
        ahead.update(session.connection().execute(of_list.order_by(col(ListMember.contact_id)).limit(limit)).scalars())
    chunk = sorted(ahead)[:limit]
    if not chunk:
        return []
    members = select(col(ListMember.contact_id)).where(
        col(ListMember.list_id).in_(owned),
        col(ListMember.contact_id) > after_id,
        col(ListMember.contact_id) <= chunk[-1],
    )
    wanted = _people(user_id, left_out).where(_contact.c.id.in_(members)).order_by(_contact.c.id)
    return [Person(*row) for row in session.connection().execute(wanted)]


def find(
    session: Session,
    user_id: int,
    list_ids: Sequence[int],
    search: str,
    limit: int = 8,
    left_out: Sequence[int] = (),
) -> list[Person]:
    """The first people of these lists whom ``search`` finds, as it does among contacts (``matches``), by address."""
    words, owned = matches.words(session, user_id, search), _owned(session, user_id, list_ids)
    by_index = looking.is_indexed(words)
    few = None if by_index else matches.few(session, user_id, search, owned)
    wanted = _people(user_id, left_out)
    if few is None:
        wanted = wanted.where(contacts.on_lists(_contact.c.id, owned), matches.found(session, user_id, search))
    else:
        wanted = wanted.where(_contact.c.id.in_(few))
    at_domain = by_index and words[0].text.startswith("@")
    order = (_contact.c.domain, _contact.c.email) if at_domain else (_contact.c.email,)
    return [Person(*row) for row in session.connection().execute(wanted.order_by(*order).limit(limit))]


def _people(user_id: int, left_out: Sequence[int]) -> Any:
    suppression: Any = Suppression.__table__  # type: ignore[attr-defined]
    same = and_(suppression.c.user_id == _contact.c.user_id, suppression.c.email == _contact.c.email)
    columns = (_contact.c.id, _contact.c.email, _contact.c.fields, suppression.c.id.is_not(None))
    found = select(*columns).select_from(_contact.outerjoin(suppression, same)).where(_contact.c.user_id == user_id)
    return found.where(~contacts.on_lists(_contact.c.id, left_out)) if left_out else found


def _owned(session: Session, user_id: int, list_ids: Sequence[int]) -> list[int]:
    wanted = select(col(ContactList.id)).where(col(ContactList.user_id) == user_id, col(ContactList.id).in_(list_ids))
    return [number for number in session.connection().execute(wanted).scalars() if number is not None]
