import random
from bisect import bisect_right

from hypothesis import given, settings
from hypothesis import strategies as st

from core.delivery.pace import DAY, HOUR, MINUTE, SECOND, Limits, Pace, changed


def most_in_any(window: float, starts: list[float]) -> int:
    """The largest number of starts in any half-open window of this length."""
    return max(
        (place + 1 - bisect_right(starts, at - window, 0, place + 1) for place, at in enumerate(starts)), default=0
    )


def drive(
    pace: Pace, begin: float, end: float, busy: random.Random | None = None, idle: float = 0.0, late: float = 2.0
) -> list[float]:
    """Start whenever allowed; with ``busy``, sometimes up to ``late`` behind and sometimes idle for a while."""
    starts, now = [], begin
    while now < end:
        if busy is not None and busy.random() < 0.05:
            now += busy.random() * idle
        slot = pace.reserve(now)
        now = max(now, slot.at)
        if busy is not None and busy.random() < 0.5:
            now += busy.random() * late  # a connection was not free at once
        now = max(now, pace.clear_at())
        if now > slot.until:
            pace.forfeit(slot)
            continue
        pace.started(now)
        starts.append(now)
    return [start for start in starts if start < end]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4000), st.integers(0, 2**32), st.floats(0, 300))
def test_the_minute_limit_holds_in_every_sliding_window(limit: int, seed: int, idle: float) -> None:
    starts = drive(Pace(Limits(per_minute=limit), 1000.0), 1000.0, 1000.0 + 6 * MINUTE, random.Random(seed), idle)
    assert most_in_any(MINUTE, starts) <= limit


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 200), st.integers(0, 2**32), st.floats(0, 5), st.floats(0, 0.2))
def test_the_second_limit_holds_in_every_sliding_window(limit: int, seed: int, idle: float, late: float) -> None:
    pace = Pace(Limits(per_second=limit), 1000.0)
    starts = drive(pace, 1000.0, 1000.0 + 12 * SECOND, random.Random(seed), idle, late)
    assert most_in_any(SECOND, starts) <= limit


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 1200), st.integers(0, 2**32))
def test_second_and_minute_limits_hold_together(second: int, minute: int, seed: int) -> None:
    pace = Pace(Limits(per_second=second, per_minute=minute), 0.0)
    starts = drive(pace, 0.0, 4 * MINUTE, random.Random(seed), 5.0, 0.1)
    assert most_in_any(SECOND, starts) <= second
    assert most_in_any(MINUTE, starts) <= minute


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(20, 1200))
def test_at_least_95_percent_of_the_one_that_binds_is_used(second: int, minute: int) -> None:
    pace = Pace(Limits(per_second=second, per_minute=minute), 0.0)
    starts = drive(pace, 0.0, 5 * MINUTE)
    assert len(starts) >= 0.95 * 5 * min(second * 60, minute)


def test_a_machine_that_is_always_a_little_late_still_uses_the_second() -> None:
    """A commit takes its time, now more and now less, and slots of a second are 20 ms long."""
    random_ = random.Random(7)
    starts, now, pace = [0.0], 0.0, Pace(Limits(per_second=14), 0.0)
    while now < 60:
        slot = pace.reserve(now)
        now = max(slot.at + 0.005 + 0.030 * random_.random(), pace.clear_at())
        pace.started(now)
        starts.append(now)
    assert len(starts) >= 0.95 * 14 * 60
    assert most_in_any(SECOND, starts[1:]) <= 14


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 200), st.integers(0, 2**32))
def test_a_successor_goes_on_within_the_second(limit: int, seed: int) -> None:
    busy = random.Random(seed)
    first = Pace(Limits(per_second=limit), 0.0)
    starts = drive(first, 0.0, 3 * SECOND, busy, 0.5, 0.1)
    resumed = starts[-1] + busy.random() * 0.1
    second = Pace(Limits(per_second=limit), resumed, first.successor_at(resumed))
    starts += drive(second, resumed, resumed + 3 * SECOND, busy, 0.5, 0.1)
    assert most_in_any(SECOND, starts) <= limit


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 2000), st.integers(0, 2**32))
def test_hour_and_day_limits_hold_in_every_sliding_window(hour: int, day: int, seed: int) -> None:
    pace = Pace(Limits(per_minute=60, per_hour=hour, per_day=day), 500.0)
    starts = drive(pace, 500.0, 500.0 + 4 * HOUR, random.Random(seed), 900.0)
    assert most_in_any(HOUR, starts) <= hour
    assert most_in_any(DAY, starts) <= day


@settings(max_examples=20, deadline=None)
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
    second = Pace(limits, resumed, first.successor_at(resumed))
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
    slow, fast = Limits(per_minute=1), Limits(per_minute=60)
    next_at = changed(slow, fast, 100.0, 100.0 + 61.8, 1)
    assert Pace(fast, 100.0, next_at).reserve(100.0).at <= 101.03


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 600), st.integers(1, 600), st.floats(0, 150), st.integers(0, 2**32))
def test_what_started_before_a_change_counts_in_the_new_limit(old: int, new: int, lasted: float, seed: int) -> None:
    busy = random.Random(seed)
    before, after = Limits(per_minute=old), Limits(per_minute=new)
    first = Pace(before, 1000.0)
    starts = drive(first, 1000.0, 1000.0 + lasted, busy, 30.0) or [1000.0]
    now = max([1000.0 + lasted, *starts])
    since = now // MINUTE * MINUTE - MINUTE  # counted by the minute
    next_at = changed(before, after, now, first.after(starts[-1]), sum(start >= since for start in starts))
    assert next_at <= now + 66
    second = drive(Pace(after, now, next_at), now, now + 4 * MINUTE, busy, 5.0)
    for place, at in enumerate(second):
        assert sum(at - MINUTE < start <= at for start in [*starts, *second[: place + 1]]) <= new
