"""One campaign: how it goes, why it waits, who reads it, and its ledger."""

from dataclasses import dataclass
from datetime import datetime

from nicegui import ui
from starlette.responses import Response

from campaign_ui import auth, charts, heatmap, layout, lines, live, plain, uncounted
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import (
    Doughnut,
    Figure,
    act,
    act_in_chunks,
    card,
    confirm,
    empty_state,
    notice,
    stat_card,
    stat_grid,
)
from campaign_ui.parts.ask import NOT_NOW
from campaign_ui.parts.campaign_head import IN_DOUBT, NOT_BEGUN, WHY_FAILED, CampaignHead, HeadActions
from campaign_ui.parts.campaign_mail import About, about, about_now, show_mail
from campaign_ui.parts.change_sender import change_sender, through_in_words
from campaign_ui.parts.clicked_links import ClickedLinks
from campaign_ui.parts.duplicate import duplicate
from campaign_ui.parts.failures import Failures
from campaign_ui.parts.hours import ask_hours, finishes_in_words
from campaign_ui.parts.ledger import Ledger, LedgerView, ledger_view, read_page
from campaign_ui.parts.preview import add_style
from campaign_ui.parts.rate import Rate
from campaign_ui.parts.recipient_buttons import RecipientButtons
from campaign_ui.parts.sandbox_play import sandbox_note
from campaign_ui.parts.try_again import try_campaign_again
from core import campaigns as rules
from core import db, stats
from core.errors import NotFound
from core.stats import Counts, Failure, Heat, LedgerPage, Link, Pace, Spans, Summary, Wait
from core.stats.days import Progress, progress

_MAY_RETRY = ("sending", "paused", "sent")
_UNKNOWN = "For {} no answer came after the mail was handed over: the connection or the program ended first. "
_IT_MAY = "It may have arrived, so it is never sent again by itself."
_THEY_MAY = "They may have arrived, so they are never sent again by themselves."
_STEPS = 200
_BELOW_HEADER = "scroll-margin-top:120px"


@dataclass(frozen=True)
class _Data:
    """What changes with every mail."""

    campaign: Summary
    wait: Wait
    finishes: str
    pace: Pace
    now: datetime

    @property
    def version(self) -> tuple[object, ...]:
        """Of what the rest of the page shows."""
        counts = self.campaign.counts
        numbers = (counts.done, counts.opened, counts.clicked, counts.failed)
        steps = (_step(number, counts.recipients) for number in numbers)
        return self.campaign.status, self.campaign.sender_id, uncounted.nobody(self.campaign), *steps


def _step(count: int, recipients: int) -> int:
    """Each of the first, then 200 in all: with a million recipients the whole costs 70 ms to read."""
    return count if count < _STEPS else _STEPS + count * _STEPS // max(1, recipients)


@dataclass(frozen=True)
class _More:
    progress: Progress
    failures: list[Failure]
    readers: Spans
    heat: Heat
    links: list[Link]
    through: str


def register() -> None:
    @ui.page("/campaigns/{campaign_id}", response_timeout=layout.PATIENCE)
    async def campaign(campaign_id: str, state: str = "", q: str = "", at: str = "", row: str = "") -> Response | None:
        user, view = auth.current(), ledger_view(state, q, at, row)
        try:
            number = int(campaign_id) if campaign_id.isdecimal() and len(campaign_id) < 19 else 0
            told, data, more, page = await off_loop(_load_all, user, number, view)
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
                    await shown.follow(data)
                    watcher.again_in(1.0 if data.pace.per_minute else None)  # those of the last minute

            watcher = live.watch(again, "campaign", number)
            live.watch(again, "sender")
            await sandbox_note(user.id, number)
            shown = _Page(user, told, data, more, page, view)
            await again()  # what changed between the first read and the watch
        return None


def _load_all(user: auth.CurrentUser, campaign_id: int, view: LedgerView) -> tuple[About, _Data, _More, LedgerPage]:
    told = about(user.id, campaign_id)
    data, more = _load(user.id, user.time_zone, campaign_id), _load_more(user.id, user.time_zone, campaign_id)
    return told, data, more, read_page(user.id, campaign_id, view.state, view.q, view.at)


def _load(user_id: int, zone: str, campaign_id: int) -> _Data:
    with db.reading() as session:
        campaign = stats.summary(session, user_id, campaign_id)
        wait = stats.waiting(session, user_id, campaign_id, zone)
        finishes = finishes_in_words(session, user_id, campaign, wait, zone)
        return _Data(campaign, wait, finishes, stats.pace(session, campaign, zone), db.now(session))


