"""Sandbox: the mails that went nowhere."""

from dataclasses import dataclass

from nicegui import run, ui

from campaign_ui import auth, layout, live
from campaign_ui.parts import act, card, confirm, empty_state, notice, notify_error
from campaign_ui.parts.sandbox_mail import sandbox_mail, size
from core import clock, db
from core.delivery import sandbox, senders
from core.errors import NotFound
from core.models import Meta

_STEP = 40  # mails more at a time


def register() -> None:
    @ui.page("/sandbox")
    async def page() -> None:
        with layout.frame("Sandbox", "/sandbox"):
            shown = _Sandbox()
            live.watch(shown.reload, "sandbox")
            await shown.reload()


@dataclass(frozen=True)
class _Found:
    lines: list[sandbox.Line]
    is_empty: bool  # there is no mail at all


class _Sandbox:
    def __init__(self) -> None:
        self.user = auth.current()
        self.here = str(ui.context.client.request.base_url).rstrip("/")
        self.limit, self.search, self.opened = _STEP, "", 0
        self.rows: dict[int, ui.element] = {}
        with notice("These mails went nowhere.", "info", "science"):
            ui.label("What your sandbox sender sends is kept here for you alone, the newest 500. Nobody received it.")
        with card() as self.empty:
            empty_state(
                "inbox",
                "No mails yet",
                "Choose the sandbox as the sender of a campaign to see what your readers would get.",
                "New campaign",
                "/campaigns/new",
            )
        with ui.element("div").classes(
            "grid grid-cols-1 lg:grid-cols-[360px_minmax(0,1fr)] gap-4 w-full items-start"
        ) as self.both:
            with card().classes("p-3 gap-2") as self.left:
                self._list()
            with card() as self.right:
                empty_state(
                    "drafts", "Choose a mail", "It is shown as a reader sees it, as text, and with its headers."
                )
        self.right.classes("max-lg:hidden")
        self.empty.set_visibility(False)
        self.both.set_visibility(False)

    def _list(self) -> None:
        with ui.row().classes("w-full items-center gap-1 flex-nowrap"):
            field = ui.input("Search", on_change=lambda event: self._search(event.value or ""))
            field.props("debounce=250 clearable type=search").classes("grow")
            with field.add_slot("prepend"):
                ui.icon("search").classes("text-[20px]")
            button = ui.button(icon="delete_sweep", on_click=self._delete_all).props("flat round dense color=grey-7")
            button.props["aria-label"] = "Delete all"
            button.tooltip("Delete all")
        self.lines = ui.element("ul").classes("w-full m-0 p-0 list-none min-w-0")
        self.nothing = ui.label("No mail fits.").classes("text-sm cm-mute py-6 text-center w-full")
        self.more = ui.button("Show older", on_click=self._older).props("flat dense").classes("self-center")

    async def reload(self) -> None:
        """Read the list again; the mail that is open stays."""
        search, limit = self.search, self.limit
        found = await live.read(("sandbox", search, limit), _load, self.user.id, search, limit)
        if found is None or (search, limit) != (self.search, self.limit):
            return
        self.empty.set_visibility(found.is_empty)
        self.both.set_visibility(not found.is_empty)
        self.nothing.set_visibility(not found.lines)
        self.more.set_visibility(len(found.lines) > limit)
        self._show(found.lines[:limit])

    def _show(self, lines: list[sandbox.Line]) -> None:
        wanted = {line.id for line in lines}
        for id in self.rows.keys() - wanted:
            self.rows.pop(id).delete()
        for index, line in enumerate(lines):
            if line.id not in self.rows:
                with self.lines:
                    self.rows[line.id] = self._row(line)
                self.rows[line.id].move(target_index=index)

    def _row(self, line: sandbox.Line) -> ui.element:
        with ui.element("li").classes("cm-line min-w-0") as row:
            button = ui.element("button").classes(
                "w-full text-left px-3 py-2.5 rounded-lg flex flex-col flex-nowrap gap-0.5"
            )
            button.classes("bg-transparent border-0 cursor-pointer").style("color:inherit;font:inherit")
            button.on("click", lambda: self._open(line.id))
            if line.id == self.opened:
                _mark(row, True)
            with button:
                with ui.element("span").classes("flex flex-nowrap w-full justify-between gap-3 items-baseline"):
                    ui.label(line.rcpt_to).classes("text-[13.5px] font-semibold truncate min-w-0")
                    when = clock.to_zone(line.received_at, self.user.time_zone)
                    ui.label(f"{when:%H:%M:%S}").classes("text-xs cm-mute tabular-nums shrink-0")
                with ui.element("span").classes("flex flex-nowrap w-full justify-between gap-3 items-baseline"):
                    ui.label(line.subject or "(no subject)").classes("text-[13px] cm-mute truncate min-w-0")
                    ui.label(size(line.size)).classes("text-xs cm-mute tabular-nums shrink-0")
        return row

    async def _open(self, id: int) -> None:
        try:
            found = await run.io_bound(_load_mail, self.user.id, id)
        except NotFound as error:
            notify_error(str(error))
            return
        if found is None:
            return
        mail, web_url = found
        for shown in (self.opened, id):
            if shown in self.rows:
                _mark(self.rows[shown], shown == id)
        self.opened = id
        self.right.clear()
        with self.right:
            sandbox_mail(mail, self.user.time_zone, self.here, web_url, self._back)
        self.right.classes(remove="max-lg:hidden")
        self.left.classes("max-lg:hidden")

    def _back(self) -> None:
        self.left.classes(remove="max-lg:hidden")
        self.right.classes("max-lg:hidden")

    async def _search(self, words: str) -> None:
        self.search, self.limit = words, _STEP
        await self.reload()

    async def _older(self) -> None:
        self.limit += _STEP
        await self.reload()

    async def _delete_all(self) -> None:
        if await confirm(
            "Delete all mails?", "They are copies for you to look at; nothing else is lost.", "Delete all"
        ):
            if await act(sandbox.delete_all, self.user.id, done="The sandbox is empty."):
                self.opened = 0
                self._back()
                self.right.clear()


def _mark(row: ui.element, is_open: bool) -> None:
    row.classes(add="is-brand rounded-lg" if is_open else "", remove="" if is_open else "is-brand rounded-lg")
    row.props("aria-current=true" if is_open else "", remove="" if is_open else "aria-current")


def _load(user_id: int, search: str, limit: int) -> _Found:
    with db.reading() as session:
        lines = sandbox.listed(session, user_id, search, limit + 1)
        return _Found(lines, not lines and (not search or not sandbox.listed(session, user_id, limit=1)))


def _load_mail(user_id: int, id: int) -> tuple[sandbox.Opened, str]:
    with db.reading() as session:
        web = session.get(Meta, senders.WEB_KEY)
        return sandbox.opened(session, user_id, id), web.value if web else ""
