import random
from bisect import bisect_right

from hypothesis import given, settings
from hypothesis import strategies as st

from core.delivery.pace import DAY, HOUR, MINUTE, Limits, Pace


def most_in_any(window: float, starts: list[float]) -> int:
    """The largest number of starts in any half-open window of this length."""
    return max(
        (place + 1 - bisect_right(starts, at - window, 0, place + 1) for place, at in enumerate(starts)), default=0
    )


def drive(pace: Pace, begin: float, end: float, busy: random.Random | None = None, idle: float = 0.0) -> list[float]:
    """Start whenever allowed; with ``busy``, sometimes late and sometimes idle for a while."""
    starts, now = [], begin
    while now < end:
        if busy is not None and busy.random() < 0.05:
            now += busy.random() * idle
        slot = pace.reserve(now)
        now = max(now, slot.at)
        if busy is not None and busy.random() < 0.5:
            now += busy.random() * 2.0  # a connection was not free at once
        if now > slot.until:
            pace.forfeit(slot)
            continue
        starts.append(now)
    return [start for start in starts if start < end]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4000), st.integers(0, 2**32), st.floats(0, 300))
def test_the_minute_limit_holds_in_every_sliding_window(limit: int, seed: int, idle: float) -> None:
    starts = drive(Pace(Limits(per_minute=limit), 1000.0), 1000.0, 1000.0 + 6 * MINUTE, random.Random(seed), idle)
    assert most_in_any(MINUTE, starts) <= limit


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 2000), st.integers(0, 2**32))
def test_hour_and_day_limits_hold_in_every_sliding_window(hour: int, day: int, seed: int) -> None:
    pace = Pace(Limits(per_minute=60, per_hour=hour, per_day=day), 500.0)
    starts = drive(pace, 500.0, 500.0 + 4 * HOUR, random.Random(seed), 900.0)
    assert most_in_any(HOUR, starts) <= hour
    assert most_in_any(DAY, starts) <= day


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 6000))
def test_at_least_95_percent_of_a_minute_limit_is_used(limit: int) -> None:
    starts = drive(Pace(Limits(per_minute=limit), 0.0), 0.0, 10 * MINUTE)
    assert len(starts) >= 0.95 * limit * 10


def test_at_least_95_percent_of_an_hour_limit_is_used() -> None:
    starts = drive(Pace(Limits(per_hour=200), 0.0), 0.0, 10 * HOUR)
    assert 0.95 * 2000 <= len(starts) <= 2000


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 600), st.integers(0, 2**32))
def test_a_successor_never_bursts(limit: int, seed: int) -> None:
    """A takeover or a restart in the middle: the next owner knows only what was persisted."""
    busy = random.Random(seed)
    limits = Limits(per_minute=limit)
    first = Pace(limits, 0.0)
    starts = drive(first, 0.0, 3 * MINUTE, busy, 30.0)
    resumed = 3 * MINUTE + busy.random() * 20
    second = Pace(limits, resumed, first.next_at)
    starts += drive(second, resumed, 6 * MINUTE, busy, 30.0)
    assert most_in_any(MINUTE, starts) <= limit


def test_usage_of_the_past_counts() -> None:
    pace = Pace(Limits(per_hour=100), 10_000.0)
    pace.remember([(10_000.0 - 1800, 60), (10_000.0 - 600, 40)])
    assert pace.room(10_000.0) == 0
    assert 10_000.0 + 1800 <= pace.free_at(10_000.0) <= 10_000.0 + 1800 + 2 * MINUTE
    assert pace.room(10_000.0 + 1800 + 2 * MINUTE) == 60


def test_without_limits_nothing_waits() -> None:
    pace = Pace(Limits(), 5.0)
    assert [pace.reserve(5.0).at for _ in range(1000)] == [5.0] * 1000
    assert pace.room(5.0) is None and not pace.limits.any


def test_a_next_start_far_ahead_does_not_hold_up_a_raised_limit() -> None:
    assert Pace(Limits(per_minute=60), 100.0, next_at=100.0 + 61.8).reserve(100.0).at <= 101.03
