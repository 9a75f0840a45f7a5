"""Send test: one real mail to an address of the user's choice, and what the mail server said to it."""

from nicegui import ui

from campaign_ui.parts.acts import long_work
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.notices import notice
from core import campaigns
from core.campaigns import TestResult
from core.errors import RuleError
from core.models import Contact


def send_test(compose: Compose, example: Contact | None) -> None:
    """Open the dialog; it stays open so that a mail can be sent again after a change. ``example``: filled in as for."""
    _TestDialog(compose, example).dialog.open()


class _TestDialog:
    def __init__(self, compose: Compose, example: Contact | None) -> None:
        self.compose, self.example = compose, example
        with ui.dialog() as self.dialog, ui.card().classes("w-[480px] max-w-full p-6 gap-3 items-stretch"):
            self.dialog.props["aria-label"] = "Send test"
            self.dialog.on("hide", self.dialog.delete)
            ui.label("Send a test mail").classes("text-[17px] font-semibold tracking-tight").props(
                "role=heading aria-level=2"
            )
            filled = f", filled in as for {example.email}" if example else ""
            words = f"The mail as it is now{filled}. Its subject begins with [Test]; it counts nowhere."
            ui.label(words).classes("text-sm cm-mute")
            self.to = ui.input("Test address", value=compose.email).props("type=email autofocus").classes("w-full")
            self.to.on("keydown.enter", self._send)
            self.result = ui.column().classes("w-full").props("role=status")
            with ui.row().classes("w-full justify-end gap-2 mt-1"):
                ui.button("Close", on_click=self.dialog.close).props("flat color=grey-7")
                self.button = ui.button("Send", icon="outgoing_mail", on_click=self._send)

    async def _send(self) -> None:
        self.result.clear()
        self.button.props("loading")
        try:
            outcome = await self._try()
        finally:
            self.button.props(remove="loading")
        if outcome is None or self.dialog.is_deleted:
            return
        with self.result:
            tone, icon = ("sent", "check_circle") if outcome.accepted else ("failed", "error")
            box = notice(outcome.sentence, tone, icon)
            if outcome.words:
                with box:
                    ui.label(outcome.words).classes("cm-words")

    async def _try(self) -> TestResult | None:
        draft = self.compose.draft
        if not await draft.flush():
            return TestResult(False, "The draft could not be saved, so nothing was sent.", draft.state.words)
        fields = self.example.fields if self.example else {}
        try:
            return await long_work(campaigns.send_test, draft.user_id, draft.id, self.to.value or "", fields)
        except RuleError as error:
            return TestResult(False, str(error))
