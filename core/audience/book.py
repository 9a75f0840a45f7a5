"""The address book: contacts in pages, searched (``matches``), edited, deleted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import delete, func, or_, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addresses, columns, matches, suppression
from core.audience import search as looking
from core.errors import NotFound, RuleError
from core.models import Contact, ContactList, ListMember

_contact: Any = Contact.__table__  # type: ignore[attr-defined]
_member: Any = ListMember.__table__  # type: ignore[attr-defined]


class After(NamedTuple):
    """Where a page ended: its last contact."""

    email: str
    id: int


@dataclass(frozen=True)
class Page:
    """``more``: there are contacts after the last row; pass that row's After to get them.

    ``total``: how many there are in all, or ``over`` that number; None where they were not counted for this page.
    ``suppressed``: the addresses of rows that no campaign mails.
    """

    rows: list[Contact]
    more: bool
    total: int | None = None
    over: bool = False
    suppressed: frozenset[str] = frozenset()


class Added(NamedTuple):
    """``is_new``: else they were a contact before."""

    contact_id: int
    is_new: bool


@dataclass(frozen=True)
class Deleted:
    """A contact that was deleted, and the lists it was in."""

    values: dict[str, Any]
    list_ids: list[int | None]


def page(
    session: Session,
    user_id: int,
    *,
    search: str = "",
    list_id: int | None = None,
    after: After | None = None,
    skip: int = 0,
    limit: int = 25,
) -> Page:
    """Contacts after ``after``, by address (in a list without a search: as they were stored).

    As quick at a million, but for a search that is not one word with an @: that looks at each contact and takes up to
    about a second.

    ``skip`` leaves out that many rows, for a page that is asked for by its number: the database walks over them.
    """
    words = matches.words(session, user_id, search)
    by_index = looking.is_indexed(words)
    walks = bool(words) and not by_index
    few = matches.few(session, user_id, search, None if list_id is None else [list_id]) if walks else None
    if few is None:
        found = _among(session, select(Contact), user_id, search, list_id)
    else:
        found = select(Contact).where(col(Contact.user_id) == user_id, col(Contact.id).in_(few))
    if by_index and words[0].text.startswith("@"):
        order: list[Any] = [col(Contact.domain), col(Contact.email)]
        key: tuple[Any, ...] = (addresses.domain_of(after.email), after.email) if after else ()
    elif words or list_id is None:
        order, key = [col(Contact.email)], (after.email,) if after else ()
    else:
        order, key = [col(ListMember.contact_id)], (after.id,) if after else ()
    if key:
        found = found.where(tuple_(*order) > tuple_(*key))
    rows = list(session.exec(found.order_by(*order).limit(limit + 1).offset(skip)).all())
    total = matches.MOST_COUNTED if few is None else len(few)
    left_out = suppression.among(session, user_id, [each.email for each in rows])
    return Page(rows[:limit], len(rows) > limit, total if walks else None, walks and few is None, frozenset(left_out))


def count(session: Session, user_id: int, search: str = "", list_id: int | None = None) -> int:
    """How many contacts the user has; of those in the list, that ``search`` finds."""
    if list_id is not None and not matches.words(session, user_id, search):  # kept with the list: nothing to count
        kept = select(ContactList.contact_count).where(col(ContactList.id) == list_id)
        return session.exec(kept.where(col(ContactList.user_id) == user_id)).first() or 0
    counted = select(func.count()).select_from(Contact)
    count: int = session.exec(_among(session, counted, user_id, search, list_id)).one()
    return count


def _among(session: Session, found: Any, user_id: int, search: str = "", list_id: int | None = None) -> Any:
    """``found``, a query of contacts, of those in the list that ``search`` finds."""
    found = found.where(col(Contact.user_id) == user_id)
    if list_id is not None:
        # The contact's owner is asked for above, and nobody's contact is in a stranger's list.
        found = found.join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        found = found.where(col(ListMember.list_id) == list_id)
    return found.where(matches.found(session, user_id, search))


def get(session: Session, user_id: int, contact_id: int) -> Contact:
    """Raises NotFound for a contact that is not this user's."""
    found = session.exec(select(Contact).where(col(Contact.id) == contact_id, col(Contact.user_id) == user_id)).first()
    if found is None:
        raise NotFound.of("contact")
    return found


def lists_of(session: Session, user_id: int, contact_id: int) -> set[int]:
    """The ids of the user's lists that the contact is on."""
    found = select(ListMember.list_id).join(ContactList, col(ContactList.id) == col(ListMember.list_id))
    return set(session.exec(found.where(col(ContactList.user_id) == user_id, ListMember.contact_id == contact_id)))


