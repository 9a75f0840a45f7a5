"""What the writer of this process did: groups, how long they took, and what became of mails. For who watches it."""

from collections import Counter
from collections.abc import Callable
from time import monotonic

from core.delivery.workers import Figures
from jobs.flush import Flushed, Group


class Meter:
    """Counted on the writer's thread, read from any."""

    def __init__(self) -> None:
        self._groups = self._writes = 0
        self._seconds = self._slowest = 0.0
        self._results: Counter[str] = Counter()

    def timed(self, flush: Callable[[Group], Flushed], group: Group) -> Flushed:
        """``flush(group)``, which counts where it did not fail."""
        began = monotonic()
        done = flush(group)
        took = monotonic() - began
        self._groups += 1
        self._writes += len(group.marks) + len(group.starts) + len(group.outcomes)
        self._seconds += took
        self._slowest = max(self._slowest, took)
        self._results.update(outcome.state for outcome in group.outcomes)
        return done

    def told(self, senders: int, kept: int) -> Figures:
        """The figures until now; ``slowest`` begins anew."""
        slowest, self._slowest = self._slowest, 0.0
        return Figures(senders, kept, self._groups, self._writes, self._seconds, slowest, dict(self._results))
