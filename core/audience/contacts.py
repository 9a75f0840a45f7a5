"""Contacts and the lists they are in: stored from an upload, counted, sampled. Searching and editing: ``book``."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, text, update
from sqlalchemy import select as sql_select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addresses
from core.audience.parse import ParsedUpload
from core.errors import NotFound, RuleError
from core.models import Campaign, CampaignList, CampaignStatus, Contact, ContactList, ListMember, Suppression

_MAX_NAME = 200
_HOLDING = (CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)


@dataclass(frozen=True)
class Stored:
    """What became of an upload: ``added_count`` contacts are new in the list; the rest were in it already."""

    list_id: int
    list_name: str
    added_count: int


@dataclass(frozen=True)
class AudienceCount:
    """``recipients`` different people, of whom ``suppressed`` will get nothing."""

    recipients: int
    suppressed: int


def store(
    user_id: int,
    parsed: ParsedUpload,
    list_name: str = "",
    progress: Callable[[int], None] | None = None,
    list_id: int | None = None,
) -> Stored:
    """Keep the valid people of ``parsed`` as contacts of the user, in a new list (or in ``list_id``).

    Opens its own short transactions, and may be run again after a failure: addresses are never doubled, new values
    of merge fields win, empty ones erase nothing. ``progress`` hears how many rows are done. Raises RuleError where
    there is nobody to store or the list is gone.
    """
    if not parsed.valid_count:
        raise RuleError("There is no valid address to add.")
    with db.session() as session:
        size = db.chunk_rows(session)
        if list_id is None:
            list_id = create_list(session, user_id, list_name or parsed.name)
        _add_fields(session, user_id, list_id, parsed.fields)
    people, done, added = parsed.people(), 0, 0
    while chunk := list(islice(people, size)):
        with db.session() as session:
            added += _store_chunk(session, user_id, list_id, chunk)
        done += len(chunk)
        if progress:
            progress(done)
    with db.reading() as session:
        return Stored(list_id, get_list(session, user_id, list_id).name, added)


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
        raise NotFound("There is no such list.")
    return found


def rename_list(session: Session, user_id: int, list_id: int, name: str) -> None:
    """Raises RuleError where another list has that name, NotFound for a stranger's list."""
    change = update(ContactList).where(col(ContactList.id) == list_id, col(ContactList.user_id) == user_id)
    try:
        done = session.execute(change.values(name=_checked_name(name)))
    except IntegrityError:
        raise RuleError("Another list has this name. Choose a different one.") from None
    if not done.rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such list.")
    _tell(session, user_id)


def delete_list(session: Session, user_id: int, list_id: int) -> None:
    """Delete the list; its contacts stay. Raises RuleError while a campaign that is not over uses it."""
    using = (
        select(Campaign)
        .join(CampaignList, col(CampaignList.campaign_id) == col(Campaign.id))
        .where(
            col(CampaignList.list_id) == list_id, col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None)
        )
        .where(col(Campaign.status).in_(_HOLDING))
        .limit(1)
    )
    held = session.exec(using).first()
    if held is not None:
        name = held.name or "Untitled"
        raise RuleError(f"The campaign “{name}” is {held.status} and uses this list. Cancel or finish it first.")
    gone = session.execute(
        delete(ContactList).where(
            col(ContactList.id) == list_id, col(ContactList.user_id) == user_id, ~exists(using.subquery().select())
        )
    )
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such list.")
    _tell(session, user_id)


def audience_count(session: Session, user_id: int, list_ids: Sequence[int]) -> AudienceCount:
    """How many different people these lists hold; lists of others count as empty."""
    members = _members(user_id, list_ids)
    people = select(func.count(func.distinct(ListMember.contact_id))).where(members)
    suppressed = (
        select(func.count(func.distinct(Contact.id)))
        .join(Suppression, (col(Suppression.user_id) == user_id) & (col(Suppression.email) == col(Contact.email)))
        .join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        .where(col(Contact.user_id) == user_id, members)
    )
    return AudienceCount(session.exec(people).one(), session.exec(suppressed).one())


