"""Warm-up: a new account or domain sends a few mails on its first day and some more on each following one.

A daily cap is one that never grows and goes on as long as a ramp may.

A day is one of the calendar in the ramp's zone. After its last day there is no cap any more.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from core import clock
from core.delivery import windows
from core.delivery.windows import Window
from core.errors import RuleError

MOST_DAYS, MOST_START, MOST_FACTOR = 365, 1_000_000, 10.0
_MOST = 1_000_000_000  # mails a day: whatever the factor makes of it


@dataclass(frozen=True)
class Warmup:
    """``start`` mails on the day ``began``, ``factor`` times as many on each further one, for ``days`` days."""

    start: int
    factor: float
    days: int
    began: date
    zone: str

    def cap_of(self, day: int) -> int:
        """Mails on the ``day``-th day, counted from 1."""
        try:
            return max(1, int(min(_MOST, self.start * self.factor ** (day - 1) + 1e-9)))
        except OverflowError:
            return _MOST

    @property
    def is_cap(self) -> bool:
        """Nothing but a daily cap."""
        return self.factor == 1 and self.days == MOST_DAYS

    @property
    def caps(self) -> list[int]:
        """The ramp, a number a day."""
        return [self.cap_of(day) for day in range(1, self.days + 1)]


def from_json(stored: dict[str, Any] | None) -> Warmup | None:
    """The ramp as a row keeps it:
    ``{"start": 50, "factor": 1.5, "days": 14, "began": "2026-11-25", "zone": "Asia/Kolkata"}``.

    None (no warm-up) stays None. Raises RuleError for what is no ramp.
    """
    if stored is None:
        return None
    try:
        start, factor, days = int(stored["start"]), float(stored["factor"]), int(stored["days"])
        began, zone = date.fromisoformat(stored["began"]), str(stored["zone"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise RuleError("Enter the first day, the mails on it, the factor and the number of days.") from None
    if not 1 <= start <= MOST_START:
        raise RuleError(f"The mails on the first day are from 1 to {MOST_START:,}.")
    if not 1 <= factor <= MOST_FACTOR:
        raise RuleError(f"The factor is from 1 to {MOST_FACTOR:g}.")
    if not 1 <= days <= MOST_DAYS:
        raise RuleError(f"The days are from 1 to {MOST_DAYS}.")
    clock.check_zone(zone)
    return Warmup(start, factor, days, began, zone)


def to_json(warmup: Warmup | None) -> dict[str, Any] | None:
    """What ``from_json`` reads; None for no warm-up."""
    if warmup is None:
        return None
    numbers = {"start": warmup.start, "factor": warmup.factor, "days": warmup.days}
    return {**numbers, "began": warmup.began.isoformat(), "zone": warmup.zone}


def day_of(warmup: Warmup | None, at: datetime) -> int | None:
    """Which day of the ramp ``at`` (aware) is in, counted from 1; before it begins, the first. None: it is over."""
    if warmup is None:
        return None
    day = (clock.to_zone(at, warmup.zone).date() - warmup.began).days + 1
    return max(1, day) if day <= warmup.days else None


def cap(warmup: Warmup | None, at: datetime) -> int | None:
    """At most so many mails on the day of ``at``; None = no cap."""
    day = day_of(warmup, at)
    return None if warmup is None or day is None else warmup.cap_of(day)


def daily_cap(count: Any, began: date, zone: str) -> dict[str, Any]:
    """At most ``count`` mails a day, as a row keeps it; ``from_json`` says what is wrong with it."""
    return {"start": count, "factor": 1.0, "days": MOST_DAYS, "began": began.isoformat(), "zone": zone}


def say(warmup: Warmup, at: datetime) -> str:
    """``Warm-up day 3: at most 112 mails today.``; ``Daily cap: at most 500 mails today.``"""
    if warmup.is_cap:
        return f"Daily cap: at most {warmup.start:,} mails today."
    return f"Warm-up day {day_of(warmup, at)}: at most {cap(warmup, at):,} mails today."


def changes_at(warmup: Warmup | None, at: datetime) -> datetime | None:
    """When the cap of ``at`` ends: the next midnight in the ramp's zone. None where there is no cap."""
    if warmup is None or day_of(warmup, at) is None:
        return None
    return midnight_after(warmup.zone, at)


def day_began_at(zone: str, at: datetime) -> datetime:
    """The first moment (UTC) of the day that the clock of ``zone`` shows at ``at``."""
    shown = clock.to_zone(at, zone)
    today = shown.date()
    earlier = datetime.combine(today, time(0), UTC) - timedelta(days=1)
    began = midnight_after(zone, earlier)
    while clock.to_zone(began, zone).date() < today:
        began = midnight_after(zone, began)
    return began


def midnight_after(zone: str, at: datetime) -> datetime:
    """The first moment (UTC) after ``at`` of which the clock of ``zone`` shows another date."""
    today = clock.to_zone(at, zone).date()
    only_today = Window(frozenset({today.weekday()}), time(0), time(0), zone)
    closing = windows.closes_at(only_today, at)
    assert closing is not None
    return closing
