"""The mail as it is typed, as one of its recipients would see it."""

import asyncio

from nicegui import background_tasks, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_test import send_test
from campaign_ui.parts.preview import preview
from campaign_ui.parts.recipient_chooser import RecipientChooser, beside
from core.audience import addresses
from core.audience.people import Person
from core.content import mail
from core.delivery import senders
from core.models import Contact

SHOW_AFTER = 0.35  # seconds after the last key


class LivePreview:
    """Follows the draft, once ``show`` was called; next and previous go through the real audience."""

    def __init__(self, compose: Compose) -> None:
        self.compose = compose
        self.person = _person(compose.choices.example)
        self._timer: asyncio.TimerHandle | None = None
        self._again = self._busy = False
        with card():
            with ui.row().classes("w-full items-center justify-between"):
                ui.label("Preview").classes("font-semibold text-[15px]").props("role=heading aria-level=2")
                test = ui.button("Send test", icon="outgoing_mail", on_click=self._test)
                test.props("outline")
            self.part = preview("560px")
            with self.part.tools:
                self.who = RecipientChooser(compose.user_id, lambda: compose.audience, self._choose, self._step)
        compose.draft.on_change(self._soon)
        compose.on_choices(self._person_may_have_gone)

    def _test(self) -> None:
        send_test(self.compose, self.person)

    def _recipient(self) -> mail.Recipient:
        if self.person is None:
            return mail.Recipient(1, "anna@example.com", {"first_name": "Anna"})
        return mail.Recipient(self.person.id or 1, self.person.email, self.person.fields)

    def _soon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SHOW_AFTER, lambda: background_tasks.create(self.show(), name="preview"))

    async def show(self) -> None:
        """The draft as it is now."""
        if self._busy:
            self._again = True
            return
        self._busy = True
        try:
            self._again = True
            while self._again:
                self._again = False
                made = await off_loop(mail.preview, self.compose.content(), self._recipient())
                if self.part.frame.is_deleted:
                    return
                self._show_now(made)
        finally:
            self._busy = False

    def _show_now(self, made: mail.Preview) -> None:
        sender = self.compose.sender
        self.part.show(made, senders.from_line(sender) if sender else "")
        email = self.person.email if self.person else "anna@example.com"
        if addresses.shown(email) != self.who.shown:
            self.who.show(email, is_example=self.person is None)

    async def _choose(self, person: Person) -> None:
        self.person = person
        await self.show()

    async def _step(self, by: int) -> None:
        found = await beside(self.compose.user_id, self.compose.audience, self.person, by)
        if found is not None:
            await self._choose(found)

    async def _person_may_have_gone(self) -> None:
        kept = self.compose.choices
        if self.person is None or not kept.list_ids:
            self.person = _person(kept.example)
        await self.show()


def _person(contact: Contact | None) -> Person | None:
    return Person(contact.id or 0, contact.email, contact.fields, False) if contact is not None else None
