"""Claimed mails whose recipient domain has no room now: they wait here a little, or later in the database, and hold up
no mail of another domain."""

import asyncio
import math
from collections import deque
from collections.abc import Callable

from core.delivery.domains import Domains, group_of
from core.delivery.ledger import Claimed
from jobs import batches
from jobs.slots import Slots
from jobs.writer import Writer

_HELD = 30.0  # seconds: what starts within is kept at hand
_FAREST = 1800.0  # seconds: what would start later is looked at again then
_REST = 0.1  # seconds between claims of which nothing can start
_POKE = 5.0  # seconds, at least, between claims of those that come due


class Parking:
    """Of one lane. ``notify``: one of them has its turn. ``poke``: some that were put off are due."""

    def __init__(self, slots: Slots, writer: Writer, notify: Callable[[], None], poke: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._slots, self._writer, self._notify, self._poke = slots, writer, notify, poke
        self._waiting: dict[str, deque[Claimed]] = {}
        self._turns: dict[str, float] = {}  # group: the turn that was promised last to one of it
        self._surplus: list[tuple[Claimed, float]] = []
        self._barren = False  # of the last claim nothing could start
        self._turn: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def next(self, queue: deque[Claimed]) -> Claimed | None:
        """The next mail whose domain has room; those of ``queue`` before it wait here."""
        if self._slots.domains is None:
            return queue.popleft() if queue else None
        found = self._ready()
        while found is None and queue:
            message = queue.popleft()
            found = message if self._admit(message, self._slots.domains) else None
        self._settle(self._slots.domains)
        self._barren = found is None and bool(self._waiting)
        return found

    async def rest(self) -> None:
        """Before another claim, where nothing of the last one could start."""
        if self._barren:
            await asyncio.sleep(_REST)

    def _ready(self) -> Claimed | None:
        """One of those that wait here whose turn it is."""
        domains, now = self._slots.domains, self._slots.now()
        if domains is None:
            return None
        for group, waiting in self._waiting.items():
            if domains.free_at(group) <= now:
                message = waiting.popleft()
                if not waiting:
                    del self._waiting[group]
                domains.reserve(group, now)
                return message
        return None

    def _admit(self, message: Claimed, domains: Domains) -> bool:
        """Whether the domain of ``message`` has room, which it then takes; else it waits."""
        now, group = self._slots.now(), group_of(message.email)
        waiting = self._waiting.get(group)
        if waiting is None and domains.free_at(group) <= now:
            domains.reserve(group, now)
            return True
        if waiting is None:
            waiting = self._waiting[group] = deque()
        if len(waiting) < max(2, math.ceil(_HELD / domains.gap)):
            waiting.append(message)
        else:
            self._surplus.append((message, self._turn_in(group, domains.gap, now)))
        return False

    def _settle(self, domains: Domains) -> None:
        """After some were not admitted: see that they are heard of again."""
        if self._surplus:
            surplus, self._surplus = self._surplus, []
            self._writer.call(lambda session: batches.put_off(session, surplus))
            self._poke_in(max(_POKE, min(seconds for _, seconds in surplus)))
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        if self._waiting:
            turn_in = min(domains.free_at(group) for group in self._waiting) - self._slots.now()
            self._turn = self._loop.call_later(max(0.0, turn_in) + 0.001, self._notify)

    def drain(self) -> list[Claimed]:
        """Those that wait here, to be looked at or given back."""
        held = [message for waiting in self._waiting.values() for message in waiting]
        self._waiting.clear()
        return held

    def stop(self) -> None:
        for timer in (self._turn, self._due):
            if timer is not None:
                timer.cancel()

    def _turn_in(self, group: str, gap: float, now: float) -> float:
        """In how many seconds a mail is wanted here again: half of what is kept at hand before its turn."""
        turn = max(self._turns.get(group, 0.0), now + _HELD) + gap
        self._turns[group] = min(turn, now + _FAREST)
        return min(turn, now + _FAREST) - now - _HELD / 2

    def _poke_in(self, seconds: float) -> None:
        at = self._loop.time() + seconds
        if self._due is None or self._due.cancelled() or not self._loop.time() < self._due.when() <= at:
            if self._due is not None:
                self._due.cancel()
            self._due = self._loop.call_at(at, self._due_now)

    def _due_now(self) -> None:
        self._due = None
        self._poke()
