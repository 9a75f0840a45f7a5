"""Contacts and the lists they are in: stored from an upload, counted, sampled. Searching and editing: ``book``."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addresses, holding, known, members
from core.errors import NotFound, RuleError
from core.models import Contact, ContactList, ListMember, Suppression

if TYPE_CHECKING:
    from core.audience.parse import ParsedUpload  # reads spreadsheets, which a worker never does

_MAX_NAME = 200


@dataclass(frozen=True)
class Stored:
    """What became of an upload: ``added_count`` contacts are new in the list; the rest were in it already.

    ``known_count`` of its people were contacts before, of whom ``updated_count`` got other values.
    """

    list_id: int
    list_name: str
    added_count: int
    known_count: int = 0
    updated_count: int = 0


class _Chunk(NamedTuple):
    added: int
    made: int
    updated: int


@dataclass(frozen=True)
class AudienceCount:
    """``recipients`` different people, of whom ``suppressed`` will get nothing; without those ``left_out``."""

    recipients: int
    suppressed: int
    left_out: int = 0

    @property
    def going(self) -> int:
        """Who gets the mail."""
        return self.recipients - self.suppressed


def store(
    user_id: int,
    parsed: "ParsedUpload",
    list_name: str = "",
    progress: Callable[[int], None] | None = None,
    list_id: int | None = None,
    keep_known: bool = False,
) -> Stored:
    """Keep the valid people of ``parsed`` as contacts of the user, in a new list (or in ``list_id``).

    Opens its own short transactions, and may be run again after a failure: addresses are never doubled, new values
    of merge fields win (of two rows with one address those of the later), empty ones erase nothing; with
    ``keep_known`` who is a contact before keeps their values.
    ``progress`` hears how many rows are done. Raises RuleError where there is nobody to store or the list is gone.
    """
    if not parsed.valid_count:
        raise RuleError("There is no valid address to add.")
    with db.session() as session:
        size = db.chunk_rows(session)
        if list_id is None:
            list_id = create_list(session, user_id, list_name or parsed.name)
        _add_fields(session, user_id, list_id, parsed.fields)
        kept_until = _newest(session, user_id) if keep_known else 0
    people, done, added, made, updated = parsed.people(), 0, 0, 0, 0
    while chunk := list(islice(people, size)):
        with db.session() as session:
            stored = _store_chunk(session, user_id, list_id, chunk, kept_until)
        done, added = done + len(chunk), added + stored.added
        made, updated = made + stored.made, updated + stored.updated
        if progress:
            progress(done)
    were = max(0, parsed.valid_count - made)
    with db.reading() as session:
        name = get_list(session, user_id, list_id).name
    return Stored(list_id, name, added, were, min(were, updated))  # who stands twice in a file may be counted twice


def add_people(
    session: Session, user_id: int, list_id: int, people: list[tuple[str, dict[str, str]]], fields: Sequence[str]
) -> int:
    """Keep some hundred people (address as contacts are kept, merge fields) in a list of the user, in this
    transaction; returns how many are new in it. Raises NotFound."""
    _add_fields(session, user_id, list_id, fields)
    return _store_chunk(session, user_id, list_id, people).added


def create_list(session: Session, user_id: int, name: str) -> int:
    """A new, empty list; a name that is taken gets a number: ``members (2)``. Raises RuleError without a name."""
    base, table = _checked_name(name), ContactList.__table__  # type: ignore[attr-defined]
    taken = set(session.exec(select(ContactList.name).where(col(ContactList.user_id) == user_id)).all())
    row: dict[str, Any] = {"user_id": user_id, "contact_count": 0, "fields": [], "created_at": db.now(session)}
    for candidate in _names(base):
        if candidate in taken or not db.insert_ignore(session, table, [{**row, "name": candidate}]):
            continue
        made = select(ContactList.id).where(col(ContactList.user_id) == user_id, col(ContactList.name) == candidate)
        _tell(session, user_id)
        return session.exec(made).one() or 0
    raise AssertionError("the names never end")


def lists(session: Session, user_id: int) -> list[ContactList]:
    """The user's lists by name."""
    found = select(ContactList).where(col(ContactList.user_id) == user_id).order_by(func.lower(ContactList.name))
    return list(session.exec(found).all())


def get_list(session: Session, user_id: int, list_id: int) -> ContactList:
    """Raises NotFound for a list that is not this user's."""
    found = session.exec(
        select(ContactList).where(col(ContactList.id) == list_id, col(ContactList.user_id) == user_id)
    ).first()
    if found is None:
        raise NotFound.of("list")
    return found


def rename_list(session: Session, user_id: int, list_id: int, name: str) -> None:
    """Raises RuleError where another list has that name, NotFound for a stranger's list."""
    change = update(ContactList).where(col(ContactList.id) == list_id, col(ContactList.user_id) == user_id)
    try:
        done = session.execute(change.values(name=_checked_name(name)))
    except IntegrityError:
        raise RuleError("Another list has this name. Choose a different one.") from None
    if not done.rowcount:  # type: ignore[attr-defined]
        raise NotFound.of("list")
    _tell(session, user_id)


def delete_list(session: Session, user_id: int, list_id: int) -> None:
    """Delete the list; its contacts stay. Raises RuleError while a campaign needs it (``holding``), NotFound."""
    holding.check_free(session, user_id, list_id)
    using = holding.using(session, user_id, list_id)
    gone = session.execute(
        delete(ContactList).where(
            col(ContactList.id) == list_id, col(ContactList.user_id) == user_id, ~exists(using.subquery().select())
        )
    )
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise NotFound.of("list")
    _tell(session, user_id)


