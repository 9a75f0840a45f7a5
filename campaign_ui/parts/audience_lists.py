"""The lists of a user: open one, rename it, delete it."""

from collections.abc import Callable
from typing import Any

from nicegui import run, ui

from campaign_ui.parts.ask import answer, confirm
from campaign_ui.parts.blocks import card
from campaign_ui.parts.notices import notify_done, notify_error
from core import db
from core.audience import contacts
from core.errors import RuleError
from core.models import ContactList


class ListsCard:
    """``on_open`` gets the id of the list that was chosen, None for all contacts."""

    def __init__(self, user_id: int, on_open: Callable[[int | None], Any]) -> None:
        self.user_id, self.on_open, self.chosen = user_id, on_open, None
        self.chosen: int | None = None
        with card("Lists"):
            self.rows = ui.column().classes("w-full gap-1 items-stretch").props("role=list")

    def show(self, lists: list[ContactList], contact_count: int) -> None:
        """Draw them again; a list that was deleted meanwhile gives way to all contacts."""
        if self.chosen not in {each.id for each in lists}:
            self.chosen = None
        self.rows.clear()
        with self.rows:
            self._row(None, "All contacts", contact_count)
            for each in lists:
                self._row(each, each.name, each.contact_count)

    def _row(self, each: ContactList | None, name: str, count: int) -> None:
        list_id = each.id if each else None
        with ui.row().classes("w-full items-center flex-nowrap gap-1").props("role=listitem"):
            opener = ui.element("button").classes(
                "grow min-w-0 flex items-center justify-between gap-3 text-left rounded-[10px] px-3 min-h-[40px] "
                "cursor-pointer hover:bg-[var(--cm-sunken)]" + (" is-brand" if list_id == self.chosen else "")
            )
            opener.props(f"type=button aria-pressed={'true' if list_id == self.chosen else 'false'}")
            opener.on("click", lambda: self._open(list_id))
            with opener:
                ui.label(name).classes("text-sm font-medium truncate min-w-0")
                ui.label(f"{count:,}").classes("text-[13px] cm-mute tabular-nums")
            if each is None:
                ui.element("div").classes("w-8 flex-none")
            else:
                self._menu(each)

    def _menu(self, each: ContactList) -> None:
        button = ui.button(icon="more_vert").props("flat round dense color=grey-7").classes("flex-none")
        button.props["aria-label"] = f"Actions for {each.name}"
        with button, ui.menu():
            ui.menu_item("Rename", on_click=lambda: self._rename(each))
            ui.menu_item("Delete", on_click=lambda: self._delete(each))

    async def _open(self, list_id: int | None) -> None:
        self.chosen = list_id
        await self.on_open(list_id)

    async def _rename(self, each: ContactList) -> None:
        with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-3"):
            dialog.props["aria-label"] = "Rename list"
            ui.label("Rename list").classes("text-[17px] font-semibold").props("role=heading aria-level=2")
            name = ui.input("Name", value=each.name).classes("w-full").props("maxlength=200 autofocus")
            name.on("keydown.enter", lambda: dialog.submit(name.value))
            with ui.row().classes("w-full justify-end gap-2 mt-2"):
                ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat color=grey-7")
                ui.button("Save", on_click=lambda: dialog.submit(name.value))
        wanted = await answer(dialog)
        if wanted is not None:
            await self._try(lambda: _rename(self.user_id, each.id or 0, wanted))

    async def _delete(self, each: ContactList) -> None:
        text = f"Its {each.contact_count:,} contacts stay in your address book. This cannot be undone."
        if await confirm(f"Delete the list “{each.name}”?", text, "Delete") and await self._try(
            lambda: _delete(self.user_id, each.id or 0)
        ):
            notify_done(f"The list “{each.name}” was deleted.")

    async def _try(self, change: Callable[[], None]) -> bool:
        try:
            await run.io_bound(change)
        except RuleError as error:
            notify_error(str(error))
            return False
        return True


def _rename(user_id: int, list_id: int, name: str) -> None:
    with db.session() as session:
        contacts.rename_list(session, user_id, list_id, name)


def _delete(user_id: int, list_id: int) -> None:
    with db.session() as session:
        contacts.delete_list(session, user_id, list_id)
