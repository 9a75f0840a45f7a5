"""One campaign: how it goes, why it waits, and its ledger."""

from dataclasses import dataclass

from nicegui import run, ui
from starlette.responses import Response

from campaign_ui import auth, charts, layout, live, plain
from campaign_ui.parts import (
    Chart,
    Doughnut,
    Progress,
    StatusBadge,
    act,
    act_in_chunks,
    card,
    confirm,
    link_button,
    notice,
    stat_card,
    stat_grid,
)
from campaign_ui.parts.failures import Failures
from campaign_ui.parts.hours import MAY_CHANGE, ask_hours, finishes_in_words, hours_in_words
from campaign_ui.parts.ledger import Ledger, read_page
from core import campaigns as rules
from core import clock, db, stats
from core.errors import NotFound
from core.stats import Counts, Day, Failure, LedgerPage, Summary, Wait

_NOT_BEGUN = ("draft", "scheduled")
_MAY_PAUSE, _MAY_RESUME = ("sending",), ("paused",)
_MAY_CANCEL = ("scheduled", "sending", "paused")
_MAY_RETRY = ("sending", "paused", "sent")
_UNKNOWN = (
    "For {count} the connection ended after the mail was handed over and before the server answered. "
    "They may have arrived, so they are never sent again by themselves."
)


@dataclass(frozen=True)
class _Data:
    campaign: Summary
    wait: Wait
    finishes: str
    hours: list[Day]
    failures: list[Failure]


def register() -> None:
    @ui.page("/campaigns/{campaign_id}")
    async def campaign(campaign_id: str) -> Response | None:
        user = auth.current()
        try:
            number = int(campaign_id) if campaign_id.isdecimal() and len(campaign_id) < 19 else 0
            data, page = await run.io_bound(_load_all, user, number)
        except NotFound:
            return plain.not_found()
        with layout.frame(data.campaign.title, "/campaigns"):
            shown: _Page | None = None

            async def again() -> None:
                try:
                    data = await live.read(("campaign", number), _load, user.id, user.time_zone, number)
                except NotFound:  # deleted in another tab
                    return ui.navigate.to("/campaigns")
                if data is not None and shown is not None:
                    shown.show(data)
                    await shown.ledger.refresh()

            live.watch(again, "campaign", number)
            live.watch(again, "sender")
            shown = _Page(user, data, page)
            await again()  # what changed between the first read and the watch
        return None


def _load_all(user: auth.CurrentUser, campaign_id: int) -> tuple[_Data, LedgerPage]:
    return _load(user.id, user.time_zone, campaign_id), read_page(user.id, campaign_id)


def _load(user_id: int, zone: str, campaign_id: int) -> _Data:
    with db.reading() as session:
        campaign = stats.summary(session, user_id, campaign_id)
        wait = stats.waiting(session, user_id, campaign_id, zone)
        return _Data(
            campaign,
            wait,
            finishes_in_words(session, user_id, campaign, wait, zone),
            stats.per_hour(session, user_id, zone, campaign_id),
            stats.failures(session, user_id, campaign_id) if campaign.counts.failed else [],
        )


