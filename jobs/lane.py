"""One sender while this process owns it: its claimed mails, its connections, and why it ends."""

import asyncio
import logging
from collections import deque
from datetime import datetime

from core.content.mail import CompiledMail
from core.delivery import consequence
from core.delivery.ledger import Claimed
from core.delivery.replies import UNREACHED, Verdict
from core.models import Sender
from jobs import batches
from jobs.adaptive import Adaptive
from jobs.beside import Beside
from jobs.courier import Courier
from jobs.hours import Hours
from jobs.mails import Mails
from jobs.parking import Parking
from jobs.report import Report
from jobs.slots import Slots
from jobs.writer import Writer

log = logging.getLogger(__name__)

_ALIVE = ("", "later")  # endings that a cooldown or a block overrules


class Lane:
    """Runs on the engine's loop. ``ending``: stop, lost, cooling, blocked, later, failed; "" while mails may start."""

    def __init__(self, sender_id: int, owner: str, writer: Writer, beside: Beside, mails: Mails) -> None:
        self.sender_id, self.writer = sender_id, writer
        self.ending, self.look_count = "", 0
        self.come_back: float | None = None  # seconds until it makes sense to run again
        self.epoch, self.held_at = 0, 0.0  # the loop's time before the lease was confirmed last
        self.poked = self._worked = False
        self.compiled: dict[int, CompiledMail] = {}
        self.from_address, self._batch_size, self.refresh_after = "", 1, 1  # mails on one connection
        self.report: Report
        self.slots: Slots
        self.adaptive: Adaptive
        self._parking: Parking
        self._sender: Sender
        self._owner, self._mails, self._beside = owner, mails, beside
        self._loop = asyncio.get_running_loop()
        self.queue: deque[Claimed] = deque()  # those that come next
        self._couriers: dict[asyncio.Task[None], Courier] = {}
        self._leaving: set[Courier] = set()  # on their way home: the sender may have fewer now
        self._claiming: asyncio.Task[None] | None = None
        self.looks: set[asyncio.Task[None]] = set()  # at what we hold; until they are done, no further mail starts
        self._exhausted = self._full = False  # the last claim found nothing; the hour or the day had no room for it
        self._proven = False  # a connection stood: a wrong password is tried once, not once per connection
        self._probing = False  # after a quota: one mail finds out whether it is over, not the batch
        self._written: asyncio.Future[None] | None = None  # what is to be claimed again
        self._changes: list[asyncio.Future[None]] = []
        self._hours = Hours(writer, lambda: self.end("later", 0.0), self.share)
        self._ended, self._one_look = asyncio.Event(), asyncio.Lock()

    async def run(self) -> bool:
        """Own the sender while it has due mail. Returns whether it makes sense to run again at once."""
        asked = self._loop.time()
        taken = await self.writer.call(lambda session: batches.take(session, self.sender_id, self._owner))
        if taken is None:
            return False
        held = taken.lease
        self.epoch, self.held_at = held.epoch, asked
        self.report = Report(self, held.sender, held.epoch, self.writer)
        self.slots = Slots(taken, self.writer, self._ended, self._later)
        self._probing = held.sender.cooldown_step > 0 and held.sender.state_kind in consequence.QUOTAS
        self._parking = Parking(self.slots, self.writer, self._notify, self.poke)
        self.adaptive = Adaptive(held.sender, held.epoch, self.slots, self.writer)
        self._follow(held.sender)
        self._hours.begin(self.slots.pace.limits, asked, held.taken_at)
        try:
            await self._work()
        finally:
            self.poked = False
            self._hours.stop()
            self._parking.stop()
            self.adaptive.store_last()
            self.writer.write_used()
            due = await self._give_back()
        # A wait that was ended by hand while the last mails were still on their way: the sender is ready, so try.
        return due and (self.ending == "cooling" or (self._worked and not self.ending))

    def poke(self) -> None:
        """There may be more mail now; one that comes while the sender is given back is heard after that."""
        self.poked = True
        self._exhausted = False
        self._notify()

    def returned(self) -> None:
        """A mail waits again, as the writer was told: the next claim finds it."""
        self._written = self.writer.call(lambda session: None)
        self.poke()

    def end(self, why: str, come_back: float | None = None) -> bool:
        """No further mail starts; what is on the wire goes on. False: it was ending already."""
        if self.ending not in _ALIVE:
            return False
        self.ending, self.come_back = why, come_back
        self._ended.set()
        self._notify()
        return True

    def abort(self) -> None:
        """Drop every connection: what is before its dot goes back, what is after it is unknown."""
        for courier in self._couriers.values():
            courier.abort()

    def connected(self) -> None:
        """A connection is signed in: others may follow."""
        if not self._proven:
            self._proven = True
            self.report.connected(self._sender.state_rule == UNREACHED)
            self._staff()

    def fewer(self, verdict: Verdict) -> bool:
        """Go on with the connections that are up; False when there is none."""
        if up := sum(courier.up for courier in self._couriers.values()):
            self.adaptive.fewer(up, verdict)
        return up > 0

    def accepted(self) -> None:
        """The server took a mail: perhaps it takes one connection more than before, too."""
        if self.adaptive.accepted():
            self._staff()

    def throttled(self, verdict: Verdict) -> None:
        """The server said to slow down."""
        self.adaptive.throttled(verdict)

    def trusted(self) -> None:
        """A mail was accepted after a cooldown: the others may follow."""
        if self._probing:
            self._probing = False
            self._staff()
            self._notify()

    async def next(self, courier: Courier) -> Claimed | None:
        """The next mail for a courier; None: go home."""
        if self._full:  # a slot that was reserved may have been lost
            self._full = self._exhausted = False
        while not self.ending:
            if self._is_one_too_many():
                self._leaving.add(courier)
                return None
            if (message := self.next_now()) is not None:
                return message
            if self._exhausted and self._claiming is None and not self._parking and not self.looks:
                return None
            await self._changed()
        return None

    def next_now(self) -> Claimed | None:
        """The next mail where one is at hand."""
        if self.ending or self.looks or self._is_one_too_many() or (self._probing and self._busy):
            return None
        left = len(self.queue)
        if left < self._batch_size and left <= self.slots.reserve(self._batch_size, self.adaptive.connections):
            self._claim_soon()
        while (message := self._parking.next(self.queue)) is not None:
            if self.may_start(message):
                return message
        return None

    @property
    def _busy(self) -> int:
        return sum(courier.busy for courier in self._couriers.values())

    def _is_one_too_many(self) -> bool:
        """Whether the sender may have fewer connections now than it has."""
        return len(self._couriers) - len(self._leaving) > self.adaptive.connections

    def requeue(self, message: Claimed) -> None:
        """A mail that was not sent, and not refused either. When the lane ends it goes back with the sender."""
        if self.look_count:
            self.put_back([message])  # perhaps it is not wanted any more
        elif not self.ending:
            self.queue.appendleft(message)
            self._notify()

    def blamed(self) -> None:
        """The content of a mail was refused: perhaps its domain is left out of the campaign now."""
        self.look_count += 1
        self.looks.add(task := self._loop.create_task(self.unwanted()))
        task.add_done_callback(self._task_done)

    async def unwanted(self) -> None:
        """A start or mark was refused (paused, suppressed, lost, other limits): look at all that we hold."""
        async with self._one_look:  # what an earlier one found is looked at again
            if self._claiming is not None:
                await asyncio.wait([self._claiming])
            held, self.queue = [*self._parking.drain(), *self.queue], deque()
            kept, sender, now = await self.writer.call(lambda session: batches.look(session, self.sender_id, held))
            self._follow_limits(sender, now)
            self.queue.extend(message for message in held if message.id in kept)

    def may_start(self, message: Claimed) -> bool:
        """Whether this mail may start; one whose campaign's window closed is put back."""
        if closed := self._hours.closed(message):
            self.put_back([message])
        return not closed and not self.ending

    def share(self) -> None:
        """What we hold goes back, and is claimed and shared anew."""
        held, self.queue = [*self._parking.drain(), *self.queue], deque()
        self.put_back(held)

    def put_back(self, messages: list[Claimed]) -> None:
        """They are claimed anew, where they are wanted; when the lane ends they go back with the sender."""
        if not self.ending:
            self.writer.call(lambda session: batches.put_back(session, messages))
            self.returned()

    async def _work(self) -> None:
        while not self.ending:
            if not self.queue and not self._couriers:
                self._claim_soon()
                if self._claiming is None:
                    break
                await asyncio.wait([self._claiming])
            self._staff()
            if self._couriers:
                await asyncio.wait(self._couriers, return_when=asyncio.FIRST_COMPLETED)
        if tasks := [*self._couriers, *self.looks, *([self._claiming] if self._claiming else [])]:
            await asyncio.wait(tasks)

    def _claim_soon(self) -> None:
        if self._claiming is None and not (self._exhausted or self.looks or self.ending):
            self._claiming = self._loop.create_task(self._claim())
            self._claiming.add_done_callback(self._claim_done)

    async def _claim(self) -> None:
        size = self.slots.batch(self._batch_size, self.adaptive.connections)
        if size <= 0:
            self._exhausted = self._full = True
            if not self.queue and not self._busy:
                self._later(self.slots.free_at())
            return
        await self._parking.rest()
        if (written := self._written) is not None:
            self._written = None
            await written
        asked, self.poked = self._loop.time(), False
        got = await self._beside.call(lambda session: batches.claim(session, self.sender_id, self.epoch, size))
        self._hours.follow(got, asked)
        if got.messages is None:
            self.end("lost")
            return
        self._follow_limits(got.sender, got.at)
        self._exhausted = not got.messages and not self.poked
        self._worked = self._worked or bool(got.messages)
        bad = await self._mails.compile(got.contents, self.compiled, got.messages, self.writer)
        self.queue.extend(message for message in got.messages if message.campaign_id not in bad)

    def _claim_done(self, task: "asyncio.Task[None]") -> None:
        self._claiming = None
        self._task_done(task)
        if not self.ending:
            self._staff()

    def _staff(self) -> None:
        """One courier (connection) per waiting mail, up to the sender's number."""
        most = self.adaptive.connections if self._proven and not self._probing else 1
        while len(self._couriers) < min(most, len(self.queue) + self._busy):
            task = self._loop.create_task((courier := Courier(self)).run())
            self._couriers[task] = courier
            task.add_done_callback(self._courier_done)

    def _courier_done(self, task: "asyncio.Task[None]") -> None:
        self._leaving.discard(self._couriers.pop(task))
        self._task_done(task)

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        self.looks.discard(task)
        self._notify()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("sender %s: its lane failed", self.sender_id, exc_info=error)
            self.end("failed")

    def _follow(self, sender: Sender) -> None:
        """Take over the sender's settings, also when they change while it sends."""
        self.adaptive.follow(sender)
        self._sender, self.report.is_proven = sender, sender.test_problem == ""
        # Read for every mail: an attribute of a row costs as much as a dozen of others.
        self.from_address, self.refresh_after = sender.from_address, max(1, sender.refresh_after)
        self._batch_size = max(1, sender.batch_size)

    def _follow_limits(self, sender: Sender, now: datetime) -> None:
        """As ``_follow``. With other limits, or by another clock, the sender is taken anew, its past starts too."""
        self._follow(sender)
        if self.slots.outdated(sender, now):
            self.end("later", 0.0)

    def _later(self, at: float) -> None:
        """The hour or the day is full: give the sender back until ``at``."""
        self.end("later", max(0.0, at - self.slots.now()))

    async def _changed(self) -> None:
        self._changes.append(future := self._loop.create_future())
        await future

    def _notify(self) -> None:
        changes, self._changes = self._changes, []
        for future in changes:
            if not future.done():
                future.set_result(None)

    async def _give_back(self) -> bool:
        next_at = self.slots.next_at
        due, opens_in, held_for = await self.writer.call(
            lambda session: batches.give_back(session, self.sender_id, self._owner, self.epoch, next_at)
        )
        if opens_in is not None:
            self.come_back = max(self.come_back or 0.0, opens_in)
        elif self.come_back is None:
            self.come_back = 1.0 if due and not self.ending else held_for  # it came due while nobody else may look
        return due