def _load_more(user_id: int, zone: str, campaign_id: int) -> _More:
    with db.reading() as session:
        quarters = stats.quarters(session, user_id, campaign_id)
        begun = stats.summary(session, user_id, campaign_id).started_at
        return _More(
            progress(session, user_id, zone, campaign_id, begun),
            stats.failures(session, user_id, campaign_id),
            stats.over_time(quarters, zone, begun),
            stats.heat(quarters, zone),
            stats.links(session, user_id, campaign_id),
            through_in_words(session, user_id, campaign_id),
        )


class _Page:
    def __init__(
        self, user: auth.CurrentUser, told: About, data: _Data, more: _More, page: LedgerPage, view: LedgerView
    ) -> None:
        self.user, self.zone, self.id = user, user.time_zone, data.campaign.id
        self.campaign, self.version, self.wait = data.campaign, data.version, data.wait
        counts = data.campaign.counts
        add_style()
        acts = (self._unschedule, self._ask_hours, self._pause, self._resume, self._cancel, self._view, self._duplicate)
        actions = HeadActions(*acts, self._edit, self._try_again, lambda: change_sender(user, self.id, self.hours_of))
        self.head = CampaignHead(data.campaign, told, self.zone, actions)
        self.hours_of = ui.element("div").classes("absolute")  # of the dialog
        self._in_doubt()  # above what grows while it sends: a button that moves is not hit
        with card() as self.waiting:
            words = "How it goes and every recipient’s mail are shown here, as they happen."
            empty_state("show_chart", stats.NOT_YET, words)
        with card() as self.never_began:
            empty_state("block", "Nothing was sent", "It was cancelled before it began: nobody got it.")
        with ui.column().classes("w-full gap-4") as self.numbers:
            self._cards()
            self._pictures(counts, data.pace, more)
        with card("Why mails failed", "Grouped by what the servers meant, in their words") as self.failures_card:
            ui.link_target(WHY_FAILED).style(_BELOW_HEADER)
            self.failures = Failures(user.id, self.id)
        with card().classes("overflow-hidden").props("role=region aria-label=Recipients") as self.recipients:
            self._recipients(counts, page, view)
        self.show(data)
        self.show_more(more)
        live.watch(self.tell, "audience")

    def _in_doubt(self) -> None:
        with ui.column().classes("w-full") as self.unknown, notice("", "info", "help_outline"):
            ui.link_target(IN_DOUBT).style(_BELOW_HEADER)
            self.unknown_words = ui.label()
            with ui.row().classes("gap-2 mt-1"):
                ui.button("They were delivered", icon="done_all", on_click=self._delivered).props("outline dense")
                self.again = ui.button("Send again", icon="replay", on_click=self._again).props("outline dense")

    def _cards(self) -> None:
        with stat_grid():
            self.sent = stat_card("Sent", 0, None, "sent", "outgoing_mail")
            self.opened = stat_card("Opened", 0, None, "brand", "drafts", of="sent")
            self.failed = stat_card("Failed", 0, None, "failed", "error_outline")
            self.pending = stat_card("Pending", 0, None, "pending", "schedule")

    def _pictures(self, counts: Counts, pace: Pace, more: _More) -> None:
        with ui.element("div").classes("cm-pictures grid grid-cols-1 lg:grid-cols-3 grid-flow-dense gap-4 w-full"):
            self.rate = Rate(self.user.id, self.zone, pace)
            with card("Delivery"):
                self.doughnut = Doughnut(counts)
            self.readers = Figure("Opens and clicks", "On your clock", lines.readers(more.readers), "grow min-h-60")
            self.readers.box.classes("lg:col-span-2")
            self.bars = Figure("Delivery status", "", charts.status_bars(counts), "grow min-h-60")
            caption = "Opens by weekday and hour, on your clock"
            self.heat = Figure("When they read", caption, heatmap.weekdays(more.heat), "grow min-h-60")
            self.heat.box.classes("lg:col-span-2")
            self.links = ClickedLinks()
            with card() as self.uncounted:
                self.uncounted.classes("lg:col-span-2 justify-center")
                empty_state("visibility_off", "Opens and clicks are not counted", uncounted.why())
            self.progress = Figure("Over time", "On your clock", charts.progress(more.progress), "grow min-h-60")
            self.progress.box.classes("is-progress")

    def _recipients(self, counts: Counts, page: LedgerPage, view: LedgerView) -> None:
        with ui.row().classes("w-full items-start justify-between gap-2"):
            with ui.element("div"):
                ui.label("Recipients").classes("font-semibold text-[15px]").props("role=heading aria-level=2")
                self.sum = ui.label().classes("text-[13px] cm-mute tabular-nums mt-0.5")
            self.made_of_them = RecipientButtons(self.user.id, self.id)
        self.ledger = Ledger(self.user.id, self.id, self.zone, counts, page, view)

    async def tell(self) -> None:
        """Its subject and its people, which change until it begins."""
        if self.campaign.status in NOT_BEGUN and (told := await about_now(self.user.id, self.id)) is not None:
            self.head.tell(told)

    async def follow(self, data: _Data) -> None:
        """Show what is now; what costs more to read only where it may differ."""
        await self.tell()  # also when it has just begun
        await self.rate.count(data.campaign)
        self.show(data)
        if data.version != self.version:
            self.version = data.version
            try:
                key = ("campaign more", self.id, data.version)
                more = await live.read(key, _load_more, self.user.id, self.zone, self.id)
            except NotFound:
                return
            if more is not None:
                self.show_more(more)
        await self.ledger.refresh()

    def show(self, data: _Data) -> None:
        campaign, counts = data.campaign, data.campaign.counts
        self.campaign, self.wait = campaign, data.wait
        self.head.show(campaign, data.wait, data.finishes, data.now)
        begun, never = campaign.has_begun, not campaign.has_begun and campaign.status == "cancelled"
        self.waiting.set_visibility(not begun and not never)
        self.never_began.set_visibility(never)
        self.recipients.set_visibility(not never)
        self.numbers.set_visibility(begun)
        self.sent.set(counts.sent, counts.share(counts.sent))
        self.opened.set_opens(counts, campaign.is_counted, campaign.nothing_sent)
        for figure in (self.readers, self.heat, self.links):
            figure.set_visibility(campaign.is_counted or counts.opened > 0)
        self.uncounted.set_visibility(not campaign.is_counted)
        self.failed.set(counts.failed, counts.share(counts.failed))
        self.pending.set(counts.pending, counts.share(counts.pending))
        self.doughnut.set(counts)
        self.bars.set(charts.status_bars(counts))
        self.rate.show(campaign, data.pace)
        self.sum.set_text(charts.say_sum(counts) if begun else "")
        self._show_unknown(counts, campaign.status)
        self.made_of_them.show(campaign)
        self.ledger.set_counts(counts)

    def show_more(self, more: _More) -> None:
        nobody = uncounted.nobody(self.campaign)
        self.head.tell_through(more.through)
        self.readers.set(lines.readers(more.readers, nobody, self.campaign.knows_clicks))
        self.heat.set(heatmap.weekdays(more.heat, nobody))
        self.links.set(more.links, self.campaign.counts.opened)
        self.progress.set_visibility(len(more.progress.of) > 1)
        self.progress.set(charts.progress(more.progress, self.campaign.is_counted))
        self.failures_card.set_visibility(bool(more.failures))
        self.failures.show(more.failures, self.campaign.status)

    def _show_unknown(self, counts: Counts, status: str) -> None:
        self.unknown.set_visibility(counts.unknown > 0)
        self.doubtful = "1 mail" if counts.unknown == 1 else f"{counts.unknown:,} mails"
        self.unknown_words.set_text(_UNKNOWN.format(self.doubtful) + (_IT_MAY if counts.unknown == 1 else _THEY_MAY))
        self.again.set_visibility(status in _MAY_RETRY)

    async def _ask_hours(self) -> None:
        with self.hours_of:
            await ask_hours(self.user.id, self.zone, self.campaign)

    async def _view(self) -> None:
        with self.hours_of:
            await show_mail(self.user.id, self.id)

    async def _try_again(self) -> None:
        await try_campaign_again(self.user.id, self.id, self.wait)

    async def _duplicate(self) -> None:
        await duplicate(self.user.id, self.id)

    async def _edit(self) -> None:
        text = "It becomes a draft again and is not sent at its time. Schedule it again when you are done."
        if await confirm("Take it off the schedule to edit it?", text, "Edit", color="primary"):
            if await act(rules.unschedule, self.user.id, self.id):
                ui.navigate.to(f"/campaigns/{self.id}/edit")

    async def _unschedule(self) -> None:
        await act(rules.unschedule, self.user.id, self.id, done="It is a draft again.")

    async def _delivered(self) -> None:
        text = "Do this when your provider's log says so. All mails of this campaign in doubt count as sent then."
        if await confirm("Were these mails delivered?", text, "They were delivered", color="primary"):
            await self._settle(True, "{count} marked as sent.")

    async def _again(self) -> None:
        text = "Whoever received the mail already receives it twice."
        if await confirm(f"Send {self.doubtful} in doubt again?", text, "Send again", no=NOT_NOW):
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
