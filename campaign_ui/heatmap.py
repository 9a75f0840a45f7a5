"""Pure: the hours of the week in which readers open -> a picture."""

from campaign_ui.charts import FONT, TEXT, Picture
from campaign_ui.uncounted import NOBODY
from core.stats import Heat

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONG = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekdays(heat: Heat, nobody: str = NOBODY) -> Picture:
    """Monday on top, midnight on the left; ``nobody``: what is said where nobody has opened it."""
    cells = [[hour, day, count] for day, row in enumerate(heat.cells) for hour, count in enumerate(row)]
    axis = {"type": "category", "axisLine": {"show": False}, "axisTick": {"show": False}}
    label = {"color": TEXT, "fontSize": 11}
    options = {
        "textStyle": FONT,
        "grid": {"left": 4, "right": 4, "top": 8, "bottom": 24, "containLabel": True},
        "tooltip": {"trigger": "item", ":valueFormatter": "v => Number(v[2] ?? v).toLocaleString('en-US') + ' opened'"},
        "xAxis": {**axis, "data": [f"{hour:02}:00" for hour in range(24)], "axisLabel": {**label, "interval": 5}},
        "yAxis": {**axis, "data": list(DAYS), "inverse": True, "axisLabel": label},
        "visualMap": {
            "show": False,
            "min": 0,
            "max": max(1, max(map(max, heat.cells))),
            "inRange": {"color": ["rgba(99,102,241,.07)", "rgba(99,102,241,.45)", "rgba(99,102,241,1)"]},
        },
        "series": [
            {
                "name": "Opened",
                "type": "heatmap",
                "data": cells,
                "itemStyle": {"borderRadius": 3, "borderWidth": 2, "borderColor": "transparent"},
                "emphasis": {"itemStyle": {"borderColor": TEXT, "borderWidth": 1}},
            }
        ],
    }
    rows = tuple((f"{hour:02}:00", *(f"{row[hour]:,}" for row in heat.cells)) for hour in range(24))
    return Picture(options, say_heat(heat, nobody), ("Hour", *DAYS), rows)


def say_heat(heat: Heat, nobody: str = NOBODY) -> str:
    if not heat.total:
        return nobody
    day, hour = heat.best
    share = 100 * heat.cells[day][hour] / heat.total
    return f"Most open on {_LONG[day]} between {hour:02}:00 and {(hour + 1) % 24:02}:00: {share:.0f} % of all opens."
