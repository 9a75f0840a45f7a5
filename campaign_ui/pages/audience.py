"""Audience: lists, contacts, the suppression list, and the way in for new people."""

from dataclasses import dataclass

from nicegui import background_tasks, ui

from campaign_ui import auth, layout, live
from campaign_ui.parts import card, empty_state, page_header
from campaign_ui.parts.address import address, on_back, page_number, say
from campaign_ui.parts.ask import dialog_title
from campaign_ui.parts.audience_contacts import ContactsCard
from campaign_ui.parts.audience_lists import ListsCard
from campaign_ui.parts.audience_suppressed import SuppressedCard
from campaign_ui.parts.upload import UploadPanel, upload_panel
from core import db
from core.audience import book, contacts
from core.models import ContactList, SuppressionReason


@dataclass(frozen=True)
class _View:
    """What of the page is shown, by the names of its address; ``list`` 0 is all contacts, the last three are of the
    suppressed."""

    list: int = 0
    q: str = ""
    page: int = 1
    sq: str = ""
    spage: int = 1
    reason: str = ""


_JUMP = """() => {
  const card = document.getElementById("%s");
  card.scrollIntoView();
  card.focus({ preventScroll: true });
}"""
_HEAD = "max-sm:[&_.q-btn]:px-3 max-sm:[&_.q-icon]:hidden"  # one line on a phone
_GRID = "grid grid-cols-1 lg:grid-cols-[300px_minmax(0,1fr)] gap-4 w-full items-start"


@dataclass(frozen=True)
class _Audience:
    lists: list[ContactList]
    contact_count: int

    def fields(self, list_id: int | None) -> list[str]:
        """The merge fields of one list, or of all."""
        chosen = [each for each in self.lists if list_id in (None, each.id)]
        return list(dict.fromkeys(name for each in chosen for name in each.fields))


def register() -> None:
    @ui.page("/audience", response_timeout=layout.PATIENCE)
    async def audience(
        list: str = "",
        q: str = "",
        page: str = "",
        sq: str = "",
        spage: str = "",
        reason: str = "",
        upload: str = "",
        contact: str = "",
    ) -> None:
        view = _view(list, q, page, sq, spage, reason)
        with layout.frame("Audience", "/audience"):
            shown = _Page(view)
            live.watch(shown.reload, "audience")
            on_back(shown.go_to)
            await shown.reload()
            if upload or contact:  # what the command palette asks for; loaded again, the page is itself
                ui.navigate.history.replace(address("/audience", view, _View()))
                asked = shown.contacts.edit(contact) if contact else shown.upload()
                # Not awaited: a dialog is answered after the page was delivered.
                background_tasks.create(asked, name="asked for by the address", context=ui.context.client)


def _view(
    list: str = "", q: str = "", page: str = "", sq: str = "", spage: str = "", reason: str = "", **_: str
) -> _View:
    """From an address, which anybody can type."""
    reason = reason if reason in set(SuppressionReason) else ""
    return _View(page_number(list, 0), q[:200], page_number(page), sq[:200], page_number(spage), reason)


class _Page:
    """With nobody in it the page is the upload itself; with people it is lists, contacts and suppressions."""

    def __init__(self, view: _View) -> None:
        user = auth.current()
        self.user_id = user.id
        with page_header("The people you write to, and those who asked not to be written to.").classes(_HEAD):
            jump = ui.button("Suppression list", icon="block").props("outline")
            ui.button("Add contact", icon="person_add", on_click=self.add).props("outline")
            self.opener = ui.button("Upload", icon="upload_file", on_click=self.upload)
        self.first = ui.column().classes("w-full gap-4 empty:hidden")
        self.full = ui.column().classes("w-full gap-4")
        with self.full:
            with ui.element("div").classes(_GRID):
                self.lists = ListsCard(user.id, view.list or None, self._open, self.add_to)
                self.contacts = ContactsCard(user.id, user.time_zone, view.q, view.page, self._moved)
            with ui.dialog() as self.dialog, ui.card().classes("w-[860px] max-w-full p-6 gap-4 items-stretch"):
                self.dialog.props["aria-label"] = "Add contacts"
                with ui.row().classes("w-full items-center justify-between"):
                    dialog_title("Add contacts")
                    close = ui.button(icon="close", on_click=self.dialog.close).props("flat round dense color=grey-7")
                    close.props["aria-label"] = "Close"
                self.panel = upload_panel(self._stored)
        self.suppressed = SuppressedCard(user.id, user.time_zone, view.sq, view.spage, view.reason, self._moved)
        jump.on("click", js_handler=_JUMP % self.suppressed.block.html_id)
        self.first_panel: UploadPanel | None = None
        self.full.set_visibility(False)

    async def reload(self) -> None:
        """Read everything again that is on the screen."""
        found = await live.read("audience", _load, self.user_id)
        if found is None:
            return
        empty = not (found.lists or found.contact_count)
        # A first upload goes on where it began, though its contacts come in already.
        empty = empty or (self.first_panel is not None and self.first_panel.is_open)
        self._show_first(empty)
        self.full.set_visibility(not empty)
        self.opener.set_visibility(not empty)
        if not empty:
            self.lists.show(found.lists, found.contact_count)
            self.contacts.choose(self.lists.chosen)
            self.contacts.fields.show(found.fields(self.lists.chosen))
            await self.contacts.paged.reload()
        await self.suppressed.paged.reload()

    def _show_first(self, empty: bool) -> None:
        """There or gone: hidden, its fields would stand beside those of the dialog."""
        if empty and self.first_panel is None:
            words = "Upload a file or paste addresses: people become contacts, in a list you send campaigns to."
            with self.first, card():
                self.first_panel = upload_panel(self._stored)
                with self.first_panel.intro:
                    empty_state("group_add", "Nobody is here yet", words)
        elif not empty and self.first_panel is not None:
            self.first.clear()
            self.first_panel = None

    async def add(self) -> None:
        """The dialog of one more person."""
        await self.contacts.add()

    async def upload(self) -> None:
        """The dialog; where nobody is here yet, the page is the upload itself."""
        if self.first_panel is None:
            self.panel.offer(None)
            self.dialog.open()

    async def go_to(self, asked: dict[str, str]) -> None:
        """Show what an address asks for."""
        view = _view(**asked)
        self.lists.chosen = view.list or None
        self.contacts.paged.begin_at(view.q, view.page)
        self.suppressed.begin_at(view.sq, view.spage, view.reason)
        await self.reload()

    def add_to(self, list_id: int) -> None:
        """The dialog with this list chosen."""
        self.panel.offer(list_id)
        self.dialog.open()

    def _moved(self, is_typed: bool, is_new: bool) -> None:
        contacts, suppressed, reason = self.contacts.paged, self.suppressed.paged, self.suppressed.reason
        view = _View(self.lists.chosen or 0, contacts.words, contacts.page, suppressed.words, suppressed.page, reason)
        say(address("/audience", view, _View()), is_typed=is_typed, is_new=is_new)

    async def _open(self, list_id: int | None) -> None:
        await self.contacts.open(list_id)
        await self.reload()

    async def _stored(self, list_id: int | None) -> None:
        self.dialog.close()
        if list_id is not None:
            self._show_first(False)  # at once: a file that is dropped on it just then would be lost
            self.lists.chosen = list_id
            await self.contacts.open(list_id)
        await self.reload()


def _load(user_id: int) -> _Audience:
    with db.reading() as session:
        return _Audience(contacts.lists(session, user_id), book.count(session, user_id))
