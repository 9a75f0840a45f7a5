"""Contacts and suppressed addresses as a CSV that no spreadsheet takes for formulas; domains with their letters."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlmodel import col, select

from core import db
from core.audience import addresses, columns, contacts, selection, suppression
from core.audience.selection import Selection
from core.models import Contact, Suppression

_CHUNK = 5_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """``text`` that no spreadsheet takes for a formula: a leading quote before ``= + - @`` TAB CR."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def contacts_csv(user_id: int, list_id: int | None = None, search: str = "") -> Iterator[str]:
    """The user's contacts, or those of one list, that ``search`` finds: email, every merge field that one of them has,
    added_at (ISO, UTC).

    A merge field that is called added_at itself stands there instead. In chunks, header first. Raises NotFound (on the
    call) for a list of somebody else. Reads them all once before.
    """
    if list_id is not None:
        with db.reading() as session:
            contacts.get_list(session, user_id, list_id)
    return _contacts(user_id, Selection(search, list_id))


def suppressed_csv(user_id: int, search: str = "", reason: str = "") -> Iterator[str]:
    """Whom ``search`` finds of the suppression list (of ``reason``, if any), the oldest first: email, reason, detail,
    since (UTC), source."""
    yield _lines([("email", "reason", "detail", "since", "source")])
    last = 0
    while rows := _suppressed(user_id, search, reason, last):
        last = rows[-1].id or 0
        yield _lines(
            (addresses.shown(each.email), each.reason, each.detail, _time(each.created_at), each.source)
            for each in rows
        )


def _contacts(user_id: int, chosen: Selection) -> Iterator[str]:
    with db.reading() as session:  # in the order of the files; a database may keep a contact's fields in another
        lists = [each.id for each in contacts.lists(session, user_id) if each.id is not None]
        order = contacts.field_names(session, user_id, lists if chosen.list_id is None else [chosen.list_id])
    used: set[str] = set()
    for rows in _chunks(user_id, chosen):
        used.update(name for each in rows for name in each.fields)
    names = [*(name for name in order if name in used), *sorted(used.difference(order))]
    is_taken = columns.ADDED_AT in names
    yield _lines([("email", *names, *([] if is_taken else [columns.ADDED_AT]))])
    for rows in _chunks(user_id, chosen):
        values = (
            (
                addresses.shown(each.email),
                *(str(each.fields.get(name, "")) for name in names),
                *(() if is_taken else (_time(each.created_at),)),
            )
            for each in rows
        )
        yield _lines(values)


def _chunks(user_id: int, chosen: Selection) -> Iterator[Sequence[Any]]:
    wanted = select(Contact.id, Contact.email, Contact.fields, Contact.created_at).order_by(col(Contact.id))
    for ids in selection.walk(user_id, chosen):
        with db.reading() as session:  # a short transaction each, however slow the reader is
            own = db.unindexed(session, Contact.user_id) == user_id  # each is looked up by its id
            yield session.exec(wanted.where(own, col(Contact.id).in_(ids))).all()


def _suppressed(user_id: int, search: str, reason: str, after_id: int) -> Sequence[Suppression]:
    wanted = select(Suppression).where(col(Suppression.user_id) == user_id, col(Suppression.id) > after_id)
    with db.reading() as session:
        wanted = wanted.where(*suppression.found(session, user_id, search, reason))
        return session.exec(wanted.order_by(col(Suppression.id)).limit(_CHUNK)).all()


def _time(moment: Any) -> str:
    return str(moment.isoformat(timespec="seconds"))


def _lines(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue()
