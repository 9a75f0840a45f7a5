"""The contacts of a user, or of one list: searched, paged on the server, edited, deleted."""

from collections.abc import Callable
from typing import Any

from nicegui import events

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act_undoably
from campaign_ui.parts.audience_export import show_export
from campaign_ui.parts.audience_fields import SearchFields
from campaign_ui.parts.audience_found import FoundActions
from campaign_ui.parts.blocks import card, link_button
from campaign_ui.parts.contact_dialog import ContactDialog, read_person
from campaign_ui.parts.notices import notify_error
from campaign_ui.parts.pager import PAGE_ROWS, PagedTable, Rows
from core import clock, db
from core.audience import addresses, book
from core.audience.selection import Selection
from core.errors import NotFound
from core.models import Contact

_EXPORT = "/audience/contacts.csv"
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
_EMAIL = """
<q-td :props="props">
  <div class="truncate">{{ props.row.shown }}</div>
  <span v-if="props.row.suppressed" class="cm-badge is-quiet" title="No campaign mails them">Suppressed</span>
</q-td>
"""
_SHOWN_FIELDS = 4


class ContactsCard:
    """``list_id`` None shows everybody; ``words`` and ``page`` are where it begins, ``on_move`` is PagedTable's."""

    def __init__(
        self, user_id: int, time_zone: str, words: str, page: int, on_move: Callable[[bool, bool], Any]
    ) -> None:
        self.user_id, self.time_zone = user_id, time_zone
        self.list_id: int | None = None
        with card("Contacts"):
            export = link_button("Export as CSV", _EXPORT, icon="download", look="flat dense download")
            self.export = export.classes("self-end -mt-9 px-2")
            self.paged = PagedTable(
                _COLUMNS,
                self._load,
                "contacts",
                "Search contacts",
                "No contact found.",
                words=words,
                page=page,
                on_move=on_move,
            )
        self.fields = SearchFields(self.paged.search)
        with self.paged.tools:
            self.found = FoundActions(user_id, lambda: Selection(self.paged.words, self.list_id))
        self.paged.table.add_slot("body-cell-actions", _ACTIONS)
        self.paged.table.add_slot("body-cell-email", _EMAIL)
        self.paged.table.on("edit", self._edit)

    def choose(self, list_id: int | None) -> None:
        """Whom the next ``reload`` of the table shows, and the buttons are about."""
        self.list_id = list_id
        self._show_export()
        self.found.show()

    async def open(self, list_id: int | None) -> None:
        self.choose(list_id)
        await self.paged.restart()

    def _show_export(self) -> None:
        show_export(self.export, _EXPORT, self.paged.words, self.list_id)

    async def _load(self, search: str, after: dict[str, Any] | None, skip: int) -> Rows:
        self._show_export()
        page, total = await off_loop(_page, self.user_id, search, self.list_id, after, skip)
        return Rows([self._row(each) | _suppressed(page, each) for each in page.rows], page.more, total, page.over)

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

    async def add(self) -> None:
        """The dialog of somebody new."""
        await self._ask(None)

    async def edit(self, contact_id: Any) -> None:
        """The dialog of one contact."""
        try:  # a number from the browser proves nothing, the owner is asked for again
            await self._ask(int(contact_id))
        except (NotFound, ValueError, TypeError):
            notify_error("There is no such contact any more.")

    async def _ask(self, contact_id: int | None) -> None:
        person = await off_loop(read_person, self.user_id, contact_id, self.list_id)
        wanted = await ContactDialog(self.user_id, person).asked()
        if wanted == "delete" and person.contact is not None:
            await self._delete(person.contact)
        elif isinstance(wanted, int):
            await self.edit(wanted)

    async def _delete(self, contact: Contact) -> None:
        done = f"{addresses.shown(contact.email)} left your address book and all lists."
        await act_undoably(book.delete_contact, contact.id, done=done, undo=book.put_back, user_id=self.user_id)


def _page(
    user_id: int, search: str, list_id: int | None, after: dict[str, Any] | None, skip: int
) -> tuple[book.Page, int]:
    with db.reading() as session:
        last = book.After(after["email"], after["id"]) if after else None
        page = book.page(session, user_id, search=search, list_id=list_id, after=last, skip=skip, limit=PAGE_ROWS)
        return page, book.count(session, user_id, search, list_id) if page.total is None else page.total


def _suppressed(page: book.Page, each: Contact) -> dict[str, bool]:
    return {"suppressed": each.email in page.suppressed}
