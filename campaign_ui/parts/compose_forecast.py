"""How a campaign will go, before it does: a line over time, the same in words, and as a table."""

from datetime import UTC, datetime

from nicegui import ui

from campaign_ui import forecast_line
from campaign_ui.parts.blocks import card
from campaign_ui.parts.chart import Chart
from core import clock
from core.campaigns import Forecast, timetable

_MOST_ROWS = 31


class ForecastChart:
    """Built empty; ``show`` redraws it only where the forecast is another one."""

    def __init__(self) -> None:
        self.shown: object = None
        with card("How it will go", "Mails over time, with all that goes through this sender") as self.box:
            self.words = ui.label().classes("text-sm cm-mute tabular-nums")
            self.chart = Chart(forecast_line.options([], []), "", "w-full h-[220px]")
            with ui.expansion("As a table").classes("w-full compose-table") as self.more:
                self.more.props("dense")
                self.more.props["toggle-aria-label"] = None  # it is named by what stands on it
                self.more.props["header-class"] = "text-[13px] px-0 cm-mute"
                self.table = ui.element("table").classes("compose-rows w-full")
        self.box.set_visibility(False)

    def show(self, forecast: Forecast | None, zone: str) -> None:
        """``zone``: whose wall clock is shown."""
        if (forecast, zone) == self.shown:
            return
        self.shown = (forecast, zone)
        line = forecast.line if forecast is not None else ()
        self.box.set_visibility(len(line) > 1)
        if forecast is None or len(line) < 2:
            return
        first = line[0].beside
        mine = [(_milliseconds(point.at, zone), point.sent) for point in line]
        beside = [(_milliseconds(point.at, zone), point.beside - first) for point in line]
        self.words.set_text(forecast.say(zone))
        words = f"Mails sent over time, in {zone}: {forecast.say(zone)}"
        self.chart.set(forecast_line.options(mine, beside if beside[-1][1] > 0 else []), words)
        self._fill(timetable.rows(line, zone))

    def _fill(self, rows: list[timetable.Row]) -> None:
        self.table.clear()
        with self.table:
            with ui.element("thead"), ui.element("tr"):
                for words in ("Day" if rows and rows[0].is_day else "Hour", "Mails", "So far"):
                    with ui.element("th").props("scope=col"):
                        ui.label(words)
            with ui.element("tbody"):
                for row in rows[:_MOST_ROWS]:
                    self._row(
                        f"{row.at:%a} {row.at.day} {row.at:%b}" + ("" if row.is_day else f", {row.at:%H:%M}"), row
                    )
                if len(rows) > _MOST_ROWS:
                    self._row("and on like this", rows[-1])

    def _row(self, when: str, row: timetable.Row) -> None:
        with ui.element("tr"):
            for words in (when, f"{row.sent:,}", f"{row.total:,}"):
                with ui.element("td"):
                    ui.label(words)


def _milliseconds(at: datetime, zone: str) -> int:
    """As if the wall clock of ``zone`` were UTC: a chart knows no other zone than the browser's."""
    return round(clock.to_zone(at, zone).replace(tzinfo=UTC).timestamp() * 1000)
