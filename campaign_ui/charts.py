"""Pure: numbers -> chart options and the sentence that says the same. Keys are constants, colours as on the cards.

No text stands in a colour of its own: the greys chosen are readable on light and on dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.audience.contacts import AudienceCount
from core.stats import Counts
from core.stats.days import Day, Progress

SENT, FAILED, PENDING, OPENED, CLICKED = "#0f9f6e", "#e11d48", "#e2a308", "#6366f1", "#0284c7"
SUPPRESSED, CANCELLED, UNKNOWN = "#7c859f", "#a9b0c3", "#0284c7"
TEXT, GRID = "#7f87a1", "rgba(140,146,170,.2)"
FONT = {"fontFamily": "Inter, ui-sans-serif, system-ui, sans-serif"}
# The only JavaScript: ours, behind keys that are constants. Numbers with separators, whole ones without decimals.
NUMBER = "v => v == null ? '–' : Number(v).toLocaleString('en-US', {maximumFractionDigits: 1})"

# Milliseconds. An update is over before the next one comes (live.MERGE_SECONDS): a picture that is always on its way
# is never true.
MOTION = {"animationDuration": 400, "animationDurationUpdate": 200, "animationEasingUpdate": "linear"}

# (state, word, colour): their sum is the number of recipients.
STATES = (
    ("sent", "Sent", SENT),
    ("failed", "Failed", FAILED),
    ("pending", "Pending", PENDING),
    ("suppressed", "Suppressed", SUPPRESSED),
    ("cancelled", "Cancelled", CANCELLED),
    ("unknown", "Unknown", UNKNOWN),
)


@dataclass(frozen=True)
class Picture:
    """A chart, the sentence and the table that say the same."""

    options: dict[str, Any]
    words: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def doughnut(counts: Counts) -> dict[str, Any]:
    """Where the recipients stand."""
    # Left out, not empty: an empty part that still moves comes to rest where it was before.
    data = [
        {"name": word, "value": counts.in_state(state), "itemStyle": {"color": colour}}
        for state, word, colour in STATES
        if counts.in_state(state)
    ]
    empty = {"name": "None", "value": 1, "itemStyle": {"color": GRID}}
    return {
        "textStyle": FONT,
        "tooltip": {"trigger": "item", "show": counts.recipients > 0, ":valueFormatter": NUMBER},
        "series": [
            {
                "name": "Recipients",
                "type": "pie",
                **MOTION,  # a pie has its own
                "radius": ["68%", "92%"],
                "minAngle": 4,  # six of three thousand are seen too
                "padAngle": 1.5 if len(data) > 1 else 0,
                "itemStyle": {"borderRadius": 5},
                "label": {"show": False},
                "emphasis": {"scaleSize": 3},
                "data": data or [empty],
            }
        ],
    }


def status_bars(counts: Counts) -> Picture:
    """Delivery status as bars, opened beside sent."""
    rows = [("Opened", counts.opened, OPENED)]
    rows += [(word, counts.in_state(state), colour) for state, word, colour in STATES]
    rows[0], rows[1] = rows[1], rows[0]
    shown = {word: "–" if word == "Opened" and not counts.is_counted else f"{value:,}" for word, value, _ in rows}
    data = [
        {"value": value, "itemStyle": {"color": colour}, "label": {"formatter": shown[word]}}
        for word, value, colour in rows
    ]
    options = {
        "textStyle": FONT,
        "grid": {"left": 4, "right": 52, "top": 4, "bottom": 4, "containLabel": True},
        "tooltip": tooltip("shadow"),
        "xAxis": numbers() | {"axisLabel": {"show": False}, "splitLine": {"show": False}},
        "yAxis": categories([word for word, _, _ in rows], every=True) | {"inverse": True},
        "series": [
            {
                "name": "Recipients",
                "type": "bar",
                "barMaxWidth": 18,
                "showBackground": True,
                "backgroundStyle": {"color": GRID, "opacity": 0.4, "borderRadius": 5},
                "itemStyle": {"borderRadius": 5},
                "label": {"show": True, "position": "right", "color": TEXT, "fontSize": 12},
                "data": data,
            }
        ],
    }
    return Picture(options, say_counts(counts), ("State", "Recipients"), tuple(shown.items()))


def days(of: Sequence[Day], is_counted: bool = True) -> Picture:
    """Mails per day: sent with failed on top, opened beside (where that is counted)."""
    return progress(Progress("day", list(of)), is_counted)


def progress(told: Progress, is_counted: bool = True) -> Picture:
    """The same per hour or per day, on the user's wall clock."""
    of, unit = told.of, told.unit.capitalize()
    labels = [f"{each.at:%H:%M}" if each.at.hour else f"{each.at.day} {each.at:%b}" for each in of]
    options = {
        "textStyle": FONT,
        "grid": {"left": 4, "right": 8, "top": 36, "bottom": 24, "containLabel": True},
        "legend": legend(),
        "tooltip": tooltip("shadow"),
        "xAxis": categories(labels),
        "yAxis": numbers(),
        "series": [
            _bars("Sent", SENT, [_bar(day.sent, is_top=not day.failed) for day in of], stack="out"),
            _bars("Failed", FAILED, [_bar(day.failed) for day in of], stack="out"),
            _bars("Opened", OPENED, [_bar(day.opened) for day in of], stack="in"),
        ],
    }
    when = "%d %b" if unit == "Day" else "%d %b, %H:%M"
    opened = [f"{day.opened:,}" if is_counted else "–" for day in of]
    rows = tuple(
        (f"{day.at:{when}}", f"{day.sent:,}", f"{day.failed:,}", opens) for day, opens in zip(of, opened, strict=True)
    )
    return Picture(options, say_days(of, unit.lower(), is_counted), (unit, "Sent", "Failed", "Opened"), rows)


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


