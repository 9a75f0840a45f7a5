"""A forecast as a line and as a table, and a daily cap in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.campaigns import timetable
from core.campaigns.flow import Flow, Road
from core.campaigns.forecast import Forecast, forecast
from core.campaigns.preflight import places
from core.campaigns.preflight.survey import Survey
from core.delivery import warmup, windows

IST = "Asia/Kolkata"
NOW = datetime(2026, 11, 25, 6, 20, tzinfo=UTC)  # Wednesday, 11:50 in India
OFFICE = windows.from_json({"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": IST})


def foreseen(count: int, road: dict[str, Any] | None = None, *others: Flow, **flow: Any) -> Forecast:
    begins = flow.pop("begins", NOW)
    return forecast(Road(NOW, **({"rate": 0.5, "at": "30/min"} | (road or {}))), Flow(count, begins, **flow), others)


def said(made: Forecast) -> list[str]:
    return [f"{row.at:%d %H:%M} {row.sent} {row.total}" for row in timetable.rows(made.line, IST)]


def test_a_line_begins_when_the_campaign_does_and_ends_with_its_last_mail() -> None:
    made = foreseen(600, begins=NOW + timedelta(hours=2))
    assert [(point.at, point.sent) for point in made.line] == [
        (NOW + timedelta(hours=2), 0),
        (made.finishes_at, 600),
    ]
    assert said(made) == ["25 13:50 300 300", "25 14:00 300 600"]


def test_a_line_is_flat_while_a_window_is_closed_or_a_cap_is_reached() -> None:
    cap = warmup.from_json(warmup.daily_cap(500, NOW.date(), IST))
    made = foreseen(1_200, window=OFFICE, ramp=cap)
    assert said(made) == ["25 11:50 500 500", "26 00:00 500 1000", "27 00:00 200 1200"]
    assert made.say(IST).endswith("at most 500 a day.")
    assert all(
        one.sent <= other.sent and one.at <= other.at for one, other in zip(made.line, made.line[1:], strict=False)
    )


def test_others_of_the_sender_are_a_line_of_their_own() -> None:
    made = foreseen(600, None, Flow(300, NOW))
    assert made.line[-1].beside == 300 and made.line[-1].sent == 600
    assert made.line[1].sent == pytest.approx(300, abs=2)  # equal shares until the other is done


def test_a_line_of_years_has_few_points() -> None:
    made = foreseen(1_000_000, {"per_day": 1_000, "window": OFFICE})
    assert 2 < len(made.line) <= 202 and made.line[-1].sent == 1_000_000


def test_a_table_of_what_never_goes_is_empty() -> None:
    closed = windows.from_json({"days": [6], "from": "09:00", "until": "10:00", "zone": IST})
    made = foreseen(600, {"window": closed}, window=OFFICE)
    assert made.never and timetable.rows(made.line, IST) == []


def test_a_daily_cap_is_a_warm_up_that_does_not_grow() -> None:
    cap = warmup.from_json(warmup.daily_cap(500, NOW.date(), IST))
    assert cap is not None and cap.is_cap and warmup.cap(cap, NOW + timedelta(days=300)) == 500
    assert warmup.say(cap, NOW) == "Daily cap: at most 500 mails today."
    ramp = warmup.from_json({"start": 50, "factor": 1.0, "days": 14, "began": "2026-11-25", "zone": IST})
    assert ramp is not None and not ramp.is_cap


def test_a_moment_is_told_where_the_recipients_live() -> None:
    found = Survey(10, {}, recipients=10, is_done=True, places_are="countries")
    found.places.update({"India": 5, "in": 1, "USA": 2, "Atlantis": 1})
    assert places.local_times(found, NOW) == [
        "India (6): Wed 11:50",
        "United States (2): Tue 20:20 to Wed 01:20",
        "unknown for 2",
    ]
    zones = Survey(2, {}, recipients=2, is_done=True, places_are="zones")
    zones.places.update({"europe/berlin": 1, "Asia/Kolkata": 1})
    assert places.local_times(zones, NOW) == ["Europe/Berlin (1): Wed 07:20", "Asia/Kolkata (1): Wed 11:50"]
    assert places.local_times(Survey(1, {}), NOW) == []
