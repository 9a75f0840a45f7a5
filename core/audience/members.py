"""Who is on a list: contacts put on it and taken off, some hundred at a time."""

import json
from collections.abc import Collection, Iterable

from sqlalchemy import delete, text, update
from sqlmodel import Session, col, select

from core import db, live
from core.errors import NotFound
from core.models import Contact, ContactList, ListMember


def put(session: Session, user_id: int, list_id: int, contact_ids: Collection[int]) -> int:
    """Put some hundred contacts of the user on a list of theirs, in this transaction; returns how many are new on it.

    Their merge fields become the list's. Who is no contact of the user is passed over. Raises NotFound.
    """
    here = locked(session, user_id, list_id)
    own = db.unindexed(session, Contact.user_id) == user_id  # each is looked up by its id
    mine = select(Contact.id, Contact.fields).where(own, col(Contact.id).in_(contact_ids))
    mine = mine.with_for_update(read=True, key_share=True)  # nobody deletes one of them meanwhile
    found = {contact_id: fields for contact_id, fields in session.exec(mine) if contact_id is not None}
    names = dict.fromkeys([*here.fields, *(name for fields in found.values() for name in fields)])
    if len(names) > len(here.fields):
        here.fields = list(names)
    added = onto(session, list_id, found)
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return added


def take_off(session: Session, user_id: int, list_id: int, contact_ids: Collection[int]) -> int:
    """Take some hundred contacts off a list of the user, in this transaction; returns how many were on it.

    They stay in the address book. Raises NotFound.
    """
    locked(session, user_id, list_id)
    on = (col(ListMember.list_id) == list_id, col(ListMember.contact_id).in_(contact_ids))
    gone: int = session.connection().execute(delete(ListMember).where(*on)).rowcount
    _grow(session, list_id, -gone)
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return gone


def locked(session: Session, user_id: int, list_id: int) -> ContactList:
    """The list of the user, which nobody else changes until the end of this transaction. Raises NotFound."""
    mine = select(ContactList).where(col(ContactList.id) == list_id, col(ContactList.user_id) == user_id)
    found = session.exec(mine.with_for_update()).first()
    if found is None:
        raise NotFound("The list was deleted meanwhile.")
    return found


def onto(session: Session, list_id: int, contact_ids: Iterable[int]) -> int:
    """Contacts onto a list, both of one user; returns how many are new on it."""
    given = db.given_in(db.dialect(session), id="bigint")
    member = text(
        f"insert into list_member (list_id, contact_id) select :list_id, id from {given}"
        " where true on conflict do nothing"
    )
    given = json.dumps([{"id": each} for each in contact_ids])
    added = session.connection().execute(member, {"list_id": list_id, "given": given}).rowcount
    _grow(session, list_id, added)
    return added


def _grow(session: Session, list_id: int, by: int) -> None:
    grown = update(ContactList).where(col(ContactList.id) == list_id)
    session.execute(grown.values(contact_count=col(ContactList.contact_count) + by))