def sample(
    session: Session, user_id: int, list_ids: Sequence[int], after_id: int = 0, before_id: int | None = None
) -> Contact | None:
    """The next person of these lists after contact ``after_id``, or the one before ``before_id``; None at the end."""
    owned = select(ContactList.id).where(col(ContactList.user_id) == user_id, col(ContactList.id).in_(list_ids))
    found: list[int] = []
    for list_id in session.exec(owned):  # one step in an index per list; asked for together a million rows are read
        here = select(ListMember.contact_id).where(col(ListMember.list_id) == list_id)
        if before_id is not None:
            here = here.where(col(ListMember.contact_id) < before_id).order_by(col(ListMember.contact_id).desc())
        else:
            here = here.where(col(ListMember.contact_id) > after_id).order_by(col(ListMember.contact_id))
        found += session.exec(here.limit(1)).all()
    if not found:
        return None
    next_id = min(found) if before_id is None else max(found)
    return session.exec(select(Contact).where(col(Contact.id) == next_id, col(Contact.user_id) == user_id)).first()


def field_names(session: Session, user_id: int, list_ids: Sequence[int]) -> list[str]:
    """The merge fields that people of these lists were stored with, in the order of the files; ``email`` apart."""
    found = select(ContactList).where(col(ContactList.user_id) == user_id, col(ContactList.id).in_(list_ids))
    return list(
        dict.fromkeys(name for each in session.exec(found.order_by(col(ContactList.id))) for name in each.fields)
    )


def empty_counts(session: Session, user_id: int, list_ids: Sequence[int], names: Sequence[str]) -> dict[str, int]:
    """For each merge field of ``names``: how many people of these lists have nothing in it."""
    if not names:
        return {}
    filled = [func.count(func.nullif(col(Contact.fields)[name].as_string(), "")) for name in names]
    counted = sql_select(func.count(), *filled).select_from(Contact)
    row = session.execute(counted.where(col(Contact.user_id) == user_id, _in_lists(list_ids))).one()
    return {name: row[0] - count for name, count in zip(names, row[1:], strict=True)}


def _members(user_id: int, list_ids: Sequence[int]) -> ColumnElement[bool]:
    owned = select(ContactList.id).where(col(ContactList.user_id) == user_id, col(ContactList.id).in_(list_ids))
    return col(ListMember.list_id).in_(owned)


def _in_lists(list_ids: Sequence[int]) -> ColumnElement[bool]:
    # Used with the contact's owner beside it, and nobody's contact is in a stranger's list.
    return exists().where(col(ListMember.contact_id) == col(Contact.id), col(ListMember.list_id).in_(list_ids))


def _store_chunk(session: Session, user_id: int, list_id: int, chunk: list[tuple[str, dict[str, str]]]) -> int:
    """Returns how many contacts came into the list."""
    held = select(ContactList.id).where(col(ContactList.id) == list_id, col(ContactList.user_id) == user_id)
    if session.exec(held.with_for_update()).first() is None:
        raise NotFound("The list was deleted while contacts were being added.")
    people: dict[str, dict[str, str]] = {}
    for email, fields in chunk:
        people[email] = {**people.get(email, {}), **fields}
    # By address, so that two uploads of one user lock the contacts they share in the same order.
    given = [{"email": e, "domain": addresses.domain_of(e), "fields": people[e]} for e in sorted(people)]
    source = db.given(session, email="text", domain="text", fields="jsonb")
    upsert = text(
        "insert into contact (user_id, email, domain, fields, created_at)"
        f" select :user_id, email, domain, fields, :now from {source}"
        " where true on conflict (user_id, email)"
        f" do update set fields = {db.merged_json(session, 'contact.fields', 'excluded.fields')} returning id"
    ).bindparams(bindparam("now", type_=db.UtcDateTime))
    values = {"user_id": user_id, "now": db.now(session), "given": json.dumps(given)}
    ids = [{"id": id} for (id,) in session.connection().execute(upsert, values)]
    member = text(
        f"insert into list_member (list_id, contact_id) select :list_id, id from {db.given(session, id='bigint')}"
        " where true on conflict do nothing"
    )
    added = session.connection().execute(member, {"list_id": list_id, "given": json.dumps(ids)}).rowcount
    grown = update(ContactList).where(col(ContactList.id) == list_id)
    session.execute(grown.values(contact_count=col(ContactList.contact_count) + added))
    _tell(session, user_id)
    return added


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
