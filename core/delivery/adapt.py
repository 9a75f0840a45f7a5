"""The pace a provider takes, learned from its throttles: down at once by half, up again little by little. Pure.

So does TCP (RFC 5681 section 3.1: additive increase, multiplicative decrease), and so do large mail servers: KumoMTA's
traffic shaping and Postfix's concurrency feedback (https://www.postfix.org/SCHEDULER_README.html).
"""

from collections import deque

SLOWEST, FASTEST = 1.0, 60_000.0  # mails a minute
_STEP = 0.1  # of the pace after the last halving, added with each minute's worth of mails
_SECONDS = 60
_TELLING = 3  # mails
MORE_AFTER = 100  # mails accepted, then one connection more


def slower(pace: float | None, observed: float | None) -> float | None:
    """The pace after a throttle, mails a minute: half of the pace until now, or of what was ``observed`` where that is
    less. None where nothing is known, so nothing can be learned."""
    known = [number for number in (pace, observed) if number]
    return max(SLOWEST, min(known) / 2) if known else None


def faster(pace: float, base: float, limit: float | None) -> float | None:
    """The pace after one mail more was accepted; ``base``: right after the last halving. None: it is no slower than the
    user's ``limit`` any more, so there is nothing left to keep."""
    grown = pace + max(1.0, _STEP * base) / pace
    return None if grown >= (limit or FASTEST) else grown


def fewer(connections: int, up: int) -> int:
    """Connections after the server said they are too many: ``up``, where it let so many stand; else half."""
    return max(1, min(up, connections - 1) if up else connections // 2)


def more(connections: int, most: int) -> int | None:
    """One connection more; None: as many as the user allows (``most``), so there is nothing left to keep."""
    return connections + 1 if connections + 1 < most else None


class Observed:
    """The pace at which mails were accepted in the last minute."""

    def __init__(self) -> None:
        self._steps: deque[list[int]] = deque()  # [a tenth of a second, mails in it]

    def accepted(self, now: float) -> None:
        step = int(now * 10)
        if self._steps and self._steps[-1][0] == step:
            self._steps[-1][1] += 1
        else:
            self._steps.append([step, 1])
            self._drop(now)

    def per_minute(self, now: float) -> float | None:
        """Mails a minute since the first of the last minute; None where they are too few to tell."""
        self._drop(now)
        count = sum(count for _, count in self._steps)
        if count < _TELLING:
            return None
        return count * 60 / max(0.1, now - self._steps[0][0] / 10)

    def _drop(self, now: float) -> None:
        while self._steps and self._steps[0][0] < (now - _SECONDS) * 10:
            self._steps.popleft()
