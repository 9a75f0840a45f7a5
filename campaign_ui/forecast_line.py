"""Pure: a forecast -> chart options. Keys are constants, colours as on the cards."""

from collections.abc import Sequence
from typing import Any

from campaign_ui.charts import FONT, GRID, SENT, SUPPRESSED, TEXT, legend, numbers


def options(mine: Sequence[tuple[int, int]], beside: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Mails over time before they go: (milliseconds on the wall clock that is shown, mails so far)."""
    return {
        "textStyle": FONT,
        "useUTC": True,
        "animationDuration": 350,
        "grid": {"left": 4, "right": 18, "top": 34 if beside else 12, "bottom": 24, "containLabel": True},
        "legend": {**legend(), "show": bool(beside)},
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "time",
            "axisLine": {"lineStyle": {"color": GRID}},
            "axisTick": {"show": False},
            "axisLabel": {"color": TEXT, "fontSize": 11, "hideOverlap": True},
            "splitNumber": 4,
        },
        "yAxis": numbers(),
        "series": [
            _line("This campaign", SENT, mine, area=True),
            _line("Others of this sender", SUPPRESSED, beside, area=False),
        ],
    }


def _line(name: str, colour: str, points: Sequence[tuple[int, int]], area: bool) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "showSymbol": False,
        "lineStyle": {"width": 2.5 if area else 1.5, "color": colour, "type": "solid" if area else "dashed"},
        "itemStyle": {"color": colour},
        "areaStyle": {"color": colour, "opacity": 0.12 if area else 0},
        "data": [list(point) for point in points],
    }
