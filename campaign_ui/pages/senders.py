"""Senders: the accounts that mails go out from."""

from dataclasses import dataclass
from datetime import datetime

from nicegui import ui

from campaign_ui import auth, layout, live
from campaign_ui.parts import act, card, confirm, empty_state, page_header
from campaign_ui.parts.dkim_dialog import DkimDialog, dkim_rows
from campaign_ui.parts.sender_card import Actions, sender_card, state_of
from campaign_ui.parts.sender_form import SenderForm
from core import db
from core.delivery import dkim_keys, learned, senders
from core.delivery.dkim_keys import Domain
from core.models import Sender


@dataclass(frozen=True)
class _Data:
    senders: list[Sender]
    domains: list[Domain]
    now: datetime


def register() -> None:
    @ui.page("/senders")
    async def page() -> None:
        with layout.frame("Senders", "/senders"):
            shown = _Senders()
            live.watch(shown.reload, "sender")
            await shown.reload()


class _Senders:
    def __init__(self) -> None:
        self.user = auth.current()
        self.shown: list[object] | None = None
        with page_header("The accounts your mails go out from, and how fast each may send."):
            ui.button("Add sender", icon="add", on_click=self._add)
        self.cards = ui.element("div").classes("grid grid-cols-1 lg:grid-cols-2 gap-4 w-full items-start")
        with card() as self.empty:
            words = "A sender is your account at a mail provider: where mails are handed in, and how fast."
            empty_state("alternate_email", "No senders yet", words)
        self.empty.set_visibility(False)
        words = "A signature of your domain, which receivers check. Many providers sign for you: then none is needed."
        with card("Sign with DKIM", words) as self.signing:
            self.domains = ui.column().classes("w-full gap-0")
        self.signing.set_visibility(False)
        self.actions = Actions(self._edit, self._make_default, self._delete, self._pin, self._unpin, self._forget)
        self.forms = ui.element("div")  # outside of the cards: what is typed survives their renewal

    async def reload(self) -> None:
        """Read again what is on the screen."""
        data = await live.read("senders", _load, self.user.id)
        if data is None or (shown := _shown(data)) == self.shown:
            return
        self.shown = shown
        self.empty.set_visibility(not data.senders)
        self.cards.clear()
        with self.cards:
            for sender in data.senders:
                sender_card(sender, data.now, self.user.time_zone, self.actions)
        self.signing.set_visibility(bool(data.domains))
        self.domains.clear()
        with self.domains:
            dkim_rows(data.domains, self._dkim)

    def _add(self) -> None:
        with self.forms:
            SenderForm(self.user.id, self.user.time_zone, None).open()

    def _edit(self, sender: Sender) -> None:
        with self.forms:
            SenderForm(self.user.id, self.user.time_zone, sender).open()

    async def _dkim(self, domain: Domain) -> None:
        with self.forms:
            await DkimDialog(self.user.id, domain.name).open()

    async def _make_default(self, sender: Sender) -> None:
        await act(senders.make_default, self.user.id, sender.id, done=f"New campaigns begin with {sender.name}.")

    async def _pin(self, sender: Sender) -> None:
        await act(learned.pin, self.user.id, sender.id, done="Pinned. It stays at this pace.")

    async def _unpin(self, sender: Sender) -> None:
        await act(learned.unpin, self.user.id, sender.id, done="Unpinned. It becomes faster by itself.")

    async def _forget(self, sender: Sender) -> None:
        await act(learned.forget, self.user.id, sender.id, done="Forgotten. Your own limits hold from now on.")

    async def _delete(self, sender: Sender) -> None:
        text = "Campaigns that were sent keep their history. Drafts that use it need another sender."
        if await confirm(f"Delete {sender.name}?", text, "Delete"):
            await act(senders.delete, self.user.id, sender.id, done="Deleted.")


def _load(user_id: int) -> _Data:
    with db.reading() as session:
        return _Data(senders.list_all(session, user_id), dkim_keys.domains(session, user_id), db.now(session))


def _shown(data: _Data) -> list[object]:
    """What a card depends on: a lease that is renewed changes nothing on the screen."""
    lease = {"owner", "epoch", "lease_until", "next_start_at", "cooldown_step"}
    cards = [(sender.model_dump(exclude=lease), state_of(sender, data.now)) for sender in data.senders]
    return [*cards, *data.domains]
