"""Opens and clicks wait here for one commit together: a crowd of readers costs one transaction, not thousands."""

import asyncio
import logging
from collections import deque
from datetime import datetime

from core import db
from core.errors import why
from core.tracking import links, opens

log = logging.getLogger(__name__)

_MOST_KEPT = 1_000_000  # hits kept in memory while the database is away (about 100 MB)
_MOST_AT_ONCE = 500
_LONGEST_ANSWER = 1.0  # seconds a reader's mail client may wait for the commit
_RETRY = 1.0

Hit = tuple[int, datetime, int | None]  # message id, when, link id of a click


class HitBuffer:
    """``add`` returns once the hit is stored; with the database down it returns at once and the hit is kept."""

    def __init__(self) -> None:
        self._waiting: deque[Hit] = deque(maxlen=_MOST_KEPT)
        self._stored = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._database_down = False

    async def add(self, message_id: int, at: datetime, link_id: int | None = None) -> None:
        self._waiting.append((message_id, at, link_id))
        stored = self._stored
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        if not self._database_down:
            try:
                await asyncio.wait_for(stored.wait(), _LONGEST_ANSWER)
            except TimeoutError:
                pass

    async def drain(self) -> None:
        """Store what waits, once, at the end of the program."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        while self._waiting and await self._store():
            pass

    async def _flush(self) -> None:
        while self._waiting:
            if not await self._store():
                await asyncio.sleep(_RETRY)

    async def _store(self) -> bool:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
        stored, self._stored = self._stored, asyncio.Event()
        try:
            await asyncio.to_thread(_record, batch)
        except BaseException as error:  # an outer edge: whatever the database says, the hits are kept
            self._waiting.extendleft(reversed(batch))
            if not isinstance(error, Exception):  # cut off, it may be stored: twice does no harm
                raise
            self._failed(error)
            return False
        finally:
            stored.set()
        self._worked()
        return True

    def _failed(self, error: Exception) -> None:
        if not self._database_down and db.is_away(error):
            log.warning("the database is away, opens and clicks wait in memory: %s", why(error))
        elif not self._database_down:
            log.exception("opens and clicks wait in memory: the database did not take them")
        self._database_down = True

    def _worked(self) -> None:
        if self._database_down:
            log.info("the database is back, opens and clicks are kept")
        self._database_down = False


def _record(batch: list[Hit]) -> None:
    opened = [(message_id, at) for message_id, at, link_id in batch if link_id is None]
    clicked = [(link_id, message_id, at) for message_id, at, link_id in batch if link_id is not None]
    with db.session() as session:
        opens.record(session, opened, [(message_id, at) for _, message_id, at in clicked])
        links.followed(session, clicked)
