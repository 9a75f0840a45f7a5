"""A table of which only one page is ever read: forth by the last row's key, back by the keys remembered."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

PAGE_ROWS = 25
MENU_HEADER = '<q-th :props="props"><span class="sr-only">Actions</span></q-th>'


class PagedTable:
    """``load(search, after)`` (async) gives (rows, more) as dicts with constant keys and ``id``; None: stopping.

    ``after`` is the last row of the page before, None for the first page. ``what`` names the rows: "contacts".
    """

    def __init__(
        self,
        columns: list[dict[str, Any]],
        load: Callable[[str, dict[str, Any] | None], Awaitable[tuple[list[dict[str, Any]], bool] | None]],
        what: str,
        search_label: str,
        nothing: str,
    ) -> None:
        self.load = load
        self.before: list[dict[str, Any] | None] = [None]  # where each page up to this one begins
        self.asked = 0
        self.search = ui.input(search_label, on_change=self.restart).props("debounce=300 clearable").classes("w-full")
        with self.search.add_slot("prepend"):
            ui.icon("search").classes("text-[20px]")
        self.table = ui.table(rows=[], columns=columns, row_key="id").props("flat hide-pagination").classes("w-full")
        self.table.props["aria-label"] = what.capitalize()
        self.table.props["no-data-label"] = nothing
        self.table.add_slot("header-cell-actions", MENU_HEADER)
        with ui.row().classes("w-full items-center justify-end gap-1"):
            self.where = ui.label().classes("text-xs cm-mute tabular-nums mr-2").props("role=status")
            self.back = ui.button(icon="chevron_left", on_click=self._earlier).props("flat round dense color=grey-7")
            self.forth = ui.button(icon="chevron_right", on_click=self._later).props("flat round dense color=grey-7")
            self.back.props["aria-label"] = f"Previous page of {what}"
            self.forth.props["aria-label"] = f"Next page of {what}"

    async def restart(self) -> None:
        """From the first page."""
        self.before = [None]
        await self.reload()

    async def reload(self) -> None:
        """Read the page that is shown again."""
        self.asked += 1
        mine = self.asked
        found = await self.load(self.search.value or "", self.before[-1])
        if found is None or mine != self.asked:
            return  # a later request overtook this one
        rows, more = found
        if not rows and len(self.before) > 1:
            self.before.pop()  # the last row of this page was deleted
            return await self.reload()
        first = (len(self.before) - 1) * PAGE_ROWS + 1
        self.table.rows = rows
        self.where.set_text(f"{first:,}–{first + len(rows) - 1:,}" if rows else "")
        self.back.set_enabled(len(self.before) > 1)
        self.forth.set_enabled(more)

    async def _later(self) -> None:
        if self.table.rows:
            self.before.append(self.table.rows[-1])
            await self.reload()

    async def _earlier(self) -> None:
        if len(self.before) > 1:
            self.before.pop()
            await self.reload()
