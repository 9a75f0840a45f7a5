"""Sending windows against a walk, minute by minute, over a clock that another library reads."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.delivery import windows
from core.delivery.windows import Window
from core.errors import RuleError

ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Tehran")
# When clocks are set in 2026 and 2027, so that half of the examples are about that.
TURNS = ["2026-03-08T07:00", "2026-03-29T01:00", "2026-04-04T15:00", "2026-09-06T04:00", "2026-10-03T15:30"]
TURNS += ["2026-10-25T01:00", "2026-11-01T06:00", "2027-03-28T01:00"]
MINUTE = timedelta(minutes=1)
OFFICE = frozenset(range(5))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def inside(window: Window, at: datetime) -> bool:
    """By the definition: some chosen day's opening was less than the window's length ago, on the zone's clock."""
    shown = at.astimezone(ZoneInfo(window.zone))
    now = shown.weekday() * 1440 + shown.hour * 60 + shown.minute
    opens = window.opens.hour * 60 + window.opens.minute
    length = (window.closes.hour * 60 + window.closes.minute - opens) % 1440 or 1440
    return any((now - day * 1440 - opens) % 10080 < length for day in window.days)


def walk(window: Window, at: datetime, wanted: bool) -> datetime | None:
    """The first whole minute after ``at`` at which the window is as ``wanted``; None: not within three weeks."""
    minute = at.replace(second=0, microsecond=0)
    return next((then for n in range(1, 30_000) if inside(window, then := minute + n * MINUTE) is wanted), None)


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 59]))
any_window = st.builds(Window, st.frozensets(st.integers(0, 6), min_size=1), times, times, st.sampled_from(ZONES))
moments = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC)),
    st.builds(
        lambda turn, minutes: utc(turn) + minutes * MINUTE, st.sampled_from(TURNS), st.integers(-2 * 1440, 2 * 1440)
    ),
)


@given(any_window, moments)
@example(Window(frozenset({6}), time(2, 15), time(2, 30), "Europe/Berlin"), utc("2026-03-28T12:00"))
@example(Window(frozenset({6}), time(2), time(2, 15), "Australia/Lord_Howe"), utc("2026-10-03T12:00"))
# The clock is set at midnight of UTC.
@example(Window(frozenset({3}), time(20), time(2, 30), "Asia/Jerusalem"), utc("2026-03-26T19:00"))
@example(Window(frozenset({4}), time(2, 15), time(9), "Asia/Jerusalem"), utc("2026-03-26T12:00"))
@settings(max_examples=120, deadline=None)
def test_a_window_opens_and_closes_as_a_walk_over_the_minutes_finds(window: Window, at: datetime) -> None:
    assert windows.is_open(window, at) is inside(window, at)
    opening, closing = windows.opens_at(window, at), windows.closes_at(window, at)
    assert opening == (at if inside(window, at) else walk(window, at, True))
    assert closing == (at if not inside(window, at) else walk(window, at, False))


@given(any_window, moments)
@settings(max_examples=60, deadline=None)
def test_no_mail_starts_in_the_last_blink_of_a_window(window: Window, at: datetime) -> None:
    starts, blink = windows.starts_at(window, at), timedelta(seconds=0.24)
    assert inside(window, starts) and inside(window, starts + blink)
    ends = windows.ends_at(window, starts)
    assert ends is None or starts < ends < windows.closes_at(window, starts)
    assert starts == at or not inside(window, at) or not inside(window, at + 2 * blink)


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    nights = Window(frozenset({4}), time(22), time(6), "Europe/Berlin")  # Friday
    friday, saturday = utc("2026-11-27T21:30"), utc("2026-11-28T04:30")
    assert windows.is_open(nights, friday) and windows.is_open(nights, saturday)
    assert not windows.is_open(nights, utc("2026-11-27T04:30"))
    assert windows.closes_at(nights, friday) == utc("2026-11-28T05:00")


def test_nine_stays_nine_when_summer_time_ends() -> None:
    window = Window(frozenset(range(7)), time(9), time(18), "Europe/Berlin")
    assert windows.opens_at(window, utc("2026-10-24T18:00")) == utc("2026-10-25T08:00")
    assert windows.opens_at(window, utc("2026-10-23T18:00")) == utc("2026-10-24T07:00")


def test_a_night_is_an_hour_shorter_or_longer_when_the_clock_is_set() -> None:
    night = Window(frozenset(range(7)), time(22), time(6), "Europe/Berlin")

    def length(evening: datetime) -> timedelta:
        closing = windows.closes_at(night, opening := windows.opens_at(night, evening))
        assert closing is not None
        return closing - opening

    assert length(utc("2026-03-28T18:00")) == timedelta(hours=7)
    assert length(utc("2026-10-24T18:00")) == timedelta(hours=9)
    assert length(utc("2026-06-24T18:00")) == timedelta(hours=8)


def test_every_day_around_the_clock_never_closes() -> None:
    always = Window(frozenset(range(7)), time(0), time(0), "Asia/Kolkata")
    assert windows.closes_at(always, utc("2026-11-25T12:00")) is None
    assert windows.closes_at(None, utc("2026-11-25T12:00")) is None
    assert windows.opens_at(None, utc("2026-11-25T12:00")) == utc("2026-11-25T12:00")


def test_windows_meet_or_never_do() -> None:
    now = utc("2026-11-25T12:00")
    office, weekend = (
        Window(OFFICE, time(9), time(18), "Asia/Kolkata"),
        Window(frozenset({6}), time(9), time(18), "UTC"),
    )
    evening = Window(OFFICE, time(17, 59), time(22), "Asia/Kolkata")
    assert windows.meet(office, evening, now) and windows.meet(evening, office, now)
    assert not windows.meet(office, weekend, now)
    assert not windows.meet(office, Window(OFFICE, time(18), time(22), "Asia/Kolkata"), now)
    assert windows.meet(None, weekend, now) and windows.meet(weekend, None, now)


def test_a_row_keeps_a_window_and_gives_it_back() -> None:
    window = Window(OFFICE, time(9), time(18), "Asia/Kolkata")
    stored = windows.to_json(window)
    assert stored == {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": "Asia/Kolkata"}
    assert windows.from_json(stored) == window
    assert windows.from_json(None) is None and windows.to_json(None) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"days": []}, "at least one day"),
        ({"days": [7]}, "Monday to Sunday"),
        ({"from": "25:00"}, "as 09:00 and 18:00"),
        ({"until": ""}, "as 09:00 and 18:00"),
        ({"zone": "Mars/Olympus"}, "no time zone named 'Mars/Olympus'"),
    ],
)
def test_what_is_no_window_is_refused_in_a_sentence(change: dict[str, object], words: str) -> None:
    good = {"days": [0], "from": "09:00", "until": "18:00", "zone": "Asia/Kolkata"}
    with pytest.raises(RuleError, match=words):
        windows.from_json({**good, **change})


def test_days_are_said_as_people_say_them() -> None:
    says = {frozenset({5, 6}): "Sat, Sun", OFFICE: "Mon–Fri", frozenset({0, 2, 3, 4}): "Mon, Wed–Fri"}
    assert {days: windows.days_in_words(days) for days in says} == says
    assert str(Window(frozenset(range(7)), time(22), time(6), "UTC")) == "Every day 22:00–06:00"
