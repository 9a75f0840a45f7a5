"""The mails of the sandbox, newest first, a page at a time."""

from collections.abc import Awaitable, Callable

from nicegui import events, ui

from campaign_ui.parts.kept import keep
from campaign_ui.parts.sandbox_mail import size
from core import clock
from core.audience import addresses
from core.delivery import sandbox

_PAGE = 25


class SandboxList:
    """``asked`` tells what to read; ``show`` shows it. ``reload``: read again, ``open``: that mail was chosen."""

    def __init__(
        self,
        search: str,
        zone: str,
        reload: Callable[[], Awaitable[None]],
        open: Callable[[int], Awaitable[None]],
        delete_all: Callable[[], Awaitable[None]],
    ) -> None:
        self.search, self.zone = search, zone
        self._reload, self._open = reload, open
        self._before: list[int | None] = [None]  # where each page up to this one begins
        self._rows: dict[int, ui.element] = {}
        self._opened = 0
        with ui.row().classes("w-full items-center gap-1 flex-nowrap"):
            self.field = field = ui.input(
                "Search", placeholder="Address or subject", value=search, on_change=self._searched
            )
            field.props("debounce=250 clearable type=search").classes("grow")
            with field.add_slot("prepend"):
                ui.icon("search").classes("text-[20px]")
            button = ui.button(icon="delete_sweep", on_click=delete_all).props("flat round dense color=grey-7")
            button.props["aria-label"] = "Delete all"
            button.tooltip("Delete all")
        self.lines = ui.element("ul").classes("w-full m-0 p-0 list-none min-w-0")
        self.nothing = ui.label("No mail fits.").classes("text-sm cm-mute py-6 text-center w-full")
        with ui.row().classes("w-full items-center justify-end gap-1"):
            self.where = ui.label().classes("text-xs cm-mute tabular-nums mr-2").props("role=status")
            self.back = self._step("chevron_left", "Newer mails", self._newer)
            self.forth = self._step("chevron_right", "Older mails", self._older)

    def _step(self, icon: str, name: str, act: Callable[[], Awaitable[None]]) -> ui.button:
        button = ui.button(icon=icon, on_click=act).props("flat round dense color=grey-7")
        button.props["aria-label"] = name
        return button

    def asked(self) -> tuple[str, int, int | None]:
        """The search, how many mails (one more than are shown), and which they are older than."""
        return self.search, _PAGE + 1, self._before[-1]

    def show(self, lines: list[sandbox.Line], count: int) -> None:
        """``count``: of all that fit."""
        first = (len(self._before) - 1) * _PAGE + 1
        shown = lines[:_PAGE]
        self.nothing.set_visibility(not lines)
        self.where.set_text(f"{first:,}–{first + len(shown) - 1:,} of {count:,}" if shown else "")
        self.back.set_enabled(len(self._before) > 1)
        self.forth.set_enabled(len(lines) > _PAGE)
        by_id = {line.id: line for line in shown}
        keep(self.lines, self._rows, list(by_id), lambda id: self._row(by_id[id]))

    def begin_with(self, search: str) -> None:
        """What ``asked`` tells next."""
        self.search, self._before = search, [None]
        self.field.value = search

    def mark(self, id: int) -> None:
        """This mail is open."""
        for shown in (self._opened, id):
            if shown in self._rows:
                _mark(self._rows[shown], shown == id)
        self._opened = id

    def _row(self, line: sandbox.Line) -> ui.element:
        with ui.element("li").classes("cm-line min-w-0") as row:
            button = ui.element("button").classes("cm-mailline").props("type=button")
            button.on("click", lambda: self._open(line.id))
            if line.id == self._opened:
                _mark(row, True)
            with button:
                with ui.element("span"):
                    ui.label(addresses.shown(line.rcpt_to)).classes("text-[13.5px] font-semibold truncate min-w-0")
                    ui.label(clock.of_day(line.received_at, self.zone)).classes("text-xs cm-mute tabular-nums shrink-0")
                with ui.element("span"):
                    ui.label(line.subject or "(no subject)").classes("text-[13px] cm-mute truncate min-w-0")
                    ui.label(size(line.size)).classes("text-xs cm-mute tabular-nums shrink-0")
        return row

    async def _searched(self, event: events.ValueChangeEventArguments[str | None]) -> None:
        if (words := event.value or "") != self.search:  # else it was said by begin_with
            self.search, self._before = words, [None]
            await self._reload()

    async def _older(self) -> None:
        if self._rows:
            self._before.append(min(self._rows))
            await self._reload()

    async def _newer(self) -> None:
        if len(self._before) > 1:
            self._before.pop()
            await self._reload()


def _mark(row: ui.element, is_open: bool) -> None:
    row.classes(add="is-brand rounded-lg" if is_open else "", remove="" if is_open else "is-brand rounded-lg")
    row.props("aria-current=true" if is_open else "", remove="" if is_open else "aria-current")
