"""The recipient ledger, a page at a time. Keyset pages on an index: the last of a million rows costs as the first."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, tuple_
from sqlmodel import Session, select

from core.audience import search as looking
from core.delivery import replies
from core.models import Attempt, Message, MessageState
from core.stats.counts import summary
from core.tracking import bounces

_message: Any = Message.__table__  # type: ignore[attr-defined]
_PENDING = (MessageState.pending, MessageState.claimed, MessageState.sending)
_COLUMNS = (
    "id email domain state attempts retry_at sent_at opened_at clicked_at bounced_at complained_at unsubscribed_at "
    "reply reply_code kind rule_id"
).split()
_BY_EMAIL, _BY_DOMAIN = ("email",), ("domain", "id")
_FEW = 20_000
MOST_COUNTED = 1_000  # matches of a search; above that "more than 1,000" is as good and costs nothing


@dataclass(frozen=True)
class LedgerRow:
    """``reason``: why it failed or waits, in plain words; ``reply``: the server's own."""

    id: int
    email: str
    state: str
    attempts: int
    retry_at: datetime
    sent_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    bounced_at: datetime | None
    complained_at: datetime | None
    unsubscribed_at: datetime | None
    reply: str
    reply_code: int | None
    reason: str


@dataclass(frozen=True)
class LedgerPage:
    """``next`` and ``previous`` are cursors to give back to ``ledger``; None at the ends.

    ``total``: rows that match; with a search at most MOST_COUNTED, and ``is_more`` where there are more.
    """

    rows: list[LedgerRow]
    total: int
    is_more: bool
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class _Keys:
    """The columns that order the rows, and the conditions that choose them."""

    names: tuple[str, ...]
    columns: tuple[Any, ...]
    conditions: list[ColumnElement[bool]]


