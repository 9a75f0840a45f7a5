"""Claimed mails whose recipient domain has no room now: they wait here a little, or later in the database, and hold up
no mail of another domain."""

import asyncio
import math
from collections import deque
from collections.abc import Callable

from core.delivery.domains import group_of
from core.delivery.ledger import Claimed
from jobs.slots import Slots

_HELD = 30.0  # seconds: what starts within is kept at hand
_FAREST = 1800.0  # seconds: what would start later is looked at again then
_POKE = 5.0  # seconds, at least, between claims of those that come due


class Parking:
    """Of one lane. ``notify``: one of them has its turn. ``poke``: some that were put off are due. ``put_off`` writes
    down that messages wait so many seconds, without an attempt."""

    def __init__(
        self,
        slots: Slots,
        notify: Callable[[], None],
        poke: Callable[[], None],
        put_off: Callable[[list[tuple[Claimed, float]]], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._slots, self._notify, self._poke, self._put_off = slots, notify, poke, put_off
        self._waiting: dict[str, deque[Claimed]] = {}
        self._turns: dict[str, float] = {}  # group: the turn that was promised last to one of it
        self._surplus: list[tuple[Claimed, float]] = []
        self._turn: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def ready(self) -> Claimed | None:
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

    def admit(self, message: Claimed) -> bool:
        """Whether the domain of ``message`` has room, which it then takes; else it waits."""
        domains, now = self._slots.domains, self._slots.now()
        if domains is None:
            return True
        group = group_of(message.email)
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

    def settle(self) -> None:
        """After some were not admitted: see that they are heard of again."""
        if self._surplus:
            surplus, self._surplus = self._surplus, []
            self._put_off(surplus)
            self._poke_in(max(_POKE, min(seconds for _, seconds in surplus)))
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        domains = self._slots.domains
        if self._waiting and domains is not None:
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
