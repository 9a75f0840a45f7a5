"""The counters of campaigns: changed in the transaction of the state changes they count, one UPDATE per campaign."""

from collections import Counter, defaultdict
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import TextClause, bindparam, text
from sqlmodel import Session

from core import db
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
        touched: Touched = set()
        for campaign_id in sorted(self._changes):
            changes = {name: count for name, count in self._changes[campaign_id].items() if count}
            if not changes:
                continue
            statement = _add_statement(tuple(sorted(changes)))
            user_id = session.connection().execute(statement, {"campaign_id": campaign_id, **changes}).scalar()
            if user_id is not None:
                touched.add((user_id, campaign_id))
                _record_activity(session, campaign_id, now, changes)
        self._changes.clear()
        return touched


# Written as text and kept: these run with every flush, and building them anew cost more than running them.
@cache
def _add_statement(names: tuple[str, ...]) -> TextClause:
    columns = {column.name for column in _campaign.columns if column.name.endswith("_count")}
    assert columns.issuperset(names), names
    changes = ", ".join(f"{name} = {name} + :{name}" for name in names)
    return text(f"update campaign set {changes} where id = :campaign_id returning user_id")


_activity = text("""
    insert into activity (campaign_id, hour_at, sent_count, failed_count, opened_count)
    values (:campaign_id, :hour_at, :sent_count, :failed_count, 0)
    on conflict (campaign_id, hour_at) do update set
        sent_count = activity.sent_count + excluded.sent_count,
        failed_count = activity.failed_count + excluded.failed_count
""").bindparams(bindparam("hour_at", type_=db.UtcDateTime()))


def _record_activity(session: Session, campaign_id: int, now: datetime, changes: dict[str, int]) -> None:
    counts = {name: max(0, changes.get(name, 0)) for name in ("sent_count", "failed_count")}
    if any(counts.values()):
        hour = now.replace(minute=0, second=0, microsecond=0)
        session.connection().execute(_activity, {"campaign_id": campaign_id, "hour_at": hour, **counts})
