"""A table of which only one page is ever read: forth by the last row's key, back by the keys remembered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

PAGE_ROWS = 25
_EXAMPLE = "anna, müller or @example.com"
MENU_HEADER = '<q-th :props="props"><span class="sr-only">Actions</span></q-th>'


@dataclass(frozen=True)
class Rows:
    """One page, as dicts with constant keys and ``id``. ``more``: there are others after it, of ``total`` in all, or
    ``over`` that number."""

    rows: list[dict[str, Any]]
    more: bool
    total: int
    over: bool = False


def in_tens(table: ui.table) -> ui.table:
    """Rows that are all there, ten a page, told as every list tells it."""
    table.pagination = {"rowsPerPage": 10}
    table.props["rows-per-page-options"] = [10]
    table.props[":pagination-label"] = "(first, last, all) => `${first}–${last} of ${all}`"
    return table


class PagedTable:
    """``load(search, after, skip)`` (async) gives Rows; None: stopping.

    ``after`` is the last row of the page before, None for the first page; where it is not known (the page was asked
    for by its address) ``skip`` rows are left out instead. ``what`` names the rows: "contacts".
    ``on_move(is_typed, is_new)`` is called when another search or page is shown, which ``words`` and ``page`` tell;
    not ``is_new``: in place of one that is not there. ``tools`` is a place for buttons between search and rows.
    """

    def __init__(
        self,
        columns: list[dict[str, Any]],
        load: Callable[[str, dict[str, Any] | None, int], Awaitable[Rows]],
        what: str,
        search_label: str,
        nothing: str,
        *,
        words: str = "",
        page: int = 1,
        on_move: Callable[[bool, bool], Any] = lambda is_typed, is_new: None,
    ) -> None:
        self.load, self.page, self.on_move = load, page, on_move
        self.lasts: dict[int, dict[str, Any]] = {}  # the last row of each page that was seen
        self.asked = 0
        self.searched = words
        self.search = ui.input(search_label, value=words, on_change=self._search).classes("w-full")
        self.search.props("debounce=300 clearable maxlength=200").props["placeholder"] = _EXAMPLE
        with self.search.add_slot("prepend"):
            ui.icon("search").classes("text-[20px]")
        self.tools = ui.column().classes("w-full gap-2 items-stretch empty:hidden")
        self.table = ui.table(rows=[], columns=columns, row_key="id").props("flat hide-pagination").classes("w-full")
        self.table.props["aria-label"] = what.capitalize()
        self.table.props["no-data-label"] = nothing
        self.table.add_slot("header-cell-actions", MENU_HEADER)
        with ui.row().classes("w-full items-center justify-end gap-1"):
            self.where = ui.label().classes("text-xs cm-mute tabular-nums mr-2").props("role=status")
            self.back = self._step("chevron_left", f"Previous page of {what}", -1)
            self.forth = self._step("chevron_right", f"Next page of {what}", 1)

    @property
    def words(self) -> str:
        return self.search.value or ""

    def begin_at(self, words: str, page: int) -> None:
        """What the next ``reload`` shows."""
        self.searched, self.page, self.lasts = words, page, {}
        self.search.value = words

    async def restart(self) -> None:
        """From the first page."""
        self.lasts = {}
        await self._go(1)

    async def _search(self) -> None:
        if self.words != self.searched:  # else it was said by begin_at
            self.searched, self.lasts = self.words, {}
            await self._go(1, is_typed=True)

    async def reload(self) -> None:
        """Read the page that is shown again."""
        self.asked += 1
        mine = self.asked
        after = self.lasts.get(self.page - 1)
        found = await self.load(self.words, after, 0 if after else (self.page - 1) * PAGE_ROWS)
        if mine != self.asked:
            return  # a later request overtook this one
        rows = found.rows
        if not rows and self.page > 1:  # its last row was deleted, or an address asked for more than there is
            self.page = max(1, min(self.page - 1, -(-found.total // PAGE_ROWS)))
            self.on_move(False, False)
            return await self.reload()
        first = (self.page - 1) * PAGE_ROWS + 1
        if rows:
            self.lasts[self.page] = rows[-1]
        self.table.rows = rows
        of = f"{'more than ' * found.over}{found.total:,}"
        self.where.set_text(f"{first:,}–{first + len(rows) - 1:,} of {of}" if rows else "")
        self.back.set_enabled(self.page > 1)
        self.forth.set_enabled(found.more)

    async def _go(self, page: int, is_typed: bool = False) -> None:
        self.page = max(1, page)
        self.on_move(is_typed, True)
        await self.reload()

    def _step(self, icon: str, name: str, by: int) -> ui.button:
        button = ui.button(icon=icon, on_click=lambda: self._go(self.page + by)).props("flat round dense color=grey-7")
        button.props["aria-label"] = name
        button.set_enabled(False)  # until the rows are there
        return button
