"""A limit kept by counting: the n-th start waits until the one ``limit`` places before it has left the window. Pure.

Slots that are lost when a mail is late (``pace``) are for windows of a minute. In one of a second a commit or a busy
machine makes every other mail late by more than 0.02 windows. So a late mail keeps its turn here: slots are 1.03 x
window / limit apart and may be caught up with, and what really started is counted, with 0.035 windows to spare for
the way to the server (35 ms of a second, on a busy machine needed). Timers that are 10 ms late leave 95.7 % of it.
"""

from collections import deque

APART, CLEAR = 1.03, 1.035
_CATCH_UP = 0.5  # windows; what is later than that has lost its turn, where the caller says no other
_EXACT = 1000  # starts that are gone through to tell when a successor may go on; above, it waits for a whole window


class Turnstile:
    """Of one window. ``next_at``: the slot that is free next, on the clock of the caller's ``now`` (seconds)."""

    def __init__(self, limit: int, window: float, next_at: float, catch_up: float = _CATCH_UP) -> None:
        self.limit, self.window, self.next_at = limit, window, next_at
        self._catch_up = catch_up * window
        self._starts: deque[float] = deque(maxlen=limit)

    @property
    def gap(self) -> float:
        """Seconds from slot to slot."""
        return APART * self.window / self.limit

    def reserve(self, now: float) -> float:
        """Take the next slot: the moment, not before ``now``, at which it may be used."""
        slot = max(self.next_at, now - self._catch_up)
        self.next_at = slot + self.gap
        return max(now, slot)

    def free_at(self) -> float:
        """No start before: then there is room in the window for one more."""
        return self._starts[0] + CLEAR * self.window if len(self._starts) == self.limit else float("-inf")

    def started(self, at: float) -> None:
        """A mail started; not before ``free_at``."""
        self._starts.append(at)

    def successor_at(self, now: float) -> float:
        """When somebody who knows nothing of our starts may begin to use slots ``gap`` apart."""
        if not self._starts:
            return now
        if self.limit > _EXACT:
            return self._starts[-1] + CLEAR * self.window
        unused = self.limit - len(self._starts)
        return max(at + CLEAR * self.window - (unused + place) * self.gap for place, at in enumerate(self._starts))
