"""Numbers for the screens. Reads only; counts come from the campaigns' own counters, never from counting messages."""

from core.stats.counts import (
    Counts,
    Overview,
    Summary,
    count_by_status,
    is_sending,
    overview,
    summaries,
    summary,
)
from core.stats.days import Day, per_day, per_hour
from core.stats.failures import Failure, failures
from core.stats.history import Event, Timeline, timeline
from core.stats.pages import LedgerPage, LedgerRow, ledger
from core.stats.waits import Wait, waiting

__all__ = [
    "Counts",
    "Day",
    "Event",
    "Failure",
    "LedgerPage",
    "LedgerRow",
    "Overview",
    "Summary",
    "Timeline",
    "Wait",
    "count_by_status",
    "failures",
    "is_sending",
    "ledger",
    "overview",
    "per_day",
    "per_hour",
    "summaries",
    "summary",
    "timeline",
    "waiting",
]
