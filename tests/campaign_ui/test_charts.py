from datetime import datetime, timedelta
from typing import Any

from campaign_ui import charts, heatmap, lines, live
from campaign_ui.lines import Course
from campaign_ui.parts.progress import PARTS, parts
from core.audience.contacts import AudienceCount
from core.stats import Counts, Heat, Minute, Pace, Span, Spans
from core.stats.days import Day, Progress

COUNTS = Counts(recipients=20, waiting=3, claimed=1, sending=1, sent=10, failed=2, suppressed=1, unknown=2, opened=4)
DAYS = [Day(datetime(2026, 11, 20) + timedelta(days=n), sent=10 * n, failed=n, opened=4 * n) for n in range(3)]

NOON = datetime(2026, 11, 25, 12)
PACE = Pace(tuple(Minute(NOON + timedelta(minutes=n), None if n < 2 else 10.4 * n, 1) for n in range(60)), 30)
SPANS = Spans("hour", (Span(NOON, 1_200, 30), Span(NOON + timedelta(hours=12), 5, 0)))
HEAT = Heat(tuple(tuple(9 if (day, hour) == (2, 9) else day for hour in range(24)) for day in range(7)))
COURSES = [Course("Evil {{ name }}", (0, 10.0, 12.5, *[None] * 13)), Course("B", tuple(float(n) for n in range(16)))]


def leaves(options: Any) -> list[tuple[str, Any]]:
    if isinstance(options, dict):
        return [*options.items(), *(leaf for value in options.values() for leaf in leaves(value))]
    return [leaf for value in options for leaf in leaves(value)] if isinstance(options, list) else []


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
    assert "Cancelled" not in named  # not even a sliver of a state that nobody is in
    assert named["Failed"] == (2, charts.FAILED) and named["Unknown"][0] == 2


def test_the_bar_of_a_campaign_has_a_part_for_what_is_unknown() -> None:
    assert dict(zip(PARTS, parts(COUNTS), strict=True)) == {"sent": 50, "failed": 10, "unknown": 10, "other": 5}


def test_bars_show_opened_beside_sent() -> None:
    picture = charts.status_bars(COUNTS)
    values = [item["value"] for item in picture.options["series"][0]["data"]]
    assert dict(zip(picture.options["yAxis"]["data"], values, strict=True)) == {
        "Sent": 10,
        "Opened": 4,
        "Failed": 2,
        "Pending": 5,
        "Suppressed": 1,
        "Cancelled": 0,
        "Unknown": 2,
    }


def test_the_only_javascript_is_that_which_writes_numbers() -> None:
    """A key with a colon is evaluated in the browser: each must be one of ours, none may hold what somebody wrote."""
    pictures = (
        charts.status_bars(COUNTS),
        charts.days(DAYS),
        charts.progress(Progress("hour", DAYS)),
        lines.rate(PACE),
        lines.readers(SPANS),
    )
    pictures += (lines.since_start(COURSES), heatmap.weekdays(HEAT))
    for options in (charts.doughnut(COUNTS), *(picture.options for picture in pictures)):
        assert {key for key in keys(options) if key.startswith(":")} <= {":valueFormatter", ":formatter"}
        assert "Evil" not in str({key: value for key, value in leaves(options) if key.startswith(":")})


def test_a_picture_has_arrived_before_the_next_update_comes() -> None:
    [pie] = charts.doughnut(COUNTS)["series"]  # which has a pace of its own
    assert max(charts.MOTION["animationDurationUpdate"], pie["animationDurationUpdate"]) < 1000 * live.MERGE_SECONDS


def test_the_shape_never_changes_so_that_bars_move_instead_of_jumping() -> None:
    assert charts.days(DAYS).options["xAxis"]["data"] == ["20 Nov", "21 Nov", "22 Nov"]
    shown = [[item["value"] for item in series["data"]] for series in charts.days(DAYS).options["series"]]
    assert shown == [[0, 10, 20], [0, 1, 2], [0, 4, 8]]


def test_the_words_say_what_the_picture_shows() -> None:
    assert charts.say_counts(COUNTS) == (
        "20 recipients: 10 sent, 2 failed, 5 pending, 1 suppressed, 2 unknown; 4 opened."
    )
    assert charts.say_counts(Counts()) == "No recipients yet."
    assert charts.say_sum(COUNTS) == "20 recipients = 10 sent + 2 failed + 5 pending + 1 suppressed + 2 unknown"
    assert charts.say_people(AudienceCount(309, 3)) == "306 of 309 recipients, 3 suppressed"
    assert charts.say_people(AudienceCount(309, 3), "") == "306 of 309, 3 suppressed"
    assert charts.say_people(AudienceCount(1, 0)) == "1 recipient"
    assert charts.say_sum(Counts(recipients=1, sent=1)) == "1 recipient = 1 sent + 0 failed + 0 pending"
    assert charts.say_days(DAYS) == "30 sent, 12 opened, 3 failed. Most on 22 Nov: 20."
    assert charts.say_days(DAYS[:1]) == "No mail was sent in this time."


def test_the_rate_says_its_most_and_leaves_out_what_nobody_counted() -> None:
    picture = lines.rate(PACE)
    assert picture.options["series"][0]["data"][:3] == [None, None, 20.8]
    assert picture.words == "18,398 mails sent in these 58 minutes. Most in that from 12:59: 614."
    assert picture.rows[0] == ("12:59", "614", "1") and picture.rows[-1] == ("12:00", "–", "1")
    assert lines.say_rate(Pace()) == "No minute was counted yet."
    assert lines.caption(PACE, False) == "30 in the last 60 s · 60 minutes shown"
    assert lines.caption(Pace(PACE.minutes[:12]), True) == "The 12 minutes up to its end"
    assert lines.caption(Pace(PACE.minutes[:1]), True) == "The minute up to its end"
    assert lines.caption(Pace(PACE.minutes[:1]), False) == "0 in the last 60 s · 1 minute shown"
    assert lines.say_rate(Pace((Minute(NOON, 1, 0),))) == "1 mail sent in one minute."
    assert lines.say_rate(Pace((Minute(NOON, 0, 0),) * 3)) == "No mail was sent in these 3 minutes."


def test_readers_and_their_hours_are_said_in_words_and_shown_as_a_table() -> None:
    picture = lines.readers(SPANS)
    assert picture.words == "1,205 opened, 30 clicked. Most opens in the hour from 25 Nov, 12:00: 1,200."
    assert picture.options["xAxis"]["data"] == ["12:00", "26 Nov"]
    assert picture.rows[0] == ("25 Nov, 12:00", "1,200", "30")
    plain = lines.readers(SPANS, knows_clicks=False)
    assert plain.words == "1,205 opened; no links are counted. Most opens in the hour from 25 Nov, 12:00: 1,200."
    assert plain.rows[0] == ("25 Nov, 12:00", "1,200", "–") and plain.options["series"][1]["data"] == [None, None]
    week = heatmap.weekdays(HEAT)
    assert week.words == "Most open on Wednesday between 09:00 and 10:00: 2 % of all opens."
    assert len(week.rows) == 24 and week.rows[9] == ("09:00", "0", "1", "9", "3", "4", "5", "6")
    assert lines.say_readers(Spans("hour", ())) == "Nobody has opened it yet."


def test_two_courses_are_compared_as_far_as_each_has_come() -> None:
    picture = lines.since_start(COURSES)
    assert picture.words == "Evil {{ name }}: 12.5 % had opened after 30 min. B: 15.0 % had opened after 72 h."
    assert picture.rows[3] == ("1 h", "–", "3.0 %") and picture.head == ("After", "A, opened", "B, opened")
