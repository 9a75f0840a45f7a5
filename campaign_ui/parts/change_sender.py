"""The rest of a campaign through another sender: the dialog that asks for it, and who sent how many."""

from nicegui import events, ui
from sqlmodel import Session

from campaign_ui import auth
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act_undoably
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.blocks import link_button
from campaign_ui.parts.notices import notice, notify_error
from core import campaigns as rules
from core import db, stats
from core.audience import addresses
from core.campaigns import Level, Rest
from core.campaigns.handover import Choice
from core.delivery import senders
from core.errors import NotFound
from core.models import CampaignStatus, PauseReason, Sender
from core.stats import Summary, Wait

CHANGE_SENDER = "Change sender"
_LEFT = (CampaignStatus.sending, CampaignStatus.paused)
_LOOKS = {Level.serious: ("failed", "report"), Level.warning: ("pending", "warning")}
_THROUGH = "Send the rest through"
_AS_WIDE = "!max-w-[min(470px,calc(100vw-98px))]"  # its list, as its field
_NOBODY = "You have no other sender that could send the rest."


def waits_for_sender(campaign: Summary, wait: Wait) -> bool:
    """Whether its sender is the reason."""
    return campaign.status in _LEFT and (wait.at_sender or campaign.pause_reason == PauseReason.throttled)


def through_in_words(session: Session, user_id: int, campaign_id: int) -> str:
    """``766 went through Shop, 12 through Backup; the rest goes through Backup.``; nothing where it had one sender."""
    by = rules.sent_by(session, user_id, campaign_id)
    if not by:
        return ""
    names = [f"{count:,}{'' if place else ' went'} through {each.name}" for place, (each, count) in enumerate(by)]
    campaign, words = rules.get(session, user_id, campaign_id), ", ".join(names)
    sender = rules.sender_of(session, campaign)
    if campaign.status not in _LEFT or sender is None:
        return f"{words}."
    return f"{words}; the rest goes through {sender.name}."


async def change_sender(user: auth.CurrentUser, campaign_id: int, box: ui.element) -> None:
    """Ask which one, in ``box``, and change it."""
    try:
        campaign, rest = await off_loop(_read, user.id, campaign_id)
    except NotFound as error:
        return notify_error(str(error))
    with box:
        chosen = await _Dialog(user, campaign, rest).ask()
    if chosen is None:
        return
    paused = campaign.status == CampaignStatus.paused
    done = f"The rest goes through {chosen.name}{'. Resume sends it.' if paused else ' from now on.'}"
    await act_undoably(
        rules.change_sender,
        campaign_id,
        chosen.id,
        done=done,
        undo=lambda session, user_id, before: rules.change_back(session, user_id, campaign_id, before),
        user_id=user.id,
    )


class _Dialog:
    def __init__(self, user: auth.CurrentUser, campaign: Summary, rest: Rest) -> None:
        self.user, self.campaign, self.rest = user, campaign, rest
        self.usable = {each.sender.id: each for each in rest.choices if not each.problem}

    async def ask(self) -> Sender | None:
        """None: all stays as it is."""
        first = next(iter(self.usable.values()), None)
        foreseen = await self._foresee(first) if first is not None else ""
        with ui.dialog() as dialog, ui.card().classes("w-[520px] max-w-full p-6 gap-3 items-stretch"):
            dialog.props["aria-label"] = CHANGE_SENDER
            dialog_title(CHANGE_SENDER)
            if self.rest.had:
                ui.label(_had(self.rest.had)).classes("text-sm cm-mute tabular-nums").style("overflow-wrap:anywhere")
            if self.usable:
                options = {number: each.sender.name for number, each in self.usable.items()}
                self.chosen = ui.select(options, label=_THROUGH, value=next(iter(options)), on_change=self._choose)
                self.chosen.props(f'popup-content-class="{_AS_WIDE}" popup-content-style="overflow-wrap:anywhere"')
                self.about = ui.column().classes("w-full gap-3 text-sm").props("aria-live=polite")
            else:
                notice(_NOBODY, "pending", "warning")
            self._others()
            with ui.row().classes("w-full justify-end gap-2 mt-2"):
                ui.button("Keep it", on_click=dialog.close).props("flat color=grey-7")
                if self.usable:
                    ui.button(CHANGE_SENDER, on_click=lambda: dialog.submit(self.chosen.value)).mark("confirm")
                else:
                    link_button("Add sender", "/senders", "add")
        if first is not None:
            self._tell(first, foreseen)
        number = await answer(dialog)
        return self.usable[number].sender if number in self.usable else None

    async def _choose(self, _: events.ValueChangeEventArguments[int | None]) -> None:
        choice = self.usable[self.chosen.value]
        words = await self._foresee(choice)
        if not self.about.is_deleted and self.chosen.value == choice.sender.id:
            self._tell(choice, words)

    async def _foresee(self, choice: Choice) -> str:
        return await off_loop(_foresee, self.user, self.campaign, choice.sender)

    def _tell(self, choice: Choice, words: str) -> None:
        """What follows from the one that is chosen."""
        self.about.clear()
        with self.about:
            ui.label(words).classes("font-medium tabular-nums")
            ui.label(_from(choice.sender, self.rest.was)).classes("cm-mute").style("overflow-wrap:anywhere")
            for finding in choice.findings:
                notice(finding.text, *_LOOKS.get(finding.level, ("info", "info")))

    def _others(self) -> None:
        """Those that cannot be chosen, and why."""
        for each in self.rest.choices:
            if each.problem:
                is_named = each.problem.startswith(f"The sender {each.sender.name} ")
                words = each.problem if is_named else f"{each.sender.name} cannot be chosen. {each.problem}"
                ui.label(words).classes("text-[13px] cm-mute").style("overflow-wrap:anywhere")


def _had(had: list[tuple[Sender, int]]) -> str:
    counts = [f"{count:,}{'' if place else ' went'} through {each.name}" for place, (each, count) in enumerate(had)]
    return f"{' and '.join(counts)}; nobody gets it twice."


def _from(sender: Sender, was: Sender | None) -> str:
    now, before = senders.from_line(sender), senders.from_line(was) if was is not None else ""
    answers = f" Answers go to {addresses.shown(sender.reply_to)}." if sender.reply_to else ""
    if now == before:
        return f"Readers see the same From as before.{answers}"
    if was is not None and was.from_name == sender.from_name:
        now, before = addresses.shown(sender.from_address), addresses.shown(was.from_address)
    return f"Readers see it from {now}{f' instead of {before}' if before else ''}.{answers}"


def _read(user_id: int, campaign_id: int) -> tuple[Summary, Rest]:
    with db.reading() as session:
        return stats.summary(session, user_id, campaign_id), rules.rest(session, user_id, campaign_id)


def _foresee(user: auth.CurrentUser, campaign: Summary, sender: Sender) -> str:
    """How many are left, and when they would be through, where anybody can tell."""
    with db.reading() as session:
        outlook = rules.outlook(session, user.id, campaign.id, sender.id)
    if outlook is None or not outlook.flow.waiting:
        return _waiting(campaign.counts.pending)
    said = outlook.forecast().say(user.time_zone)
    return f"{_waiting(outlook.flow.waiting)} Sent now, it {said[0].lower()}{said[1:]}"


def _waiting(count: int) -> str:
    return "1 recipient waits." if count == 1 else f"{count:,} recipients wait."