def audience_count(
    session: Session, user_id: int, list_ids: Sequence[int], left_out: Sequence[int] = ()
) -> AudienceCount:
    """How many different people these lists hold who are on none ``left_out``; lists of others count as empty."""
    if left_out:
        whole = audience_count(session, user_id, list_ids)
        held = and_(_members(user_id, list_ids), ~on_lists(col(ListMember.contact_id), left_out))
        rest = _counted(session, user_id, held)
        return AudienceCount(rest.recipients, rest.suppressed, whole.recipients - rest.recipients)
    return _counted(session, user_id, _members(user_id, list_ids))


def on_lists(contact_id: Any, list_ids: Sequence[int]) -> ColumnElement[bool]:
    """Whether the contact of that column is on one of these lists; asked only beside the contact's owner."""
    other: Any = aliased(ListMember)
    return exists().where(other.contact_id == contact_id, other.list_id.in_(list_ids))


def _counted(session: Session, user_id: int, members: ColumnElement[bool]) -> AudienceCount:
    people = select(func.count(func.distinct(ListMember.contact_id))).where(members)
    suppressed = (
        select(func.count(func.distinct(Contact.id)))
        .join(Suppression, (col(Suppression.user_id) == user_id) & (col(Suppression.email) == col(Contact.email)))
        .join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        .where(col(Contact.user_id) == user_id, members)
    )
    return AudienceCount(session.exec(people).one(), session.exec(suppressed).one())


def sample(
    session: Session,
    user_id: int,
    list_ids: Sequence[int],
    after_id: int = 0,
    before_id: int | None = None,
    left_out: Sequence[int] = (),
) -> Contact | None:
    """The next person of these lists after contact ``after_id``, or the one before ``before_id``; None at the end.

    ``left_out``: not who is on these.
    """
    owned = select(ContactList.id).where(col(ContactList.user_id) == user_id, col(ContactList.id).in_(list_ids))
    found: list[int] = []
    for list_id in session.exec(owned):  # one step in an index per list; asked for together a million rows are read
        here = select(ListMember.contact_id).where(col(ListMember.list_id) == list_id)
        if left_out:
            here = here.where(~on_lists(col(ListMember.contact_id), left_out))
        if before_id is not None:
            here = here.where(col(ListMember.contact_id) < before_id).order_by(col(ListMember.contact_id).desc())
        else:
            here = here.where(col(ListMember.contact_id) > after_id).order_by(col(ListMember.contact_id))
        found += session.exec(here.limit(1)).all()
    if not found:
        return None
    next_id = min(found) if before_id is None else max(found)
    return session.exec(select(Contact).where(col(Contact.id) == next_id, col(Contact.user_id) == user_id)).first()


def field_names(session: Session, user_id: int, list_ids: Sequence[int] | None = None) -> list[str]:
    """The merge fields that people of these lists (None: of all) were stored with, in the order of the files; ``email``
    apart."""
    found = select(ContactList).where(col(ContactList.user_id) == user_id)
    if list_ids is not None:
        found = found.where(col(ContactList.id).in_(list_ids))
    return list(
        dict.fromkeys(name for each in session.exec(found.order_by(col(ContactList.id))) for name in each.fields)
    )


def _members(user_id: int, list_ids: Sequence[int]) -> ColumnElement[bool]:
    owned = select(ContactList.id).where(col(ContactList.user_id) == user_id, col(ContactList.id).in_(list_ids))
    return col(ListMember.list_id).in_(owned)


def _store_chunk(
    session: Session,
    user_id: int,
    list_id: int,
    chunk: list[tuple[str, dict[str, str]]],
    kept_until: int = 0,
) -> _Chunk:
    """``kept_until``: contacts up to that id keep their values."""
    members.locked(session, user_id, list_id)
    people: dict[str, dict[str, str]] = {}
    for email, fields in chunk:
        people[email] = {**people.get(email, {}), **fields}
    # By address, so that two uploads of one user lock the contacts they share in the same order.
    given = [{"email": e, "domain": addresses.domain_of(e), "fields": people[e]} for e in sorted(people)]
    packed = json.dumps(given)
    values = {"user_id": user_id, "now": db.now(session), "given": packed, "kept": kept_until}
    held = known.held_of(session, user_id, list(people))
    updated = sum(not kept_until and {**each.fields, **people[each.email]} != each.fields for each in held)
    source = db.given_in(db.dialect(session), email="text", domain="text", fields="jsonb")
    merged = db.merged_json(session, "contact.fields", "excluded.fields")
    upsert = text(
        "insert into contact (user_id, email, domain, fields, created_at)"
        f" select :user_id, email, domain, fields, :now from {source}"
        " where true on conflict (user_id, email)"
        f" do update set fields = case when contact.id <= :kept then contact.fields else {merged} end returning id"
    ).bindparams(bindparam("now", type_=db.UtcDateTime))
    added = members.onto(session, list_id, session.connection().execute(upsert, values).scalars())
    _tell(session, user_id)
    return _Chunk(added, len(people) - len(held), updated)


def _newest(session: Session, user_id: int) -> int:
    return session.exec(select(func.max(Contact.id)).where(col(Contact.user_id) == user_id)).one() or 0


def _add_fields(session: Session, user_id: int, list_id: int, names: Sequence[str]) -> None:
    found = get_list(session, user_id, list_id)
    found.fields = list(dict.fromkeys([*found.fields, *names]))


def _checked_name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise RuleError("Give the list a name.")
    if len(clean) > _MAX_NAME:
        raise RuleError(f"The name may have at most {_MAX_NAME} characters.")
    return clean


def _names(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base[: _MAX_NAME - 12]} ({number})"
        number += 1


def _tell(session: Session, user_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
