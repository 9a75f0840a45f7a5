"""Audience: lists, contacts, the suppression list, and the way in for new people."""

from dataclasses import dataclass

from nicegui import ui

from campaign_ui import auth, layout, live
from campaign_ui.parts import card, empty_state, page_header
from campaign_ui.parts.audience_contacts import ContactsCard
from campaign_ui.parts.audience_lists import ListsCard
from campaign_ui.parts.audience_suppressed import SuppressedCard
from campaign_ui.parts.upload import UploadPanel, upload_panel
from core import db
from core.audience import book, contacts, suppression
from core.models import ContactList

_GRID = "grid grid-cols-1 lg:grid-cols-[300px_minmax(0,1fr)] gap-4 w-full items-start"


@dataclass(frozen=True)
class _Audience:
    lists: list[ContactList]
    contact_count: int
    suppressed_count: int


def register() -> None:
    @ui.page("/audience")
    async def page() -> None:
        with layout.frame("Audience", "/audience"):
            shown = _Page()
            live.watch(shown.reload, "audience")
            await shown.reload()


class _Page:
    """With nobody in it the page is the upload itself; with people it is lists, contacts and suppressions."""

    def __init__(self) -> None:
        user = auth.current()
        self.user_id = user.id
        self.first = ui.column().classes("w-full gap-4 empty:hidden")
        self.full = ui.column().classes("w-full gap-4")
        with self.full:
            with page_header("The people you write to, and those who asked not to be written to."):
                ui.button("Upload", icon="upload_file", on_click=lambda: self.dialog.open())
            with ui.element("div").classes(_GRID):
                self.lists = ListsCard(user.id, self._open)
                self.contacts = ContactsCard(user.id, user.time_zone)
            self.suppressed = SuppressedCard(user.id, user.time_zone)
            with ui.dialog() as self.dialog, ui.card().classes("w-[860px] max-w-full p-6 gap-4 items-stretch"):
                self.dialog.props["aria-label"] = "Add contacts"
                with ui.row().classes("w-full items-center justify-between"):
                    ui.label("Add contacts").classes("text-[17px] font-semibold").props("role=heading aria-level=2")
                    close = ui.button(icon="close", on_click=self.dialog.close).props("flat round dense color=grey-7")
                    close.props["aria-label"] = "Close"
                upload_panel(self._stored)
        self.first_panel: UploadPanel | None = None
        self.full.set_visibility(False)

    async def reload(self) -> None:
        """Read everything again that is on the screen."""
        found = await live.read("audience", _load, self.user_id)
        if found is None:
            return
        empty = not (found.lists or found.contact_count or found.suppressed_count)
        # A first upload goes on where it began, though its contacts come in already.
        empty = empty or (self.first_panel is not None and self.first_panel.is_open)
        self._show_first(empty)
        self.full.set_visibility(not empty)
        if not empty:
            self.lists.show(found.lists, found.contact_count)
            self.contacts.list_id = self.lists.chosen
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

    async def _open(self, list_id: int | None) -> None:
        await self.contacts.open(list_id)
        await self.reload()

    async def _stored(self, list_id: int) -> None:
        self.dialog.close()
        self.lists.chosen = list_id
        await self.contacts.open(list_id)
        await self.reload()


def _load(user_id: int) -> _Audience:
    with db.reading() as session:
        return _Audience(
            contacts.lists(session, user_id), book.count(session, user_id), suppression.count(session, user_id)
        )
