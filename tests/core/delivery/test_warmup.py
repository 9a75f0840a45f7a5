from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.delivery import warmup
from core.delivery.warmup import Warmup
from core.errors import RuleError

RAMP = Warmup(50, 1.5, 14, date(2026, 11, 25), "Asia/Kolkata")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_each_day_has_the_factor_more_and_after_the_last_there_is_no_cap() -> None:
    noon = utc("2026-11-25T06:30")
    caps = [warmup.cap(RAMP, noon + timedelta(days=days)) for days in range(15)]
    assert caps[:4] == [50, 75, 112, 168]
    assert caps[13] == 9730 and caps[14] is None
    assert RAMP.caps == caps[:14]


def test_a_day_ends_at_midnight_of_the_ramps_zone() -> None:
    assert warmup.cap(RAMP, utc("2026-11-25T18:29")) == 50
    assert warmup.cap(RAMP, utc("2026-11-25T18:30")) == 75
    assert warmup.changes_at(RAMP, utc("2026-11-25T12:00")) == utc("2026-11-25T18:30")


def test_before_its_first_day_the_cap_is_the_first_days() -> None:
    assert warmup.day_of(RAMP, utc("2026-11-20T12:00")) == 1
    assert warmup.cap(RAMP, utc("2026-11-20T12:00")) == 50


def test_when_the_ramp_is_over_nothing_changes_any_more() -> None:
    late = utc("2026-12-09T12:00")
    assert warmup.day_of(RAMP, late) is None and warmup.changes_at(RAMP, late) is None
    assert warmup.cap(None, late) is None and warmup.changes_at(None, late) is None


def test_a_wild_factor_ends_at_a_number_that_can_be_stored() -> None:
    assert max(Warmup(1_000_000, 10.0, 365, date(2026, 1, 1), "UTC").caps) == 1_000_000_000


@given(
    st.sampled_from(["Asia/Kolkata", "Europe/Berlin", "America/Santiago", "Africa/Cairo", "Pacific/Kiritimati"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
)
def test_a_day_begins_and_ends_where_the_date_of_the_zone_changes(zone: str, naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    began, ends = warmup.day_began_at(zone, at), warmup.midnight_after(zone, at)
    today, second = clock.to_zone(at, zone).date(), timedelta(seconds=1)
    assert began <= at < ends
    assert clock.to_zone(began, zone).date() == today == clock.to_zone(ends - second, zone).date()
    assert clock.to_zone(began - second, zone).date() < today < clock.to_zone(ends, zone).date()


def test_a_row_keeps_a_ramp_and_gives_it_back() -> None:
    stored = warmup.to_json(RAMP)
    assert stored == {"start": 50, "factor": 1.5, "days": 14, "began": "2026-11-25", "zone": "Asia/Kolkata"}
    assert warmup.from_json(stored) == RAMP
    assert warmup.from_json(None) is None and warmup.to_json(None) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": 0}, "from 1 to 1,000,000"),
        ({"start": None}, "Enter the first day"),
        ({"factor": 0.5}, "factor is from 1 to 10"),
        ({"factor": float("nan")}, "factor is from 1 to 10"),
        ({"days": 366}, "days are from 1 to 365"),
        ({"began": "soon"}, "Enter the first day"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
    ],
)
def test_what_is_no_ramp_is_refused_in_a_sentence(change: dict[str, object], words: str) -> None:
    good = {"start": 50, "factor": 1.5, "days": 14, "began": "2026-11-25", "zone": "Asia/Kolkata"}
    with pytest.raises(RuleError, match=words):
        warmup.from_json({**good, **change})
