"""Mails as water: they flow at rates that are constant from event to event, so nothing is counted mail by mail.

Events: a limit is full, or a part of the past leaves its sliding window; a sending window opens or closes; a warm-up
goes on at midnight; a campaign begins or is done. When a week went as the week before, as many weeks are skipped as
will go like it: ten million recipients take hardly longer to foresee than ten thousand.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from core.campaigns.sliding import NONE, Limit, Part
from core.delivery import warmup, windows
from core.delivery.pace import DAY, HOUR
from core.delivery.warmup import Warmup
from core.delivery.windows import Window

UNLIMITED = 500.0  # mails a second: what a sender without any limit does at least
_WEEK, _LONGEST = 7 * DAY, 5 * 366 * DAY
_MOST_STEPS = 2_000  # a quarter of a second
_SHORTEST = 0.01  # seconds from event to event
_SAME = 0.005  # weeks that differ by a smaller share are the same
_GRAIN = 300.0  # seconds: the past is looked at so finely


@dataclass(frozen=True)
class Flow:
    """A campaign: ``waiting`` mails from ``begins`` on, ``done_today`` on this day of its warm-up."""

    waiting: int
    begins: datetime
    window: Window | None = None
    ramp: Warmup | None = None
    done_today: int = 0


@dataclass(frozen=True)
class Road:
    """A sender as it is at ``now``. ``rate``: mails a second that it never exceeds, ``at`` in words; None: no limit.

    ``used``: (moment, mails started in the minute from then) of the last day. ``not_before``: a cooldown's end.
    """

    now: datetime
    rate: float | None = None
    at: str = ""
    per_hour: int | None = None
    per_day: int | None = None
    window: Window | None = None
    ramp: Warmup | None = None
    not_before: datetime | None = None
    used: tuple[tuple[datetime, int], ...] = ()


@dataclass
class Lane:
    """A flow under way. ``day_left``: what its warm-up still allows on its day ``day``; None: anything."""

    flow: Flow
    left: float
    begins: float
    is_open: bool = False
    day: int | None = 0
    day_left: float | None = None
    this_week: float = 0.0
    last_week: float = -1.0

    def may_flow(self, t: float) -> bool:
        has_mail = self.left > NONE and t >= self.begins
        return has_mail and self.is_open and (self.day_left is None or self.day_left > NONE)

    def until(self, t: float, share: float) -> float:
        """When it is done, or has sent what its warm-up allows today."""
        return t + (self.left if self.day_left is None else min(self.left, self.day_left)) / share

    def flow_on(self, mails: float) -> None:
        self.left -= mails
        self.this_week += mails
        if self.day_left is not None:
            self.day_left -= mails

    def turn(self, now: datetime) -> None:
        """What the clock decides."""
        self.is_open = windows.is_open(self.flow.window, now)
        day, cap = warmup.day_of(self.flow.ramp, now), warmup.cap(self.flow.ramp, now)
        if cap is None:
            self.day_left = None
        elif day != self.day:
            self.day_left = float(cap - (self.flow.done_today if self.day == 0 else 0))
        self.day = day


class Walk:
    """``slow``: seconds in which the first flow waited or flowed, by what decided; ``shared``: beside others."""

    def __init__(self, road: Road, flows: list[Flow]) -> None:
        self.road = road
        self.t = self.start = road.now.timestamp()
        self.lanes = [Lane(flow, max(0.0, flow.waiting - 0.5), flow.begins.timestamp()) for flow in flows]
        self.target = self.lanes[0]
        self.waiting = self.target.left
        self.rate = UNLIMITED if road.rate is None else road.rate
        self.past = _history(road)
        self.limits = self._limits()
        self.slow = dict.fromkeys(("rate", "hour", "day", "warm-up", "window"), 0.0)
        self.shared = 0.0
        self.week_ends = self.start + _WEEK
        self.is_open = False
        self.stuck = False  # nothing of the first flow ever goes
        self.turns_at = self.t
        self.steps, self.most_steps = 0, _MOST_STEPS
        self.beside = 0.0  # mails of the other flows that went meanwhile
        self.curve: list[tuple[float, float, float]] = []  # (t, mails of the first flow, of the others)

    def run(self) -> float | None:
        """When the first flow is done (seconds since 1970); None: never, or not within years."""
        self._draw()
        while self.target.left > NONE:
            if self.t >= self.turns_at:
                self._turn()
            self._step()
            if self.t >= self.week_ends:
                self._end_week()
            if self.stuck or self.t - self.start > _LONGEST:
                return None
            if self.steps >= self.most_steps:
                return self._guess()
        return self.t

    def _guess(self) -> float | None:
        """As it went on average so far: many campaigns with ramps would take seconds to walk through to their end."""
        done, began = self.waiting - self.target.left, max(self.start, self.target.begins)
        return self.t + self.target.left * (self.t - began) / done if done > 0 and self.t > began else None

    def _step(self) -> None:
        """To the next event."""
        self.steps += 1
        flowing = [lane for lane in self.lanes if self.is_open and lane.may_flow(self.t)]
        rate, decides = self.rate if flowing else 0.0, "rate"
        for limit in self.limits if flowing else []:
            if (allowed := limit.allows(rate, self.t)) < rate:
                rate, decides = allowed, limit.name
        share = rate / len(flowing) if flowing else 0.0
        ends = [lane.until(self.t, share) for lane in flowing] if share else []
        until = min(self.turns_at, self.week_ends, *ends, *(limit.event(rate, self.t) for limit in self.limits))
        seconds = max(until - self.t, _SHORTEST)
        self._account(seconds, decides, flowing)
        for limit in self.limits:
            limit.flow(rate, self.t, seconds)
        self._remember(rate, seconds)
        self.t += seconds
        for limit in self.limits:
            limit.settle(self.t)
        for lane in flowing:
            lane.flow_on(share * seconds)
            self.beside += share * seconds if lane is not self.target else 0.0
        self._draw()

    def _draw(self) -> None:
        self.curve.append((self.t, self.waiting - self.target.left, self.beside))

    def _account(self, seconds: float, decides: str, flowing: list[Lane]) -> None:
        target = self.target
        if self.t < target.begins:
            return
        if target in flowing:
            self.slow[decides] += seconds
            self.shared += seconds if len(flowing) > 1 else 0.0
        elif self.is_open and target.is_open:
            self.slow["warm-up"] += seconds
        elif self.road.not_before is None or self.t >= self.road.not_before.timestamp():
            self.slow["window"] += seconds

    def _remember(self, rate: float, seconds: float) -> None:
        if not rate or not self.limits:
            return
        last = self.past[-1] if self.past else None
        if last is not None and last.rate == rate and self.t - last.end < _SHORTEST:
            last.end = self.t + seconds
        else:
            self.past.append(Part(self.t, self.t + seconds, rate))

    def _turn(self) -> None:
        """What the clock decides: windows, midnights, beginnings; and when it next does."""
        now = datetime.fromtimestamp(self.t, UTC)
        road = self.road
        waits = road.not_before is not None and road.not_before > now
        self.is_open = not waits and windows.is_open(road.window, now)
        turns = [road.not_before] if waits else []
        turns += _turns(road.window, road.ramp, now)
        for lane in self.lanes:
            if lane.left > NONE:
                lane.turn(now)
                turns += [lane.flow.begins, *_turns(lane.flow.window, lane.flow.ramp, now)]
        self.turns_at = min([at.timestamp() for at in turns if at is not None and at > now], default=float("inf"))
        if road.ramp is not None:
            self._ramp(warmup.cap(road.ramp, now))

    def _ramp(self, cap: int | None) -> None:
        for limit in [limit for limit in self.limits if limit.name == "warm-up"]:
            if cap is None:
                self.limits.remove(limit)
            else:
                limit.cap = cap

    def _limits(self) -> list[Limit]:
        road = self.road
        caps = {"hour": road.per_hour, "day": road.per_day, "warm-up": warmup.cap(road.ramp, road.now)}
        lengths = {"hour": HOUR, "day": DAY, "warm-up": DAY}
        return [Limit(name, lengths[name], cap, self.past, self.t) for name, cap in caps.items() if cap is not None]

    def _end_week(self) -> None:
        """Skip the weeks that will go as this one did."""
        self.week_ends = self.t + _WEEK
        weeks = self._weeks_alike()
        self.stuck = self.target.this_week == self.target.last_week == 0.0 and self.t - _WEEK > self.target.begins
        for lane in self.lanes:
            lane.left -= weeks * lane.this_week
            self.beside += weeks * lane.this_week if lane is not self.target else 0.0
            lane.this_week, lane.last_week = 0.0, lane.this_week
        if weeks:
            self._skip(weeks * _WEEK)
            self._draw()

    def _weeks_alike(self) -> int:
        lanes = [lane for lane in self.lanes if lane.left > NONE]
        ramps = [self.road.ramp, *(lane.flow.ramp for lane in lanes)]
        if any(warmup.day_of(ramp, datetime.fromtimestamp(self.t, UTC)) for ramp in ramps):
            return 0
        weeks = [1_000_000]
        for lane in lanes:
            if lane.begins > self.t:
                weeks.append(int((lane.begins - self.t) / _WEEK))
            elif lane.this_week <= 0 or abs(lane.this_week - lane.last_week) > _SAME * lane.this_week:
                return 0
            else:
                weeks.append(int(lane.left / lane.this_week) - 1)
        return max(0, min(weeks))

    def _skip(self, seconds: float) -> None:
        self.t += seconds
        self.week_ends += seconds
        self.turns_at = self.t
        for part in self.past:
            part.begin += seconds
            part.end += seconds


def _turns(window: Window | None, ramp: Warmup | None, now: datetime) -> list[datetime | None]:
    """When the window next opens or closes and the warm-up goes on, after ``now``."""
    found: list[datetime | None] = [warmup.changes_at(ramp, now)]
    if window is not None:
        found.append(windows.closes_at(window, now) if windows.is_open(window, now) else windows.opens_at(window, now))
    return found


def _history(road: Road) -> list[Part]:
    counts: dict[float, int] = {}
    for at, count in road.used:
        begin = at.timestamp() // _GRAIN * _GRAIN
        counts[begin] = counts.get(begin, 0) + count
    now, parts = road.now.timestamp(), []
    for begin, count in sorted(counts.items()):
        end = min(begin + _GRAIN, max(now, begin + 1))
        parts.append(Part(begin, end, count / (end - begin)))
    return parts
