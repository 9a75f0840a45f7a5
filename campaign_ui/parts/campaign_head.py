"""The head of a campaign's page: its state, what can be done with it, how far it is and why it waits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from nicegui import ui

from campaign_ui.charts import rounded, say_done
from campaign_ui.parts.announcer import Announcer
from campaign_ui.parts.badge import StatusBadge
from campaign_ui.parts.blocks import card, lead, link_button, way
from campaign_ui.parts.campaign_mail import About
from campaign_ui.parts.change_sender import CHANGE_SENDER, waits_for_sender
from campaign_ui.parts.countdown import WaitLine
from campaign_ui.parts.hours import MAY_CHANGE, hours_in_words
from campaign_ui.parts.leave_out import go_on_without, leave_out
from campaign_ui.parts.progress import Progress
from campaign_ui.parts.try_again import TRY_AGAIN
from core import clock
from core.models import PauseReason
from core.stats import Summary, Wait

NOT_BEGUN = ("draft", "scheduled")
IN_DOUBT, WHY_FAILED = "in-doubt", "why-failed"  # places on the page
_MAY_CANCEL = ("scheduled", "sending", "paused")
_BATCHES = "A batch is a handful of mails that are taken together to be sent; how many at most, its sender says."
_ICONS = {"sent": "check_circle", "pending": "schedule", "failed": "error", "quiet": "info"}


@dataclass(frozen=True)
class HeadActions:
    """What the buttons do."""

    unschedule: Callable[[], Awaitable[None]]
    hours: Callable[[], Awaitable[None]]
    pause: Callable[[], Awaitable[None]]
    resume: Callable[[], Awaitable[None]]
    cancel: Callable[[], Awaitable[None]]
    mail: Callable[[], Awaitable[None]]
    duplicate: Callable[[], Awaitable[None]]
    edit: Callable[[], Awaitable[None]]
    try_again: Callable[[], Awaitable[None]]
    change_sender: Callable[[], Awaitable[None]]


class CampaignHead:
    def __init__(self, campaign: Summary, about: About, zone: str, actions: HeadActions) -> None:
        self._zone = zone
        with card().classes("gap-3"):
            with ui.row().classes("w-full items-center gap-3"):
                self._badge = StatusBadge(campaign.shown_status)
                with ui.column().classes("gap-0.5 grow min-w-[160px] text-sm cm-mute").style("overflow-wrap:anywhere"):
                    self._subject, self._goes_to = ui.label(), ui.label()
                with ui.row().classes("items-center gap-2 max-sm:grid max-sm:grid-cols-2 max-sm:w-full"):
                    self._buttons(campaign, actions)
            with ui.column().classes("w-full gap-2") as self._so_far:
                self._progress = Progress(campaign.counts, f"Progress of {campaign.title}", height=12)
                with ui.row().classes("w-full items-baseline justify-between gap-x-6 gap-y-1 text-[13px]"):
                    self._done = ui.label().classes("font-medium tabular-nums")
                    self._facts = ui.label().classes("cm-mute tabular-nums").tooltip(_BATCHES)
            with ui.row().classes("cm-notice w-full flex-nowrap") as self._box:
                self._icon = ui.icon("schedule")
                with ui.element("div").classes("min-w-0"):
                    self._wait = WaitLine("font-medium tabular-nums")
                    self._why = ui.label()
                    self._reply = ui.label().classes("cm-words mt-1")
                    self._finishes = ui.label().classes("tabular-nums")
                    self._left_out = ui.label().classes("tabular-nums mt-1").style("overflow-wrap:anywhere")
                    self._try = ui.button(TRY_AGAIN, icon="replay", on_click=actions.try_again)
                    self._try.props("outline dense").classes("mt-1.5 mr-2")
                    self._leave_out = ui.button(icon="remove_circle_outline", on_click=lambda: leave_out(campaign.id))
                    self._leave_out.props("outline dense no-caps").classes("cm-beside mt-1.5 mr-2")
                    self._other = ui.button(CHANGE_SENDER, icon="swap_horiz", on_click=actions.change_sender)
                    self._other.props("outline dense").classes("mt-1.5")
                    self._sender = way("Look at its sender").classes("block w-fit mt-1")
                    self._doubt = way("", f"#{IN_DOUBT}").classes("block w-fit mt-1")
                    self._refused = way("", f"#{WHY_FAILED}").classes("block w-fit mt-1")
            self._through = ui.label().classes("text-[13px] cm-mute tabular-nums").style("overflow-wrap:anywhere")
            self._own_hours = ui.label().classes("text-[13px] cm-mute tabular-nums")
            self._untracked = ui.label().classes("text-[13px] cm-mute")
            self._announcer = Announcer()
        self.tell(about)

    def _buttons(self, campaign: Summary, actions: HeadActions) -> None:
        report = f"/campaigns/{campaign.id}/report"
        self._edit = link_button("Edit", f"/campaigns/{campaign.id}/edit", "edit", "outline")
        self._edit_later = ui.button("Edit", icon="edit", on_click=actions.edit).props("outline")
        ui.button("View mail", icon="visibility", on_click=actions.mail).props("outline")
        ui.button("Duplicate", icon="content_copy", on_click=actions.duplicate).props("outline")
        self._report = link_button("Report", report, "summarize", "outline")
        self._compare = link_button("Compare", f"/campaigns/compare?a={campaign.id}", "compare_arrows", "outline")
        self._unschedule = ui.button("Unschedule", icon="event_busy", on_click=actions.unschedule).props("outline")
        self._hours = ui.button("Hours", icon="schedule", on_click=actions.hours).props("outline")
        self._pause = ui.button("Pause", icon="pause", on_click=actions.pause).props("outline")
        self._resume = ui.button("Resume", icon="play_arrow", on_click=actions.resume)
        self._change_sender = ui.button(CHANGE_SENDER, icon="swap_horiz", on_click=actions.change_sender)
        self._change_sender.props("outline no-wrap").classes("max-sm:!px-1")
        self._cancel = ui.button("Cancel", icon="close", on_click=actions.cancel).props("outline color=negative")

    def tell(self, about: About) -> None:
        self._subject.set_text(about.subject)
        self._goes_to.set_text(about.goes_to)
        self._goes_to.set_visibility(bool(about.goes_to))
        self._untracked.set_text(about.untracked)
        self._untracked.set_visibility(bool(about.untracked))

    def tell_through(self, words: str) -> None:
        """Which senders it went through, where there was more than one."""
        self._through.set_text(words)
        self._through.set_visibility(bool(words))

    def show(self, campaign: Summary, wait: Wait, finishes: str, now: datetime) -> None:
        """``now``: the database's time."""
        counts, status = campaign.counts, campaign.status
        refused, at_sender = campaign.pause_reason == PauseReason.content, waits_for_sender(campaign, wait)
        self._badge.set(campaign.shown_status)
        self._so_far.set_visibility(campaign.has_begun)  # else nobody was counted yet
        self._progress.set(counts)
        self._done.set_text(say_done(counts))
        self._facts.set_text(self._facts_of(campaign))
        for button, visible in (
            (self._edit, status == "draft"),
            (self._edit_later, status == "scheduled"),
            (self._try, wait.try_sender is not None or wait.try_mails),
            (self._leave_out, bool(wait.refuse)),
            (self._other, at_sender),
            (self._change_sender, status == "paused" and not at_sender),
            (self._sender, wait.at_sender),
            (self._doubt, counts.unknown > 0),
            (self._refused, counts.failed > 0 and (refused or wait.left_out != "" or status == "sent")),
            (self._report, campaign.has_begun),
            (self._compare, campaign.has_begun),
            (self._unschedule, status == "scheduled"),
            (self._hours, status in MAY_CHANGE),
            (self._pause, status == "sending"),
            (self._resume, status == "paused"),
            (self._cancel, status in _MAY_CANCEL),
        ):
            button.set_visibility(visible)
        lead(self._sender, f"/senders?edit={campaign.sender_id}")
        self._leave_out.set_text(go_on_without(wait.refuse))
        mails = "1 mail is" if counts.unknown == 1 else f"{counts.unknown:,} mails are"
        words = "Read why they were refused" if refused else "Read why they failed"
        may_mend = wait.left_out != "" and not refused and status != "cancelled"
        self._refused.set_text("Read why, mend it and retry them" if may_mend else words)
        self._doubt.set_text(f"{mails} in doubt: decide whether to send again")
        to_decide = counts.unknown > 0 or (wait.left_out != "" and status == "sending")
        tone = "pending" if to_decide and wait.tone in ("sent", "quiet") else wait.tone
        self._box.classes(replace=f"cm-notice w-full flex-nowrap is-{tone}")
        self._icon.set_name(_ICONS[tone])
        self._wait.set(wait, now)
        for label, words in (
            (self._why, wait.why),
            (self._reply, wait.reply),
            (self._finishes, finishes),
            (self._left_out, wait.left_out),
            (self._own_hours, hours_in_words(campaign, wait)),
        ):
            label.set_text(words)
            label.set_visibility(bool(words))
        waits = wait.tone in ("pending", "failed") and (wait.until is not None or wait.tone == "failed")
        self._announcer.tell(campaign, f"{wait.lead.rstrip('.')}." if waits else "")

    def _facts_of(self, campaign: Summary) -> str:
        facts = [f"Batches processed: {campaign.counts.batches:,}"]
        if campaign.started_at is not None:
            facts.append(f"started {clock.show(campaign.started_at, self._zone)}")
        clicked, share = campaign.counts.clicked, campaign.counts.click_rate
        if share is not None and clicked:
            facts.append(f"{clicked:,} clicked ({rounded(share)} % of sent)")
        counts = campaign.counts
        more = ((counts.bounced, "bounced"), (counts.complained, "reported as spam"))
        for number, word in (*more, (counts.unsubscribed, "unsubscribed")):
            facts += [f"{number:,} {word}"] if number else []
        return " · ".join(facts)
