"""The lists of a user: open one, rename it, delete it."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.ask import answer, confirm, dialog_title
from campaign_ui.parts.blocks import card
from campaign_ui.parts.kept import keep
from campaign_ui.parts.notices import notify_done, notify_error
from core import db
from core.audience import contacts, holding
from core.errors import RuleError
from core.models import ContactList


class ListsCard:
    """``chosen`` is the id of the list that is open, None for all contacts; ``on_open`` gets it when it changes.

    ``on_add``: contacts are to be added to that list.
    """

    def __init__(
        self,
        user_id: int,
        chosen: int | None,
        on_open: Callable[[int | None], Any],
        on_add: Callable[[int], Any],
    ) -> None:
        self.user_id, self.chosen, self.on_open, self.on_add = user_id, chosen, on_open, on_add
        self._kept: dict[int | None, _Row] = {}
        with card("Lists"):
            self.rows = ui.column().classes("w-full gap-1 items-stretch").props("role=list")

    def show(self, lists: list[ContactList], contact_count: int) -> None:
        """Draw them again; a list that was deleted meanwhile gives way to all contacts."""
        if self.chosen not in {each.id for each in lists}:
            self.chosen = None
        known = {each.id: each for each in lists}
        keep(self.rows, self._kept, [None, *known], self._row)
        for list_id, row in self._kept.items():
            row.show(known.get(list_id), contact_count)
        self._mark()

    def _mark(self) -> None:
        for list_id, row in self._kept.items():
            is_chosen = list_id == self.chosen
            row.opener.classes(add="is-brand" if is_chosen else "", remove="" if is_chosen else "is-brand")
            row.opener.props(f"aria-pressed={'true' if is_chosen else 'false'}")

    def _row(self, list_id: int | None) -> "_Row":
        row = _Row()
        row.opener.on("click", lambda: self._open(list_id))
        with row:
            if list_id is None:
                ui.element("div").classes("cm-menu-space")
            else:
                row.menu_button = self._menu(row, list_id)
        return row

    def _menu(self, row: "_Row", list_id: int) -> ui.button:
        button = ui.button(icon="more_vert").props("flat round dense color=grey-7").classes("flex-none")
        with button, ui.menu():
            ui.menu_item("Add contacts", on_click=lambda: self.on_add(list_id))
            export = ui.menu_item("Export as CSV")
            export.props("download").props["href"] = f"/audience/contacts.csv?list={list_id}"
            ui.menu_item("Rename", on_click=lambda: self._rename(row.now()))
            ui.menu_item("Delete", on_click=lambda: self._delete(row.now()))
        return button

    async def _open(self, list_id: int | None) -> None:
        self.chosen = list_id
        self._mark()
        await self.on_open(list_id)

    async def _rename(self, each: ContactList) -> None:
        with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-3"):
            dialog.props["aria-label"] = "Rename list"
            dialog_title("Rename list")
            name = ui.input("Name", value=each.name).classes("w-full").props("maxlength=200 autofocus")
            name.on("keydown.enter", lambda: dialog.submit(name.value))
            with ui.row().classes("w-full justify-end gap-2 mt-2"):
                ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat color=grey-7")
                ui.button("Save", on_click=lambda: dialog.submit(name.value))
        wanted = await answer(dialog)
        if wanted is not None:
            await self._try(lambda: _rename(self.user_id, each.id or 0, wanted))

    async def _delete(self, each: ContactList) -> None:
        if not await self._try(lambda: _check_free(self.user_id, each.id or 0)):
            return
        text = f"{_what_stays(each.contact_count)} This cannot be undone."
        if await confirm(f"Delete the list “{each.name}”?", text, "Delete") and await self._try(
            lambda: _delete(self.user_id, each.id or 0)
        ):
            notify_done(f"The list “{each.name}” was deleted.")

    async def _try(self, change: Callable[[], None]) -> bool:
        try:
            await off_loop(change)
        except RuleError as error:
            notify_error(str(error))
            return False
        return True


class _Row(ui.row):
    """One list, or all contacts; its open menu stays while the list grows."""

    def __init__(self) -> None:
        super().__init__()
        self.classes("w-full items-center flex-nowrap gap-1").props("role=listitem")
        self._list: ContactList | None = None
        self.menu_button: ui.button | None = None
        with self:
            self.opener = ui.element("button").classes(
                "grow min-w-0 flex flex-nowrap items-center justify-between gap-3 text-left rounded-[10px] px-3 "
                "min-h-[40px] cursor-pointer hover:bg-[var(--cm-sunken)]"
            )
            with self.opener.props("type=button"):
                self._name = ui.label().classes("text-sm font-medium truncate min-w-0")
                self._count = ui.label().classes("text-[13px] cm-mute tabular-nums")

    def now(self) -> ContactList:
        assert self._list is not None
        return self._list

    def show(self, each: ContactList | None, contact_count: int) -> None:
        """``contact_count``: of all contacts, shown where ``each`` is None."""
        self._list = each
        self._name.set_text(each.name if each else "All contacts")
        self._count.set_text(f"{each.contact_count if each else contact_count:,}")
        if each and self.menu_button:
            self.menu_button.props["aria-label"] = f"Actions for {each.name}"


def _what_stays(count: int) -> str:
    if not count:
        return "Nobody is on it."
    who = "Its contact stays" if count == 1 else f"Its {count:,} contacts stay"
    return f"{who} in your address book; who was on the list is forgotten."


def _rename(user_id: int, list_id: int, name: str) -> None:
    with db.session() as session:
        contacts.rename_list(session, user_id, list_id, name)


def _check_free(user_id: int, list_id: int) -> None:
    with db.reading() as session:
        holding.check_free(session, user_id, list_id)


def _delete(user_id: int, list_id: int) -> None:
    with db.session() as session:
        contacts.delete_list(session, user_id, list_id)
