from datetime import datetime, timedelta
from typing import Any

from campaign_ui import charts
from core.stats import Counts, Day

COUNTS = Counts(recipients=20, waiting=3, claimed=1, sending=1, sent=10, failed=2, suppressed=1, unknown=2, opened=4)
DAYS = [Day(datetime(2026, 11, 20) + timedelta(days=n), sent=10 * n, failed=n, opened=4 * n) for n in range(3)]


def keys(options: Any) -> set[str]:
    """Every key anywhere in the options."""
    if isinstance(options, dict):
        return {str(key) for key in options} | {key for value in options.values() for key in keys(value)}
    if isinstance(options, list):
        return {key for value in options for key in keys(value)}
    return set()


def test_the_doughnut_adds_up_to_the_recipients_in_the_colours_of_the_cards() -> None:
    data = charts.doughnut(COUNTS)["series"][0]["data"]
    assert sum(item["value"] for item in data) == 20
    named = {item["name"]: (item["value"], item["itemStyle"]["color"]) for item in data}
    assert named["Sent"] == (10, charts.SENT) and named["Pending"] == (5, charts.PENDING)
    assert named["Failed"] == (2, charts.FAILED) and named["Unknown"][0] == 2


def test_bars_show_opened_beside_sent() -> None:
    options = charts.status_bars(COUNTS)
    values = [item["value"] for item in options["series"][0]["data"]]
    assert dict(zip(options["xAxis"]["data"], values, strict=True)) == {
        "Sent": 10,
        "Opened": 4,
        "Failed": 2,
        "Pending": 5,
        "Suppressed": 1,
        "Cancelled": 0,
        "Unknown": 2,
    }


def test_no_key_is_evaluated_as_javascript() -> None:
    for options in (charts.doughnut(COUNTS), charts.status_bars(COUNTS), charts.days(DAYS), charts.hours(DAYS)):
        assert not any(key.startswith(":") for key in keys(options))


def test_the_shape_never_changes_so_that_bars_move_instead_of_jumping() -> None:
    assert [len(item["data"]) for item in charts.doughnut(Counts())["series"]] == [
        len(item["data"]) for item in charts.doughnut(COUNTS)["series"]
    ]
    assert charts.days(DAYS)["xAxis"]["data"] == ["20 Nov", "21 Nov", "22 Nov"]
    shown = [[item["value"] for item in series["data"]] for series in charts.days(DAYS)["series"]]
    assert shown == [[0, 10, 20], [0, 1, 2], [0, 4, 8]]


def test_the_words_say_what_the_picture_shows() -> None:
    assert charts.say_counts(COUNTS) == (
        "20 recipients: 10 sent, 2 failed, 5 pending, 1 suppressed, 2 unknown; 4 opened."
    )
    assert charts.say_counts(Counts()) == "No recipients yet."
    assert charts.say_days(DAYS) == "30 sent, 12 opened, 3 failed. Most on 22 Nov: 20."
    assert charts.say_days(DAYS[:1]) == "No mail was sent in this time."
