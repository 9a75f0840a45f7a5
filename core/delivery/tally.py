"""The counters of campaigns: changed in the transaction of the state changes they count, one UPDATE per campaign."""

from collections import Counter, defaultdict
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from core import hot
from core.hot import Hot
from core.models import Campaign

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]

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
        changed = self.store_on(hot.within(session), now) if self._changes else []
        if not changed:
            return set()
        owners = select(_campaign.c.user_id, _campaign.c.id).where(_campaign.c.id.in_(changed))
        return {(user_id, campaign_id) for user_id, campaign_id in session.connection().execute(owners)}

    def store_on(self, on: Hot, now: datetime) -> list[int]:
        """The same; returns the ids of the campaigns whose numbers changed."""
        changed = []
        for campaign_id in sorted(self._changes):
            changes = {name: count for name, count in self._changes[campaign_id].items() if count}
            if changes and on.count(_add_statement(tuple(sorted(changes))), campaign_id=campaign_id, **changes):
                changed.append(campaign_id)
                _record_activity(on, campaign_id, now, changes)
        self._changes.clear()
        return changed


@cache
def _add_statement(names: tuple[str, ...]) -> str:
    columns = {column.name for column in _campaign.columns if column.name.endswith("_count")}
    assert columns.issuperset(names), names
    changes = ", ".join(f"{name} = {name} + :{name}" for name in names)
    return f"update campaign set {changes} where id = :campaign_id"


_ACTIVITY = """
    insert into activity (campaign_id, hour_at, sent_count, failed_count, opened_count)
    values (:campaign_id, :hour_at, :sent_count, :failed_count, 0)
    on conflict (campaign_id, hour_at) do update set
        sent_count = activity.sent_count + excluded.sent_count,
        failed_count = activity.failed_count + excluded.failed_count
"""


def _record_activity(on: Hot, campaign_id: int, now: datetime, changes: dict[str, int]) -> None:
    counts = {name: max(0, changes.get(name, 0)) for name in ("sent_count", "failed_count")}
    if any(counts.values()):
        hour = now.replace(minute=0, second=0, microsecond=0)
        on.count(_ACTIVITY, campaign_id=campaign_id, hour_at=hour, **counts)
