"""What sends: one thread with one event loop for the life of the process. Tasks only wake it."""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from core import config, db, live
from core.delivery import guests, holds, lease, new_limits, rulebook, workers
from jobs.beside import Beside
from jobs.hints import Hints
from jobs.lane import Lane
from jobs.mails import Mails
from jobs.writer import Away, Writer

log = logging.getLogger(__name__)

# Parts of a lease without a heartbeat that came through: then no further mail starts, then no connection is left. So
# whoever takes the sender when the lease is over has all its connections to itself.
STOP, DROP = 0.6, 0.85
GRACE = 10.0  # seconds that mails under way get when the program stops
WRITING = 5.0  # seconds that their results then get, with the database away


class Engine:
    """Start it once; ``wake`` and ``stop`` are for any thread."""

    def __init__(self) -> None:
        self.owner = workers.new_name()
        self._loop = _new_loop()
        self._hints = Hints()
        self._writer = Writer(self._loop, self._hints.tell)
        self._beside = Beside(self._loop, self._writer)
        self._lanes: dict[int, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._mails = Mails()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._hints.start()
        self._writer.start()
        self._beside.start()
        self._thread.start()
        self._unhear = live.on_wake(self.look_again)

    def wake(self, sender_id: int) -> None:
        """This sender may have mail to send: look, unless another worker has it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, sender_id)

    def look_again(self) -> None:
        """A campaign may have begun, or need not wait any more: senders that are busy share with it at once."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._spawn(self._look_again()))

    def stop(self) -> None:
        """No new claims; mails under way end within GRACE; the rest goes back. Returns when all is written."""
        self._unhear()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._beside.stop()
        self._writer.stop(WRITING)
        self._hints.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        rulebook.shipped()  # 0.2 s, not during the first refusal
        try:
            self._loop.run_until_complete(self._main())
        except Exception:
            log.exception("the engine failed")
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _main(self) -> None:
        if db.is_sqlite():  # then all processes are of this machine
            self._spawn(self._succeed())
        beats = [self._loop.create_task(work()) for work in (self._heartbeats, self._watch, self._tell)]
        await self._stopping.wait()
        for lane in self._lanes.values():
            lane.end("stop")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)
        for lane in self._lanes.values():
            lane.abort()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)
        if self._tasks:
            self._writer.give_up()  # they wait for the database
        left = [*beats, *self._tasks]
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=GRACE)
        left_in_order = self._writer.call(lambda session: workers.leave(session, self.owner))
        left_in_order.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody waits for it

    def _wake(self, sender_id: int) -> None:
        if self._stopping.is_set():
            return
        if (lane := self._lanes.get(sender_id)) is not None:
            lane.poke()
            return
        lane = self._lanes[sender_id] = Lane(sender_id, self.owner, self._writer, self._beside, self._mails)
        self._spawn(self._drive(lane))

    async def _drive(self, lane: Lane) -> None:
        again = False
        try:
            again = await lane.run()
        except Away:
            log.warning("sender %s: the database is away; another owner will put it right", lane.sender_id)
        except Exception:
            log.exception("sender %s: its run failed", lane.sender_id)
        finally:
            del self._lanes[lane.sender_id]
        if again or lane.poked:
            self._wake(lane.sender_id)
        elif lane.come_back is not None and not self._stopping.is_set():
            # A shorter way than the next tick, which would do it too.
            self._loop.call_later(lane.come_back + 0.05, self._wake, lane.sender_id)

    async def _succeed(self) -> None:
        """Who was killed is not waited for, once the results that it kept are written."""
        with suppress(Away):
            await self._writer.call(lambda session: lease.end_of_dead(session, workers.has_ended))

    async def _heartbeats(self) -> None:
        while True:
            await asyncio.sleep(lease.LEASE.total_seconds() / lease.HEARTBEATS)
            running = [lane for lane in self._lanes.values() if lane.epoch]
            if running:
                await self._heartbeat(running)
                self._spawn(self._give_way({lane.sender_id: lane for lane in running}))  # the hint may be lost

    async def _heartbeat(self, running: list[Lane]) -> None:
        ids, asked = [lane.sender_id for lane in running], self._loop.time()
        try:
            held = await self._writer.call(lambda session: lease.heartbeat(session, self.owner, ids))
        except Exception:
            log.exception("the heartbeat failed; the next one may not")
            return
        for lane in running:
            if (lane.sender_id, lane.epoch) in held:
                lane.held_at = asked
            elif self._lanes.get(lane.sender_id) is lane:
                lane.end("lost")

    async def _tell(self) -> None:
        """For who watches: this process lives, and what it did."""
        while True:
            try:
                kept = await asyncio.to_thread(workers.kept_results, config.settings.data_dir)
                figures = self._writer.meter.told(len(self._lanes), kept)
                await self._writer.call(partial(workers.tell, name=self.owner, figures=figures))
            except Away:
                return
            except Exception:
                log.exception("this worker could not tell of itself; the next time it may")
            await asyncio.sleep(workers.EVERY)

    async def _watch(self) -> None:
        """A lease that cannot be confirmed, as the database is away, ends here before it ends there."""
        while True:
            whole = lease.LEASE.total_seconds()
            await asyncio.sleep(whole / 20)
            for lane in list(self._lanes.values()):
                age = self._loop.time() - lane.held_at
                if lane.epoch and age > STOP * whole and lane.end("lost", 0.0):
                    log.warning("sender %s: its lease is not confirmed, no further mail starts", lane.sender_id)
                if lane.epoch and age > DROP * whole:
                    lane.abort()

    async def _look_again(self) -> None:
        running = {lane.sender_id: lane for lane in self._lanes.values() if lane.epoch}
        if not running or self._stopping.is_set():
            return
        await self._give_way(running)
        try:
            waiting = await self._beside.call(lambda session: holds.with_campaign_waiting(session, running))
        except Away:
            return
        for sender_id in waiting:
            if self._lanes.get(sender_id) is running[sender_id]:
                running[sender_id].share()

    async def _give_way(self, running: dict[int, Lane]) -> None:
        """To a test mail that waits for the connections of its sender, and to limits by which a mail may go sooner."""
        versions = {sender_id: lane.slots.pace.limits.version for sender_id, lane in running.items()}
        with suppress(Away):
            for sender_id in await self._beside.call(
                lambda session: guests.asked(session, running) | new_limits.outdated(session, versions)
            ):
                running[sender_id].end("later", 0.0)  # the guest may have left by then

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on this platform
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
