"""What happened when, for charts over time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd
from sqlmodel import Session, col, select

from core import clock, db
from core.models import Activity, Campaign
from core.stats.counted import Counted, within
from core.stats.readings import begin

_MOST_HOURS = timedelta(hours=72)
_COLUMNS = ["hour_at", "sent", "failed", "opened"]


@dataclass(frozen=True)
class Day:
    """One day (or hour) on the user's wall clock."""

    at: datetime  # its start, in the user's zone
    sent: int
    failed: int
    opened: int


@dataclass(frozen=True)
class Progress:
    """``unit``: "hour" or "day"."""

    unit: str
    of: list[Day]


def per_day(
    session: Session,
    user_id: int,
    zone: str,
    *,
    days: int = 14,
    campaign_id: int | None = None,
    among: Counted = Counted.everything,
) -> list[Day]:
    """The last ``days`` days in ``zone``, today last, days without mail included; of one campaign or of all."""
    today = clock.to_zone(db.now(session), zone).date()
    first = today - timedelta(days=days - 1)
    found = _activity(session, user_id, zone, first, campaign_id, among)
    by_day = found.groupby(found["hour_at"].dt.date)[_COLUMNS[1:]].sum()
    wanted = [first + timedelta(days=offset) for offset in range(days)]
    starts = [datetime(day.year, day.month, day.day) for day in wanted]
    return _days(starts, by_day.reindex(wanted, fill_value=0))


def progress(session: Session, user_id: int, zone: str, campaign_id: int, begun: datetime | None = None) -> Progress:
    """From a campaign's first activity to its last, quiet times included: its hours, or its days where it took long.

    ``begun``: when it did; the hour it began in begins then.
    """
    found = _activity(session, user_id, zone, None, campaign_id)
    if not len(found):
        return Progress("hour", [])
    # In UTC, as they were counted: where the zone is half an hour off, 14:00 UTC begins at 19:30 there, not at 19:00.
    in_utc = found.set_index(found["hour_at"].dt.tz_convert("UTC"))
    if in_utc.index.max() - in_utc.index.min() < _MOST_HOURS:
        by_hour = in_utc[_COLUMNS[1:]].resample("1h").sum()
        starts = (begin(at.to_pydatetime(), timedelta(hours=1), begun) for at in by_hour.index)
        return Progress("hour", _days((clock.to_zone(at, zone) for at in starts), by_hour))
    by_day = found.groupby(found["hour_at"].dt.date)[_COLUMNS[1:]].sum()
    every = pd.date_range(by_day.index.min(), by_day.index.max())
    return Progress("day", _days(every.to_pydatetime(), by_day.reindex(every.date, fill_value=0)))


def _days(starts: Iterable[datetime], counted: pd.DataFrame) -> list[Day]:
    numbers = counted.astype(int).values.tolist()
    return [Day(at, sent, failed, opened) for at, (sent, failed, opened) in zip(starts, numbers, strict=True)]


def _activity(
    session: Session,
    user_id: int,
    zone: str,
    first: date | None,
    campaign_id: int | None,
    among: Counted = Counted.everything,
) -> pd.DataFrame:
    statement = (
        select(col(Activity.hour_at), col(Activity.sent_count), col(Activity.failed_count), col(Activity.opened_count))
        .join(Campaign, col(Campaign.id) == col(Activity.campaign_id))
        .where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None), *within(among, user_id))
    )
    if campaign_id is not None:
        statement = statement.where(col(Activity.campaign_id) == campaign_id)
    if first is not None:
        since = datetime(first.year, first.month, first.day, tzinfo=clock.utcnow().tzinfo) - timedelta(days=1)
        statement = statement.where(col(Activity.hour_at) >= since)
    frame = pd.DataFrame(session.execute(statement).all(), columns=_COLUMNS)
    frame["hour_at"] = pd.to_datetime(frame["hour_at"], utc=True).dt.tz_convert(zone)
    return frame
