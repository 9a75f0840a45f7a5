"""When the next mail may start. Pure: the caller says what time it is (seconds on any steady clock).

Minute limits are slots 1.03 x window / limit apart. A start may come up to 0.02 x window after its slot, then
the slot is lost. So the starts of any window lie in 1.02 windows of slots: at most floor(1.02 L / 1.03) + 1 <= L.
Hour and day limits sum what was started, by the minute, over the window that slides (DESIGN 6). The limit per second
counts what started (``turnstile``). All of them hold at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from core.delivery.turnstile import APART, CLEAR, Turnstile
from core.delivery.warmup import Warmup
from core.delivery.windows import Window

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86400.0
_LATE = 0.02
# A start counts until its whole minute has left the window, and the time it may be late: never above the limit,
# and still 60/61 of it used.
_COUNTS = MINUTE + 2 * _LATE * MINUTE
_IN_FLIGHT = 3.0  # seconds: a start that was committed is in them, however late
_FAREST = 130.0  # seconds: no pace holds up the next start for longer, only a clock that was wrong does


@dataclass(frozen=True)
class Limits:
    """At most so many starts in any second, minute, hour, day, and in any minute to one recipient domain; None = no
    limit. ``delay``: seconds from start to start on a connection.

    ``window``, ``warmup``: when mails may start, and the ramp that ``day_cap`` is the number of today of. ``version``:
    of the sender's pace.
    """

    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    delay: float = 0.0
    per_second: int | None = None
    domain_per_minute: int | None = None
    day_cap: int | None = None
    window: Window | None = None
    warmup: Warmup | None = None
    version: int = 0

    @cached_property
    def any(self) -> bool:
        """Whether there is a limit. Asked for every mail."""
        return (
            self.per_minute is not None
            or self.per_second is not None
            or self.domain_per_minute is not None
            or self.delay > 0
            or self.sums
        )

    @property
    def sums(self) -> bool:
        """Whether what was started in the past counts."""
        return self.per_hour is not None or self.per_day is not None or self.day_cap is not None


@dataclass(frozen=True)
class Slot:
    """Start at ``at``, and not after ``until``: then the slot is lost."""

    at: float
    until: float


class Pace:
    """The pace of one sender, kept by its owner. ``learned``: mails a minute that the provider takes, where it said so:
    it may only be slower than the limits."""

    def __init__(self, limits: Limits, now: float, next_at: float | None = None, learned: float | None = None) -> None:
        self.limits = limits
        self.learned = learned
        self._next_at = first = min(next_at or now, now + _FAREST)
        self._second: Turnstile | None = None
        if limits.per_second:
            self._second = Turnstile(limits.per_second, SECOND, first)
        self._minutes: dict[float, int] = {}  # start of the minute: mails started (or reserved) in it

    @property
    def limited(self) -> bool:
        return self.limits.any or self.learned is not None

    @property
    def per_minute(self) -> float | None:
        """The limit per minute, or what was learned where that is less."""
        return min((pace for pace in (self.limits.per_minute, self.learned) if pace), default=None)

    @property
    def gap(self) -> float:
        """Seconds from slot to slot of the limit per minute."""
        return APART * MINUTE / self.per_minute if self.per_minute else 0.0

    def rate(self, connections: int) -> float | None:
        """Mails a second at most, by all but the hour and the day; None = any number."""
        gaps = [self.gap, self._second.gap if self._second else 0.0, self.limits.delay / connections]
        return 1 / max(gaps) if any(gaps) else None

    def remember(self, usage: Iterable[tuple[float, int]]) -> None:
        """Starts of the past: (any time within the minute, how many)."""
        for at, count in usage:
            self._count(at, count)

    def room(self, now: float) -> int | None:
        """How many may start now by the hour and day limits; None = any number."""
        rooms = [
            max(0, limit - sum(count for minute, count in self._minutes.items() if minute + _COUNTS + window > now))
            for limit, window in self._windows()
        ]
        return min(rooms, default=None)

    def free_at(self, now: float) -> float:
        """The moment from which one more may start by the hour and day limits."""
        return max((self._window_free_at(now, limit, window) for limit, window in self._windows()), default=now)

    def successor_at(self, now: float) -> float:
        """The moment from which somebody else may start mails, by all but the hour and day limits."""
        second_at = self._second.successor_at(now) if self._second else now
        return max(now, second_at, self._next_at if self.gap else now)

    def after(self, at: float) -> float:
        """When a mail of somebody else may start that knows only of this one, whose slot is ``at``.

        In the window of a second a mail that was late waits for room, up to a second more.
        """
        return at + max(self.gap, 2 * CLEAR * SECOND if self._second else 0.0)

    def reserve(self, now: float) -> Slot:
        """The next slot; it is taken, whether it is used or lost."""
        at = max(now, self.free_at(now))
        if self._second is not None:
            at = max(self._second.reserve(at), self._second.free_at())
        if self.gap:
            late = _LATE * MINUTE
            slot = self._next_at if at <= self._next_at + late else at
            self._next_at = slot + self.gap
            at, until = max(at, slot), slot + late
        else:
            until = at - at % MINUTE + MINUTE  # it was counted in this minute
        self._count(at, 1)
        return Slot(at, until)

    def forfeit(self, slot: Slot) -> None:
        """The slot was not used: it does not count for the hour and the day."""
        self._count(slot.at, -1)

    def clear_at(self) -> float:
        """A mail in its slot starts not before, by what really started in the last second."""
        return self._second.free_at() if self._second is not None else float("-inf")

    def started(self, now: float) -> None:
        """A mail starts, in its slot."""
        if self._second is not None:
            self._second.started(now)

    def _count(self, at: float, count: int) -> None:
        if not self.limits.sums and count > 0:
            return
        minute = at - at % MINUTE
        left = self._minutes.get(minute, 0) + count
        if left > 0:
            self._minutes[minute] = left
        else:
            self._minutes.pop(minute, None)

    def _windows(self) -> list[tuple[int, float]]:
        pairs = ((self.limits.per_hour, HOUR), (self.limits.per_day, DAY), (self.limits.day_cap, DAY))
        return [(limit, window) for limit, window in pairs if limit is not None]

    def _window_free_at(self, now: float, limit: int, window: float) -> float:
        counted = sorted((m, n) for m, n in self._minutes.items() if m + _COUNTS + window > now)
        over = sum(count for _, count in counted) - limit + 1
        free = now
        for minute, count in counted:
            if over <= 0:
                break
            over -= count
            free = minute + _COUNTS + window
        return free


def changed(old: Limits, new: Limits, now: float, next_at: float, count: int) -> float:
    """From when on mails may start by ``new`` limits per minute and second, where by ``old`` ones it was ``next_at``.

    ``count``: mails started in the last minute at most. Those behind a lower limit leave the window first, or are made
    up for: as many of ``old`` are in no window with the new ones as would be too many.
    """
    gap, before = (APART * MINUTE / limits.per_minute if limits.per_minute else 0.0 for limits in (new, old))
    if gap < before:  # a next start far ahead does not hold up a raised limit
        next_at = min(next_at, max(now, next_at - before) + gap)
    elif new.per_minute and gap > before and count:
        made_up = before + count * (gap - before)
        left = MINUTE - (new.per_minute - 2) * before
        next_at = max(next_at, now + min(made_up, left) + _IN_FLIGHT)
    if new.per_second and new.per_second < (old.per_second or float("inf")):
        next_at = max(next_at, now + 2 * CLEAR * SECOND)
    return next_at
