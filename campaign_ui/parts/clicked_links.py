"""Which links were followed, and by how many people."""

from nicegui import ui

from campaign_ui.charts import rounded
from campaign_ui.parts.blocks import card
from campaign_ui.parts.links import link_label
from core.stats import Link

_FIRST, _MORE = 50, 200


class ClickedLinks:
    """``set`` shows other numbers; the rows stay where their links are the same. Of many, the first are shown."""

    def __init__(self) -> None:
        self._links: list[Link] = []
        self._opened, self._most = 0, _FIRST
        self._shown: list[str] = []
        self._rows: list[tuple[ui.label, ui.element]] = []
        with card("Links", "Who clicked at least once, as a share of who opened") as self._box:
            self._box.classes("is-links")
            self._list = ui.element("ul").classes("w-full m-0 p-0 list-none max-h-[300px] overflow-y-auto")
            self._list.props("tabindex=0")
            with ui.row().classes("w-full items-center justify-between gap-2") as self._rest:
                self._of = ui.label().classes("text-xs cm-mute tabular-nums").props("role=status")
                self._button = ui.button("Show more", on_click=self._show_more).props("flat dense").classes("px-2")
            self._none = ui.label("This mail has no links that are counted.").classes("text-[13px] cm-mute")

    def set(self, links: list[Link], opened: int) -> None:
        self._links, self._opened = links, opened
        self._show(links[: self._most], opened)
        self._of.set_text(f"{min(self._most, len(links)):,} of {len(links):,}")
        self._rest.set_visibility(len(links) > _FIRST)
        self._button.set_visibility(len(links) > self._most)
        self._none.set_visibility(not links)

    def _show_more(self) -> None:
        self._most += _MORE
        self.set(self._links, self._opened)
        if not self._button.visible:
            self._list.run_method("focus")

    def _show(self, links: list[Link], opened: int) -> None:
        urls = [link.url for link in links]
        if urls != self._shown:
            self._shown = urls
            self._list.clear()
            with self._list:
                self._rows = [self._row(url) for url in urls]
        for (number, bar), link in zip(self._rows, links, strict=True):
            share = 100 * link.people / opened if opened else 0.0
            number.set_text(f"{link.people:,} · {rounded(share)} %")
            bar.style(f"width:{min(100.0, share):.1f}%")

    def set_visibility(self, visible: bool) -> None:
        self._box.set_visibility(visible)

    def _row(self, url: str) -> tuple[ui.label, ui.element]:
        with ui.element("li").classes("py-2.5 cm-line"):
            with ui.row().classes("w-full items-baseline justify-between flex-nowrap gap-3 text-[13px]"):
                link_label(url, is_short=True).classes("truncate min-w-0 font-medium")
                number = ui.label().classes("cm-mute tabular-nums shrink-0")
            with ui.element("div").classes("cm-progress w-full mt-1.5").style("height:4px"):
                bar = ui.element("div").style("background:var(--cm-info)")
        return number, bar
