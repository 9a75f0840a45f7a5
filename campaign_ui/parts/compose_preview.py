"""The mail as it is typed, as one of its recipients would see it."""

import asyncio

from nicegui import background_tasks, run, ui

from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_test import send_test
from campaign_ui.parts.preview import preview
from core import db
from core.audience import contacts
from core.content import mail
from core.models import Contact

SHOW_AFTER = 0.35  # seconds after the last key


class LivePreview:
    """Follows the draft; next and previous go through the real audience."""

    def __init__(self, compose: Compose) -> None:
        self.compose = compose
        self.person: Contact | None = compose.choices.example
        self._timer: asyncio.TimerHandle | None = None
        self._again = self._busy = False
        with card():
            with ui.row().classes("w-full items-center justify-between"):
                ui.label("Preview").classes("font-semibold text-[15px]").props("role=heading aria-level=2")
                test = ui.button("Send test", icon="outgoing_mail", on_click=self._test)
                test.props("outline")
            self.part = preview(on_step=self._step, height="560px")
        self._show_now(mail.preview(compose.content(), self._recipient()))
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
        self._timer = loop.call_later(SHOW_AFTER, lambda: background_tasks.create(self._show(), name="preview"))

    async def _show(self) -> None:
        if self._busy:
            self._again = True
            return
        self._busy = True
        try:
            self._again = True
            while self._again:
                self._again = False
                made = await run.io_bound(mail.preview, self.compose.content(), self._recipient())
                if made is None or self.part.frame.is_deleted:
                    return
                self._show_now(made)
        finally:
            self._busy = False

    def _show_now(self, made: mail.Preview) -> None:
        sender = self.compose.sender
        comes_from = f"{sender.from_name} <{sender.from_address}>" if sender else ""
        self.part.show(made, self.person.email if self.person else "Example: anna@example.com", comes_from)

    async def _step(self, by: int) -> None:
        found = await run.io_bound(_beside, self.compose.user_id, self.compose.choices.list_ids, self.person, by)
        if found is not None:
            self.person = found
            await self._show()

    async def _person_may_have_gone(self) -> None:
        kept = self.compose.choices
        if self.person is None or not kept.list_ids:
            self.person = kept.example
        await self._show()


def _beside(user_id: int, list_ids: list[int], person: Contact | None, by: int) -> Contact | None:
    """The next or previous recipient; past the end it begins anew."""
    here = (person.id or 0) if person else 0
    with db.reading() as session:
        if by > 0:
            return contacts.sample(session, user_id, list_ids, after_id=here) or contacts.sample(
                session, user_id, list_ids
            )
        return contacts.sample(session, user_id, list_ids, before_id=here)