def add(session: Session, user_id: int, email: str, fields: Mapping[str, str], list_ids: Collection[int] = ()) -> Added:
    """Keep a contact who is new, on these lists; one that has the address stays as it is. Raises RuleError for what is
    no address and values that are too long, NotFound for a list that is not the user's."""
    address, kept = addresses.one(email), columns.checked_values(fields)
    lists = _locked(session, user_id, wanted=list_ids)
    row = {"email": address, "domain": addresses.domain_of(address), "fields": kept, "created_at": db.now(session)}
    is_new = bool(db.insert_ignore(session, _contact, [{**row, "user_id": user_id}]))
    here = select(Contact.id).where(col(Contact.user_id) == user_id, col(Contact.email) == address)
    contact_id = session.exec(here).one() or 0
    if is_new:
        _move(session, contact_id, lists, list_ids)
        _add_fields(lists, kept)
        _tell(session, user_id)
    return Added(contact_id, is_new)


def save(
    session: Session,
    user_id: int,
    contact_id: int,
    email: str,
    fields: Mapping[str, str],
    join: Collection[int] = (),
    leave: Collection[int] = (),
) -> None:
    """Change the address and all merge fields (empty values are dropped), put them on the lists ``join`` and take them
    off ``leave``. Raises RuleError, NotFound.

    A field that is new becomes one of the lists the contact is in.
    """
    address, kept = addresses.one(email), columns.checked_values(fields)
    lists = _locked(session, user_id, contact_id, join)
    change = update(Contact).where(col(Contact.id) == contact_id, col(Contact.user_id) == user_id)
    try:
        done = session.execute(change.values(email=address, domain=addresses.domain_of(address), fields=kept))
    except IntegrityError:
        raise RuleError("Another contact has this address.") from None
    if not done.rowcount:  # type: ignore[attr-defined]
        raise NotFound.of("contact")
    _move(session, contact_id, lists, join, leave)
    _add_fields([each for each in lists if each.id not in leave], kept)
    _tell(session, user_id)


def delete_contact(session: Session, user_id: int, contact_id: int) -> Deleted:
    """Delete the contact from the book and from all lists; returns what ``put_back`` needs. Raises NotFound."""
    list_ids = [each.id for each in _locked(session, user_id, contact_id)]
    own = (_contact.c.id == contact_id, _contact.c.user_id == user_id)
    gone = session.execute(delete(_contact).where(*own).returning(_contact)).mappings().first()
    if gone is None:
        raise NotFound.of("contact")
    fewer = update(ContactList).where(col(ContactList.id).in_(list_ids))
    session.execute(fewer.values(contact_count=col(ContactList.contact_count) - 1))
    _tell(session, user_id)
    return Deleted({name: gone[name] for name in ("email", "domain", "fields", "created_at")}, list_ids)


def put_back(session: Session, user_id: int, deleted: Deleted) -> None:
    """A deleted contact into the book again and into those of its lists that are there. Raises RuleError."""
    own = (col(ContactList.id).in_(deleted.list_ids), col(ContactList.user_id) == user_id)
    list_ids = session.exec(select(ContactList.id).where(*own).order_by(col(ContactList.id)).with_for_update()).all()
    if not db.insert_ignore(session, _contact, [{**deleted.values, "user_id": user_id}]):
        raise RuleError("Another contact has this address by now.")
    email = (col(Contact.user_id) == user_id, col(Contact.email) == deleted.values["email"])
    contact_id = session.exec(select(Contact.id).where(*email)).one()
    session.add_all(ListMember(list_id=list_id or 0, contact_id=contact_id or 0) for list_id in list_ids)
    more = update(ContactList).where(col(ContactList.id).in_(list_ids))
    session.execute(more.values(contact_count=col(ContactList.contact_count) + 1))
    _tell(session, user_id)


def _locked(session: Session, user_id: int, contact_id: int = 0, wanted: Collection[int] = ()) -> list[ContactList]:
    """The user's lists that the contact is in, and those that are ``wanted``. Lists first, then the contact: the order
    in which an upload locks them. Raises NotFound where one that is wanted is not the user's."""
    held = select(ListMember.list_id).where(col(ListMember.contact_id) == contact_id)
    mine = (col(ContactList.user_id) == user_id, or_(col(ContactList.id).in_(wanted), col(ContactList.id).in_(held)))
    lists = list(session.exec(select(ContactList).where(*mine).order_by(col(ContactList.id)).with_for_update()))
    if set(wanted) - {each.id for each in lists}:
        raise NotFound.of("list")
    return lists


def _move(
    session: Session, contact_id: int, lists: list[ContactList], join: Collection[int], leave: Collection[int] = ()
) -> None:
    """Onto some of these lists, which are locked, and off others."""
    for each in lists:
        member = {"list_id": each.id, "contact_id": contact_id}
        if each.id in join:
            each.contact_count += db.insert_ignore(session, _member, [member])
        elif each.id in leave:
            gone = session.execute(delete(_member).filter_by(**member))
            each.contact_count -= gone.rowcount  # type: ignore[attr-defined]


def _add_fields(lists: list[ContactList], names: Collection[str]) -> None:
    for each in lists:
        if new := [name for name in names if name not in each.fields]:
            each.fields = [*each.fields, *new]


def _tell(session: Session, user_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
