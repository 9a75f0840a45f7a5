"""The form of one sender: what is typed stays typed until it is saved."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import long_work
from campaign_ui.parts.ask import delete_when_hidden, dialog_title
from campaign_ui.parts.leaving import ask_before_leaving, on_typed
from campaign_ui.parts.notices import notice, notify_done, notify_error
from campaign_ui.parts.sender_fields import SenderFields
from campaign_ui.parts.sender_save import save
from campaign_ui.parts.sender_standing import sender_standing
from core import db, stats
from core.delivery import bounce_mailbox, senders, standing
from core.delivery.imap import Trouble
from core.delivery.probe import ProbeResult, probe_typed
from core.delivery.sender_values import Invalid, Values, problems
from core.errors import NotFound, RuleError
from core.models import BounceMailbox, Sender, SenderState
from core.tracking import mailbox


class SenderForm:
    """A dialog for a new sender (``kept`` None) or one that there is."""

    def __init__(self, user_id: int, zone: str, kept: Sender | None, mailbox: BounceMailbox | None = None) -> None:
        self.user_id, self.zone, self.kept, self.mailbox = user_id, zone, kept, mailbox
        self._result_of: object = None
        self._told: object = None
        self._problem_of: tuple[object, str | None] = (None, None)  # what the last test of an account found
        with ui.dialog().props("persistent") as self.dialog:
            delete_when_hidden(self.dialog)
            with ui.card().classes("w-[780px] max-w-full p-0 gap-0 items-stretch flex-nowrap"):
                self._build()
        self.leave = ask_before_leaving(self.dialog, self._typed)

    def open(self) -> None:
        self.dialog.open()

    def tell(self, sender: Sender, now: datetime, try_again: Callable[[], Any]) -> None:
        """How ``sender`` stands at ``now`` (the database's time), said above its fields."""
        state = stats.sender_state(sender, now)
        told = (state, sender.cooling_until, sender.state_kind, sender.state_rule, sender.state_reply)
        if self.standing.is_deleted or told == self._told:
            return
        self._told = told
        self.standing.clear()
        if state != SenderState.ready:
            with self.standing:
                sender_standing(sender, now, self.zone, try_again)

    def _build(self) -> None:
        title = "Edit sender" if self.kept else "Add sender"
        self.dialog.props["aria-label"] = title
        with ui.row().classes("w-full items-center justify-between flex-nowrap px-6 pt-5 pb-3"):
            dialog_title(title)
            close = ui.button(icon="close", on_click=lambda: self.leave()).props("flat round dense color=grey-7")
            close.props["aria-label"] = "Close"
        with (
            ui.column()
            .classes("w-full px-6 pb-2 gap-5 overflow-y-auto items-stretch flex-nowrap min-h-0")
            .style("max-height:min(64vh,720px)") as fields
        ):
            self.standing = ui.column().classes("w-full empty:hidden").props("aria-live=polite")
            self.fields = SenderFields(self.kept, self.mailbox, self.zone)
            on_typed(fields, self._forget_result)
        # Outside of what scrolls: the result is seen wherever the form stands.
        self.result = ui.column().classes("w-full gap-0 px-6 overflow-y-auto shrink-0").style("max-height:34vh")
        self.result.props("role=status")
        with (
            ui.row()
            .classes("w-full items-center gap-2 px-6 py-4 shrink-0")
            .style("border-top:1px solid var(--cm-line)")
        ):
            if not (self.kept and self.kept.is_sandbox):
                self.test = ui.button("Test connection", icon="cable", on_click=self._test).props("outline")
                self.test_mailbox = ui.button("Test mailbox", icon="move_to_inbox", on_click=self._test_mailbox)
                assert self.fields.bounces is not None
                self.test_mailbox.props("outline").bind_visibility_from(self.fields.bounces.on, "value")
            ui.space()
            self.save = ui.button("Save", on_click=self._save)

    def _typed(self) -> object:
        return self.fields.values(), self.fields.bounces.values if self.fields.bounces else None

    def _tested(self) -> object:
        """What the result of a test depends on."""
        values, bounces = self.fields.values(), self.fields.bounces
        return _account(values), values.from_address, bounces.values if bounces else None

    def _forget_result(self) -> None:
        """It was about other values."""
        if self._result_of is not None and self._tested() != self._result_of:
            self._result_of = None
            self.result.clear()

    async def test_connection(self) -> None:
        """As its button does."""
        await self._test()

    async def _save(self) -> None:
        values, bounces = self.fields.values(), self.fields.bounces
        self.save.props("loading")
        try:
            sender_id = self.kept.id if self.kept else None
            tested, problem = self._problem_of
            found = problem if tested == _account(values) else None
            done = await off_loop(save, self.user_id, sender_id, values, bounces.values if bounces else None, found)
        except Invalid as error:
            notify_error(_say_problems(self.fields.show_problems(error.problems)))
            return
        except RuleError as error:
            notify_error(str(error))
            return
        finally:
            self.save.props(remove="loading")
        notify_done(done.words, timeout=4000 if done.is_all else 8000, **done.link)
        self.dialog.close()

    async def _test(self) -> None:
        values = self.fields.values()
        wrong = {name: text for name, text in problems(values).items() if name in ("host", "port", "security")}
        self.fields.show_problems(wrong)
        if wrong:
            self.result.clear()
            return
        tested = self._show_progress(values.host)
        self.test.props("loading")
        try:
            sender_id = self.kept.id if self.kept else None
            result = await long_work(probe_typed, self.user_id, sender_id, values)
            if not result.passes:
                self._problem_of = _account(values), _problem(result, values)
                await off_loop(_note, self.user_id, sender_id, values, self._problem_of[1])
            held_up = await off_loop(_held_up, self.user_id, sender_id, values, self.zone) if result.ok else ""
        finally:
            self.test.props(remove="loading")
        sentence = result.sentence
        if result.ok and not values.username.strip():
            sentence += " A test mail tells whether it takes mail."
        elif result.ok:
            sentence += " The server takes mail." if held_up else " This sender can send."
        self._show_result(replace(result, sentence=sentence), tested, held_up)

    async def _test_mailbox(self) -> None:
        bounces = self.fields.bounces
        if bounces is None or (typed := bounces.values) is None:
            return
        wrong = bounce_mailbox.problems(typed)
        bounces.show_problems(wrong)
        if wrong:
            self.result.clear()
            self.fields.lead_to(wrong)
            return
        tested = self._show_progress(typed.host)
        self.test_mailbox.props("loading")
        try:
            sender_id = self.kept.id if self.kept else None
            result = await long_work(_try_mailbox, self.user_id, sender_id, self.fields.values(), typed)
        finally:
            self.test_mailbox.props(remove="loading")
        self._show_result(result, tested)

    def _show_progress(self, host: str) -> object:
        """Returns what the result will be about."""
        self._result_of = None
        self.result.clear()
        with self.result, ui.row().classes("cm-notice is-quiet w-full my-3 flex-nowrap items-center"):
            ui.spinner(size="20px")
            ui.label(f"Connecting to {host}…").classes("font-medium")
        return self._tested()

    def _show_result(self, result: ProbeResult, tested: object, held_up: str = "") -> None:
        """``held_up``: why it does not send though the server would take mail."""
        tone, icon = ("sent", "check_circle") if result.ok else ("failed", "error")
        if held_up:
            tone, icon = "pending", "schedule"
        self.result.clear()
        if tested != self._tested():
            with self.result:
                notice("You changed what was tested meanwhile. Test again.", "quiet").classes("my-3")
            return
        self._result_of = tested
        with self.result, ui.row().classes(f"cm-notice is-{tone} w-full my-3 flex-nowrap"):
            ui.icon(icon)
            with ui.column().classes("gap-1.5 min-w-0 grow"):
                ui.label(result.sentence).classes("font-medium")
                if held_up:
                    ui.label(held_up)
                if result.reply:
                    ui.label("The server’s own words").classes("text-xs opacity-90")
                    ui.label(result.reply).classes("cm-words")
                if result.steps:
                    ui.label(" · ".join(result.steps)).classes("text-xs opacity-90")


def _account(values: Values) -> object:
    return [getattr(values, name) for name in ("preset", "host", "port", "security", "username", "password")]


def _problem(result: ProbeResult, values: Values) -> str | None:
    """See ``standing.tested``: without a sign-in only a mail that is accepted tells that it works."""
    return result.sentence if not result.ok else "" if values.username.strip() else None


def _say_problems(sentences: list[str]) -> str:
    """The first in full: its field is led to."""
    others = len(sentences) - 1
    more = f" {others} more {'field is' if others == 1 else 'fields are'} marked in red." if others else ""
    return f"Not saved yet. {sentences[0]}{more}"


def _try_mailbox(user_id: int, sender_id: int | None, values: Values, typed: bounce_mailbox.Values) -> ProbeResult:
    try:
        account = bounce_mailbox.typed_account(values, typed)
        if account is None:
            if sender_id is None:
                return ProbeResult(False, "Enter the password of this account.")
            with db.reading() as session:
                account = bounce_mailbox.account(session, user_id, sender_id, typed)
        return ProbeResult(True, mailbox.try_out(account))
    except Trouble as trouble:
        return ProbeResult(False, str(trouble), trouble.reply)
    except RuleError as error:
        return ProbeResult(False, str(error))


def _note(user_id: int, sender_id: int | None, values: Values, problem: str | None) -> None:
    """Keep what a test found where it was of the account that is kept."""
    if sender_id is None:
        return
    with db.session() as session, suppress(NotFound):  # deleted in another tab
        kept = senders.get(session, user_id, sender_id)
        if senders.is_account(kept, values):
            standing.tested(session, kept, problem)


def _held_up(user_id: int, sender_id: int | None, values: Values, zone: str) -> str:
    """Why the kept sender does not send now; another account than the kept one would."""
    if sender_id is None:
        return ""
    with db.reading() as session:
        try:
            kept = senders.get(session, user_id, sender_id)
        except NotFound:  # deleted in another tab
            return ""
        return stats.held_up(kept, db.now(session), zone) if senders.is_at_provider(kept, values) else ""
