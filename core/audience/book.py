"""The address book: contacts in pages, searched by the beginning of the address or of ``@domain``, edited, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addresses
from core.errors import NotFound, RuleError
from core.models import Contact, ContactList, ListMember

_LAST = "\U0010ffff"  # sorts after every letter, in bytes on both databases


class After(NamedTuple):
    """Where a page ended: its last contact."""

    email: str
    id: int


@dataclass(frozen=True)
class Page:
    """``more``: there are contacts after the last row; pass that row's After to get them."""

    rows: list[Contact]
    more: bool


def page(
    session: Session,
    user_id: int,
    *,
    search: str = "",
    list_id: int | None = None,
    after: After | None = None,
    limit: int = 25,
) -> Page:
    """Contacts after ``after``, by address (in a list without a search: as they were stored); as quick at a million."""
    term = search.strip().lower()
    found = select(Contact).where(col(Contact.user_id) == user_id)
    if list_id is not None:
        # The contact's owner is asked for above, and nobody's contact is in a stranger's list.
        found = found.join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        found = found.where(col(ListMember.list_id) == list_id)
    if term.startswith("@"):
        found = found.where(_begins(col(Contact.domain), term[1:]))
        order: list[Any] = [col(Contact.domain), col(Contact.email)]
        key: tuple[Any, ...] = (addresses.domain_of(after.email), after.email) if after else ()
    elif term or list_id is None:
        found = found.where(_begins(col(Contact.email), term)) if term else found
        order, key = [col(Contact.email)], (after.email,) if after else ()
    else:
        order, key = [col(ListMember.contact_id)], (after.id,) if after else ()
    if key:
        found = found.where(tuple_(*order) > tuple_(*key))
    rows = list(session.exec(found.order_by(*order).limit(limit + 1)).all())
    return Page(rows[:limit], len(rows) > limit)


def count(session: Session, user_id: int) -> int:
    """How many contacts the user has."""
    return session.exec(select(func.count()).select_from(Contact).where(col(Contact.user_id) == user_id)).one()


def get(session: Session, user_id: int, contact_id: int) -> Contact:
    """Raises NotFound for a contact that is not this user's."""
    found = session.exec(select(Contact).where(col(Contact.id) == contact_id, col(Contact.user_id) == user_id)).first()
    if found is None:
        raise NotFound("There is no such contact.")
    return found


def save(session: Session, user_id: int, contact_id: int, email: str, fields: Mapping[str, str]) -> None:
    """Change the address and all merge fields (empty values are dropped). Raises RuleError, NotFound."""
    address = addresses.read(email)
    if not address.email:
        raise RuleError(f"This is not an email address: {address.reason}.")
    kept = {name: value.strip() for name, value in fields.items() if value.strip()}
    change = update(Contact).where(col(Contact.id) == contact_id, col(Contact.user_id) == user_id)
    try:
        done = session.execute(
            change.values(email=address.email, domain=addresses.domain_of(address.email), fields=kept)
        )
    except IntegrityError:
        raise RuleError("Another contact has this address.") from None
    if not done.rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such contact.")
    _tell(session, user_id)


def delete_contact(session: Session, user_id: int, contact_id: int) -> None:
    """Delete the contact from the book and from all lists. Raises NotFound."""
    in_lists = (
        select(ContactList.id)
        .join(ListMember, col(ListMember.list_id) == col(ContactList.id))
        .where(col(ListMember.contact_id) == contact_id, col(ContactList.user_id) == user_id)
        .order_by(col(ContactList.id))
    )
    # Lists first, then the contact: the order in which an upload locks them.
    list_ids = session.exec(in_lists.with_for_update(of=ContactList)).all()
    gone = session.execute(delete(Contact).where(col(Contact.id) == contact_id, col(Contact.user_id) == user_id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such contact.")
    fewer = update(ContactList).where(col(ContactList.id).in_(list_ids))
    session.execute(fewer.values(contact_count=col(ContactList.contact_count) - 1))
    _tell(session, user_id)


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    return and_(column >= prefix, column < prefix + _LAST)


def _tell(session: Session, user_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
