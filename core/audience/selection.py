"""A selection of contacts, however many they are: put on a list, or taken off the one that they are chosen from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists
from sqlmodel import Session, col, select

from core import db
from core.audience import book, matches, members
from core.models import Contact, ContactList, ListMember

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Selection:
    """Whom ``search`` finds (everybody, where it is empty) of a user's contacts, or of those on one list."""

    search: str = ""
    list_id: int | None = None


def count(session: Session, user_id: int, chosen: Selection) -> int:
    """How many they are."""
    return book.count(session, user_id, chosen.search, chosen.list_id)


def put(user_id: int, chosen: Selection, list_id: int, progress: Progress = lambda done: None) -> int:
    """Put them on a list of the user; returns how many are new on it. ``progress`` hears how many are done.

    Opens its own short transactions, and may be run again. Raises NotFound.
    """
    return _in_chunks(user_id, chosen, progress, lambda session, ids: members.put(session, user_id, list_id, ids))


def take_off(user_id: int, search: str, list_id: int, progress: Progress = lambda done: None) -> int:
    """Take whom ``search`` finds on a list of the user off it; returns how many. The rest as in ``put``."""
    chosen = Selection(search, list_id)
    return _in_chunks(user_id, chosen, progress, lambda session, ids: members.take_off(session, user_id, list_id, ids))


def walk(user_id: int, chosen: Selection) -> Iterator[list[int]]:
    """Their ids in ascending order, in chunks that one transaction can write; a short transaction for each."""
    last, found = 0, list[int]()
    while True:
        with db.reading() as session:
            size = db.chunk_rows(session)
            ahead = _ahead(session, user_id, chosen, last, size)
            found += _hits(session, user_id, chosen.search, ahead)
        if len(found) >= size or (found and not ahead):
            yield found[:size]
            found = found[size:]
        if ahead:
            last = ahead[-1]
        elif not found:
            return


def _in_chunks(user_id: int, chosen: Selection, progress: Progress, change: Callable[[Session, list[int]], int]) -> int:
    done = changed = 0
    for ids in walk(user_id, chosen):
        with db.session() as session:
            changed += change(session, ids)
        done += len(ids)
        progress(done)
    return changed


def _ahead(session: Session, user_id: int, chosen: Selection, after_id: int, limit: int) -> list[int]:
    """The next ones to look at: a database that looked for hits by their order could read all the rest for them."""
    number: Any = col(Contact.id)
    if chosen.list_id is None:
        wanted = select(number).where(db.unindexed(session, Contact.user_id) == user_id)
    else:
        number = col(ListMember.contact_id)
        mine = exists().where(col(ContactList.id) == chosen.list_id, col(ContactList.user_id) == user_id)
        wanted = select(number).where(col(ListMember.list_id) == chosen.list_id, mine)
    ahead = session.exec(wanted.where(number > after_id).order_by(number).limit(limit))
    return list(ahead)


def _hits(session: Session, user_id: int, search: str, ids: list[int]) -> list[int]:
    own = db.unindexed(session, Contact.user_id) == user_id  # each is looked up by its id
    wanted = select(Contact.id).where(own, col(Contact.id).in_(ids), matches.found(session, user_id, search))
    return [each for each in session.exec(wanted.order_by(col(Contact.id))) if each is not None]
