"""What a lane does by the clock: its sender's window closes, its warm-up goes on, windows of campaigns open and close.

Moments come from the database and are kept on the loop's clock, counted from before the question: so they come a little
early (and are asked about again), never late.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from core.delivery import holds, usage
from core.delivery.ledger import Claimed
from core.delivery.pace import Limits
from jobs.batches import Batch
from jobs.writer import Writer


class Hours:
    """``end`` ends the lane, to be taken anew at once; ``share`` gives back what it holds, to be claimed anew."""

    def __init__(self, writer: Writer, end: Callable[[], object], share: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer, self._end, self._share = writer, end, share
        self._closes: dict[int, float] = {}  # campaign id -> the loop's time
        self._change: asyncio.TimerHandle | None = None
        self._turn: asyncio.TimerHandle | None = None

    def begin(self, limits: Limits, asked: float, taken_at: datetime) -> None:
        """``limits`` hold at ``taken_at``; ``asked``: the loop's time before that was known."""
        change_at = usage.change_at(limits, taken_at)
        if change_at is not None and change_at <= taken_at:
            self._end()  # its window is closed
        elif change_at is not None:
            self._change = self._loop.call_at(_on_loop(change_at, asked, taken_at), self._end)

    def follow(self, got: Batch, asked: float) -> None:
        """Of the campaigns that were claimed from, and of those that wait."""
        openings = got.openings
        self._closes = {id: _on_loop(at, asked, got.at) for id, at in openings.closes.items()}
        if openings.holds:
            self._writer.call(lambda session: holds.hold(session, openings.holds))
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        if openings.turns_at is not None:
            self._turn = self._loop.call_at(_on_loop(openings.turns_at, asked, got.at), self._share)

    def closed(self, message: Claimed) -> bool:
        """Whether the window of its campaign closed since it was claimed."""
        closes = self._closes.get(message.campaign_id) if self._closes else None
        return closes is not None and closes <= self._loop.time()

    def stop(self) -> None:
        for timer in (self._change, self._turn):
            if timer is not None:
                timer.cancel()


def _on_loop(at: datetime, asked: float, now: datetime) -> float:
    return asked + (at - now).total_seconds()
