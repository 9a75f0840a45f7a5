"""What happened when, for charts over time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd
from sqlmodel import Session, col, select

from core import clock, db
from core.models import Activity, Campaign

_COLUMNS = ["hour_at", "sent", "failed", "opened"]


@dataclass(frozen=True)
class Day:
    """One day (or hour) on the user's wall clock."""

    at: datetime  # its start, in the user's zone
    sent: int
    failed: int
    opened: int


def per_day(session: Session, user_id: int, zone: str, *, days: int = 14, campaign_id: int | None = None) -> list[Day]:
    """The last ``days`` days in ``zone``, today last, days without mail included; of one campaign or of all."""
    today = clock.to_zone(db.now(session), zone).date()
    first = today - timedelta(days=days - 1)
    found = _activity(session, user_id, zone, first, campaign_id)
    by_day = found.groupby(found["hour_at"].dt.date)[_COLUMNS[1:]].sum()
    wanted = [first + timedelta(days=offset) for offset in range(days)]
    filled = by_day.reindex(wanted, fill_value=0)
    return [
        Day(datetime(day.year, day.month, day.day), sent, failed, opened)
        for day, (sent, failed, opened) in zip(wanted, filled.astype(int).values.tolist(), strict=True)
    ]


def per_hour(session: Session, user_id: int, zone: str, campaign_id: int) -> list[Day]:
    """A campaign's hours from its first to its last activity (at most three days of them), gaps included."""
    found = _activity(session, user_id, zone, None, campaign_id)
    if not len(found):
        return []
    # In UTC, as they were counted: where the zone is half an hour off, 14:00 UTC begins at 19:30 there, not at 19:00.
    in_utc = found.set_index(found["hour_at"].dt.tz_convert("UTC"))
    by_hour = in_utc[_COLUMNS[1:]].resample("1h").sum().head(72).astype(int)
    starts = pd.DatetimeIndex(by_hour.index).tz_convert(zone).to_pydatetime()
    return [
        Day(at, sent, failed, opened)
        for at, (sent, failed, opened) in zip(starts, by_hour.values.tolist(), strict=True)
    ]


def _activity(session: Session, user_id: int, zone: str, first: date | None, campaign_id: int | None) -> pd.DataFrame:
    statement = (
        select(col(Activity.hour_at), col(Activity.sent_count), col(Activity.failed_count), col(Activity.opened_count))
        .join(Campaign, col(Campaign.id) == col(Activity.campaign_id))
        .where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
    )
    if campaign_id is not None:
        statement = statement.where(col(Activity.campaign_id) == campaign_id)
    if first is not None:
        since = datetime(first.year, first.month, first.day, tzinfo=clock.utcnow().tzinfo) - timedelta(days=1)
        statement = statement.where(col(Activity.hour_at) >= since)
    frame = pd.DataFrame(session.execute(statement).all(), columns=_COLUMNS)
    frame["hour_at"] = pd.to_datetime(frame["hour_at"], utc=True).dt.tz_convert(zone)
    return frame
