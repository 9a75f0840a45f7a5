"""When the next mail of a lane may start: its pace by timers, each start committed before it happens."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from heapq import heappop, heappush
from time import monotonic
from typing import Any, Literal, TypeVar

from core.delivery.domains import Domains, group_of
from core.delivery.ledger import Claimed
from core.delivery.pace import Pace
from core.delivery.usage import Start, limits_of
from core.delivery.warmup import changes_at
from core.models import Sender
from jobs.batches import Taken
from jobs.writer import Writer

T = TypeVar("T")

_CLOCKS_APART = 10.0  # seconds
_FAR = 30.0  # seconds: who has to wait longer gives the sender back until then
_SOON = 15.0  # seconds: mails that start in them are claimed together
_CLAIM = 0.5  # seconds that a claim may take on a busy machine
_COMMIT = 0.5  # seconds that the commit of a start may take on a busy machine
_TAKEN = 0.1  # seconds by which the clocks of two owners differ, by what the taking took
_AHEAD = 3.0  # seconds before a slot the connection is looked at: servers hang up on those who wait


class Slots:
    """``later(moment)`` is called when the hour or the day is full until then."""

    def __init__(self, taken: Taken, writer: Writer, ended: asyncio.Event, later: Callable[[float], None]) -> None:
        self._loop = asyncio.get_running_loop()
        sender, taken_at = taken.lease.sender, taken.lease.taken_at
        # The database's time, as of the taking, on a clock that nobody sets. Not the loop's, which stands still while
        # the loop is busy: starts would be written down earlier than they were.
        self._offset = taken_at.timestamp() - taken.clock
        self._writer, self._ended, self._later = writer, ended, later
        self._paced_until = sender.paced_until.timestamp() if sender.paced_until else 0.0
        limits, learned = limits_of(sender, taken_at), sender.learned_per_minute
        self.pace = Pace(limits, self.now(), self._paced_until or None, learned)
        self.domains: Domains | None = None
        if limit := self.pace.limits.domain_per_minute:
            self.domains = Domains(limit, {name: at.timestamp() for name, at in taken.domains.items()})
        self.pace.remember((at.timestamp(), count) for at, count in taken.used)
        # The delay of a connection that ended is kept by the next one, and that of a former owner's last mail by all.
        self._ended_lines: list[float] = []  # a heap: their last starts
        self._last_start, wait = float("-inf"), sender.next_start_at.timestamp() if sender.next_start_at else 0.0
        self._first_at = min(wait, self.now() + limits.delay) + _TAKEN

    @property
    def limited(self) -> bool:
        return self.pace.limited

    @property
    def next_at(self) -> datetime | None:
        """Not before then may a successor start a mail: the next slot, and room in the hour and the day."""
        now = self.now()
        next_at = max(self.pace.successor_at(now), self.free_at(), self._last_start + self.pace.limits.delay)
        return moment(next_at) if next_at > now else None

    def now(self) -> float:
        return monotonic() + self._offset

    def outdated(self, sender: Sender, now: datetime) -> bool:
        """Whether the sender has other limits now, or a clock was set or stood still."""
        apart = abs(now.timestamp() - self.now()) > _CLOCKS_APART
        return apart or limits_of(sender, now) != self.pace.limits

    def batch(self, size: int, connections: int) -> int:
        """How many of ``size`` mails to claim; none when the hour or the day is full.

        A slow sender claims what it starts soon, so that a campaign which is new has its turn soon.
        """
        rate, room = self.pace.rate(connections), self.pace.room(self.now())
        soon = size if rate is None else max(1, min(size, math.ceil(rate * _SOON)))
        return soon if room is None else min(soon, room)

    def reserve(self, size: int, connections: int) -> int:
        """Claim ahead of time, when so many are left: a fast sender would wait for the claim."""
        if not self.limited:
            return size // 2
        if self.pace.limits.sums:
            return 0  # what is claimed beyond the room of an hour would end the lane
        return min(size // 2, int((self.pace.rate(connections) or 0.0) * _CLAIM))

    def free_at(self) -> float:
        """When the hour and the day have room, or a next day of the warm-up may have."""
        now = self.now()
        free_at = self.pace.free_at(now)
        midnight = changes_at(self.pace.limits.warmup, moment(now)) if free_at > now else None
        return min(free_at, midnight.timestamp()) if midnight else free_at

    async def take(
        self, message: Claimed, last_start: float, connect: Callable[[], Awaitable[bool]]
    ) -> Literal["go", "skip", "away", "end"]:
        """Wait until ``message`` may start and commit that; ``last_start``: of its connection, which ``connect`` opens.

        skip: it is not wanted any more, or the limits are others now. away: there is no connection. end: the lane
        ends first.
        """
        while True:
            earliest = max(last_start + self.pace.limits.delay, self._first_at)
            if not await self.until(earliest - _AHEAD):
                return "end"
            if (free_at := self.free_at()) > self.now() + _FAR:
                self._later(free_at)
                return "end"
            if self.domains is not None and not await self.until(self.domains.clear_at(group_of(message.email))):
                return "end"
            slot = self.pace.reserve(max(self.now(), earliest))
            # First the connection: a mail that waits for it in its slot would start beside the next one.
            for at in (slot.at - _AHEAD, slot.at - self._commit_ahead):
                if await self.until(at) and not await connect():
                    self.pace.forfeit(slot)
                    return "away"
            if self._ended.is_set() or self.now() > slot.until:
                self.pace.forfeit(slot)
                continue
            if not await self._writer.begin(self._start(message, max(self.now(), slot.at))):
                return "skip"
            while (clear_at := max(slot.at, self.pace.clear_at())) > self.now():
                if not await self.until(clear_at):
                    return "end"
            if self.now() <= slot.until:
                return "go"

    def take_line(self) -> float:
        """The last start of a connection whose place another one takes."""
        return heappop(self._ended_lines) if self._ended_lines else float("-inf")

    def leave_line(self, last_start: float) -> None:
        """A connection ended."""
        heappush(self._ended_lines, last_start)

    def started(self) -> float:
        """The mail whose turn it was is written: not before, as a busy machine may come between. Returns when."""
        self.pace.started(now := self.now())
        self._last_start = now
        return now

    async def unless_ended(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What ``work`` returns; None when the lane ends first, and ``work`` with it."""
        task, ended = self._loop.create_task(work), self._loop.create_task(self._ended.wait())
        try:
            await asyncio.wait((task, ended), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            ended.cancel()
            task.cancel()

    @property
    def _commit_ahead(self) -> float:
        """Seconds before its slot the start of a mail is committed: what a busy database takes is not lost."""
        return min(_COMMIT, self.pace.gap / 4)

    def _start(self, message: Claimed, at: float) -> Start:
        self._paced_until, self._last_start = max(self._paced_until, self.pace.after(at)), at
        start = Start(message, self.pace.limits, moment(at), self.next_at, moment(self._paced_until))
        if self.domains is None:
            return start
        group = group_of(message.email)
        return replace(start, domain=group, domain_next_at=moment(self.domains.started(group, at)))

    async def until(self, at: float) -> bool:
        """Wait until ``at`` (as ``now``); False when the lane ends before."""
        wait = at - self.now()
        if wait > 0 and not self._ended.is_set():
            try:
                async with asyncio.timeout(wait):
                    await self._ended.wait()
            except TimeoutError:
                pass
        return not self._ended.is_set()


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
