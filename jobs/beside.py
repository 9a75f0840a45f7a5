"""A thread for claims. They take long, and what was sent is not to wait for what comes next."""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlmodel import Session

from core import db
from jobs.told import resolve
from jobs.writer import Writer

T = TypeVar("T")
_Item = tuple[Callable[[Session], Any], "asyncio.Future[Any]"]


class Beside:
    """Beside the writer, whose turn it is where the database is away: there results that wait come first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: Writer) -> None:
        self._loop, self._writer = loop, writer
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="claims", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After what waits; not waited for."""
        self._items.put(None)

    async def call(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a transaction of its own. From the event loop."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._items.put((work, future))
        try:
            return await future
        except Exception as error:
            if not db.is_away(error):
                raise
        return await self._writer.call(work)

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            work, future = item
            try:
                with db.session(hot=True) as session:
                    value = work(session)
            except Exception as error:  # the caller is the edge that logs it
                value = error
            with suppress(RuntimeError):  # the loop has ended: nobody waits
                self._loop.call_soon_threadsafe(resolve, [(future, value)])
