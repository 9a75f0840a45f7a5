"""Pure: what goes on over time -> pictures. The rate of the last hour, opens and clicks, two campaigns compared.

The shape of a picture never changes while it is shown, so that it moves instead of being drawn anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from campaign_ui.charts import CLICKED, FAILED, FONT, OPENED, SENT, TEXT, Picture, categories, legend, numbers, tooltip
from campaign_ui.uncounted import NOBODY
from core.stats import Pace, Spans

HOURS = (0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48, 72)  # after the start, to compare at
_LINE = {"type": "line", "showSymbol": False, "lineStyle": {"width": 2}, "emphasis": {"disabled": True}}
_GRID = {"left": 4, "right": 12, "top": 36, "bottom": 24, "containLabel": True}
_LABELS = {"quarter": "%H:%M", "hour": "%H:%M", "day": "%d %b"}


def rate(pace: Pace) -> Picture:
    """Mails per minute; the bar of the minute that runs still grows."""
    times = [f"{minute.at:%H:%M}" for minute in pace.minutes]
    sent = [None if minute.sent is None else round(minute.sent, 1) for minute in pace.minutes]
    failed = [round(minute.failed or 0, 1) or None for minute in pace.minutes]
    bar = {"type": "bar", "stack": "out", "barMaxWidth": 22, "barCategoryGap": "15%"}
    options = {
        "textStyle": FONT,
        "grid": {**_GRID, "top": 12},
        "tooltip": tooltip("shadow"),
        "xAxis": categories(times),
        "yAxis": numbers(),
        "series": [
            {**bar, "name": "Sent", "itemStyle": {"color": SENT}, "data": sent},
            {**bar, "name": "Failed", "itemStyle": {"color": FAILED}, "data": failed},
        ],
    }
    rows = zip(times, (_shown(value) for value in sent), (_shown(value or 0) for value in failed), strict=True)
    return Picture(options, say_rate(pace), ("Minute", "Sent", "Failed"), tuple(reversed(list(rows))))


def say_rate(pace: Pace) -> str:
    known = [minute for minute in pace.minutes if minute.sent is not None]
    if not known:
        return "No minute was counted yet."
    best = max(known, key=lambda minute: minute.sent or 0)
    total = sum(minute.sent or 0 for minute in known)
    when = f"these {len(known):,} minutes" if len(known) > 1 else "one minute"
    if total < 1:
        return f"No mail was sent in {when}."
    begin, most = best.at, best.sent or 0
    told = f"{total:,.0f} mail{'s' if round(total) != 1 else ''} sent in {when}."
    return f"{told} Most in that from {begin:%H:%M}: {most:,.0f}." if len(known) > 1 else told


def readers(spans: Spans, nobody: str = NOBODY, knows_clicks: bool = True) -> Picture:
    """Opens and clicks over time; ``nobody``: what is said where nobody has opened it."""
    clicked = [span.clicked if knows_clicks else None for span in spans.of]
    labels = [span.at.strftime(_label(spans.unit, span.at)) for span in spans.of]
    options = {
        "textStyle": FONT,
        "grid": _GRID,
        "legend": legend(),
        "tooltip": tooltip("shadow"),
        "xAxis": categories(labels),
        "yAxis": numbers(),
        "series": [
            _bars("Opened", OPENED, [span.opened for span in spans.of]),
            _bars("Clicked", CLICKED, clicked),
        ],
    }
    when = "%d %b" if spans.unit == "day" else "%d %b, %H:%M"
    rows = tuple(
        (f"{span.at:{when}}", f"{span.opened:,}", _shown(count)) for span, count in zip(spans.of, clicked, strict=True)
    )
    head = {"quarter": "From (15 min)", "hour": "Hour", "day": "Day"}[spans.unit]
    return Picture(options, say_readers(spans, nobody, knows_clicks), (head, "Opened", "Clicked"), rows)


def say_readers(spans: Spans, nobody: str = NOBODY, knows_clicks: bool = True) -> str:
    opened, clicked = sum(span.opened for span in spans.of), sum(span.clicked for span in spans.of)
    if not opened:
        return nobody
    best = max(spans.of, key=lambda span: span.opened)
    span = {"quarter": "in the 15 minutes from", "hour": "in the hour from", "day": "on"}[spans.unit]
    when = f"{best.at:%d %b}" if spans.unit == "day" else f"{best.at:%d %b, %H:%M}"
    clicks = f", {clicked:,} clicked" if knows_clicks else "; no links are counted"
    return f"{opened:,} opened{clicks}. Most opens {span} {when}: {best.opened:,}."


@dataclass(frozen=True)
class Course:
    """How far the opens of one campaign had come by each of HOURS: per cent of sent; None where that is to come.

    ``why_none``: why it has no line.
    """

    title: str
    shares: tuple[float | None, ...]
    why_none: str = ""

    @property
    def is_line(self) -> bool:
        return sum(share is not None for share in self.shares) > 1


def since_start(courses: Sequence[Course]) -> Picture:
    """Open rates of campaigns by hours since their start."""
    colours = (OPENED, "#d97706")
    series: list[dict[str, Any]] = [
        {**_LINE, "name": name, "color": colour, "data": [None if x is None else round(x, 1) for x in course.shares]}
        for name, colour, course in zip(("A", "B"), colours, courses, strict=False)
    ]
    nothing = "" if any(course.is_line for course in courses) else "No line yet: the reasons stand below."
    options = {
        "textStyle": FONT,
        "title": {"text": nothing, "left": "center", "top": "middle", "textStyle": {"color": TEXT, "fontSize": 13}},
        "grid": _GRID,
        "legend": legend(),
        "tooltip": tooltip("line"),
        "xAxis": categories([say_hours(hours) for hours in HOURS]) | {"boundaryGap": False},
        "yAxis": numbers(),
        "series": series,
    }
    shares = zip(*(course.shares for course in courses), strict=True)
    rows = tuple(
        (say_hours(hours), *("–" if share is None else f"{share:.1f} %" for share in both))
        for hours, both in zip(HOURS, shares, strict=True)
    )
    words = " ".join(_so_far(course) for course in courses)
    return Picture(options, words, ("After", *(f"{name}, opened" for name in "AB"[: len(courses)])), rows)


def say_hours(hours: float) -> str:
    """``15 min``, ``1.5 h``"""
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:g} h"


def _so_far(course: Course) -> str:
    if not course.is_line:
        return f"{course.title}: {course.why_none}."
    hours, share = [each for each in zip(HOURS, course.shares, strict=True) if each[1] is not None][-1]
    return f"{course.title}: {share:.1f} % had opened after {say_hours(hours)}."


def _label(unit: str, at: Any) -> str:
    return "%d %b" if unit != "day" and at.hour == 0 and at.minute == 0 else _LABELS[unit]


def _bars(name: str, colour: str, values: Sequence[int | None]) -> dict[str, Any]:
    style = {"color": colour, "borderRadius": [4, 4, 0, 0]}
    return {"name": name, "type": "bar", "barMaxWidth": 14, "barGap": "20%", "itemStyle": style, "data": values}


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def caption(pace: Pace, is_over: bool) -> str:
    """``30 in the last 60 s · 12 minutes shown``; some may be before a young campaign began."""
    count = len(pace.minutes)
    if is_over:
        return "The minute up to its end" if count == 1 else f"The {count:,} minutes up to its end"
    return f"{pace.per_minute:,.0f} in the last 60 s · {'1 minute' if count == 1 else f'{count:,} minutes'} shown"
