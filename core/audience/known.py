"""Who of an upload is a contact already, before anything of it is stored."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import column, func, text
from sqlmodel import Session, col, select

from core import db
from core.models import Contact, ContactList, ListMember

if TYPE_CHECKING:
    from core.audience.parse import ParsedUpload  # reads spreadsheets, which a worker never does

_CHUNK = 5_000
_MOST = 200_000  # people; to compare more takes longer than anybody waits to be told


@dataclass
class Known:
    """``people`` of an upload are contacts, of whom ``changed`` would get other values by its columns as they are named
    at first; ``in_lists``: list id -> how many of them are in that list."""

    people: int = 0
    changed: int = 0
    in_lists: dict[int, int] = field(default_factory=dict)

    def __add__(self, others: "Known") -> "Known":
        """Of two uploads that have nobody in common."""
        lists = {*self.in_lists, *others.in_lists}
        in_lists = {each: self.in_lists.get(each, 0) + others.in_lists.get(each, 0) for each in lists}
        return Known(self.people + others.people, self.changed + others.changed, in_lists)


class Held(NamedTuple):
    id: int
    email: str
    fields: dict[str, str]


def among(
    session: Session, user_id: int, parsed: "ParsedUpload", progress: Callable[[int], None] = lambda done: None
) -> Known:
    """Goes through the whole upload, where the user has any contact; ``progress`` hears of how many people.

    Of an upload of more than 200,000, or of a part of one, nobody is told.
    """
    known = Known()
    any_contact = select(Contact.id).where(col(Contact.user_id) == user_id).limit(1)
    if parsed.whole_count > _MOST or session.exec(any_contact).first() is None:
        return known
    seen, done = set[int](), 0
    for people in _chunks(parsed):
        done += len(people)
        progress(done)
        held = [each for each in held_of(session, user_id, list(people)) if each.id not in seen]
        if parsed.duplicate_count:  # else nobody comes twice
            seen.update(each.id for each in held)
        known.people += len(held)
        known.changed += sum({**each.fields, **people[each.email]} != each.fields for each in held)
        for list_id, count in _in_lists(session, user_id, [each.id for each in held]):
            known.in_lists[list_id] = known.in_lists.get(list_id, 0) + count
    return known


def held_of(session: Session, user_id: int, emails: list[str]) -> list[Held]:
    """The contacts that have these addresses (as contacts are kept)."""
    source = db.given_in(db.dialect(session), email="text")
    # Each by its key. Of a join SQLite, and PostgreSQL without statistics, would go through all contacts of the user.
    key = "contact.user_id = :user_id and contact.email = given.email"
    found = text(
        f"select (select id from contact where {key}), given.email, (select fields from contact where {key})"
        f" from {source}"
    ).columns(column("id"), column("email", db.EmailText), column("fields", db.Json))
    given = json.dumps([{"email": email} for email in emails])
    rows = session.connection().execute(found, {"user_id": user_id, "given": given})
    return [Held(*row) for row in rows if row[0] is not None]


def _in_lists(session: Session, user_id: int, ids: list[int]) -> Any:
    counted = select(ListMember.list_id, func.count()).join(ContactList, col(ContactList.id) == col(ListMember.list_id))
    wanted = counted.where(col(ContactList.user_id) == user_id, col(ListMember.contact_id).in_(ids))
    return session.execute(wanted.group_by(col(ListMember.list_id)))


def _chunks(parsed: "ParsedUpload") -> Iterator[dict[str, dict[str, str]]]:
    """Address -> merge fields; of two rows with one address the later wins, as where they are stored."""
    rows = parsed.people()
    while chunk := list(islice(rows, _CHUNK)):
        people: dict[str, dict[str, str]] = {}
        for email, fields in chunk:
            people[email] = {**people.get(email, {}), **fields}
        yield people
