"""What can be done with everybody that is found at once, however many they are."""

from collections.abc import Callable
from typing import Any

from nicegui import ui
from sqlalchemy.exc import SQLAlchemyError

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import long_work
from campaign_ui.parts.ask import answer, confirm, dialog_title
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.upload_target import Target, choose_list
from campaign_ui.parts.work import show_work
from core import db
from core.audience import contacts, selection
from core.audience.selection import Progress, Selection
from core.errors import RuleError
from core.models import ContactList

_NOBODY = "No contact is found."
_UNFINISHED = "This could not be finished. What was done stays so: try again."


class FoundActions:
    """Two buttons, and how far their work is; ``chosen`` says who is meant when one is pressed."""

    def __init__(self, user_id: int, chosen: Callable[[], Selection]) -> None:
        self.user_id, self.chosen = user_id, chosen
        with ui.row().classes("items-center gap-x-1 gap-y-0 -ml-2") as self.buttons:
            self.put = ui.button("Add to a list", icon="playlist_add", on_click=self._put)
            self.off = ui.button("Remove from this list", icon="playlist_remove", on_click=self._take_off)
            for button in (self.put, self.off):
                button.props("flat dense").classes("px-2")
        self.work = ui.column().classes("w-full gap-2 items-stretch empty:hidden").props("role=status")
        self.show()

    def show(self) -> None:
        """What can be done with who is chosen now."""
        self.off.set_visibility(self.chosen().list_id is not None)

    async def _put(self) -> None:
        chosen = self.chosen()
        count, lists = await self._count(chosen)
        if not count:
            return notify_error(_NOBODY)
        list_id = await _ask_list(self.user_id, chosen, count, lists)
        if list_id is None:
            return
        done = await self._working("Adding to the list…", count, _put, self.user_id, chosen, list_id)
        if done is not None:
            notify_done(_say_put(count, *done), href=f"/audience?list={list_id}", timeout=8000)

    async def _take_off(self) -> None:
        chosen = self.chosen()
        count, lists = await self._count(chosen)
        name = next((each.name for each in lists if each.id == chosen.list_id), "")
        if not count:
            return notify_error(_NOBODY)
        text = "They stay in your address book, and on other lists. This cannot be undone."
        if not await confirm(f"Remove {people(count)} from “{name}”?", text, "Remove"):
            return
        call = (selection.take_off, self.user_id, chosen.search, chosen.list_id)
        gone = await self._working("Removing from the list…", count, *call)
        if gone is not None:
            notify_done(f"{people(gone)} left the list “{name}”.", timeout=8000)

    async def _count(self, chosen: Selection) -> tuple[int, list[ContactList]]:
        """How many they are, and the lists there are; to count many takes a while, in which nothing else is begun."""
        for button in (self.put, self.off):
            button.disable()
        try:
            return await long_work(_read, self.user_id, chosen)
        finally:
            for button in (self.put, self.off):
                button.enable()

    async def _working(self, words: str, count: int, call: Callable[..., Any], *args: Any) -> Any:
        """What ``call(*args, progress)`` gives; None where it failed, which is said, or where nobody looks any more."""
        self.buttons.set_visibility(False)
        with self.work:
            told = show_work(words, bar=True)
        try:
            done = await long_work(call, *args, lambda done: told(f"{done:,} of {count:,}", min(1.0, done / count)))
            return None if self.work.is_deleted else done
        except RuleError as error:
            return self._fail(str(error))
        except (SQLAlchemyError, OSError):
            return self._fail(_UNFINISHED)
        finally:
            if not self.work.is_deleted:
                self.work.clear()
                self.buttons.set_visibility(True)

    def _fail(self, sentence: str) -> None:
        if not self.work.is_deleted:
            notify_error(sentence)


def people(count: int) -> str:
    return f"{count:,} contact{'s' * (count != 1)}"


async def _ask_list(user_id: int, chosen: Selection, count: int, lists: list[ContactList]) -> int | None:
    """The id of the list they go to, which is made where it is new; None where the dialog was closed."""
    others = [(each.id or 0, each.name, each.contact_count) for each in lists if each.id != chosen.list_id]
    target = Target(name=" ".join(chosen.search.split()))

    async def add() -> None:
        try:
            dialog.submit(target.list_id or await off_loop(_made, user_id, target.name))
        except RuleError as error:
            notify_error(str(error))

    with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-3 items-stretch"):
        title = f"Add {people(count)} to a list"
        dialog.props["aria-label"] = title
        dialog_title(title)
        choose_list(target, others)
        with ui.row().classes("w-full justify-end gap-2 mt-2"):
            ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat color=grey-7")
            ui.button("Add", on_click=add)
    list_id: int | None = await answer(dialog)
    return list_id


def _say_put(count: int, added: int, name: str) -> str:
    words = f"{people(added)} added to the list “{name}”."
    held = max(0, count - added)
    return words if not held else f"{words} {held:,} {'was' if held == 1 else 'were'} on it already."


def _read(user_id: int, chosen: Selection) -> tuple[int, list[ContactList]]:
    with db.reading() as session:
        return selection.count(session, user_id, chosen), contacts.lists(session, user_id)


def _made(user_id: int, name: str) -> int:
    with db.session() as session:
        return contacts.create_list(session, user_id, name)


def _put(user_id: int, chosen: Selection, list_id: int, progress: Progress) -> tuple[int, str]:
    added = selection.put(user_id, chosen, list_id, progress)
    with db.reading() as session:
        return added, contacts.get_list(session, user_id, list_id).name
