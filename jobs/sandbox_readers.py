"""When the simulated readers of the sandbox look at their mail: on the inbox's own loop, many in one commit."""

import asyncio
import heapq
import logging

from core import clock, db
from core.tracking import readers

log = logging.getLogger(__name__)

_TOGETHER = 0.5  # seconds
_MOST_WAITING = 20_000


class Readers:
    """``expect`` on the loop's thread."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, readers.Visit]] = []
        self._task: asyncio.Task[None] | None = None

    def expect(self, visits: list[readers.Visit]) -> None:
        """These readers will come."""
        now = asyncio.get_running_loop().time()
        for visit in visits:
            if len(self._waiting) < _MOST_WAITING:
                heapq.heappush(self._waiting, (now + visit.after, visit.message_id, visit))
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._come())

    def stop(self) -> None:
        """Nobody comes any more."""
        if self._task is not None:
            self._task.cancel()

    async def _come(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(_TOGETHER)  # not until the first is due: one who comes sooner may be expected meanwhile
            due: list[readers.Visit] = []
            while self._waiting and self._waiting[0][0] <= loop.time():
                due.append(heapq.heappop(self._waiting)[2])
            if due:
                await loop.run_in_executor(None, _record, due)


def _record(visits: list[readers.Visit]) -> None:
    try:
        with db.session() as session:
            readers.record(session, visits, clock.utcnow())
    except Exception:  # an outer edge: simulated readers are never worth more than a line in the log
        log.exception("%d simulated opens could not be noted", len(visits))
