"""Senders: the accounts that mails go out from."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from nicegui import ui

from campaign_ui import auth, layout, live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import act, card, confirm, empty_state, notify_error, page_header
from campaign_ui.parts.address import page_number
from campaign_ui.parts.bounce_state import check_mailbox
from campaign_ui.parts.dkim_dialog import DkimDialog, dkim_rows
from campaign_ui.parts.kept import keep
from campaign_ui.parts.sender_card import Actions, SenderCard
from campaign_ui.parts.sender_form import SenderForm
from campaign_ui.parts.try_again import try_again
from core import db, stats
from core.delivery import bounce_mailbox, dkim_keys, learned, senders
from core.delivery.dkim_keys import Domain
from core.errors import RuleError
from core.models import BounceMailbox, Sender
from core.stats import Health


@dataclass(frozen=True)
class _Data:
    senders: list[Sender]
    mailboxes: dict[int, BounceMailbox]
    domains: list[Domain]
    health: list[Health]
    now: datetime


def register() -> None:
    @ui.page("/senders", response_timeout=layout.PATIENCE)
    async def page(edit: str = "", dkim: str = "", add: str = "") -> None:
        with layout.frame("Senders", "/senders"):
            shown = _Senders()
            await shown.reload()
            await shown.open(page_number(edit, 0), dkim)
            if add:
                ui.navigate.history.replace("/senders")
                shown.add()


class _Senders:
    def __init__(self) -> None:
        self.user = auth.current()
        live.watch(self.reload, "campaign")  # each mail uses a bit of a limit
        self.watcher = live.watch(self.reload, "sender")
        self.shown: dict[str, SenderCard] = {}
        self.shown_domains: list[Domain] | None = None
        self.data: _Data | None = None
        with page_header("The accounts your mails go out from, and how fast each may send."):
            ui.button("Add sender", icon="add", on_click=self.add)
        self.cards = ui.element("div").classes("grid grid-cols-1 lg:grid-cols-2 gap-4 w-full items-start")
        with card() as self.empty:
            words = "A sender is your account at a mail provider: where mails are handed in, and how fast."
            empty_state("alternate_email", "No senders yet", words)
        self.empty.set_visibility(False)
        words = "A signature of your domain, which receivers check. Many providers sign for you: then none is needed."
        with card("Sign with DKIM", words) as self.signing:
            self.domains = ui.column().classes("w-full gap-0")
        self.signing.set_visibility(False)
        self.mailboxes: dict[int, BounceMailbox] = {}
        changes = (self._edit, self._test, self._make_default, self._delete, self._pin, self._unpin, self._forget)
        self.actions = Actions(*changes, self._check, self._try_again)
        self.form: SenderForm | None = None
        self.forms = ui.element("div")  # outside of the cards: what is typed survives their renewal

    async def reload(self) -> None:
        """Read again what is on the screen."""
        data = await live.read("senders", _load, self.user.id)
        if data is None:
            return
        self.data = data
        self._draw_cards(data)
        self._tell_form(data)
        self.watcher.again_in(stats.changes_in(data.health, data.now))
        if data.domains != self.shown_domains:
            self.shown_domains = data.domains
            self.signing.set_visibility(bool(data.domains))
            self.domains.clear()
            with self.domains:
                dkim_rows(data.domains, self._dkim)

    def _draw_cards(self, data: _Data) -> None:
        self.empty.set_visibility(not data.senders)
        self.mailboxes = data.mailboxes
        known = {_shown(sender, data): sender for sender in data.senders}
        keep(self.cards, self.shown, list(known), lambda key: self._card(known[key], data))
        uses = {sender.id: sender.uses for sender in data.health}
        for key, sender in known.items():
            self.shown[key].uses.set(uses[sender.id or 0])

    def _card(self, sender: Sender, data: _Data) -> SenderCard:
        return SenderCard(sender, data.mailboxes.get(sender.id or 0), data.now, self.user.time_zone, self.actions)

    async def open(self, sender_id: int, domain: str) -> None:
        """What the address asks for: the form of a sender, or the DKIM keys of a domain."""
        for sender in self.data.senders if self.data else ():
            if sender.id == sender_id:
                self._edit(sender)
        for each in self.data.domains if self.data else ():
            if each.name == domain:
                await self._dkim(each)

    def add(self) -> None:
        with self.forms:
            SenderForm(self.user.id, self.user.time_zone, None).open()

    def _edit(self, sender: Sender) -> SenderForm:
        with self.forms:
            self.form = SenderForm(self.user.id, self.user.time_zone, sender, self.mailboxes.get(sender.id or 0))
        if self.data is not None:
            self._tell_form(self.data)
        self.form.open()
        return self.form

    def _tell_form(self, data: _Data) -> None:
        """The form that is open is told how its sender stands."""
        if self.form is None or self.form.kept is None:
            return
        for sender in data.senders:
            if sender.id == self.form.kept.id:
                self.form.tell(sender, data.now, partial(self._try_again, sender))

    async def _test(self, sender: Sender) -> None:
        form = self._edit(sender)
        with self.forms:
            await form.test_connection()

    async def _dkim(self, domain: Domain) -> None:
        with self.forms:
            await DkimDialog(self.user.id, domain.name).open()

    async def _make_default(self, sender: Sender) -> None:
        await act(senders.make_default, self.user.id, sender.id, done=f"New campaigns begin with {sender.name}.")

    async def _pin(self, sender: Sender) -> None:
        await act(learned.pin, self.user.id, sender.id, done="It stays at this pace.")

    async def _unpin(self, sender: Sender) -> None:
        await act(learned.unpin, self.user.id, sender.id, done="It becomes faster by itself again.")

    async def _forget(self, sender: Sender) -> None:
        await act(learned.forget, self.user.id, sender.id, done="Your own limits hold from now on.")

    async def _try_again(self, sender: Sender) -> None:
        await try_again(self.user.id, sender.id or 0)

    async def _check(self, sender: Sender) -> None:
        if sender.id is not None:
            with self.forms:
                await check_mailbox(self.user.id, sender.id)

    async def _delete(self, sender: Sender) -> None:
        try:
            await off_loop(_check_free, self.user.id, sender.id or 0)
        except RuleError as error:
            return notify_error(str(error))
        text = "Campaigns that were sent keep their history. Drafts that use it need another sender."
        if await confirm(f"Delete {sender.name}?", text, "Delete"):
            await act(senders.delete, self.user.id, sender.id, done=_deleted)


def _deleted(default: Sender | None) -> str:
    return f"Deleted. New campaigns begin with {default.name} now." if default else "Deleted."


def _check_free(user_id: int, sender_id: int) -> None:
    with db.reading() as session:
        senders.check_free(session, user_id, sender_id)


def _load(user_id: int) -> _Data:
    with db.reading() as session:
        domains, health = dkim_keys.domains(session, user_id), stats.health(session, user_id)
        mailboxes = bounce_mailbox.list_all(session, user_id)
        return _Data(senders.list_all(session, user_id), mailboxes, domains, health, db.now(session))


def _shown(sender: Sender, data: _Data) -> str:
    """All that a card depends on: a lease that is renewed changes nothing on the screen."""
    pace = set("next_start_at paced_until pace_version paced_before cooldown_step".split())
    lease = pace | {"owner", "epoch", "lease_until", "guest_until"}
    reading = {"next_check_at", "checking_until", "last_uid", "failures"}
    mailbox = data.mailboxes.get(sender.id or 0)
    told = (sender.model_dump(exclude=lease), mailbox and mailbox.model_dump(exclude=reading))
    return f"{told} {stats.sender_state(sender, data.now)}"
