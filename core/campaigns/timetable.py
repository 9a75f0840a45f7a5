"""A forecast's line as a table: how many mails on each day, or in each hour where it is done within two days."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock
from core.campaigns.forecast import Point
from core.delivery import warmup

_HOURS_BELOW = timedelta(hours=36)


@dataclass(frozen=True)
class Row:
    """``at``: when the day or hour begins, on the wall clock of the zone; ``sent`` in it, ``total`` at its end."""

    at: datetime
    sent: int
    total: int
    is_day: bool


def rows(line: Sequence[Point], zone: str, most: int = 400) -> list[Row]:
    """The rows in which something goes, in order; at most ``most``."""
    if len(line) < 2:
        return []
    is_day = line[-1].at - line[0].at > _HOURS_BELOW
    found, at, before = list[Row](), line[0].at, line[0].sent
    while at < line[-1].at and len(found) < most:
        ends = min(_next(at, zone, is_day), line[-1].at)
        total = _at(line, ends)
        if total > before:
            found.append(Row(clock.to_zone(at, zone), total - before, total, is_day))
        at, before = ends, total
    return found


def _next(at: datetime, zone: str, is_day: bool) -> datetime:
    if is_day:
        return warmup.midnight_after(zone, at)
    local = clock.to_zone(at, zone)  # some zones are half an hour off
    return at + timedelta(minutes=60 - local.minute, seconds=-local.second, microseconds=-local.microsecond)


def _at(line: Sequence[Point], at: datetime) -> int:
    """How many will have gone by then."""
    behind = bisect_right(line, at, key=lambda point: point.at)
    if behind >= len(line):
        return line[-1].sent
    one, other = line[behind - 1], line[behind]
    share = (at - one.at) / (other.at - one.at) if other.at > one.at else 1.0
    return round(one.sent + (other.sent - one.sent) * share)
