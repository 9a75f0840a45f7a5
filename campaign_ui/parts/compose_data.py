"""What Compose shows besides the draft itself: senders, lists, merge fields; read off the loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import Client, helpers

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.compose_draft import Draft
from campaign_ui.parts.field_menu import Fields
from campaign_ui.uncounted import CANNOT
from core import campaigns, clock, config, db
from core.audience import contacts
from core.campaigns import attachments
from core.content import mail
from core.content.attached import Attachment
from core.delivery import senders
from core.models import Campaign, Contact, ContactList, Sender

_CHOOSE = "The columns of your lists become fields here. Choose in Audience who gets this mail."
STEPS = ("content", "audience", "when")


@dataclass(frozen=True)
class Choices:
    """What can be chosen, as it was at one moment."""

    campaign: Campaign
    senders: list[Sender]
    bases: dict[int, str]  # sender id -> where its readers reach us; empty: nowhere
    lists: list[ContactList]
    list_ids: list[int]
    left_out_ids: list[int]
    fields: list[str]  # of the chosen lists
    all_fields: list[str]  # of all lists
    example: Contact | None
    count: contacts.AudienceCount
    attachments: list[tuple[int, Attachment]]  # each with its number


@dataclass
class Compose:
    """One open Compose page: its draft, its choices, and who listens when they change."""

    draft: Draft
    email: str
    time_zone: str
    choices: Choices
    client: Client
    # A step, a field of it, and what is marked there ("" for none).
    go_to: Callable[[str, str, str], None] = lambda step, place, mark: None
    # In the step Content: show the draft's new values, a sentence of what happened, and the way back to those before.
    say_with_undo: Callable[[str, dict[str, str]], None] = lambda sentence, before: None
    _on_choices: list[Callable[[], Any]] = field(default_factory=list)
    _asked: int = 0  # how often the choices were asked for, and which answer is shown
    _shown: int = 0
    _ticked: tuple[list[int], list[int]] | None = None  # while it is being written
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def user_id(self) -> int:
        return self.draft.user_id

    @property
    def audience(self) -> tuple[list[int], list[int]]:
        """The lists chosen, and those left out."""
        return self.choices.list_ids, self.choices.left_out_ids

    @property
    def ticked(self) -> tuple[list[int], list[int]]:
        """The same, with what the user just ticked and what is not written yet."""
        return self._ticked or self.audience

    @property
    def fields(self) -> Fields:
        """The merge fields of the chosen lists, of all while none is chosen."""
        names = self.choices.fields if self.choices.list_ids else self.choices.all_fields
        example = self.choices.example.fields if self.choices.example else {}
        return Fields(names, example, "" if self.choices.list_ids and names else _CHOOSE)

    @property
    def sender(self) -> Sender | None:
        return next((each for each in self.choices.senders if each.id == self.draft.values["sender_id"]), None)

    def on_choices(self, call: Callable[[], Any]) -> None:
        self._on_choices.append(call)

    async def reload(self, then: Callable[[], None] = lambda: None) -> None:
        """Read the choices again: a list was stored, a sender saved, an address suppressed.

        ``then`` is done between the reading and the showing.
        """
        self._asked = turn = self._asked + 1
        choices = await off_loop(load, self.user_id, self.draft.id)
        then()
        if turn < self._shown:  # what was asked for later is on the screen already
            return
        self._shown, self.choices = turn, choices
        for call in self._on_choices:
            if self.client.is_deleted:  # the tab was left while something was read
                return
            after = call()
            if helpers.should_await(after):
                await after

    async def choose_lists(self, ids: list[int], left_out: list[int]) -> None:
        """Make ``ids`` without ``left_out`` the audience; where a rule forbids it the sentence is shown."""
        self._ticked = ticked = ids, left_out
        async with self._writing:  # in turn, and only the last of several
            if self._ticked is ticked and await act(campaigns.set_lists, self.user_id, self.draft.id, ids, left_out):
                self.draft.kept_beside(clock.utcnow())
        await self.reload(lambda: self._written(ticked))

    def _written(self, ticked: tuple[list[int], list[int]]) -> None:
        if self._ticked is ticked:
            self._ticked = None

    def content(self) -> mail.Content:
        """What is shown now, for the preview and the test mail."""
        values, sender = self.draft.values, self.sender
        return mail.Content(
            subject=values["subject"],
            preheader=values["preheader"],
            body=values["body"],
            body_kind=values["body_kind"],
            from_name=sender.from_name if sender else "",
            from_address=sender.from_address if sender else "",
            reply_to=sender.reply_to if sender else "",
            base_url=self.choices.bases.get(values["sender_id"], ""),
            campaign_id=self.draft.id,
            user_id=self.user_id,
            language=values["language"],
            attachments=tuple(file for _, file in self.choices.attachments),
        )


def load(user_id: int, campaign_id: int) -> Choices:
    """Raises NotFound for a stranger's campaign."""
    with db.reading() as session:
        campaign = campaigns.get(session, user_id, campaign_id)
        list_ids = campaigns.list_ids(session, user_id, campaign_id)
        left_out = campaigns.left_out_ids(session, user_id, campaign_id)
        all_lists = contacts.lists(session, user_id)
        all_senders = senders.list_all(session, user_id)
        return Choices(
            campaign=campaign,
            senders=all_senders,
            bases={each.id: senders.tracking_base(session, each) for each in all_senders if each.id is not None},
            lists=all_lists,
            list_ids=list_ids,
            left_out_ids=left_out,
            fields=contacts.field_names(session, user_id, list_ids),
            all_fields=contacts.field_names(session, user_id),
            example=contacts.sample(session, user_id, list_ids, left_out=left_out),
            count=contacts.audience_count(session, user_id, list_ids, left_out),
            attachments=attachments.listed(session, user_id, campaign_id),
        )


def why_untracked(sender: Sender | None) -> str:
    """Why opens of this sender's mails cannot be seen; empty when they can."""
    if sender is None or sender.is_sandbox or config.settings.base_url:
        return ""
    return (
        f"{CANNOT} People unsubscribe by mail to the sender: have its bounce mailbox read, which obeys these mails, "
        "or suppress their addresses by hand."
    )
