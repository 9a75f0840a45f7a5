"""From a hint to the page: hints of any thread reach the loop, are merged, and call back what watches that user.

The database is the only truth: a callback reads again, it is told nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import Client, Event, background_tasks, helpers, run, ui
from nicegui import core as ng

from campaign_ui import auth
from core import live

MERGE_SECONDS = 0.25
Callback = Callable[[], Any]


@dataclass
class _Channel:
    """All pages of one user in this process."""

    hinted: Event[set[live.Hint]] = field(default_factory=Event)
    page_count: int = 0
    hints: set[live.Hint] = field(default_factory=set)
    timer: asyncio.TimerHandle | None = None
    next_at: float = 0.0
    reads: dict[Any, asyncio.Future[Any]] = field(default_factory=dict)


_channels: dict[int, _Channel] = {}
_undo: Callable[[], None] | None = None


def start() -> None:
    """Begin to listen; NiceGUI calls it when its loop runs."""
    global _undo
    stop()
    _undo = live.subscribe(_heard)


def stop() -> None:
    """Stop listening and forget every page; nothing more is sent to any.

    An outbox that is sending when NiceGUI cancels it may miss that (wait_for of Python 3.11): the end took 2 s longer.
    """
    global _undo
    if _undo is not None:
        _undo()
    _undo = None
    for channel in _channels.values():
        if channel.timer is not None:
            channel.timer.cancel()
    _channels.clear()
    for client in Client.instances.values():
        client.outbox.stop()


def watch(callback: Callback, topic: str, id: int | None = None, every: float = 0.0) -> "Watcher":
    """Call ``callback`` (async or not) in this page's slot whenever ``topic`` (of ``id``) of this user changed.

    Hints are merged: at most one call per 250 ms, or ``every`` so many seconds where it costs much, never two at once,
    and always one after the last hint.
    Call it in a page builder, before reading what the page shows first.
    """
    watcher = Watcher(callback, topic, id, every)
    channel = _channel_of(auth.current().id)
    channel.hinted.subscribe(watcher.hear)
    return watcher


async def read(key: Any, load: Callable[..., Any], *args: Any) -> Any:
    """``load(*args)`` off the loop, once for all tabs of this user that ask for ``key`` at the same time.

    None where the tab was closed meanwhile or its session ended: there is nothing left to show it on.
    """
    try:
        client, channel = ui.context.client, _channels.get(auth.current().id)
    except (PermissionError, RuntimeError):  # the session ended; what asked is deleted, as the rest of a closed tab
        return None
    if channel is None:
        data = await run.io_bound(load, *args)
    else:
        if key not in channel.reads:
            channel.reads[key] = reading = asyncio.ensure_future(run.io_bound(load, *args))
            # Kept no longer: hints may be lost, and a page that is loaded must show what is there.
            reading.add_done_callback(lambda done: _forget(channel, key, done))
        data = await asyncio.shield(channel.reads[key])
    return None if client.is_deleted else data


def _forget(channel: _Channel, key: Any, done: "asyncio.Future[Any]") -> None:
    if channel.reads.get(key) is done:
        del channel.reads[key]


class Watcher:
    """What ``watch`` began."""

    def __init__(self, callback: Callback, topic: str, id: int | None, every: float) -> None:
        self.callback, self.topic, self.id = callback, topic, id
        self._every, self._next_at = every, 0.0
        self.busy = self.again = False
        self._timer: asyncio.TimerHandle | None = None
        self._client = ui.context.client
        self._client.on_delete(lambda: self.again_in(None))

    def again_in(self, seconds: float | None) -> None:
        """Call back in so many seconds though nothing is told (None: not): some figures change by the clock alone."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if seconds is not None and not self._client.is_deleted:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        if not self.busy:
            background_tasks.create(self._call(), name="by the clock", context=self._client)

    def hear(self, hints: set[live.Hint]) -> Awaitable[None] | None:
        if not any(self._wants(hint) for hint in hints):
            return None
        if self.busy:
            self.again = True
            return None
        return None if self._is_early() else self._call()

    def _is_early(self) -> bool:
        """Whether the call has to wait; it comes by itself then."""
        wait = self._next_at - time.monotonic()
        if wait > 0 and self._timer is None:
            self.again_in(wait)
        return wait > 0

    def _wants(self, hint: live.Hint) -> bool:
        if hint.user_id is None:
            return True  # messages were missed: anything may differ
        return hint.topic == self.topic and (self.id is None or hint.id is None or hint.id == self.id)

    async def _call(self) -> None:
        self.busy = True
        try:
            while True:
                self.again, self._next_at = False, time.monotonic() + self._every
                result = self.callback()
                if helpers.should_await(result):
                    await result
                if not self.again or self._is_early():
                    return
        finally:
            self.busy = False


def _channel_of(user_id: int) -> _Channel:
    """This user's channel, kept as long as one of their pages lives."""
    channel = _channels.setdefault(user_id, _Channel())
    client = ui.context.client
    if not getattr(client, "counted_by_live", False):
        client.counted_by_live = True  # type: ignore[attr-defined]
        channel.page_count += 1
        client.on_delete(lambda: _left(user_id, channel))
    return channel


def _left(user_id: int, channel: _Channel) -> None:
    channel.page_count -= 1
    if channel.page_count <= 0 and _channels.get(user_id) is channel:
        if channel.timer is not None:
            channel.timer.cancel()
        del _channels[user_id]


def has_pages() -> bool:
    """Whether anybody looks."""
    return bool(_channels)


def tell(hint: live.Hint) -> None:
    """Of this process alone, on its loop."""
    _mark(hint)


def _heard(hint: live.Hint) -> None:
    """Any thread. ``Event.emit`` from a thread is late and racy (notes: 65 ms against 1 ms)."""
    if ng.loop is not None and not ng.loop.is_closed():
        ng.loop.call_soon_threadsafe(_mark, hint)


def _mark(hint: live.Hint) -> None:
    for user_id in list(_channels) if hint.user_id is None else [hint.user_id]:
        channel = _channels.get(user_id)
        if channel is not None:
            channel.hints.add(hint)
            if channel.timer is None:
                delay = max(0.0, channel.next_at - time.monotonic())
                channel.timer = asyncio.get_running_loop().call_later(delay, _flush, channel)


def _flush(channel: _Channel) -> None:
    hints, channel.hints, channel.timer = channel.hints, set(), None
    channel.next_at = time.monotonic() + MERGE_SECONDS
    channel.reads.clear()
    channel.hinted.emit(hints)
