"""The pace and the connections of a lane as its provider's throttles make them (``core.delivery.adapt``)."""

import asyncio

from core.delivery import adapt, consequence, learned
from core.delivery.replies import Verdict
from core.models import Sender
from jobs.slots import Slots
from jobs.writer import Writer

_STORE_EVERY = 30.0  # seconds, while it becomes faster


class Adaptive:
    """``connections``: at most so many now. What is learned is written down by the writer, under the epoch."""

    def __init__(self, sender: Sender, epoch: int, slots: Slots, writer: Writer) -> None:
        self._loop = asyncio.get_running_loop()
        self._sender, self._epoch, self._slots, self._writer = sender, epoch, slots, writer
        self._observed = adapt.Observed()
        self._accepted = 0
        self._writing = 0
        self._pace: float | None = None
        self._base = 0.0  # the pace right after it was halved
        self._learned_connections: int | None = None
        self._pinned = False
        self._adopt(sender)

    def follow(self, sender: Sender) -> None:
        """The row as it is now: its user may have changed the connections, pinned or forgotten what was learned."""
        if not self._writing and self._kept != _kept(sender):
            self._adopt(sender)
        elif sender.connections != self._sender.connections:
            self.connections = self._most(sender)
        self._sender = sender

    def throttled(self, verdict: Verdict) -> None:
        """The server said to slow down, for the first time since it accepted a mail.

        A quota that is used up says nothing of the pace within it.
        """
        if self._pinned or verdict.kind in consequence.QUOTAS:
            return
        if verdict.kind == "throttle_connections":
            self._fewer(0, verdict.rule_id)
            return
        pace = adapt.slower(self._slots.pace.per_minute, self._observed.per_minute(self._loop.time()))
        if pace is not None:
            self._pace, self._base = pace, pace
            self._follow_pace()
            self._store(verdict.rule_id)

    def fewer(self, up: int, verdict: Verdict) -> None:
        """One connection more than ``up`` was refused: go on with these."""
        if verdict.kind == "throttle_connections" and not self._pinned:
            self._fewer(up, verdict.rule_id)
        self.connections = max(1, up)

    def accepted(self) -> bool:
        """A mail was accepted. Returns whether one connection more may be tried now."""
        self._accepted += 1
        self._observed.accepted(self._loop.time())
        if self._pace is not None and not self._pinned:
            self._pace = adapt.faster(self._pace, self._base, self._slots.pace.limits.per_minute)
            self._follow_pace()
            if self._pace is None or self._loop.time() > self._stored_at + _STORE_EVERY:
                self._store()
        return self._accepted % adapt.MORE_AFTER == 0 and self._more()

    def store_last(self) -> None:
        """The lane ends: what is not written yet."""
        if (self._pace, self._learned_connections, self._pinned) != self._kept:
            self._store()

    def _adopt(self, sender: Sender) -> None:
        self._kept = _kept(sender)
        self._pace, self._learned_connections, self._pinned = self._kept
        self._base = self._pace or 0.0
        self._stored_at = self._loop.time()
        self.connections = self._most(sender)
        self._follow_pace()

    def _most(self, sender: Sender) -> int:
        return max(1, min(sender.connections, self._learned_connections or sender.connections))

    def _fewer(self, up: int, rule_id: str) -> None:
        self.connections = adapt.fewer(self.connections, up)
        if self.connections < self._sender.connections:  # of one there are no fewer, so nothing is learned
            self._learned_connections = self.connections
            self._store(rule_id)

    def _more(self) -> bool:
        most = self._sender.connections
        if self.connections >= most or (self._pinned and self._learned_connections):
            return False
        self.connections += 1
        if self._learned_connections is not None:
            self._learned_connections = adapt.more(self.connections - 1, most)
            self._store()
        return True

    def _follow_pace(self) -> None:
        self._slots.pace.learned = self._pace

    def _store(self, rule_id: str | None = None) -> None:
        if self._pinned:
            return
        was, now = self._kept[:2], (self._pace, self._learned_connections)
        self._kept = *now, False
        self._stored_at = self._loop.time()
        sender_id, epoch = self._sender.id or 0, self._epoch
        self._writing += 1
        self._writer.call(
            lambda session: (
                learned.grow(session, sender_id, epoch, *now, was)
                if rule_id is None
                else learned.learn(session, sender_id, epoch, *now, rule_id)
            )
        ).add_done_callback(self._written)

    def _written(self, future: "asyncio.Future[bool]") -> None:
        self._writing -= 1
        if not future.cancelled():
            future.exception()  # looked at: who takes the sender next learns it anew


def _kept(sender: Sender) -> tuple[float | None, int | None, bool]:
    return sender.learned_per_minute, sender.learned_connections, sender.learned_pinned
