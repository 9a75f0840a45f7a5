"""Many addresses onto the suppression list at once: pasted or from a file, with what became of each."""

from collections.abc import Awaitable
from typing import Any

from nicegui import events, ui
from sqlalchemy.exc import SQLAlchemyError

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import long_work
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.drop import TOO_LARGE, drop_zone
from campaign_ui.parts.notices import notice, notify_error
from campaign_ui.parts.pager import in_tens
from campaign_ui.parts.upload import new_path
from core.audience import addresses, parse, suppression
from core.audience.parse import ParsedUpload
from core.audience.suppression import Many
from core.errors import RuleError

_COLUMNS = [
    {"name": "email", "field": "email", "label": "Address", "align": "left"},
    {"name": "result", "field": "result", "label": "Result", "align": "left"},
]
_NEW, _KNOWN = "Suppressed", "Was on the list already"
_SHOWN = 1_000
_BUSY = "The last addresses are still being suppressed. Upload this file when they are done."


async def ask_many(user_id: int) -> None:
    """The dialog, until it is closed."""
    with ui.dialog() as dialog, ui.card().classes("w-[760px] max-w-full p-6 gap-4 items-stretch"):
        dialog.props["aria-label"] = "Suppress several addresses"
        dialog_title("Suppress several addresses")
        words = "For people who unsubscribed elsewhere, or whose addresses bounced: no campaign of yours mails them."
        ui.label(words).classes("text-sm cm-mute -mt-2")
        _Many(user_id)
        with ui.row().classes("w-full justify-end"):
            ui.button("Close", on_click=lambda: dialog.submit(None)).props("flat color=grey-7")
    await answer(dialog)


class _Many:
    """Choose, then the results; another lot may follow."""

    def __init__(self, user_id: int) -> None:
        self.user_id, self.busy = user_id, False
        with ui.element("div").classes("grid grid-cols-1 md:grid-cols-2 gap-4 w-full"):
            drop_zone(lambda: None, self._received, lambda: self._say(TOO_LARGE), "Upload addresses to suppress")
            with ui.column().classes("w-full gap-2 items-stretch"):
                self.text = ui.textarea("Addresses to suppress").classes("w-full").props("rows=6 debounce=200")
                self.button = ui.button("Suppress all", on_click=self._pasted).props("outline").classes("self-end")
        self.result = ui.column().classes("w-full gap-3 items-stretch empty:hidden").props("role=status")

    async def _received(self, event: events.UploadEventArguments) -> None:
        if self.busy:
            notify_error(_BUSY)
        elif event.file.size() > parse.MAX_FILE_BYTES:
            self._say(TOO_LARGE)
        else:
            await self._suppress(_from_file(self.user_id, event))

    async def _pasted(self) -> None:
        text = self.text.value or ""
        if self.busy or not await self._suppress(long_work(lambda: _store(self.user_id, parse.parse_text(text)))):
            return
        if not self.text.is_deleted and self.text.value == text:  # else the next ones are being typed
            self.text.set_value("")

    async def _suppress(self, work: Awaitable[Many]) -> bool:
        self.busy = True
        self.button.set_enabled(False)
        self.result.clear()
        with self.result:
            ui.spinner(size="22px")
        try:
            many = await work
        except RuleError as error:
            return self._say(str(error))
        except (SQLAlchemyError, OSError):
            return self._say("This could not be finished. What was suppressed stays so: try again.")
        finally:
            self.busy = False
            if not self.button.is_deleted:
                self.button.set_enabled(True)
        if not self.result.is_deleted:
            self._show(many)
        return True

    def _say(self, sentence: str) -> bool:
        if not self.result.is_deleted:
            self.result.clear()
            with self.result:
                notice(sentence, "failed", "error")
        return False

    def _show(self, many: Many) -> None:
        rows = [{"email": each.value or "–", "result": f"Left out: {each.reason}"} for each in many.invalid]
        rows += [
            {"email": addresses.shown(email), "result": _NEW if is_new else _KNOWN} for email, is_new in many.outcomes
        ]
        self.result.clear()
        with self.result:
            ui.label(say_many(many)).classes("text-sm font-medium")
            shown: list[dict[str, Any]] = [{"id": number, **row} for number, row in enumerate(rows[:_SHOWN])]
            table = ui.table(rows=shown, columns=_COLUMNS, row_key="id").props("flat wrap-cells")
            in_tens(table)
            table.props["aria-label"] = "Results"
            if many.all_count > len(shown):
                ui.label(f"The first {len(shown):,} are shown.").classes("text-xs cm-mute")


def say_many(many: Many) -> str:
    """``487 addresses suppressed. 12 were on the list already. 1 is no address.``"""
    words = [f"{many.added_count:,} address{'es' * (many.added_count != 1)} suppressed."]
    if many.known_count:
        words.append(f"{many.known_count:,} {'was' if many.known_count == 1 else 'were'} on the list already.")
    if many.invalid_count:
        words.append(f"{many.invalid_count:,} {'is no address' if many.invalid_count == 1 else 'are no addresses'}.")
    return " ".join(words)


async def _from_file(user_id: int, event: events.UploadEventArguments) -> Many:
    path = await off_loop(new_path)
    try:
        await event.file.save(path)
        return await long_work(lambda: _store(user_id, parse.parse_file(path, event.file.name)))
    finally:
        path.unlink(missing_ok=True)


def _store(user_id: int, parsed: ParsedUpload) -> Many:
    try:
        return suppression.suppress_all(user_id, parsed)
    finally:
        parsed.close()
