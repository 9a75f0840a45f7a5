"""What a sender started, by the minute: for its limits per hour and day, across takeovers and restarts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from core import db
from core.delivery import warmup, windows
from core.delivery.pace import Limits
from core.models import Sender, SenderUsage

_usage: Any = SenderUsage.__table__  # type: ignore[attr-defined]
_KEPT = timedelta(hours=25)


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
        day_cap=warmup.cap(ramp, at),
        window=windows.from_json(sender.sending_window),
        warmup=ramp,
    )


def change_at(limits: Limits, at: datetime) -> datetime | None:
    """When these limits are others by the clock: the window closes (``at``, where it is closed), the ramp goes on."""
    changes = (windows.ends_at(limits.window, at), warmup.changes_at(limits.warmup, at))
    return min((change for change in changes if change is not None), default=None)


def start(
    session: Session, sender_id: int, epoch: int, limits: Limits, started_at: datetime, next_at: datetime | None
) -> bool:
    """Commit, before MAIL FROM, that a mail starts now and the next one not before ``next_at``.

    False: this epoch owns the sender no more, or the sender has other limits than ``limits`` now.
    """
    unchanged = update(Sender).where(
        col(Sender.id) == sender_id,
        col(Sender.epoch) == epoch,
        col(Sender.per_minute).is_not_distinct_from(limits.per_minute),
        col(Sender.per_hour).is_not_distinct_from(limits.per_hour),
        col(Sender.per_day).is_not_distinct_from(limits.per_day),
        col(Sender.delay_seconds) == limits.delay,
    )
    hours = (col(Sender.sending_window), col(Sender.warmup))
    now = session.connection().execute(unchanged.values(next_start_at=next_at).returning(*hours)).first()
    if now is None or (windows.from_json(now[0]), warmup.from_json(now[1])) != (limits.window, limits.warmup):
        return False
    record(session, sender_id, started_at, 1)
    return True


def record(session: Session, sender_id: int, at: datetime, count: int) -> None:
    """Add ``count`` starts to the minute of ``at``."""
    row = {"sender_id": sender_id, "minute_at": at.replace(second=0, microsecond=0), "started_count": count}
    db.upsert(session, _usage, row, ("sender_id", "minute_at"), add=("started_count",))


def forget_old(session: Session) -> int:
    """Delete what no limit looks at any more; returns how many rows."""
    old = delete(_usage).where(_usage.c.minute_at < db.now(session) - _KEPT)
    return int(session.connection().execute(old).rowcount)
