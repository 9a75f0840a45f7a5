"""A picture in a card that can be looked at as a table too."""

from nicegui import ui

from campaign_ui.charts import Picture
from campaign_ui.parts.blocks import card
from campaign_ui.parts.chart import Chart
from campaign_ui.parts.markup import Html, fill

_HEADING = """
<div class="font-semibold text-[15px] leading-snug" role="heading" aria-level="2">{}</div>
<div class="text-xs cm-mute mt-0.5 tabular-nums">{}</div>
"""


class Figure:
    """``set`` shows other numbers; the table is only made when somebody asks for it."""

    def __init__(self, title: str, caption: str, picture: Picture, classes: str) -> None:
        self._title, self._head, self._rows = title, picture.head, picture.rows
        self._table: ui.table | None = None
        with card() as self.box:
            with ui.element("div").classes("w-full flex flex-nowrap items-start justify-between gap-3"):
                self._heading = Html(fill("")).classes("min-w-0")
                self._button = ui.button(icon="toc", on_click=self._turn).props("flat round dense color=grey-7")
                self._button.classes("cm-turn -mt-1 -mr-1 print:hidden shrink-0").props["aria-pressed"] = "false"
                self._button.props["aria-label"] = f"Show as table: {title}"
                self._button.props["title"] = "Show as table"
            self._chart = Chart(picture.options, picture.words, f"w-full {classes}")
            self._words = ui.label(picture.words).classes("text-[13px] cm-mute tabular-nums order-last")
        self.set_caption(caption)

    def set_caption(self, caption: str) -> None:
        self._heading.set(fill(_HEADING, self._title, caption))

    def set(self, picture: Picture) -> None:
        self._chart.set(picture.options, picture.words)
        self._words.set_text(picture.words)
        if (picture.head, picture.rows) != (self._head, self._rows):
            self._head, self._rows = picture.head, picture.rows
            if self._table is not None:
                self._table.columns, self._table.rows = self._columns(), self._cells()

    def set_visibility(self, visible: bool) -> None:
        self.box.set_visibility(visible)

    def _turn(self) -> None:
        if self._table is None:
            with self.box, ui.element("div").classes("w-full max-h-80 overflow-auto") as place:
                place.props("role=region tabindex=0")
                place.props["aria-label"] = f"{self._title}, as a table"
                self._table = ui.table(columns=self._columns(), rows=self._cells(), row_key="key", pagination=0)
                self._table.props("flat dense hide-bottom").classes("w-full")
        as_table = self._button.props["aria-pressed"] == "false"
        self._table.set_visibility(as_table)
        self._chart.set_visibility(not as_table)
        self._button.props["aria-pressed"] = "true" if as_table else "false"
        self._button.props(f"icon={'bar_chart' if as_table else 'toc'}")
        self._button.props["title"] = "Show as chart" if as_table else "Show as table"

    def _columns(self) -> list[dict[str, object]]:
        return [
            {"name": f"c{number}", "label": label, "field": f"c{number}", "align": "right" if number else "left"}
            for number, label in enumerate(self._head)
        ]

    def _cells(self) -> list[dict[str, object]]:
        return [
            {"key": key, **{f"c{number}": cell for number, cell in enumerate(row)}}
            for key, row in enumerate(self._rows)
        ]
