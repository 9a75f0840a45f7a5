"""The contacts of a user, or of one list: searched, paged on the server, edited, deleted."""

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act_undoably
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.blocks import card, link_button
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.pager import PAGE_ROWS, PagedTable, Rows
from core import clock, db
from core.audience import addresses, book, columns, contacts, parse
from core.errors import RuleError
from core.models import Contact

_FIELDS, _ADDED = "max-sm:hidden max-w-[320px] truncate", "max-md:hidden"
_COLUMNS = [
    {"name": "email", "field": "shown", "label": "Email", "align": "left", "classes": "max-w-[240px] truncate"},
    {
        "name": "fields",
        "field": "fields",
        "label": "Merge fields",
        "align": "left",
        "classes": _FIELDS,
        "headerClasses": _FIELDS,
    },
    {
        "name": "added",
        "field": "added",
        "label": "Added",
        "align": "right",
        "classes": _ADDED,
        "headerClasses": _ADDED,
    },
    {"name": "actions", "field": "id", "label": "", "align": "right"},
]
# Constant template: what a person typed arrives as data only.
_ACTIONS = """
<q-td :props="props" auto-width>
  <q-btn flat round dense color="grey-7" icon="edit" :aria-label="'Edit ' + props.row.shown"
    @click="() => $parent.$emit('edit', props.row.id)" />
</q-td>
"""
_SHOWN_FIELDS = 4


class ContactFields:
    """One input per field of ``names`` and of the contact, and a way to add others."""

    def __init__(self, names: list[str], kept: dict[str, Any]) -> None:
        self.inputs: dict[str, ui.input] = {}
        self.box = ui.column().classes("w-full gap-3 items-stretch flex-nowrap")
        for name in dict.fromkeys([*kept, *names]):
            self._show(name, str(kept.get(name, "")))
        with ui.row().classes("w-full items-center gap-2 flex-nowrap"):
            self.name = ui.input("New field").classes("grow min-w-0").props("maxlength=60")
            self.name.on("keydown.enter", self._add)
            ui.button("Add field", on_click=self._add).props("outline").classes("shrink-0 whitespace-nowrap")

    def values(self) -> dict[str, str]:
        return {name: field.value or "" for name, field in self.inputs.items()}

    def _show(self, name: str, value: str = "") -> ui.input:
        with self.box:
            self.inputs[name] = ui.input(name, value=value).props(f"maxlength={parse.MAX_VALUE}")
        return self.inputs[name]

    def _add(self) -> None:
        try:
            name = columns.checked_name(self.name.value or "")
        except RuleError as error:
            return notify_error(str(error))
        (self.inputs.get(name) or self._show(name)).run_method("focus")
        self.name.set_value("")


class ContactsCard:
    """``list_id`` None shows everybody; ``words`` and ``page`` are where it begins, ``on_move`` is PagedTable's."""

    def __init__(
        self, user_id: int, time_zone: str, words: str, page: int, on_move: Callable[[bool, bool], Any]
    ) -> None:
        self.user_id, self.time_zone = user_id, time_zone
        self.list_id: int | None = None
        with card("Contacts"):
            export = link_button("Export as CSV", "/audience/contacts.csv", icon="download", look="flat dense download")
            self.export = export.classes("self-end -mt-9 px-2")
            self.paged = PagedTable(
                _COLUMNS,
                self._load,
                "contacts",
                "Search: anna, Müller, or @example.com",
                "No contact found.",
                words=words,
                page=page,
                on_move=on_move,
            )
        self.paged.table.add_slot("body-cell-actions", _ACTIONS)
        self.paged.table.on("edit", self._edit)

    def show_export(self) -> None:
        """The button exports what is open."""
        wanted = f"?list={self.list_id}" if self.list_id is not None else ""
        self.export.props["href"] = f"/audience/contacts.csv{wanted}"

    async def open(self, list_id: int | None) -> None:
        self.list_id = list_id
        await self.paged.restart()

    async def _load(self, search: str, after: dict[str, Any] | None, skip: int) -> Rows:
        page, total = await off_loop(_page, self.user_id, search, self.list_id, after, skip)
        return Rows([self._row(each) for each in page.rows], page.more, total, page.over)

    def _row(self, each: Contact) -> dict[str, Any]:
        shown = [f"{name}: {value}" for name, value in list(each.fields.items())[:_SHOWN_FIELDS] if value]
        words = " · ".join(shown)[:120] + (" …" if len(each.fields) > _SHOWN_FIELDS else "")
        return {
            "id": each.id,
            "email": each.email,  # after it goes the next page
            "shown": addresses.shown(each.email),
            "fields": words,
            "added": f"{clock.to_zone(each.created_at, self.time_zone):%d %b %Y}",
        }

    async def _edit(self, event: events.GenericEventArguments) -> None:
        await self.edit(event.args)

    async def edit(self, contact_id: Any) -> None:
        """The dialog of one contact."""
        found = await self._get(contact_id)
        if found is None:
            return
        contact, names = found
        with ui.dialog() as dialog, ui.card().classes("w-[480px] max-w-full p-6 gap-3 items-stretch"):
            dialog.props["aria-label"] = "Edit contact"
            dialog_title("Edit contact")
            with ui.column().classes("w-full gap-3 items-stretch flex-nowrap overflow-y-auto max-h-[56vh]"):
                email = ui.input("Email", value=addresses.shown(contact.email))
                fields = ContactFields(names, contact.fields)

            async def save() -> None:
                try:
                    values = fields.values()
                    await off_loop(_save, self.user_id, contact.id or 0, email.value or "", values)
                except RuleError as error:
                    notify_error(str(error))
                else:
                    dialog.submit("saved")
                    notify_done("Saved.")

            with ui.row().classes("w-full items-center gap-2 mt-2"):
                ui.button("Delete contact", on_click=lambda: dialog.submit("delete")).props("flat color=negative")
                ui.space()
                ui.button("Cancel", on_click=lambda: dialog.submit("")).props("flat color=grey-7")
                ui.button("Save", on_click=save)
        submitted = await answer(dialog)
        if submitted == "delete":
            await self._delete(contact)

    async def _delete(self, contact: Contact) -> None:
        done = f"{addresses.shown(contact.email)} left your address book and all lists."
        await act_undoably(book.delete_contact, contact.id, done=done, undo=book.put_back, user_id=self.user_id)

    async def _get(self, contact_id: Any) -> tuple[Contact, list[str]] | None:
        """The row's contact, and the fields that contacts have.

        A number from the browser proves nothing, the owner is asked for again.
        """
        try:
            return await off_loop(_get, self.user_id, int(contact_id))
        except (RuleError, ValueError, TypeError):
            notify_error("There is no such contact any more.")
            return None


def _page(
    user_id: int, search: str, list_id: int | None, after: dict[str, Any] | None, skip: int
) -> tuple[book.Page, int]:
    with db.reading() as session:
        last = book.After(after["email"], after["id"]) if after else None
        page = book.page(session, user_id, search=search, list_id=list_id, after=last, skip=skip, limit=PAGE_ROWS)
        return page, book.count(session, user_id, search, list_id) if page.total is None else page.total


def _get(user_id: int, contact_id: int) -> tuple[Contact, list[str]]:
    with db.reading() as session:
        contact = book.get(session, user_id, contact_id)
        lists = [each.id for each in contacts.lists(session, user_id) if each.id is not None]
        return contact, contacts.field_names(session, user_id, lists)


def _save(user_id: int, contact_id: int, email: str, fields: dict[str, str]) -> None:
    with db.session() as session:
        book.save(session, user_id, contact_id, email, fields)
