"""A chart that also says in words what it shows, and only moves when its numbers do."""

from typing import Any

from nicegui import ui

from campaign_ui import charts
from core.stats import Counts


class Chart:
    def __init__(self, options: dict[str, Any], words: str, classes: str) -> None:
        self._shown = options
        self._chart = ui.echart(options).classes(classes)
        self._chart.props["role"] = "img"
        self._chart.props["aria-label"] = words

    def set(self, options: dict[str, Any], words: str) -> None:
        if options != self._shown:
            self._shown = options
            self._chart.options.update(options)
            self._chart.props["aria-label"] = words
            self._chart.update()


class Doughnut:
    """The recipients by state, with a legend that is the same in numbers."""

    def __init__(self, counts: Counts, centre: str = "recipients") -> None:
        with ui.element("div").classes("relative w-full max-w-[260px] mx-auto aspect-square"):
            self._chart = Chart(charts.doughnut(counts), charts.say_counts(counts), "w-full h-full")
            with ui.element("div").classes(
                "absolute inset-0 flex flex-col items-center justify-center pointer-events-none"
            ):
                self._total = ui.label().classes("cm-num text-2xl")
                ui.label(centre).classes("text-xs cm-mute mt-1")
        self._rows: dict[str, tuple[ui.element, ui.label]] = {}
        with ui.element("div").classes("grid grid-cols-2 gap-x-5 gap-y-1.5 w-full text-[13px]"):
            for state, word, colour in charts.STATES:
                with ui.row().classes("items-center gap-2 flex-nowrap justify-between") as row:
                    with ui.row().classes("items-center gap-2 flex-nowrap min-w-0"):
                        ui.element("span").classes("w-2 h-2 rounded-full shrink-0").style(f"background:{colour}")
                        ui.label(word).classes("cm-mute truncate")
                    self._rows[state] = (row, ui.label().classes("font-medium tabular-nums"))
        self.set(counts)

    def set(self, counts: Counts) -> None:
        self._chart.set(charts.doughnut(counts), charts.say_counts(counts))
        self._total.set_text(f"{counts.recipients:,}")
        for state, (row, number) in self._rows.items():
            number.set_text(f"{counts.in_state(state):,}")
            row.set_visibility(state in ("sent", "failed", "pending") or counts.in_state(state) > 0)
