"""When readers open and click: over time, by weekday and hour, and since the start. Exact in every zone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import clock
from core.models import Campaign, Reading

QUARTER = timedelta(minutes=15)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_MOST_SPANS = 72
_FIRST_DAYS = timedelta(days=30)  # later opens are few, and would make every line a wall

Quarters = list[tuple[datetime, int, int]]  # its start in UTC, opened, clicked


@dataclass(frozen=True)
class Span:
    """Readers of a quarter of an hour, an hour or a day that begins ``at``, on the user's wall clock."""

    at: datetime
    opened: int
    clicked: int


@dataclass(frozen=True)
class Spans:
    """``unit``: quarter, hour or day."""

    unit: str
    of: tuple[Span, ...]


@dataclass(frozen=True)
class Heat:
    """``cells[weekday][hour]``, Monday first: people who opened in that hour of the user's week."""

    cells: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> int:
        return sum(map(sum, self.cells))

    @property
    def best(self) -> tuple[int, int]:
        """The weekday and the hour with most opens, the earliest of equals."""
        return max(((day, hour) for day in range(7) for hour in range(24)), key=lambda at: self.cells[at[0]][at[1]])


def quarters(session: Session, user_id: int, campaign_id: int) -> Quarters:
    """What readers did in each quarter of an hour in which they did something, in order; a stranger's is empty."""
    statement: Any = (
        select(col(Reading.quarter_at), col(Reading.opened_count), col(Reading.clicked_count))
        .join(Campaign, col(Campaign.id) == col(Reading.campaign_id))
        .where(col(Reading.campaign_id) == campaign_id)
        .where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
        .order_by(col(Reading.quarter_at))
    )
    return [(at, opened, clicked) for at, opened, clicked in session.execute(statement)]


def over_time(of: Quarters, zone: str, begun: datetime | None = None) -> Spans:
    """Opens and clicks from the first to the last, gaps included, in the finest unit that gives at most 72 spans.

    ``begun``: when the campaign did; the span it began in begins then.
    """
    of = [quarter for quarter in of if quarter[0] - of[0][0] < _FIRST_DAYS]
    if not of:
        return Spans("hour", ())
    length = of[-1][0] - of[0][0] + QUARTER
    if length <= 24 * QUARTER:
        return Spans("quarter", _filled(of, zone, lambda local: timedelta(), QUARTER, begun))
    if length <= (_MOST_SPANS - 1) * _HOUR:
        return Spans("hour", _filled(of, zone, lambda local: timedelta(minutes=local.minute), _HOUR, begun))
    return Spans("day", _days(of, zone))


def begin(start: datetime, step: timedelta, begun: datetime | None) -> datetime:
    """Of a span from ``start`` on: not before the campaign's own, where that is in it."""
    return begun if begun is not None and start < begun < start + step else start


def _filled(of: Quarters, zone: str, into: Any, step: timedelta, begun: datetime | None) -> tuple[Span, ...]:
    """In UTC, where no hour is missing or there twice; each span begins where the wall clock's does."""
    opened, clicked = Counter[datetime](), Counter[datetime]()
    for at, opens, clicks in of:
        start = at - into(clock.to_zone(at, zone))
        opened[start] += opens
        clicked[start] += clicks
    starts, at = set(opened), min(opened)
    while at <= max(opened):
        starts.add(at)
        at += step
    return tuple(
        Span(clock.to_zone(begin(start, step, begun), zone), opened[start], clicked[start]) for start in sorted(starts)
    )


def _days(of: Quarters, zone: str) -> tuple[Span, ...]:
    opened, clicked = Counter[datetime](), Counter[datetime]()
    for at, opens, clicks in of:
        local = clock.to_zone(at, zone)
        day = datetime(local.year, local.month, local.day)
        opened[day] += opens
        clicked[day] += clicks
    first = min(opened)
    days = [first + timedelta(days=number) for number in range((max(opened) - first).days + 1)]
    return tuple(Span(day, opened[day], clicked[day]) for day in days)


def heat(of: Quarters, zone: str) -> Heat:
    """Opens by weekday and hour of ``zone``, whatever its offset was at that moment."""
    cells = [[0] * 24 for _ in range(7)]
    for at, opens, _ in of:
        local = clock.to_zone(at, zone)
        cells[local.weekday()][local.hour] += opens
    return Heat(tuple(tuple(row) for row in cells))


def since_start(of: Quarters, started_at: datetime | None, hours: Iterable[float]) -> list[int]:
    """How many had opened by each number of ``hours`` after the start (a quarter counts at its end)."""
    if started_at is None:
        return [0 for _ in hours]
    ends = [((at + QUARTER - started_at) / _HOUR, opened) for at, opened, _ in of]
    return [sum(opened for end, opened in ends if end <= hour) for hour in hours]
