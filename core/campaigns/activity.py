"""The hours of a campaign, as its charts show them: what is tried again has not failed in its hour any more."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.models import Activity, Attempt


def hours_of(session: Session, message_ids: list[int]) -> Counter[datetime]:
    """In which hours these mails were last refused, and how many; those without a try that is known are in none."""
    last = select(func.max(Attempt.at)).where(col(Attempt.message_id).in_(message_ids))
    return Counter(
        at.replace(minute=0, second=0, microsecond=0) for at in session.exec(last.group_by(col(Attempt.message_id)))
    )


def take_back(session: Session, campaign_id: int, count: int, hours: Counter[datetime]) -> None:
    """``count`` mails failed no more: in their ``hours``, the others in the latest. After the campaign's row."""
    kept = select(Activity.hour_at, Activity.failed_count).where(
        col(Activity.campaign_id) == campaign_id, col(Activity.failed_count) > 0
    )
    rows = session.exec(kept.order_by(col(Activity.hour_at).desc()).with_for_update()).all()
    for hour, less in shares(rows, count, hours).items():
        session.execute(
            update(Activity)
            .where(col(Activity.campaign_id) == campaign_id, col(Activity.hour_at) == hour)
            .values(failed_count=col(Activity.failed_count) - less)
        )


def shares(rows: Iterable[tuple[datetime, int]], count: int, hours: Counter[datetime]) -> Counter[datetime]:
    """``rows``: (hour, failed in it), the latest first -> how many of ``count`` each loses, never more than it has."""
    left = dict(rows)
    lost = Counter({hour: min(number, left.get(hour, 0)) for hour, number in hours.items()})
    for hour, failed in left.items():
        lost[hour] += min(failed - lost[hour], count - lost.total())
    return +lost
