"""A chart that also says in words what it shows, and only moves when its numbers do."""

from typing import Any

import orjson
from nicegui import ui

from campaign_ui import charts
from campaign_ui.parts.markup import Html, fill
from core.stats import Counts

# Asked in the browser: who wants no motion gets none.
_MOTION = {":animation": "!matchMedia('(prefers-reduced-motion: reduce)').matches", **charts.MOTION}


class Chart:
    """The options are kept and sent as JSON: as NiceGUI's observed dicts they would take half the memory of a page.

    ``on_paper``: drawn with lines that a printer can make sharp, and at once.
    """

    def __init__(self, options: dict[str, Any], words: str, classes: str, on_paper: bool = False) -> None:
        self._motion = {"animation": False} if on_paper else _MOTION
        self._chart = ui.echart({}, renderer="svg" if on_paper else "canvas").classes(classes)
        self._chart.props["role"] = "img"
        self._json = b""
        self.set(options, words)

    def set(self, options: dict[str, Any], words: str) -> None:
        json = orjson.dumps(options | self._motion)
        if json != self._json:
            self._json = json
            self._chart.props["options"] = orjson.Fragment(json)
        if words != self._chart.props.get("aria-label"):  # a picture may stay as it is while its words change
            self._chart.props["aria-label"] = words

    def set_visibility(self, visible: bool) -> None:
        self._chart.set_visibility(visible)


class Doughnut:
    """The recipients by state, with a legend that is the same in numbers."""

    def __init__(self, counts: Counts, centre: str = "recipients") -> None:
        self._word = centre
        with ui.element("div").classes("relative w-full max-w-[260px] mx-auto aspect-square"):
            self._chart = Chart(charts.doughnut(counts), charts.say_counts(counts), "w-full h-full")
            self._centre = Html(fill("")).classes(
                "absolute inset-0 flex flex-col items-center justify-center pointer-events-none"
            )
        self._legend = Html(fill("")).classes("grid grid-cols-2 gap-x-5 gap-y-1.5 w-full text-[13px]")
        self.set(counts)

    def set(self, counts: Counts) -> None:
        self._chart.set(charts.doughnut(counts), charts.say_counts(counts))
        self._centre.set(fill(_CENTRE, f"{counts.recipients:,}", self._word))
        rows = [
            fill(_ROW, colour, word, f"{counts.in_state(state):,}")
            for state, word, colour in charts.STATES
            if state in ("sent", "failed", "pending") or counts.in_state(state) > 0
        ]
        self._legend.set(fill("").join(rows))


_CENTRE = '<div class="cm-num text-2xl">{}</div><div class="text-xs cm-mute mt-1">{}</div>'
_ROW = """
<div class="flex flex-nowrap items-center gap-2 justify-between">
  <div class="flex flex-nowrap items-center gap-2 min-w-0">
    <span class="w-2 h-2 rounded-full shrink-0" style="background:{}"></span><span class="cm-mute truncate">{}</span>
  </div>
  <span class="font-medium tabular-nums">{}</span>
</div>
"""
