"""Sandbox: the mails that went nowhere, and the provider it plays."""

from dataclasses import dataclass
from urllib.parse import urlencode

from nicegui import ui

from campaign_ui import auth, layout, live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import act, card, confirm, empty_state, link_button, notice, notify_error
from campaign_ui.parts.address import on_back, say
from campaign_ui.parts.preview import add_style
from campaign_ui.parts.sandbox_list import SandboxList
from campaign_ui.parts.sandbox_mail import sandbox_mail
from campaign_ui.parts.sandbox_play import SandboxPlay
from campaign_ui.parts.try_it import try_it_button
from core import db
from core.delivery import sandbox, senders
from core.errors import NotFound
from core.models import Meta


def register() -> None:
    @ui.page("/sandbox", response_timeout=layout.PATIENCE)
    async def page(q: str = "", mail: str = "") -> None:
        with layout.frame("Sandbox", "/sandbox"):
            add_style()
            shown = _Sandbox(q[:200])
            for topic in ("sandbox", "audience"):  # the latter: samples come and go
                live.watch(shown.reload, topic)
            await shown.reload()
            await shown.open_asked(mail)
            on_back(shown.go_to)


@dataclass(frozen=True)
class _Found:
    lines: list[sandbox.Line]
    count: int
    is_empty: bool  # there is no mail at all


class _Sandbox:
    def __init__(self, search: str) -> None:
        self.user = auth.current()
        self.here = str(ui.context.client.request.base_url).rstrip("/")
        self.wanted, self.opened, self.address = 0, 0, ""
        self.searched = search  # as the address says it
        with ui.column().classes("w-full gap-4") as self.top:
            with notice("Mails here reach nobody.", "info", "science"):
                ui.label("What your sandbox sender sends is kept here for you alone, the newest 500.")
            self.play = SandboxPlay(self.user.id)
        with card() as self.empty:
            with empty_state(
                "inbox",
                "No mails yet",
                "Choose the sandbox as the sender of a campaign to see what your readers would get, or begin with "
                "samples.",
            ):
                with ui.row().classes("justify-center gap-2"):
                    try_it_button(self.user.id)
                    link_button("New campaign", "/campaigns/new", look="outline")
        with ui.element("div").classes(
            "grid grid-cols-1 lg:grid-cols-[360px_minmax(0,1fr)] gap-4 w-full items-start"
        ) as self.both:
            with card().classes("p-3 gap-2") as self.left:
                self.list = SandboxList(search, self.user.time_zone, self.reload, self.open, self._delete_all)
            with card().classes("lg:sticky lg:top-20") as self.right:
                self._nothing_open()
        self.right.classes("max-lg:hidden")
        self.empty.set_visibility(False)
        self.both.set_visibility(False)

    async def reload(self) -> None:
        """Read the list again; the mail that is open stays."""
        asked = self.list.asked()
        found = await live.read(("sandbox", *asked), _load, self.user.id, *asked)
        if found is not None and asked == self.list.asked():
            self.empty.set_visibility(found.is_empty)
            self.both.set_visibility(not found.is_empty)
            self.list.show(found.lines, found.count)
            self._address()
        await self.play.reload()

    async def go_to(self, asked: dict[str, str]) -> None:
        """Show what an address asks for."""
        self.searched = asked.get("q", "")[:200]
        self.list.begin_with(self.searched)
        if "mail" in asked:
            await self.open_asked(asked["mail"])
        else:
            self._close()
        await self.reload()

    async def open_asked(self, mail: str) -> None:
        """The mail that an address names, which anybody can type."""
        if mail.isdecimal() and len(mail) < 19 and int(mail) != self.opened:
            await self.open(int(mail))

    async def open(self, id: int) -> None:
        """Show this mail beside the list; on a phone in its place."""
        self.wanted = id
        try:
            found = await off_loop(_load_mail, self.user.id, id)
        except NotFound as error:
            return notify_error(str(error))
        if self.wanted != id:
            return  # another was clicked meanwhile
        mail, web_url = found
        self.opened = id
        self.list.mark(id)
        self._address()
        self.right.clear()
        with self.right:
            sandbox_mail(mail, self.user.time_zone, self.here, web_url, self._back)
        self._show_alone(True)

    def _back(self) -> None:
        self.wanted = self.opened = 0
        self._address()
        self._show_alone(False)

    def _close(self) -> None:
        """No mail is open."""
        self._back()
        self.right.clear()
        with self.right:
            self._nothing_open()

    def _show_alone(self, mail: bool) -> None:
        """Where there is no room for both: the mail, or everything else."""
        for element, hidden in ((self.right, not mail), (self.left, mail), (self.top, mail)):
            element.classes(add="max-lg:hidden" if hidden else "", remove="" if hidden else "max-lg:hidden")

    def _address(self) -> None:
        """What is shown can be reached again by its address."""
        asked = {"q": self.list.search, "mail": str(self.opened or "")}
        query = urlencode({name: value for name, value in asked.items() if value})
        address = f"/sandbox?{query}" if query else "/sandbox"
        if self.list.search != self.searched:
            say(address, is_typed=True)
        elif address != self.address:
            ui.navigate.history.replace(address)
        self.address, self.searched = address, self.list.search

    def _nothing_open(self) -> None:
        empty_state("drafts", "Choose a mail", "It is shown as a reader sees it, as text, and with its headers.")

    async def _delete_all(self) -> None:
        if await confirm(
            "Delete all mails?", "They are copies for you to look at; nothing else is lost.", "Delete all"
        ):
            if await act(sandbox.delete_all, self.user.id, done="The sandbox is empty."):
                self._close()


def _load(user_id: int, search: str, limit: int, before: int | None) -> _Found:
    with db.reading() as session:
        lines = sandbox.listed(session, user_id, search, limit, before)
        count = sandbox.count(session, user_id, search)
        return _Found(lines, count, not count and not sandbox.count(session, user_id))


def _load_mail(user_id: int, id: int) -> tuple[sandbox.Opened, str]:
    with db.reading() as session:
        web_url = session.get(Meta, senders.WEB_KEY)
        return sandbox.opened(session, user_id, id), web_url.value if web_url else ""
