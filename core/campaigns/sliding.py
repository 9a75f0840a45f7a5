"""A limit per hour or day: a window that slides over what flowed, with its parts flowing out again."""

from dataclasses import dataclass

NONE = 1e-6  # mails: fewer are none
_COUNTS = 32.4  # seconds that a start counts longer than its hour or day, on average (see ``pace``)


@dataclass
class Part:
    """Mails flowed at ``rate`` a second from ``begin`` to ``end``."""

    begin: float
    end: float
    rate: float


class Limit:
    """At most ``cap`` mails in any ``length`` seconds; ``inside`` is how many are there now."""

    def __init__(self, name: str, length: float, cap: int, past: list[Part], t: float) -> None:
        self.name, self.length, self.cap = name, length + _COUNTS, cap
        self._past, self._head = past, 0
        self.inside = sum(
            part.rate * (part.end - max(part.begin, t - self.length)) for part in past if self._in(part, t)
        )
        self.settle(t)

    def allows(self, rate: float, t: float) -> float:
        """What may flow in: as much as flows out, where it is full."""
        room = self.cap - self.inside
        if room > NONE:
            return rate
        return min(rate, self._out(t)) if room > -1e-3 else 0.0

    def event(self, rate: float, t: float) -> float:
        """When it is full, or has room again, or another part of the past flows out."""
        out, room = self._out(t), self.cap - self.inside
        events = [float("inf")]
        if rate > out and room > NONE:
            events.append(t + room / (rate - out))
        elif room < -1e-3 and out > 0:
            events.append(t - room / out)
        if self._head < len(self._past):
            part = self._past[self._head]
            events.append((part.begin if part.begin > t - self.length + 1e-9 else part.end) + self.length)
        return min(events)

    def flow(self, rate: float, t: float, seconds: float) -> None:
        self.inside = max(0.0, self.inside + (rate - self._out(t)) * seconds)

    def settle(self, t: float) -> None:
        while self._head < len(self._past) and not self._in(self._past[self._head], t):
            self._head += 1
        if self._head >= len(self._past):
            self.inside = 0.0

    def _in(self, part: Part, t: float) -> bool:
        return part.end > t - self.length + 1e-9

    def _out(self, t: float) -> float:
        part = self._past[self._head] if self._head < len(self._past) else None
        return part.rate if part is not None and part.begin <= t - self.length + 1e-9 else 0.0
