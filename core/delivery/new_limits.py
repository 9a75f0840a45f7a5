"""A user gives a sender other limits, also while it sends: what went out before counts in them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session

from core import db
from core.delivery import usage
from core.delivery.domains import ALL
from core.delivery.pace import Limits, changed
from core.models import DomainPace, Sender

_sender: Any = Sender.__table__  # type: ignore[attr-defined]
_domain: Any = DomainPace.__table__  # type: ignore[attr-defined]
_PAST = timedelta(seconds=63)  # a minute, and what is under way
_LIMITS = (
    *("per_second", "per_minute", "per_hour", "per_day", "domain_per_minute", "delay_seconds"),
    *("sending_window", "warmup"),
)


@dataclass(frozen=True)
class _Before:
    """The pace ``at`` which the last mails started: its limits, when by them the next one might have, and whether each
    start was written down. Seconds."""

    per_second: int | None
    per_minute: int | None
    at: float
    next_at: float
    is_counted: bool


def change(session: Session, kept: Sender, values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of ``kept``, as it is locked, when it gets the limits in ``values``: from now on no mail starts while the
    window that is past holds more than the new one.

    Where no mail started since the last change, that one is as though it never was, its wait, too.
    """
    now = db.now(session)
    old = usage.limits_of(kept, now)
    new = replace(usage.limits_of(Sender(**{name: values[name] for name in _LIMITS}), now), version=old.version)
    if new == old or kept.id is None:
        return {}
    before, used = _before(kept, old, now), usage.recent(session, kept.id, now)
    if new.domain_per_minute and new.domain_per_minute < (old.domain_per_minute or inf):
        _pace_domains(session, kept.id, old, now, bool(kept.owner) or any(at > now - 2 * _PAST for at, _ in used))
    since = datetime.fromtimestamp(before.at, UTC) - 2 * _PAST
    count = sum(count for minute_at, count in used if minute_at > since)
    if not before.is_counted:
        count += new.per_minute or 0
    was = Limits(per_second=before.per_second, per_minute=before.per_minute)
    resumes_at = datetime.fromtimestamp(changed(was, new, before.at, before.next_at, count), UTC)
    # Without a pace a mail that starts may leave no trace.
    waits = {"until": resumes_at.timestamp(), **vars(before)} if new.per_minute or new.per_second else None
    return {"paced_until": resumes_at, "pace_version": kept.pace_version + 1, "paced_before": waits}


def outdated(session: Session, versions: Mapping[int, int]) -> set[int]:
    """Those senders (id -> version of its pace) that have another pace by now."""
    found = select(_sender.c.id, _sender.c.pace_version).where(_sender.c.id.in_(sorted(versions)))
    return {sender_id for sender_id, version in session.connection().execute(found) if version != versions[sender_id]}


def _pace_domains(session: Session, sender_id: int, old: Limits, now: datetime, has_started: bool) -> None:
    """Those that got mails in the last minute get none in the next one; without a limit before, nobody knows which."""
    next_at = now + _PAST
    if old.domain_per_minute:
        mine = (_domain.c.sender_id == sender_id, _domain.c.next_at > now - _PAST)
        session.execute(update(_domain).where(*mine).values(next_at=next_at))
    elif has_started:
        row = {"sender_id": sender_id, "domain": ALL, "next_at": next_at}
        db.upsert(session, _domain, row, ("sender_id", "domain"))


def _before(kept: Sender, old: Limits, now: datetime) -> _Before:
    next_at = kept.paced_until.timestamp() if kept.paced_until else 0.0
    waits = dict(kept.paced_before or {})
    if waits.pop("until", None) == next_at:  # a start would have moved it
        return _Before(**waits)
    return _Before(old.per_second, old.per_minute, now.timestamp(), next_at, old.any or not kept.owner)
