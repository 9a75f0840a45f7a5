import pytest

from core.delivery import adapt
from core.delivery.adapt import Observed


def test_a_throttle_halves_the_pace_or_what_was_observed_where_that_is_less() -> None:
    assert adapt.slower(30, None) == 15
    assert adapt.slower(None, 80) == 40
    assert adapt.slower(600, 80) == 40
    assert adapt.slower(None, None) is None
    assert adapt.slower(1.2, 500) == adapt.SLOWEST


def test_the_pace_recovers_by_the_same_step_with_every_minutes_worth_of_mails() -> None:
    pace: float | None = 100.0
    gained, mails = [], 0.0
    for _ in range(5):
        before = pace
        while mails < before:
            assert pace is not None
            pace, mails = adapt.faster(pace, 100.0, None), mails + 1
        mails = 0.0
        assert pace is not None and before is not None
        gained.append(pace - before)
    assert all(9 <= step <= 10.5 for step in gained), gained


def test_a_pace_that_reaches_the_users_limit_is_forgotten() -> None:
    assert adapt.faster(29.99, 15, 30) is None
    assert adapt.faster(20, 15, 30) == 20.075
    assert adapt.faster(adapt.FASTEST, 100, None) is None


def test_connections_fall_to_what_stood_or_to_half_and_rise_by_one() -> None:
    assert adapt.fewer(10, 4) == 4
    assert adapt.fewer(10, 0) == 5
    assert adapt.fewer(1, 0) == 1
    assert adapt.fewer(4, 4) == 3
    assert adapt.more(3, 10) == 4
    assert adapt.more(9, 10) is None


def test_the_observed_pace_is_of_the_last_minute() -> None:
    observed = Observed()
    assert observed.per_minute(0) is None
    for second in range(30):
        observed.accepted(second)
    assert observed.per_minute(30) == 60
    assert observed.per_minute(200) is None
    observed.accepted(200.2)
    observed.accepted(200.3)
    assert observed.per_minute(200.5) is None  # too few to tell
    observed.accepted(200.4)
    assert observed.per_minute(200.5) == pytest.approx(600)
