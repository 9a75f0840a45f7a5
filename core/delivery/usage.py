"""What a sender started, by the minute: for its limits per hour and day, across takeovers and restarts."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from core import db, hot
from core.delivery import warmup, windows
from core.delivery.ledger import Claimed
from core.delivery.pace import Limits
from core.hot import Hot
from core.models import DomainPace, Sender, SenderUsage

_usage: Any = SenderUsage.__table__  # type: ignore[attr-defined]
_domain: Any = DomainPace.__table__  # type: ignore[attr-defined]
_KEPT = timedelta(hours=25)
HOUR, DAY = timedelta(hours=1, minutes=2), timedelta(hours=24, minutes=2)  # a start counts until its minute has left


@dataclass(frozen=True, slots=True)
class Start:
    """A mail of a limited sender is about to start: committed before its MAIL FROM, while ``limits`` hold.

    ``next_at``: not before then may a successor start one; ``paced_until``: by the limits per second and minute alone;
    ``domain_next_at``: one to the same ``domain`` (a group of ``domains``), where these are paced.
    """

    message: Claimed
    limits: Limits
    started_at: datetime
    next_at: datetime | None
    paced_until: datetime | None = None
    domain: str = ""
    domain_next_at: datetime | None = None


def recent(session: Session, sender_id: int, now: datetime) -> list[tuple[datetime, int]]:
    """(minute, mails started in it) of the last day."""
    wanted = select(_usage.c.minute_at, _usage.c.started_count).where(
        _usage.c.sender_id == sender_id, _usage.c.minute_at > now - _KEPT
    )
    return [(minute_at, count) for minute_at, count in session.connection().execute(wanted)]


def limits_of(sender: Sender, at: datetime) -> Limits:
    """The limits that its user gave it, as they are at ``at``."""
    ramp = warmup.from_json(sender.warmup)
    return Limits(
        sender.per_minute,
        sender.per_hour,
        sender.per_day,
        sender.delay_seconds,
        sender.per_second,
        sender.domain_per_minute,
        day_cap=warmup.cap(ramp, at),
        window=windows.from_json(sender.sending_window),
        warmup=ramp,
        version=sender.pace_version,
    )


def spacing(sender: Sender) -> tuple[float, str] | None:
    """Mails a minute that the delay allows, and why: ``2 connections with 4 s between mails``; None without one."""
    if sender.delay_seconds <= 0:
        return None
    count = min(sender.connections, sender.learned_connections or sender.connections)
    lines = "1 connection" if count == 1 else f"{count:,} connections"
    return 60 * count / sender.delay_seconds, f"{lines} with {sender.delay_seconds:g} s between mails"


def slowed_by_delay(sender: Sender) -> tuple[float, str] | None:
    """As ``spacing`` where that is slower than its limits per second and minute; else None."""
    spaced, learned = spacing(sender), sender.learned_per_minute
    others = [pace for pace, _, _ in paces(sender)] + ([learned] if learned else [])
    return spaced if spaced is not None and all(spaced[0] < pace for pace in others) else None


def paces(sender: Sender) -> list[tuple[float, int, str]]:
    """Its limits per second and minute: (mails a minute, number, ``a second`` or ``a minute``)."""
    found = ((60, sender.per_second, "a second"), (1, sender.per_minute, "a minute"))
    return [(times * number, number, window) for times, number, window in found if number]


def at_most(sender: Sender, number: float, window: str) -> str:
    """``News sends at most 30 mails a minute.``"""
    words = in_words(number)
    return f"{sender.name} sends at most {words} {'mail' if words == '1' else 'mails'} {window}."


def in_words(number: float) -> str:
    """Of a pace: ``1,446``, ``8.6``."""
    return f"{number:,.0f}" if number >= 10 else f"{round(number, 1):g}"


def full(session: Session, sender: Sender, now: datetime) -> str:
    """Which limit per hour or day is used up, the longest first; empty: none."""
    assert sender.id is not None
    used, ramp = recent(session, sender.id, now), warmup.from_json(sender.warmup)
    hour, day = (sum(count for at, count in used if at > now - length) for length in (HOUR, DAY))
    cap = warmup.cap(ramp, now)
    if ramp is not None and cap is not None and day >= cap:
        return warmup.say(ramp, now)
    for limit, count, window in ((sender.per_day, day, "a day"), (sender.per_hour, hour, "an hour")):
        if limit is not None and count >= limit:
            return at_most(sender, limit, window)
    return ""


def change_at(limits: Limits, at: datetime) -> datetime | None:
    """When these limits are others by the clock: the window closes (``at``, where it is closed), the ramp goes on."""
    changes = (windows.ends_at(limits.window, at), warmup.changes_at(limits.warmup, at))
    return min((change for change in changes if change is not None), default=None)


def lock(session: Session, sender_ids: Collection[int]) -> None:
    """Senders before messages: the order in which every writer locks. Who counts starts after them needs a sender to
    stand only, which this lock allows."""
    if sender_ids:
        rows = select(col(Sender.id)).where(col(Sender.id).in_(sender_ids)).order_by(col(Sender.id))
        session.execute(rows.with_for_update(key_share=True)).all()


def start_all(on: Hot, starts: Sequence[Start]) -> set[int]:
    """Commit, before their MAIL FROM, that these mails start. Returns the ids of the messages that may.

    The others may not: their epoch owns the sender no more, or it has other limits now.
    """
    if not starts:
        return set()
    latest = {start.message.sender_id: start for start in starts}
    given = [
        {
            "sender_id": start.message.sender_id,
            "held": start.message.epoch,
            "version": start.limits.version,
            "next_at": on.stored(start.next_at),
            "paced_until": on.stored(start.paced_until),
        }
        for _, start in sorted(latest.items())
    ]
    rows = on.rows(_start_statement(on.dialect), given=json.dumps(given))
    now = {(row[0], row[1]): _Now(tuple(row[2:8]), _json(row[8]), _json(row[9])) for row in rows}
    begun = [start for start in starts if _holds(start, now.get((start.message.sender_id, start.message.epoch)))]
    _record(on, Counter((start.message.sender_id, start.started_at) for start in begun))
    _pace_domains(on, [start for start in begun if start.domain_next_at is not None])
    return {start.message.id for start in begun}


@dataclass(frozen=True, slots=True)
class _Now:
    """The limits of a sender as its row has them."""

    numbers: tuple[float | None, ...]
    window: Any
    warmup: Any


def _holds(start: Start, now: _Now | None) -> bool:
    if now is None:
        return False
    said = start.limits
    numbers = (said.per_second, said.per_minute, said.per_hour, said.per_day, said.domain_per_minute, said.delay)
    if numbers != now.numbers:
        return False
    return windows.from_json(now.window) == said.window and warmup.from_json(now.warmup) == said.warmup


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


@cache
def _start_statement(dialect: str) -> str:
    moments = {"next_at": "timestamptz", "paced_until": "timestamptz"}
    given = db.given_in(dialect, sender_id="int", held="int", version="int", **moments)
    return f"""
        update sender set next_start_at = given.next_at, paced_until = given.paced_until
        from {given}
        where sender.id = given.sender_id and sender.epoch = given.held and sender.pace_version = given.version
        returning id, epoch, per_second, per_minute, per_hour, per_day, domain_per_minute, delay_seconds,
                  sending_window, warmup
    """


def domains(session: Session, sender_id: int, now: datetime) -> dict[str, datetime]:
    """The recipient domains that are still to wait, and until when."""
    wanted = select(_domain.c.domain, _domain.c.next_at).where(
        _domain.c.sender_id == sender_id, _domain.c.next_at > now
    )
    return {domain: next_at for domain, next_at in session.connection().execute(wanted)}


def _pace_domains(on: Hot, starts: Sequence[Start]) -> None:
    latest = {(start.message.sender_id, start.domain): on.stored(start.domain_next_at) for start in starts}
    rows = [
        {"sender_id": sender_id, "domain": domain, "next_at": next_at}
        for (sender_id, domain), next_at in sorted(latest.items())
    ]
    if rows:
        on.count(_domain_statement(on.dialect), given=json.dumps(rows))


@cache
def _domain_statement(dialect: str) -> str:
    return f"""
        insert into domain_pace (sender_id, domain, next_at)
        select sender_id, domain, next_at
        from {db.given_in(dialect, sender_id="int", domain="text", next_at="timestamptz")} where true
        on conflict (sender_id, domain) do update set next_at = excluded.next_at
    """


def record(session: Session, sender_id: int, at: datetime, count: int) -> None:
    """Add ``count`` starts to the minute of ``at``."""
    _record(hot.within(session), Counter({(sender_id, at): count}))


def _record(on: Hot, started: Counter[tuple[int, datetime]]) -> None:
    by_minute: Counter[tuple[int, str | None]] = Counter()
    for (sender_id, at), count in started.items():
        by_minute[sender_id, on.stored(at.replace(second=0, microsecond=0))] += count
    rows = [
        {"sender_id": sender_id, "minute_at": minute_at, "started_count": count}
        for (sender_id, minute_at), count in sorted(by_minute.items())
    ]
    if rows:
        on.count(_record_statement(on.dialect), given=json.dumps(rows))


@cache
def _record_statement(dialect: str) -> str:
    return f"""
        insert into sender_usage (sender_id, minute_at, started_count)
        select sender_id, minute_at, started_count
        from {db.given_in(dialect, sender_id="int", minute_at="timestamptz", started_count="int")} where true
        on conflict (sender_id, minute_at)
        do update set started_count = sender_usage.started_count + excluded.started_count
    """


def forget_old(session: Session) -> int:
    """Delete what no limit looks at any more; returns how many rows."""
    before = db.now(session) - _KEPT
    old = (delete(_usage).where(_usage.c.minute_at < before), delete(_domain).where(_domain.c.next_at < before))
    return sum(int(session.connection().execute(statement).rowcount) for statement in old)
