"""Send test: a real mail to a few addresses of the user's choice, and what the mail server said to each."""

from nicegui import ui

from campaign_ui.parts.acts import long_work
from campaign_ui.parts.ask import delete_when_hidden, dialog_title
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.notices import notice
from campaign_ui.parts.recipient_chooser import RecipientChooser, beside
from core import campaigns
from core.audience import addresses
from core.audience.people import Person
from core.campaigns import TestResult, testmail
from core.errors import RuleError


def send_test(compose: Compose, example: Person | None) -> None:
    """Open the dialog; it stays open so that a mail can be sent again after a change. ``example``: filled in as for."""
    _TestDialog(compose, example).dialog.open()


class _TestDialog:
    def __init__(self, compose: Compose, example: Person | None) -> None:
        self.compose, self.example = compose, example
        with ui.dialog() as self.dialog, ui.card().classes("w-[520px] max-w-full p-6 gap-3 items-stretch"):
            self.dialog.props["aria-label"] = "Send test"
            delete_when_hidden(self.dialog)
            dialog_title("Send a test mail")
            self.words = ui.label().classes("text-sm cm-mute")
            self.to = (
                ui.input("Test address", value=addresses.shown(compose.email)).props("autofocus").classes("w-full")
            )
            self.to.props(f'hint="Several with commas, up to {testmail.MOST_ADDRESSES}"').on(
                "keydown.enter", self._send
            )
            if example is not None:
                ui.label("Filled in as for").classes("text-[13px] font-medium cm-mute mt-2 -mb-2")
                self.who = RecipientChooser(compose.user_id, lambda: compose.audience, self._choose, self._step)
                self.who.show(example.email)
            self.results = ui.column().classes("w-full gap-2").props("role=status")
            with ui.row().classes("w-full justify-end gap-2 mt-1"):
                ui.button("Close", on_click=self.dialog.close).props("flat color=grey-7")
                self.button = ui.button("Send", icon="outgoing_mail", on_click=self._send)
        self._say_whom()

    def _say_whom(self) -> None:
        filled = f", filled in as for {addresses.shown(self.example.email)}" if self.example else ""
        counts = "It counts towards its sender's limits, so it may wait a moment, and nowhere else."
        self.words.set_text(f"The mail as it is now{filled}. Its subject begins with [Test]. {counts}")

    async def _choose(self, person: Person) -> None:
        self.example = person
        self._say_whom()

    async def _step(self, by: int) -> None:
        found = await beside(self.compose.user_id, self.compose.audience, self.example, by)
        if found is not None:
            self.who.show(found.email)
            await self._choose(found)

    async def _send(self) -> None:
        self.results.clear()
        self.button.props("loading")
        try:
            await self._send_all()
        finally:
            self.button.props(remove="loading")

    async def _send_all(self) -> None:
        try:
            wanted = testmail.addresses_in(self.to.value or "")
        except RuleError as error:
            return self._show("", TestResult(False, str(error)))
        draft = self.compose.draft
        if not await draft.flush():
            return self._show(
                "", TestResult(False, "The draft could not be saved, so nothing was sent.", draft.state.words)
            )
        for number, address in enumerate(wanted):
            outcome = await self._try(address)
            if self.dialog.is_deleted:
                return None
            self._show(addresses.shown(address) if len(wanted) > 1 else "", outcome)
            if not outcome.accepted and not outcome.is_about_address:
                if left := len(wanted) - number - 1:
                    words = "1 more was not tried: it" if left == 1 else f"{left:,} more were not tried: they"
                    self._show("", TestResult(False, f"{words} would fail alike."))
                return None
        return None

    def _show(self, address: str, outcome: TestResult) -> None:
        with self.results:
            tone, icon = ("sent", "check_circle") if outcome.accepted else ("failed", "error")
            about = f"{address}: " if address and address not in outcome.sentence else ""
            box = notice(f"{about}{outcome.sentence}", tone, icon)
            if outcome.words:
                with box:
                    ui.label(outcome.words).classes("cm-words")

    async def _try(self, address: str) -> TestResult:
        draft, fields = self.compose.draft, self.example.fields if self.example else {}
        try:
            return await long_work(campaigns.send_test, draft.user_id, draft.id, address, fields)
        except RuleError as error:
            return TestResult(False, str(error))
