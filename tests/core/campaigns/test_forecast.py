"""The forecast against the real pace, mail by mail."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from time import process_time

import pytest

from core.campaigns.flow import Flow, Road, Walk
from core.campaigns.forecast import forecast
from core.delivery import warmup, windows
from core.delivery.pace import Limits, Pace
from core.delivery.warmup import Warmup
from core.delivery.windows import Window

IST = "Asia/Kolkata"
NOW = datetime(2026, 11, 25, 6, 20, tzinfo=UTC)  # Wednesday, 11:50 in India
OFFICE = Window(frozenset(range(5)), time(9), time(18), IST)
NIGHT = Window(frozenset({0, 2, 4}), time(22), time(3), "Europe/Berlin")
RAMP = Warmup(20, 2.0, 4, date(2026, 11, 25), IST)


def road(per_minute: int | None, **values: object) -> Road:
    rate = per_minute / 60 / 1.03 if per_minute else None
    return Road(NOW, rate, f"{per_minute:,}/min" if per_minute else "", **values)  # type: ignore[arg-type]


def mail_by_mail(per_minute: int | None, road: Road, flow: Flow) -> datetime:
    """When the last mail starts, every one taking its slot of the real pace, as the engine does."""
    used = [(at.timestamp(), count) for at, count in road.used]
    now = max(road.now, flow.begins, road.not_before or road.now)

    def taken_anew(now: datetime) -> tuple[Pace, datetime | None]:
        limits = Limits(per_minute, road.per_hour, road.per_day, day_cap=warmup.cap(road.ramp, now))
        pace = Pace(limits, now.timestamp())
        pace.remember(used)
        return pace, warmup.changes_at(road.ramp, now)

    pace, midnight = taken_anew(now)
    count = today = 0
    while True:
        opening = windows.opens_at(road.window, windows.opens_at(flow.window, now))
        opening = windows.opens_at(flow.window, opening)
        if flow.ramp is not None and today >= (warmup.cap(flow.ramp, opening) or 1 << 40):
            now, today = warmup.midnight_after(flow.ramp.zone, opening), 0
            continue
        if flow.ramp is not None and opening >= warmup.midnight_after(flow.ramp.zone, now):
            today = 0
        now = opening
        if midnight is not None and now >= midnight:
            pace, midnight = taken_anew(now)
        slot = pace.reserve(now.timestamp())
        at = datetime.fromtimestamp(slot.at, UTC)
        if midnight is not None and at >= midnight:
            now = midnight
            continue
        if not (windows.is_open(road.window, at) and windows.is_open(flow.window, at)):
            pace.forfeit(slot)
            now = at
            continue
        if flow.ramp is not None and at >= warmup.midnight_after(flow.ramp.zone, now):
            today = 0
        used.append((slot.at, 1))
        now, count, today = at, count + 1, today + 1
        if count == flow.waiting:
            return at


USED = tuple((NOW - timedelta(minutes=minutes), 3) for minutes in range(0, 50))
LONG_AGO = tuple((NOW - timedelta(hours=hours), 30) for hours in range(1, 24, 3))
CASES = {
    "a pace": (30, {}, {}, 600),
    "one mail": (1, {}, {}, 1),
    "an hour": (30, {"per_hour": 100}, {}, 450),
    "exactly an hour's mails": (30, {"per_hour": 100}, {}, 100),
    "one more than an hour's mails": (30, {"per_hour": 100}, {}, 101),
    "an hour partly used": (30, {"per_hour": 200, "used": USED}, {}, 300),
    "an hour used up": (30, {"per_hour": 120, "used": USED}, {}, 200),
    "a day": (30, {"per_day": 200}, {}, 700),
    "hour and day": (30, {"per_hour": 50, "per_day": 180}, {}, 600),
    "a day partly used": (30, {"per_day": 250, "used": LONG_AGO}, {}, 400),
    "no limit but the day": (None, {"per_day": 100}, {}, 350),
    "a window": (2, {"window": OFFICE}, {}, 1500),
    "a window across midnight": (5, {"window": NIGHT}, {}, 2000),
    "a window and a day": (10, {"window": OFFICE, "per_day": 150}, {}, 700),
    "the campaign's own window": (2, {}, {"window": OFFICE}, 1500),
    "both windows": (4, {"window": OFFICE}, {"window": replace(OFFICE, opens=time(15), closes=time(20))}, 1500),
    "a warm-up": (30, {"ramp": RAMP}, {}, 500),
    "a warm-up in a window": (30, {"ramp": RAMP, "window": OFFICE}, {}, 500),
    "the campaign's own warm-up": (30, {}, {"ramp": RAMP}, 450),
    "a cooldown": (30, {"not_before": NOW + timedelta(hours=1)}, {}, 100),
    "begins later": (30, {"per_hour": 100}, {"begins": NOW + timedelta(days=2)}, 250),
}


@pytest.mark.parametrize("name", CASES)
def test_it_foresees_what_the_pace_will_do(name: str) -> None:
    per_minute, senders, campaigns, count = CASES[name]
    way, flow = road(per_minute, **senders), Flow(**{"waiting": count, "begins": NOW, **campaigns})
    expected, found = mail_by_mail(per_minute, way, flow), forecast(way, flow).finishes_at
    assert found is not None
    off = abs((found - expected).total_seconds())
    assert off <= 150 + 0.02 * (expected - NOW).total_seconds(), f"{found} instead of {expected}"


def test_campaigns_of_one_sender_share_it_and_the_small_one_is_done_first() -> None:
    way = replace(road(60), rate=1.0)
    small, large = Flow(300, NOW), Flow(900, NOW)
    first, last = forecast(way, small, (large,)), forecast(way, large, (small,))
    assert first.finishes_at is not None and last.finishes_at is not None
    assert first.finishes_at - NOW == pytest.approx(timedelta(seconds=600), abs=timedelta(seconds=3))
    assert last.finishes_at - NOW == pytest.approx(timedelta(seconds=1200), abs=timedelta(seconds=3))
    assert first.others == ("sharing its sender with other campaigns",)


def test_one_that_begins_later_shares_from_then_on() -> None:
    way = replace(road(60), rate=1.0)
    found = forecast(way, Flow(900, NOW), (Flow(10_000, NOW + timedelta(seconds=600)),)).finishes_at
    assert found is not None and abs((found - NOW).total_seconds() - 1200) < 3


def test_ten_million_recipients_are_foreseen_in_a_blink_and_as_skipping_no_week_would() -> None:
    way = road(600, per_hour=9_000, per_day=60_000, window=OFFICE)
    began = process_time()
    found = forecast(way, Flow(10_000_000, NOW))
    assert process_time() - began < 1.0
    walk = Walk(way, [Flow(10_000_000, NOW)])
    walk._weeks_alike = lambda: 0  # type: ignore[method-assign]
    walk.most_steps = 1_000_000
    slowly = walk.run()
    assert slowly is not None and found.finishes_at is not None
    assert abs(found.finishes_at.timestamp() - slowly) < 0.005 * (slowly - NOW.timestamp())


def test_the_sentence_says_when_and_what_decides() -> None:
    way = road(30, per_day=2_000)
    assert forecast(way, Flow(5_000, NOW)).say(IST) == "Finishes Fri 27 Nov, 12:25 IST at 30/min and 2,000/day."
    assert str(forecast(road(30), Flow(1_240, NOW))) == "about 43 min at 30/min"
    office = forecast(replace(road(30), window=OFFICE), Flow(50_000, NOW))
    assert office.why == "at 30/min, Mon–Fri 09:00–18:00 IST"
    assert forecast(road(None), Flow(100, NOW)).say(IST) == "Finishes Wed 25 Nov, 11:50 IST."


def test_windows_that_never_meet_and_lists_that_take_a_lifetime_are_told() -> None:
    weekend = replace(OFFICE, days=frozenset({6}))
    never = forecast(replace(road(30), window=OFFICE), Flow(10, NOW, window=weekend))
    assert never.finishes_at is None
    assert never.say(IST) == (
        "Never finishes: no moment is inside both Mon–Fri 09:00–18:00 IST and Sun 09:00–18:00 IST."
    )
    ages = forecast(road(30, per_day=2_000), Flow(10_000_000, NOW))
    assert ages.say(IST) == "Finishes in more than five years at 30/min and 2,000/day."


def test_what_takes_too_many_steps_is_guessed_from_how_it_went_so_far() -> None:
    way = road(30, per_hour=100, per_day=500, used=tuple((NOW - timedelta(minutes=n), 1) for n in range(0, 1_440, 3)))
    ramps = [Warmup(3 + n, 1.1, 60, date(2026, 11, 25), IST) for n in range(20)]
    flows = [Flow(4_000 + 97 * n, NOW + timedelta(minutes=7 * n), OFFICE, ramps[n]) for n in range(20)]
    whole, guess = Walk(way, flows), Walk(way, flows)
    guess.most_steps = 1_000
    done, guessed = whole.run(), guess.run()
    assert done is not None and guessed is not None and guess.steps == 1_000 < whole.steps
    assert 0.5 < (guessed - NOW.timestamp()) / (done - NOW.timestamp()) < 2