class _Page:
    def __init__(self, user: auth.CurrentUser, data: _Data, page: LedgerPage) -> None:
        self.user, self.zone, self.id = user, user.time_zone, data.campaign.id
        counts = data.campaign.counts
        self._head(data.campaign)
        with stat_grid():
            self.sent = stat_card("Sent", 0, None, "sent", "outgoing_mail")
            self.opened = stat_card("Opened", 0, None, "brand", "drafts", of="sent")
            self.failed = stat_card("Failed", 0, None, "failed", "error_outline")
            self.pending = stat_card("Pending", 0, None, "pending", "schedule")
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-3 gap-4 w-full"):
            with card("Delivery"):
                self.doughnut = Doughnut(counts)
            with card("Delivery status").classes("lg:col-span-2"):
                self.bars = Chart(charts.status_bars(counts), charts.say_counts(counts), "w-full grow min-h-72")
        with card("Hour by hour", "On your clock") as self.hours_card:
            words = charts.say_days(data.hours, "hour")
            self.hours = Chart(charts.hours(data.hours), words, "w-full h-60")
        with card("Why mails failed", "Grouped by what the servers meant") as self.failures_card:
            self.failures = Failures(user.id, self.id)
        with card().classes("overflow-hidden").props("role=region aria-label=Recipients"):
            with ui.row().classes("w-full items-center justify-between gap-2"):
                ui.label("Recipients").classes("font-semibold text-[15px]").props("role=heading aria-level=2")
                link_button("Export CSV", f"/campaigns/{self.id}/recipients.csv", "download", "outline dense")
            with ui.column().classes("w-full") as self.unknown, notice("", "info", "help_outline"):
                self.unknown_words = ui.label()
                with ui.row().classes("gap-2 mt-1"):
                    self.delivered = ui.button("They were delivered", icon="done_all", on_click=self._delivered)
                    self.again = ui.button("Send again", icon="replay", on_click=self._again)
                    for button in (self.delivered, self.again):
                        button.props("outline dense")
            self.ledger = Ledger(user.id, self.id, self.zone, counts, page)
        self.show(data)

    def _head(self, campaign: Summary) -> None:
        with card().classes("gap-3"):
            with ui.row().classes("w-full items-center gap-3"):
                self.badge = StatusBadge(campaign.status)
                self.subject = ui.label(campaign.subject).classes("text-sm cm-mute grow min-w-[160px]")
                with ui.row().classes("items-center gap-2"):
                    self.edit = link_button("Edit", f"/campaigns/{self.id}/edit", "edit", "outline")
                    self.unschedule = ui.button("Unschedule", icon="event_busy", on_click=self._unschedule)
                    self.unschedule.props("outline")
                    self.change_hours = ui.button("Hours", icon="schedule", on_click=self._ask_hours).props("outline")
                    self.pause = ui.button("Pause", icon="pause", on_click=self._pause).props("outline")
                    self.resume = ui.button("Resume", icon="play_arrow", on_click=self._resume)
                    self.cancel = ui.button("Cancel", icon="close", on_click=self._cancel)
                    self.cancel.props("outline color=negative")
            with ui.column().classes("w-full gap-3") as self.so_far:
                self.progress = Progress(campaign.counts, f"Progress of {campaign.title}", height=12)
                with ui.row().classes("w-full items-center justify-between gap-x-6 gap-y-1 text-[13px]"):
                    self.done = ui.label().classes("font-medium tabular-nums")
                    self.facts = ui.label().classes("cm-mute tabular-nums")
            self.wait = ui.row().classes("cm-notice w-full flex-nowrap")
            with self.wait:
                self.wait_icon = ui.icon("schedule")
                with ui.element("div").classes("min-w-0"):
                    self.sentence = ui.label().classes("font-medium").props("role=status")
                    self.reply = ui.label().classes("cm-words mt-1")
                    self.finishes = ui.label().classes("tabular-nums")
            self.own_hours = ui.label().classes("text-[13px] cm-mute tabular-nums")
            self.hours_of = ui.element("div").classes("absolute")  # of the dialog

    def show(self, data: _Data) -> None:
        campaign, counts = data.campaign, data.campaign.counts
        self.campaign = campaign
        self._show_head(campaign, data.wait)
        for label, words in ((self.finishes, data.finishes), (self.own_hours, hours_in_words(campaign, data.wait))):
            label.set_text(words)
            label.set_visibility(bool(words))
        self.change_hours.set_visibility(campaign.status in MAY_CHANGE)
        self.sent.set(counts.sent, counts.share(counts.sent))
        self.opened.set(counts.opened, counts.open_rate)
        self.failed.set(counts.failed, counts.share(counts.failed))
        self.pending.set(counts.pending, counts.share(counts.pending))
        self.doughnut.set(counts)
        self.bars.set(charts.status_bars(counts), charts.say_counts(counts))
        self.hours_card.set_visibility(bool(data.hours))
        self.hours.set(charts.hours(data.hours), charts.say_days(data.hours, "hour"))
        self.failures_card.set_visibility(bool(data.failures))
        self.failures.show(data.failures, campaign.status)
        self._show_unknown(counts, campaign.status)
        self.ledger.set_counts(counts)

    def _show_head(self, campaign: Summary, wait: Wait) -> None:
        counts = campaign.counts
        self.badge.set(campaign.status)
        self.so_far.set_visibility(campaign.status not in _NOT_BEGUN)  # nobody was counted yet
        self.progress.set(counts)
        self.done.set_text(f"{counts.done:,} of {counts.recipients:,} done, {100 * counts.progress:.1f} %")
        self.facts.set_text(self._facts(campaign))
        self.edit.set_visibility(campaign.status == "draft")
        self.unschedule.set_visibility(campaign.status == "scheduled")
        self.pause.set_visibility(campaign.status in _MAY_PAUSE)
        self.resume.set_visibility(campaign.status in _MAY_RESUME)
        self.cancel.set_visibility(campaign.status in _MAY_CANCEL)
        self.sentence.set_text(wait.sentence)
        self.reply.set_text(wait.reply)
        self.reply.set_visibility(bool(wait.reply))
        self.wait.classes(replace=f"cm-notice w-full flex-nowrap is-{wait.tone}")
        self.wait_icon.set_name(_ICONS[wait.tone])

    def _facts(self, campaign: Summary) -> str:
        facts = [f"Batches processed: {campaign.counts.batches:,}"]
        if campaign.started_at is not None:
            facts.append(f"started {clock.show(campaign.started_at, self.zone)}")
        clicked, share = campaign.counts.clicked, campaign.counts.share(campaign.counts.clicked, campaign.counts.sent)
        if share is not None and clicked:
            facts.append(f"{clicked:,} clicked ({share:.1f} % of sent)")
        return " · ".join(facts)

    def _show_unknown(self, counts: Counts, status: str) -> None:
        self.unknown.set_visibility(counts.unknown > 0)
        count = "1 mail" if counts.unknown == 1 else f"{counts.unknown:,} mails"
        self.unknown_words.set_text(_UNKNOWN.format(count=count))
        self.again.set_visibility(status in _MAY_RETRY)

    async def _ask_hours(self) -> None:
        with self.hours_of:
            await ask_hours(self.user.id, self.zone, self.campaign)

    async def _unschedule(self) -> None:
        await act(rules.unschedule, self.user.id, self.id, done="It is a draft again.")

    async def _delivered(self) -> None:
        text = "Do this when your provider's log says so. All mails of this campaign in doubt count as sent then."
        if await confirm("Were these mails delivered?", text, "They were delivered", color="primary"):
            await self._settle(True, "{count} marked as sent.")

    async def _again(self) -> None:
        text = "Whoever received the mail already receives it twice."
        if await confirm("Send the mails in doubt again?", text, "Send again"):
            await self._settle(False, "{count} put back, to be sent again.")

    async def _settle(self, delivered: bool, done: str) -> None:
        await act_in_chunks(rules.settle_unknown, self.user.id, self.id, delivered=delivered, done=done)

    async def _pause(self) -> None:
        await act(rules.pause, self.user.id, self.id, done="Paused. Nothing more goes out until you resume.")

    async def _resume(self) -> None:
        await act(rules.resume, self.user.id, self.id, done="Sending goes on.")

    async def _cancel(self) -> None:
        text = "What waits is never sent. What was sent stays sent. This cannot be undone."
        if await confirm("Cancel this campaign?", text, "Cancel campaign"):
            await act(rules.cancel, self.user.id, self.id, done="Cancelled.")


_ICONS = {"sent": "check_circle", "pending": "schedule", "failed": "error", "quiet": "info"}
