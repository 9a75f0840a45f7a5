"""How fast a campaign goes out: mails per minute of its last hour, from counters that were kept every ten seconds."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import clock, db
from core.models import CampaignSample
from core.stats.counts import Summary

MINUTES = 60
_FEWEST = 10  # of a campaign that began just now: one bar alone says nothing
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Minute:
    """Mails of the minute that begins ``at`` (in the user's zone); None where nobody counted."""

    at: datetime
    sent: float | None
    failed: float | None


@dataclass(frozen=True)
class Pace:
    """``minutes`` of the clock from its start on, 10 at least and the last 60 at most: the last is that which runs, or
    that in which it finished.

    ``per_minute``: in the last 60 s. ``is_known``: whether any whole one was counted while it went out.
    """

    minutes: tuple[Minute, ...] = ()
    per_minute: float = 0.0
    is_known: bool = False


@dataclass(frozen=True)
class _Mark:
    """The counters at a moment."""

    at: datetime
    sent: int
    failed: int


def pace(session: Session, campaign: Summary, zone: str) -> Pace:
    """The last hour of a campaign that its caller was allowed to read (``summary``), or the last hour it ran.

    Between two counts mails are taken to have gone out evenly.
    """
    if campaign.started_at is None:
        return Pace()
    end = campaign.finished_at or db.now(session)
    marks = _marks(session, campaign, end)
    last, first = (moment.replace(second=0, microsecond=0) for moment in (end, campaign.started_at))
    count = min(MINUTES, max(_FEWEST, (last - first) // _MINUTE + 1))
    starts = [last - _MINUTE * back for back in range(count - 1, -1, -1)]
    minutes = tuple(
        Minute(clock.to_zone(at, zone), *_between(marks, at, min(at + _MINUTE, end), campaign.started_at))
        for at in starts
    )
    now = _between(marks, end - _MINUTE, end, campaign.started_at)[0] if campaign.finished_at is None else None
    whole = minutes if campaign.finished_at is not None else minutes[:-1]
    counted = any(minute.sent is not None and minute.at + _MINUTE > campaign.started_at for minute in whole)
    return Pace(minutes, now or 0.0, counted)


def _marks(session: Session, campaign: Summary, end: datetime) -> list[_Mark]:
    """What is known of the hour before ``end`` and of the last moment before that hour."""
    since = end - _MINUTE * (MINUTES + 3)
    kept: Any = (
        select(col(CampaignSample.at), col(CampaignSample.sent_count), col(CampaignSample.failed_count))
        .where(col(CampaignSample.campaign_id) == campaign.id, col(CampaignSample.minute_at) >= since)
        .where(col(CampaignSample.at) <= end)
        .order_by(col(CampaignSample.at))
    )
    marks = [_Mark(*row) for row in session.execute(kept)]
    if campaign.started_at is not None and campaign.started_at >= since:
        marks.insert(0, _Mark(campaign.started_at, 0, 0))
    return [*marks, _Mark(end, campaign.counts.sent, campaign.counts.failed)]


def _between(
    marks: list[_Mark], begin: datetime, end: datetime, started_at: datetime
) -> tuple[float | None, float | None]:
    """How many were sent and failed; None before the first count, nothing before it started."""
    if end <= started_at:
        return 0.0, 0.0
    first, last = _at(marks, max(begin, started_at)), _at(marks, end)
    if first is None or last is None:
        return None, None
    # A mail that is tried again is failed no more: a count that goes back is no rate.
    return max(0.0, last[0] - first[0]), max(0.0, last[1] - first[1])


def _at(marks: list[_Mark], moment: datetime) -> tuple[float, float] | None:
    after = bisect_right(marks, moment, key=lambda mark: mark.at)
    if after == 0 or len(marks) == 1:
        return None
    before = marks[after - 1]
    if after == len(marks):
        return before.sent, before.failed
    then = marks[after]
    share = (moment - before.at) / (then.at - before.at)
    return before.sent + share * (then.sent - before.sent), before.failed + share * (then.failed - before.failed)
