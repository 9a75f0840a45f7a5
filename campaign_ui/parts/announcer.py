"""Tells screen readers how it goes without chattering: each tenth, at most once a minute; a change of state at once."""

from collections.abc import Callable
from time import monotonic

from nicegui import ui

from campaign_ui.charts import say_done
from core.stats import BLOCKED, MENDED, STOPPED, WAITING, Summary

_EVERY = 60.0  # seconds
_STANDS = {
    "draft": "is a draft",
    "scheduled": "is scheduled",
    "sending": "is sending",
    WAITING: "waits",
    BLOCKED: "waits for its sender, which is blocked",
    "paused": "is paused",
    STOPPED: "is paused",
    MENDED: "is ready to be resumed",
    "sent": "is sent",
    "cancelled": "is cancelled",
}


class Announcer:
    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._said_at = float("-inf")
        self._tenth = self._status = self._waits = object()
        self._label = ui.label().classes("sr-only").props("role=status aria-live=polite")

    def tell(self, campaign: Summary, waits: str = "") -> None:
        """``waits``: why it does not go on, without numbers that change by themselves; empty while it does."""
        counts = campaign.counts
        tenth = int(10 * counts.progress)
        status = campaign.shown_status
        state_is_new = (status, waits) != (self._status, self._waits)
        progress_is_due = tenth != self._tenth and self._clock() - self._said_at >= _EVERY
        if not state_is_new and not progress_is_due:
            return
        self._status, self._waits, self._tenth, self._said_at = status, waits, tenth, self._clock()
        progress = f"{say_done(counts)}."
        parts = [f"{campaign.title} {_STANDS[status]}.", *([progress] if counts.recipients else []), waits]
        self._label.set_text(" ".join(part for part in parts if part))
