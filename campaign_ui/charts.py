"""Pure: numbers -> chart options and the sentence that says the same. Keys are constants, colours as on the cards.

No text stands in a colour of its own: the greys chosen are readable on light and on dark.
"""

from collections.abc import Sequence
from typing import Any

from core.stats import Counts, Day

SENT, FAILED, PENDING, OPENED = "#0f9f6e", "#e11d48", "#e2a308", "#6366f1"
SUPPRESSED, CANCELLED, UNKNOWN = "#7c859f", "#a9b0c3", "#0284c7"
_TEXT, _GRID = "#7f87a1", "rgba(140,146,170,.2)"
_FONT = "Inter, ui-sans-serif, system-ui, sans-serif"

# (state, word, colour): their sum is the number of recipients.
STATES = (
    ("sent", "Sent", SENT),
    ("failed", "Failed", FAILED),
    ("pending", "Pending", PENDING),
    ("suppressed", "Suppressed", SUPPRESSED),
    ("cancelled", "Cancelled", CANCELLED),
    ("unknown", "Unknown", UNKNOWN),
)


def doughnut(counts: Counts) -> dict[str, Any]:
    """Where the recipients stand."""
    data = [
        {"name": word, "value": counts.in_state(state), "itemStyle": {"color": colour}}
        for state, word, colour in STATES
    ]
    empty = {"name": "None", "value": 0 if counts.recipients else 1, "itemStyle": {"color": _GRID}}
    return {
        "textStyle": {"fontFamily": _FONT},
        "tooltip": {"trigger": "item", "show": counts.recipients > 0},
        "series": [
            {
                "name": "Recipients",
                "type": "pie",
                "radius": ["68%", "92%"],
                "padAngle": 1.5 if sum(1 for item in data if item["value"]) > 1 else 0,
                "itemStyle": {"borderRadius": 5},
                "label": {"show": False},
                "emphasis": {"scaleSize": 3},
                "data": [*data, empty],
            }
        ],
    }


def status_bars(counts: Counts) -> dict[str, Any]:
    """Delivery status as bars, opened beside sent."""
    rows = [("Opened", counts.opened, OPENED)]
    rows += [(word, counts.in_state(state), colour) for state, word, colour in STATES]
    rows[0], rows[1] = rows[1], rows[0]
    data = [
        {"value": value, "itemStyle": {"color": colour}, "label": {"formatter": f"{value:,}"}}
        for _, value, colour in rows
    ]
    return {
        "textStyle": {"fontFamily": _FONT},
        "grid": {"left": 4, "right": 12, "top": 24, "bottom": 24, "containLabel": True},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": _categories([word for word, _, _ in rows], every=True),
        "yAxis": _numbers(),
        "series": [
            {
                "name": "Recipients",
                "type": "bar",
                "barMaxWidth": 34,
                "itemStyle": {"borderRadius": [6, 6, 0, 0]},
                "label": {"show": True, "position": "top", "color": _TEXT, "fontSize": 11},
                "data": data,
            }
        ],
    }


def days(of: Sequence[Day]) -> dict[str, Any]:
    """Mails per day: sent with failed on top, opened beside."""
    return _over_time(of, [f"{day.at.day} {day.at:%b}" for day in of])


def hours(of: Sequence[Day]) -> dict[str, Any]:
    """A campaign's mails per hour, on the user's wall clock."""
    return _over_time(of, [f"{hour.at:%H:%M}" if hour.at.hour else f"{hour.at.day} {hour.at:%b}" for hour in of])


def _over_time(of: Sequence[Day], labels: list[str]) -> dict[str, Any]:
    return {
        "textStyle": {"fontFamily": _FONT},
        "grid": {"left": 4, "right": 8, "top": 36, "bottom": 24, "containLabel": True},
        "legend": {
            "top": 0,
            "right": 0,
            "icon": "circle",
            "itemWidth": 8,
            "itemHeight": 8,
            "textStyle": {"color": _TEXT, "fontSize": 12},
        },
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": _categories(labels),
        "yAxis": _numbers(),
        "series": [
            _bars("Sent", SENT, [_bar(day.sent, is_top=not day.failed) for day in of], stack="out"),
            _bars("Failed", FAILED, [_bar(day.failed) for day in of], stack="out"),
            _bars("Opened", OPENED, [_bar(day.opened) for day in of], stack="in"),
        ],
    }


def _bar(value: int, is_top: bool = True) -> dict[str, Any]:
    return {"value": value, "itemStyle": {"borderRadius": [4, 4, 0, 0] if is_top else 0}}


def _bars(name: str, colour: str, values: list[dict[str, Any]], stack: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "bar",
        "stack": stack,
        "barMaxWidth": 14,
        "barGap": "20%",
        "itemStyle": {"color": colour},
        "data": values,
    }


def _categories(labels: list[str], every: bool = False) -> dict[str, Any]:
    label: dict[str, Any] = {"color": _TEXT, "fontSize": 11, "hideOverlap": True}
    if every:
        label["interval"] = 0
    return {
        "type": "category",
        "data": labels,
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        "axisLabel": label,
    }


def _numbers() -> dict[str, Any]:
    return {
        "type": "value",
        "minInterval": 1,
        "splitNumber": 4,
        "splitLine": {"lineStyle": {"color": _GRID}},
        "axisLabel": {"color": _TEXT, "fontSize": 11},
    }


def say_counts(counts: Counts) -> str:
    """The doughnut and the bars in words."""
    if not counts.recipients:
        return "No recipients yet."
    parts = [f"{counts.in_state(state):,} {word.lower()}" for state, word, _ in STATES if counts.in_state(state)]
    return f"{counts.recipients:,} recipients: {', '.join(parts)}; {counts.opened:,} opened."


def say_days(of: Sequence[Day], unit: str = "day") -> str:
    """A chart over time in words."""
    total = sum(day.sent for day in of)
    if not total:
        return "No mail was sent in this time."
    best = max(of, key=lambda day: day.sent)
    when = f"{best.at:%d %b}" if unit == "day" else f"{best.at:%d %b, %H:%M}"
    opened, failed = sum(day.opened for day in of), sum(day.failed for day in of)
    return f"{total:,} sent, {opened:,} opened, {failed:,} failed. Most on {when}: {best.sent:,}."
