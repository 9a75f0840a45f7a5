"""Numbers for the screens. Reads only; counts come from the campaigns' own counters, never from counting messages.

``days``, ``report`` and ``workbook`` are imported by name: they are for the web, and pandas would cost a worker 19 MB.
"""

from core.stats.clicks import Link, links
from core.stats.counted import Counted
from core.stats.counts import (
    BEST_LEAST,
    NOT_YET,
    ORDERS,
    Counts,
    Overview,
    Summary,
    best,
    count_by_status,
    overview,
    summaries,
    summary,
)
from core.stats.failures import Failure, failures
from core.stats.find import Found, find
from core.stats.going import (
    BLOCKED,
    MENDED,
    STOPPED,
    WAITING,
    Ended,
    Going,
    Outgoing,
    Pulse,
    Stopped,
    ended,
    going,
    outgoing,
    pulse,
    stopped,
    to_resume,
)
from core.stats.health import Health, Use, changes_in, health, held_up, sender_state, todo
from core.stats.history import Event, Timeline, timeline
from core.stats.operation import Operation, operation
from core.stats.pace import Minute, Pace, pace
from core.stats.pages import LedgerPage, LedgerRow, ledger
from core.stats.readings import Heat, Quarters, Span, Spans, heat, over_time, quarters, since_start
from core.stats.waits import Wait, waiting

__all__ = [
    "BEST_LEAST",
    "BLOCKED",
    "MENDED",
    "NOT_YET",
    "ORDERS",
    "STOPPED",
    "WAITING",
    "Counted",
    "Counts",
    "Ended",
    "Event",
    "Failure",
    "Found",
    "Going",
    "Health",
    "Heat",
    "LedgerPage",
    "LedgerRow",
    "Link",
    "Minute",
    "Operation",
    "Outgoing",
    "Overview",
    "Pace",
    "Pulse",
    "Quarters",
    "Span",
    "Spans",
    "Stopped",
    "Summary",
    "Timeline",
    "Use",
    "Wait",
    "best",
    "changes_in",
    "count_by_status",
    "ended",
    "failures",
    "find",
    "going",
    "health",
    "heat",
    "held_up",
    "ledger",
    "links",
    "operation",
    "outgoing",
    "over_time",
    "overview",
    "pace",
    "pulse",
    "quarters",
    "sender_state",
    "since_start",
    "stopped",
    "summaries",
    "summary",
    "timeline",
    "to_resume",
    "todo",
    "waiting",
]
