"""Sending windows: days of the week and hours of a wall clock in which mails may start.

A moment is inside when the clock of the zone shows a time inside. So an hour that the clock skips is missing, one that
it shows twice counts twice, and 09:00 stays 09:00 all year. A window across midnight belongs to the day it opens on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import pytz

from core import clock
from core.errors import RuleError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# The last mail starts so much before the window closes, and so arrives inside.
_EARLY = timedelta(seconds=0.25)
_MIDNIGHT = time(0)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_SEARCHED = 60  # days; a window of one hour a week that the clock skips opens a week later


@dataclass(frozen=True)
class Window:
    """``days``: 0 is Monday. Open from ``opens`` until before ``closes``; the same time twice means a whole day."""

    days: frozenset[int]
    opens: time
    closes: time
    zone: str

    def __str__(self) -> str:
        """``Mon–Fri 09:00–18:00``"""
        return f"{days_in_words(self.days)} {self.opens:%H:%M}–{self.closes:%H:%M}"

    @property
    def is_always(self) -> bool:
        return len(self.days) == 7 and self.opens == self.closes


def from_json(stored: dict[str, Any] | None) -> Window | None:
    """The window as a row keeps it: ``{"days": [0, 1], "from": "09:00", "until": "18:00", "zone": "Asia/Kolkata"}``.

    None (always) stays None. Raises RuleError for what is no window.
    """
    if stored is None:
        return None
    try:
        days = frozenset(int(day) for day in stored["days"])
        opens, closes = (time.fromisoformat(stored[name]).replace(second=0) for name in ("from", "until"))
        zone = str(stored["zone"])
    except (KeyError, TypeError, ValueError):
        raise RuleError("Enter from and until as 09:00 and 18:00.") from None
    if not days:
        raise RuleError("Choose at least one day.")
    if not days <= frozenset(range(7)):
        raise RuleError("The days are Monday to Sunday.")
    clock.check_zone(zone)
    return Window(days, opens, closes, zone)


def to_json(window: Window | None) -> dict[str, Any] | None:
    """What ``from_json`` reads; None for always."""
    if window is None:
        return None
    hours = {"from": f"{window.opens:%H:%M}", "until": f"{window.closes:%H:%M}"}
    return {"days": sorted(window.days), **hours, "zone": window.zone}


def is_open(window: Window | None, at: datetime) -> bool:
    """Whether a mail may start at ``at`` (aware)."""
    if window is None:
        return True
    shown = clock.to_zone(at, window.zone)
    now, day = shown.time(), shown.weekday()
    if window.opens < window.closes:
        return day in window.days and window.opens <= now < window.closes
    return (day in window.days and now >= window.opens) or ((day - 1) % 7 in window.days and now < window.closes)


def opens_at(window: Window | None, at: datetime) -> datetime:
    """``at`` where the window is open then, else the moment (UTC) when it next opens."""
    if window is None or is_open(window, at):
        return at
    opening = _next(window, _minute(at), True)
    assert opening is not None, f"{window} never opens"
    return opening


def closes_at(window: Window | None, at: datetime) -> datetime | None:
    """When the window next closes: ``at`` where it is closed then. None for one that never closes."""
    if window is None or window.is_always:
        return None
    return at if not is_open(window, at) else _next(window, _minute(at), False)


def starts_at(window: Window | None, at: datetime) -> datetime:
    """When the next mail may start: ``at``, or the moment when the window opens; not in its last blink."""
    opening = opens_at(window, at)
    while (ending := ends_at(window, opening)) is not None and ending <= opening:
        opening = opens_at(window, opening + _EARLY)
    return opening


def ends_at(window: Window | None, at: datetime) -> datetime | None:
    """From when on no mail starts any more; not after ``at`` where none may start then. None: never."""
    closing = closes_at(window, at)
    return closing - _EARLY if closing is not None else None


def meet(one: Window | None, other: Window | None, at: datetime) -> bool:
    """Whether there is a moment after ``at`` that is inside both."""
    moment = at
    for _ in range(_SEARCHED):
        opening = opens_at(other, opens_at(one, moment))
        if is_open(one, opening):
            return True
        moment = opening
    return False


def days_in_words(days: frozenset[int]) -> str:
    """``Mon–Fri``, ``Sat, Sun``, ``Every day``."""
    if len(days) == 7:
        return "Every day"
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = []
    for run in runs:
        names = [DAYS[day] for day in run]
        words.append(f"{names[0]}–{names[-1]}" if len(run) > 2 else ", ".join(names))
    return ", ".join(words)


def say(window: Window, at: datetime) -> str:
    """``Mon–Fri 09:00–18:00 IST``; ``at`` decides about summer time."""
    return f"{window} {clock.zone_label(at, window.zone)}"


@lru_cache(maxsize=4096)
def _next(window: Window, minute: datetime, wanted: bool) -> datetime | None:
    """The first moment after ``minute`` at which the window is open (or closed)."""
    return next((moment for moment in _changes(window, minute) if is_open(window, moment) is wanted), None)


def _changes(window: Window, after: datetime) -> Iterator[datetime]:
    """In order, every moment after ``after`` at which the window may open or close."""
    zone = pytz.timezone(window.zone)
    begin = after.astimezone(UTC).replace(hour=0, minute=0)
    for _ in range(_SEARCHED):
        end = begin + _DAY
        before, behind = _offset(zone, begin), _offset(zone, end)
        found = {_turn(zone, begin, end)} if before != behind else set()
        for offset in {before, behind}:
            for day in {(begin + offset).date(), (end + offset).date()}:
                found |= {_moment(day, wall, offset) for wall in (window.opens, window.closes, _MIDNIGHT)}
        yield from (moment for moment in sorted(found) if begin <= moment <= end and moment > after)
        begin = end


def _turn(zone: Any, begin: datetime, end: datetime) -> datetime:
    """When, between the two, the clock of the zone is set (to the second)."""
    before = _offset(zone, begin)
    while end - begin > _SECOND:
        middle = begin + (end - begin) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        begin, end = (middle, end) if _offset(zone, middle) == before else (begin, middle)
    return end


def _moment(day: date, wall: time, offset: timedelta) -> datetime:
    return datetime.combine(day, wall, UTC) - offset


def _offset(zone: Any, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _minute(at: datetime) -> datetime:
    """Nothing changes within a minute."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)