def ledger(
    session: Session,
    user_id: int,
    campaign_id: int,
    *,
    state: str = "",
    search: str = "",
    cursor: str = "",
    limit: int = 50,
) -> LedgerPage:
    """One page of a campaign's messages. Raises NotFound for a stranger's campaign.

    ``state``: a MessageState ("pending" takes in claimed and sending), "" for all. ``search``: the beginning of an
    address or, after those, of a domain; of a domain only with an ``@`` before it. ``cursor``: of another page, "" for
    the first, "<" for the last.
    """
    counts = summary(session, user_id, campaign_id).counts
    states = _states(state)
    # In a small state every row is looked at, by the index of states: by that of addresses it would be all rows.
    few = bool(state) and counts.in_state(state) <= _FEW
    term = looking.term(_clean(search))
    parts = _parts(campaign_id, term, few)
    backward, key = cursor.startswith("<"), _key(cursor, parts)
    rows = _walk(session, parts, states, backward, key, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if backward:
        rows.reverse()
    total, is_more = counts.in_state(state), False
    if term:
        total, is_more = _count(session, parts, states)
    first, last = (_cursor(term, rows[0]), _cursor(term, rows[-1])) if rows else ("", "")
    has_next = (bool(key) and bool(rows)) if backward else more
    has_previous = more if backward else bool(key)
    return LedgerPage(
        rows=_rows(session, rows),
        total=total,
        is_more=is_more,
        next=">" + last if has_next else None,
        previous="<" + first if has_previous and rows else None,
    )


def _parts(campaign_id: int, term: str, few: bool) -> list[_Keys]:
    """What is walked through, one after the other, each in the order of an index: (campaign_id, id), (campaign_id,
    email), (campaign_id, domain, id)."""
    own = _message.c.campaign_id == campaign_id
    if not term:
        return [_Keys(("id",), (_message.c.id,), [own])]
    number, email, domain = _message.c.id, _message.c.email, _message.c.domain
    if few:  # in words that no index serves, so that the one of states is taken
        number, email, domain = func.coalesce(number, 0), func.coalesce(email, ""), func.coalesce(domain, "")
    begins = looking.begins(email, term)
    by_email = _Keys(_BY_EMAIL, (email,), [own, begins])
    if "@" in term[1:]:
        return [by_email]
    at_domain = looking.begins(domain, looking.as_domain(term) or term.removeprefix("@"))
    if term.startswith("@"):
        return [_Keys(_BY_DOMAIN, (domain, number), [own, at_domain])]
    return [by_email, _Keys(_BY_DOMAIN, (domain, number), [own, at_domain, ~begins])]


def _states(state: str) -> tuple[str, ...]:
    if state == MessageState.pending:
        return _PENDING
    return (MessageState(state),) if state else ()


def _walk(
    session: Session, parts: list[_Keys], states: tuple[str, ...], backward: bool, key: tuple[Any, ...], limit: int
) -> list[Any]:
    """``limit`` rows after (or, backward, before) ``key``, nearest first, through its part and those that follow."""
    at = next((number for number, part in enumerate(parts) if len(part.names) == len(key)), -1 if backward else 0)
    rows = _fetch(session, parts[at], states, backward, key, limit)
    for part in reversed(parts[:at]) if backward else parts[at + 1 :]:
        rows += _fetch(session, part, states, backward, (), limit - len(rows)) if len(rows) < limit else []
    return rows


def _fetch(
    session: Session, keys: _Keys, states: tuple[str, ...], backward: bool, key: tuple[Any, ...], limit: int
) -> list[Any]:
    """``limit`` rows after (or, backward, before) ``key``, nearest first."""
    if keys.names == ("id",) and len(states) > 1:
        # One index range per state, merged here: "state in (…) order by id" would sort every match.
        parts = [row for state in states for row in _fetch(session, keys, (state,), backward, key, limit)]
        return sorted(parts, key=lambda row: row.id, reverse=backward)[:limit]
    conditions = list(keys.conditions)
    if states:
        conditions.append(_message.c.state.in_(states) if len(states) > 1 else _message.c.state == states[0])
    if key:
        place: Any = tuple_(*keys.columns)
        conditions.append(place < tuple_(*key) if backward else place > tuple_(*key))
    order = [column.desc() if backward else column for column in keys.columns]
    columns = [_message.c[name] for name in _COLUMNS]
    return list(session.execute(select(*columns).where(*conditions).order_by(*order).limit(limit)))


def _count(session: Session, parts: list[_Keys], states: tuple[str, ...]) -> tuple[int, bool]:
    found = sum(_counted(session, part, states) for part in parts)
    return min(found, MOST_COUNTED), found > MOST_COUNTED


def _counted(session: Session, part: _Keys, states: tuple[str, ...]) -> int:
    conditions = [*part.conditions, *([_message.c.state.in_(states)] if states else [])]
    some = select(_message.c.id).where(*conditions).limit(MOST_COUNTED + 1).subquery()
    return int(session.execute(select(func.count()).select_from(some)).scalar_one())


def _clean(search: str) -> str:
    return "".join(char for char in search.strip().lower() if char.isprintable())[:320]


def _cursor(term: str, row: Any) -> str:
    """What of the row tells its place in its part."""
    names = ("id",) if not term else _BY_EMAIL if row.email.startswith(term) else _BY_DOMAIN
    return json.dumps([getattr(row, name) for name in names])


def _key(cursor: str, parts: list[_Keys]) -> tuple[Any, ...]:
    """Empty for a cursor of another search."""
    key = tuple(json.loads(cursor[1:])) if len(cursor) > 1 else ()
    return key if len(key) in {len(part.names) for part in parts} else ()


def _rows(session: Session, rows: list[Any]) -> list[LedgerRow]:
    came_back = [row.id for row in rows if row.bounced_at is not None and row.state != MessageState.failed]
    told = bounces.words(session, came_back)
    return [_row(row, told.get(row.id)) for row in rows]


def _row(row: Any, bounce: Attempt | None) -> LedgerRow:
    values = {name: getattr(row, name) for name in _COLUMNS if name not in ("domain", "kind", "rule_id")}
    kind = "unknown" if row.state == MessageState.unknown else row.kind
    reason = replies.explain(row.rule_id, kind) if kind and row.state != MessageState.sent else ""
    if bounce is not None:  # the last word about it
        reason = replies.explain(bounce.rule_id, bounce.kind)
        values |= {"reply": bounce.reply, "reply_code": bounce.reply_code}
    return LedgerRow(**values, reason=reason)