def legend() -> dict[str, Any]:
    return {
        "top": 0,
        "right": 0,
        "icon": "circle",
        "itemWidth": 8,
        "itemHeight": 8,
        "textStyle": {"color": TEXT, "fontSize": 12},
    }


def tooltip(pointer: str) -> dict[str, Any]:
    return {"trigger": "axis", "axisPointer": {"type": pointer}, ":valueFormatter": NUMBER}


def categories(labels: list[str], every: bool = False) -> dict[str, Any]:
    label: dict[str, Any] = {"color": TEXT, "fontSize": 11, "hideOverlap": True}
    if every:
        label["interval"] = 0
    return {
        "type": "category",
        "data": labels,
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        "axisLabel": label,
    }


def numbers() -> dict[str, Any]:
    return {
        "type": "value",
        "minInterval": 1,
        "splitNumber": 4,
        "splitLine": {"lineStyle": {"color": GRID}},
        "axisLabel": {"color": TEXT, "fontSize": 11, ":formatter": NUMBER},
    }


def say_counts(counts: Counts) -> str:
    """The doughnut and the bars in words."""
    if not counts.recipients:
        return "No recipients yet."
    parts = [f"{counts.in_state(state):,} {word.lower()}" for state, word, _ in STATES if counts.in_state(state)]
    told = f"{counts.recipients:,} recipients: {', '.join(parts)}"
    if not counts.sent and not counts.opened:
        return f"{told}."
    return f"{told}; {f'{counts.opened:,} opened' if counts.is_counted else 'opens were not counted'}."


def say_days(of: Sequence[Day], unit: str = "day", is_counted: bool = True) -> str:
    """A chart over time in words."""
    total = sum(day.sent for day in of)
    if not total:
        return "No mail was sent in this time."
    best = max(of, key=lambda day: day.sent)
    when = f"on {best.at:%d %b}" if unit == "day" else f"in the hour from {best.at:%d %b, %H:%M}"
    failed = sum(day.failed for day in of)
    opened = f" {sum(day.opened for day in of):,} opened," if is_counted else ""
    return f"{total:,} sent,{opened} {failed:,} failed. Most {when}: {best.sent:,}."


def say_people(count: AudienceCount, word: str = " recipient") -> str:
    """Who gets it: ``306 of 309 recipients, 3 suppressed``, the same wherever a campaign's people are told."""
    words = f"{count.recipients:,}{word}{'s' if word and count.recipients != 1 else ''}"
    return f"{count.going:,} of {words}, {count.suppressed:,} suppressed" if count.suppressed else words


def say_done(counts: Counts) -> str:
    """``2 of 30 done, 2 failed · 6.7 %``: how far a campaign is, the same wherever it is told."""
    ended = ("failed", "cancelled")
    parts = [f", {counts.in_state(state):,} {state}" for state in ended if counts.in_state(state)]
    return f"{counts.done:,} of {counts.recipients:,} done{''.join(parts)} · {rounded(100 * counts.progress)} %"


def rounded(percentage: float) -> str:
    """One decimal, but never 100 or 0 for what is not quite all or nothing."""
    if 0 < percentage < 0.1:
        return "0.1"
    if 99.9 < percentage < 100:
        return "99.9"
    return f"{percentage:.1f}".removesuffix(".0")


def say_sum(counts: Counts) -> str:
    """``5,120 recipients = 354 sent + 4 failed + 4,762 pending``: it always adds up."""
    always = ("sent", "failed", "pending")
    parts = [
        f"{counts.in_state(state):,} {word.lower()}"
        for state, word, _ in STATES
        if counts.in_state(state) or state in always
    ]
    return f"{counts.recipients:,} recipient{'' if counts.recipients == 1 else 's'} = {' + '.join(parts)}"
