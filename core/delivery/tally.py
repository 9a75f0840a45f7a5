"""The counters of campaigns: changed in the transaction of the state changes they count, one UPDATE per campaign."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from core import db
from core.models import Activity, Campaign

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_activity: Any = Activity.__table__  # type: ignore[attr-defined]

Touched = set[tuple[int, int]]  # (user id, campaign id) whose numbers changed


class Tally:
    """Collects the changes of one transaction; ``store`` writes them at its end, campaigns in order of their id."""

    def __init__(self) -> None:
        self._changes: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def moved(self, campaign_id: int, source: str, target: str, count: int = 1) -> None:
        """``count`` messages went from state ``source`` to state ``target``."""
        changes = self._changes[campaign_id]
        changes[f"{source}_count"] -= count
        changes[f"{target}_count"] += count

    def add(self, campaign_id: int, name: str, count: int = 1) -> None:
        """``name``: a counter's column."""
        self._changes[campaign_id][name] += count

    def store(self, session: Session, now: datetime) -> Touched:
        """Write everything collected; returns whom to tell after the commit."""
        touched: Touched = set()
        for campaign_id in sorted(self._changes):
            changes = {name: count for name, count in self._changes[campaign_id].items() if count}
            if not changes:
                continue
            values = {name: _campaign.c[name] + count for name, count in changes.items()}
            statement = update(_campaign).where(_campaign.c.id == campaign_id).values(values)
            user_id = session.connection().execute(statement.returning(col(Campaign.user_id))).scalar()
            if user_id is not None:
                touched.add((user_id, campaign_id))
                _record_activity(session, campaign_id, now, changes)
        self._changes.clear()
        return touched


def _record_activity(session: Session, campaign_id: int, now: datetime, changes: dict[str, int]) -> None:
    counts = {name: changes[name] for name in ("sent_count", "failed_count") if changes.get(name, 0) > 0}
    if counts:
        hour = now.replace(minute=0, second=0, microsecond=0)
        row = {"campaign_id": campaign_id, "hour_at": hour, "sent_count": 0, "failed_count": 0, "opened_count": 0}
        key = ("campaign_id", "hour_at")
        db.upsert(session, _activity, row | counts, key, add=("sent_count", "failed_count", "opened_count"))
