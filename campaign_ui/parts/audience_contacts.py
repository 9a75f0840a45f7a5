"""The contacts of a user, or of one list: searched, paged on the server, edited, deleted."""

from typing import Any

from nicegui import events, run, ui

from campaign_ui.parts.ask import answer, confirm
from campaign_ui.parts.blocks import card
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.pager import PAGE_ROWS, PagedTable
from core import clock, db
from core.audience import book
from core.errors import RuleError
from core.models import Contact

_FIELDS, _ADDED = "max-sm:hidden max-w-[320px] truncate", "max-md:hidden"
_COLUMNS = [
    {"name": "email", "field": "email", "label": "Email", "align": "left", "classes": "max-w-[240px] truncate"},
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
  <q-btn flat round dense color="grey-7" icon="edit" :aria-label="'Edit ' + props.row.email"
    @click="() => $parent.$emit('edit', props.row.id)" />
</q-td>
"""
_SHOWN_FIELDS = 4


class ContactsCard:
    """``list_id`` None shows everybody."""

    def __init__(self, user_id: int, time_zone: str) -> None:
        self.user_id, self.time_zone = user_id, time_zone
        self.list_id: int | None = None
        with card("Contacts"):
            self.paged = PagedTable(
                _COLUMNS, self._load, "contacts", "Search: anna, or @example.com", "No contact begins like that here."
            )
        self.paged.table.add_slot("body-cell-actions", _ACTIONS)
        self.paged.table.on("edit", self._edit)

    async def open(self, list_id: int | None) -> None:
        self.list_id = list_id
        await self.paged.restart()

    async def _load(self, search: str, after: dict[str, Any] | None) -> tuple[list[dict[str, Any]], bool] | None:
        page = await run.io_bound(_page, self.user_id, search, self.list_id, after)
        return None if page is None else ([self._row(each) for each in page.rows], page.more)

    def _row(self, each: Contact) -> dict[str, Any]:
        shown = [f"{name}: {value}" for name, value in list(each.fields.items())[:_SHOWN_FIELDS] if value]
        words = " · ".join(shown)[:120] + (" …" if len(each.fields) > _SHOWN_FIELDS else "")
        return {
            "id": each.id,
            "email": each.email,
            "fields": words,
            "added": f"{clock.to_zone(each.created_at, self.time_zone):%d %b %Y}",
        }

    async def _edit(self, event: events.GenericEventArguments) -> None:
        contact = await self._get(event.args)
        if contact is None:
            return
        with ui.dialog() as dialog, ui.card().classes("w-[480px] max-w-full p-6 gap-3 items-stretch"):
            dialog.props["aria-label"] = "Edit contact"
            ui.label("Edit contact").classes("text-[17px] font-semibold").props("role=heading aria-level=2")
            email = ui.input("Email", value=contact.email)
            inputs = {name: ui.input(name, value=str(value)) for name, value in contact.fields.items()}

            async def save() -> None:
                values = {name: field.value or "" for name, field in inputs.items()}
                try:
                    await run.io_bound(_save, self.user_id, contact.id or 0, email.value or "", values)
                except RuleError as error:
                    notify_error(str(error))
                else:
                    dialog.submit("saved")

            with ui.row().classes("w-full items-center gap-2 mt-2"):
                ui.button("Delete contact", on_click=lambda: dialog.submit("delete")).props("flat color=negative")
                ui.space()
                ui.button("Cancel", on_click=lambda: dialog.submit("")).props("flat color=grey-7")
                ui.button("Save", on_click=save)
        submitted = await answer(dialog)
        if submitted == "delete":
            await self._delete(contact)

    async def _delete(self, contact: Contact) -> None:
        text = f"{contact.email} leaves your address book and all lists. This cannot be undone."
        if await confirm("Delete this contact?", text, "Delete"):
            try:
                await run.io_bound(_delete, self.user_id, contact.id or 0)
            except RuleError as error:
                notify_error(str(error))
            else:
                notify_done(f"{contact.email} was deleted.")

    async def _get(self, contact_id: Any) -> Contact | None:
        """The row's contact; a number from the browser proves nothing, the owner is asked for again."""
        try:
            found: Contact | None = await run.io_bound(_get, self.user_id, int(contact_id))
        except (RuleError, ValueError, TypeError):
            notify_error("There is no such contact any more.")
            return None
        return found


def _page(user_id: int, search: str, list_id: int | None, after: dict[str, Any] | None) -> book.Page:
    with db.reading() as session:
        last = book.After(after["email"], after["id"]) if after else None
        return book.page(session, user_id, search=search, list_id=list_id, after=last, limit=PAGE_ROWS)


def _get(user_id: int, contact_id: int) -> Contact:
    with db.reading() as session:
        return book.get(session, user_id, contact_id)


def _save(user_id: int, contact_id: int, email: str, fields: dict[str, str]) -> None:
    with db.session() as session:
        book.save(session, user_id, contact_id, email, fields)


def _delete(user_id: int, contact_id: int) -> None:
    with db.session() as session:
        book.delete_contact(session, user_id, contact_id)
