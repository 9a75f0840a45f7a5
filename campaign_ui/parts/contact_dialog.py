"""One person in a dialog, to be added or edited: address, merge fields, lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.notices import notice, notify_done, notify_error
from core import db
from core.audience import addresses, book, columns, contacts, suppression
from core.errors import RuleError
from core.models import Contact

_SUPPRESSED = "This address is on the suppression list: no campaign mails it."


@dataclass(frozen=True)
class Person:
    """``contact`` None: somebody new. ``lists``: id -> name, of which they are ``on`` these; ``names``: the merge
    fields of each list, ``others``: those of all."""

    contact: Contact | None
    names: dict[int, list[str]]
    others: list[str]
    lists: dict[int, str]
    on: set[int]
    is_suppressed: bool


class ContactFields:
    """One input per field of the contact and of their lists, and a way to add others, which may be new."""

    def __init__(self, others: list[str], kept: Mapping[str, Any]) -> None:
        self.inputs: dict[str, ui.input] = {}
        self.of_lists: set[str] = set()
        self.box = ui.column().classes("w-full gap-3 items-stretch flex-nowrap empty:hidden")
        for name, value in kept.items():
            self._show(name, str(value))
        with ui.row().classes("w-full items-center gap-2 flex-nowrap"):
            self.name = ui.input("Another field", autocomplete=others).classes("grow min-w-0").props("maxlength=60")
            self.name.on("keydown.enter", self._add)
            ui.button("Add field", on_click=self._add).props("outline").classes("shrink-0 whitespace-nowrap")

    def ask_for(self, names: list[str]) -> None:
        """The fields of the lists that are ticked now; what was filled in for another one stays."""
        for name in self.of_lists.difference(names):
            if not self.inputs[name].value:
                self.inputs.pop(name).delete()
        new = [name for name in names if name not in self.inputs]
        for name in new:
            self._show(name)
        self.of_lists = self.of_lists.intersection(names).union(new)

    def values(self) -> dict[str, str]:
        return {name: field.value or "" for name, field in self.inputs.items()}

    def _show(self, name: str, value: str = "") -> ui.input:
        with self.box:
            self.inputs[name] = ui.input(name, value=value).props(f"maxlength={columns.MAX_VALUE}")
        return self.inputs[name]

    def _add(self) -> None:
        try:
            name = columns.checked_name(self.name.value or "")
        except RuleError as error:
            return notify_error(str(error))
        (self.inputs.get(name) or self._show(name)).run_method("focus")
        self.of_lists.discard(name)
        self.name.set_value("")


class ContactDialog:
    """``asked`` says what was done in it: saved, delete (is wanted), another contact's id (to edit), or nothing."""

    def __init__(self, user_id: int, person: Person) -> None:
        self.user_id, self.person = user_id, person
        title = "Edit contact" if person.contact else "Add contact"
        with ui.dialog() as self.dialog, ui.card().classes("w-[480px] max-w-full p-6 gap-3 items-stretch"):
            self.dialog.props["aria-label"] = title
            dialog_title(title)
            self.told = ui.column().classes("w-full empty:hidden").props("role=alert")
            with ui.column().classes("w-full gap-3 items-stretch flex-nowrap overflow-y-auto max-h-[56vh]"):
                self._build_email()
                if person.contact is None:  # the fields to be filled follow from the lists
                    self._build_lists()
                self.fields = ContactFields(person.others, person.contact.fields if person.contact else {})
                if person.contact is not None:
                    self._build_lists()
                self._ask_for_fields()
            self._build_buttons()

    async def asked(self) -> Any:
        return await answer(self.dialog)

    def _ask_for_fields(self) -> None:
        ticked = [list_id for list_id, box in self.boxes.items() if box.value]
        self.fields.ask_for(list(dict.fromkeys(name for each in ticked for name in self.person.names[each])))

    def _build_email(self) -> None:
        contact = self.person.contact
        self.email = ui.input("Email", value=addresses.shown(contact.email) if contact else "")
        if contact is None:
            self.email.props("autofocus").on("keydown.enter", self._add)
        if self.person.is_suppressed:
            ui.label(_SUPPRESSED).classes("text-xs").style("color:var(--cm-pending-text)")

    def _build_lists(self) -> None:
        self.boxes: dict[int, ui.checkbox] = {}
        if not self.person.lists:
            return
        with ui.column().classes("w-full gap-0 items-start flex-nowrap").props("role=group aria-label=Lists"):
            ui.label("Lists").classes("text-[13px] font-medium cm-mute mt-1")
            for list_id, name in self.person.lists.items():
                box = ui.checkbox(name, value=list_id in self.person.on, on_change=self._ask_for_fields)
                box.props("dense").classes("py-1.5 max-w-full")
                self.boxes[list_id] = box.style("overflow-wrap:anywhere")

    def _build_buttons(self) -> None:
        is_new = self.person.contact is None
        with ui.row().classes("w-full items-center justify-end gap-1 mt-2 flex-nowrap"):
            if not is_new:
                delete = ui.button("Delete contact", on_click=lambda: self.dialog.submit("delete"))
                delete.props("flat color=negative").classes("mr-auto whitespace-nowrap")
            ui.button("Cancel", on_click=lambda: self.dialog.submit("")).props("flat color=grey-7")
            ui.button("Add" if is_new else "Save", on_click=self._add if is_new else self._save)

    async def _add(self) -> None:
        ticked = [list_id for list_id, box in self.boxes.items() if box.value]
        try:
            email, values = addresses.one(self.email.value or ""), self.fields.values()
            added, is_suppressed = await off_loop(_add, self.user_id, email, values, ticked)
        except RuleError as error:
            return notify_error(str(error))
        shown = addresses.shown(email)
        if not added.is_new:
            return self._offer(shown, added.contact_id)
        self.dialog.submit("saved")
        notify_done(f"{shown} was added." + f" {_SUPPRESSED}" * is_suppressed)

    def _offer(self, shown: str, contact_id: int) -> None:
        self.told.clear()
        with self.told, notice(f"{shown} is a contact already.", "pending"):
            ui.button("Edit this contact", on_click=lambda: self.dialog.submit(contact_id)).props("flat dense")

    async def _save(self) -> None:
        contact, on = self.person.contact, self.person.on
        assert contact is not None
        # Only what was changed here: they may have come onto another list meanwhile.
        join = [list_id for list_id, box in self.boxes.items() if box.value and list_id not in on]
        leave = [list_id for list_id, box in self.boxes.items() if not box.value and list_id in on]
        try:
            await off_loop(
                _save, self.user_id, contact.id or 0, self.email.value or "", self.fields.values(), join, leave
            )
        except RuleError as error:
            return notify_error(str(error))
        self.dialog.submit("saved")
        notify_done("Saved.")


def read_person(user_id: int, contact_id: int | None, list_id: int | None = None) -> Person:
    """``contact_id`` None: somebody new, for that list. Raises NotFound."""
    with db.reading() as session:
        found = contacts.lists(session, user_id)
        lists, names = {each.id or 0: each.name for each in found}, {each.id or 0: each.fields for each in found}
        others = contacts.field_names(session, user_id)
        if contact_id is None:
            return Person(None, names, others, lists, {each for each in lists if each == list_id}, False)
        contact, on = book.get(session, user_id, contact_id), book.lists_of(session, user_id, contact_id)
        return Person(contact, names, others, lists, on, suppression.is_suppressed(session, user_id, contact.email))


def _add(user_id: int, email: str, fields: dict[str, str], list_ids: list[int]) -> tuple[book.Added, bool]:
    with db.session() as session:
        added = book.add(session, user_id, email, fields, list_ids)
        return added, suppression.is_suppressed(session, user_id, email)


def _save(user_id: int, contact_id: int, email: str, fields: dict[str, str], join: list[int], leave: list[int]) -> None:
    with db.session() as session:
        book.save(session, user_id, contact_id, email, fields, join, leave)
