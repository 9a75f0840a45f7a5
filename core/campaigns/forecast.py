"""When a campaign will be finished, and what decides about it, in words."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import clock
from core.campaigns.flow import Flow, Road, Walk
from core.delivery import warmup, windows

_MOST_POINTS = 200


@dataclass(frozen=True)
class Point:
    """By ``at``, so many mails of the campaign will have gone, and ``beside`` of others through the same sender."""

    at: datetime
    sent: int
    beside: int = 0


@dataclass(frozen=True)
class Forecast:
    """``finishes_at``: None where that is ``never`` (windows that do not meet) or not within five years.

    ``rates`` and ``others``: what decides. ``line``: how it goes, with a point wherever the pace changes.
    """

    starts_at: datetime
    finishes_at: datetime | None
    rates: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    never: bool = False
    line: tuple[Point, ...] = ()

    @property
    def duration(self) -> timedelta | None:
        return self.finishes_at - self.starts_at if self.finishes_at is not None else None

    @property
    def why(self) -> str:
        """``at 30/min and 2,000/day, Mon–Fri 09:00–18:00 IST``, or nothing."""
        listed = " and ".join([", ".join(self.rates[:-1]), self.rates[-1]] if len(self.rates) > 1 else self.rates)
        return ", ".join([*([f"at {listed}"] if listed else []), *self.others])

    def say(self, zone: str) -> str:
        """``Finishes Thu 26 Nov, 14:20 IST at 30/min and 2,000/day.``"""
        if self.never:
            return f"Never finishes: no moment is inside both {' and '.join(self.others)}."
        when = clock.say(self.finishes_at, zone) if self.finishes_at is not None else "in more than five years"
        return f"Finishes {when}{self._gap}{self.why}."

    def __str__(self) -> str:
        """``about 40 min at 30/min``"""
        took = in_words(self.duration) if self.duration is not None else "for ever" if self.never else "over five years"
        return f"{took}{self._gap}{self.why}"

    @property
    def _gap(self) -> str:
        return "" if not self.why else " " if self.rates else ", "


def forecast(road: Road, flow: Flow, others: tuple[Flow, ...] = ()) -> Forecast:
    """When the last mail of ``flow`` starts, while the ``others`` of the same sender have equal shares."""
    walk = Walk(road, [flow, *others])
    finishes = walk.run()
    rates, more = _reasons(walk, road, flow)
    starts_at = max(road.now, flow.begins)
    finishes_at = datetime.fromtimestamp(finishes, UTC) if finishes else None
    return Forecast(starts_at, finishes_at, rates, more, walk.stuck, _line(walk, flow, finishes_at))


def _line(walk: Walk, flow: Flow, finishes_at: datetime | None) -> tuple[Point, ...]:
    """The walk from when the campaign begins, without the points that lie on a straight line between others."""
    begins = max(walk.start, flow.begins.timestamp())
    kept: list[tuple[float, float, float]] = []
    for point in walk.curve:
        if len(kept) > 1 and _slope(kept[-2], kept[-1]) == _slope(kept[-1], point):
            kept[-1] = point
        else:
            kept.append(point)
    kept = [point for point in kept if point[0] >= begins - 1] or kept[-1:]
    step = max(1, -(-len(kept) // _MOST_POINTS))
    points = [Point(datetime.fromtimestamp(t, UTC), round(sent), round(beside)) for t, sent, beside in kept[::step]]
    if finishes_at is None or not points:
        return tuple(points)
    before = [point for point in points if point.at < finishes_at - timedelta(seconds=1)]
    return (*before, Point(finishes_at, flow.waiting, round(kept[-1][2])))


def _slope(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float]:
    seconds = max(other[0] - one[0], 1e-9)
    return round((other[1] - one[1]) / seconds, 6), round((other[2] - one[2]) / seconds, 6)


def _reasons(walk: Walk, road: Road, flow: Flow) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whatever decided for more than a hundredth of the time that the windows leave."""
    least = sum(seconds for name, seconds in walk.slow.items() if name != "window") / 100
    decided = {name for name, seconds in walk.slow.items() if seconds > least}
    caps = {"rate": road.at, "hour": f"{road.per_hour or 0:,}/hour", "day": f"{road.per_day or 0:,}/day"}
    rates = tuple(words for name, words in caps.items() if name in decided and words)
    others = []
    if "window" in decided:
        for window in dict.fromkeys(w for w in (road.window, flow.window) if w is not None):
            others.append(windows.say(window, road.now))
    if "warm-up" in decided:
        ramp = road.ramp if warmup.day_of(road.ramp, flow.begins) else flow.ramp
        others.append(_say_ramp(ramp))
    if walk.shared > least:
        others.append("sharing its sender with other campaigns")
    return rates, tuple(others)


def _say_ramp(ramp: warmup.Warmup | None) -> str:
    if ramp is None:
        return "warming up"
    return f"at most {ramp.start:,} a day" if ramp.is_cap else f"warming up for {ramp.days} days"


def in_words(duration: timedelta) -> str:
    """``under a minute``, ``about 40 min``, ``about 3 h 20 min``, ``about 2 days``."""
    minutes = round(duration.total_seconds() / 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"about {minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"about {hours} h" + (f" {rest} min" if rest and hours < 10 else "")
    return f"about {round(minutes / 1440):,} days"
