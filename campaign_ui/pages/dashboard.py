"""The dashboard: what was sent, what goes out now, what comes next."""

from dataclasses import dataclass
from datetime import datetime

from nicegui import ui
from sqlmodel import Session

from campaign_ui import auth, charts, layout, live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import (
    CampaignTable,
    Doughnut,
    Figure,
    card,
    link_button,
    page_header,
    stat_card,
    stat_grid,
)
from campaign_ui.parts.best_campaigns import BestCampaigns
from campaign_ui.parts.first_steps import add_first_steps
from campaign_ui.parts.hours import finishes_in_words
from campaign_ui.parts.running import Run, RunningCampaigns
from campaign_ui.parts.sender_health import SenderHealth
from core import clock, config, db, stats
from core.stats import Counted, Health, Overview, Summary
from core.stats.days import Day, per_day

_MOST_RUNNING = 5
_COUNTED = {
    Counted.real: "Totals, charts and best campaigns leave the sandbox out.",
    Counted.sandbox: "All of this went to the sandbox: it was sent to nobody.",
}
_MAY_BE_SIMULATED = " Opens may be simulated."


@dataclass(frozen=True)
class _Data:
    overview: Overview
    runs: list[Run]
    days: list[Day]
    best: list[Summary]
    senders: list[Health]
    now: datetime


def register() -> None:
    @ui.page("/", response_timeout=layout.PATIENCE)
    async def dashboard() -> None:
        user = auth.current()
        with layout.frame("Dashboard", "/"):
            page: _Dashboard | None = None

            async def again() -> None:
                data = await live.read("dashboard", _load, user.id, user.time_zone)
                if data is not None and page is not None:
                    page.show(data)

            live.watch(again, "campaign")
            watcher = live.watch(again, "sender")
            await add_first_steps()
            data = await off_loop(_load, user.id, user.time_zone)
            page = _Dashboard(user.time_zone, data, watcher)


def _load(user_id: int, zone: str) -> _Data:
    with db.reading() as session:
        overview = stats.overview(session, user_id)
        first = sorted(overview.running, key=lambda campaign: not (campaign.is_stopped or campaign.is_blocked))
        return _Data(
            overview,
            [_run(session, user_id, campaign, zone) for campaign in first[:_MOST_RUNNING]],
            per_day(session, user_id, zone, among=overview.counted),
            stats.best(session, user_id, among=overview.counted),
            stats.health(session, user_id),
            db.now(session),
        )


def _run(session: Session, user_id: int, campaign: Summary, zone: str) -> Run:
    wait = stats.waiting(session, user_id, campaign.id, zone)
    finishes = finishes_in_words(session, user_id, campaign, wait, zone)
    return Run(campaign, wait, finishes, stats.pace(session, campaign, zone))


class _Dashboard:
    def __init__(self, zone: str, data: _Data, watcher: live.Watcher) -> None:
        self.zone, self.watcher = zone, watcher
        total = data.overview.total
        with page_header("All your campaigns, as they happen."):
            link_button("New campaign", "/campaigns/new", icon="add")
        with ui.row().classes("cm-mute items-center flex-nowrap gap-1.5 text-[13px]").props("role=note") as self.note:
            ui.icon("science", size="18px").props("aria-hidden=true")
            self.counted = ui.label()
        with stat_grid():
            self.sent = stat_card("Sent", 0, None, "sent", "outgoing_mail")
            self.opened = stat_card("Opened", 0, None, "brand", "drafts", of="sent")
            self.failed = stat_card("Failed", 0, None, "failed", "error_outline")
            self.pending = stat_card("Pending", 0, None, "pending", "schedule")
        self.running = RunningCampaigns()
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-3 gap-4 w-full") as self.charts:
            self.days = Figure("Mails per day", "Last 14 days", charts.days(data.days), "grow min-h-72")
            self.days.box.classes("lg:col-span-2")
            with card("Delivery", "All campaigns"):
                self.doughnut = Doughnut(total)
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-3 gap-4 w-full items-stretch") as self.more:
            self.best = BestCampaigns()
            self.senders = SenderHealth(zone)
            with card("Next scheduled", "On your clock"):
                self.scheduled = ui.column().classes("w-full gap-4")
                self.shown_scheduled: list[tuple[object, ...]] | None = None
        with card("Recent campaigns").classes("overflow-hidden") as self.lists:
            self.recent = CampaignTable(zone)
        self.show(data)

    def show(self, data: _Data) -> None:
        overview, total = data.overview, data.overview.total
        self.sent.set(total.sent, total.share(total.sent))
        self.opened.set_opens(total, total.is_counted)
        self.failed.set(total.failed, total.share(total.failed))
        self.pending.set(total.pending, total.share(total.pending))
        may_be_simulated = overview.counted == Counted.sandbox and total.opened
        self.counted.set_text(_COUNTED.get(overview.counted, "") + (_MAY_BE_SIMULATED if may_be_simulated else ""))
        self.note.set_visibility(overview.counted in _COUNTED)
        is_new = overview.campaign_count == 0
        self.charts.set_visibility(not is_new)
        self.more.set_visibility(not is_new)
        self.lists.set_visibility(not is_new)
        self.running.set(data.runs, overview.by_status, data.now)
        self.days.set(charts.days(data.days, total.is_counted))
        self.doughnut.set(total)
        self.recent.set(overview.recent)
        can_count = bool(config.settings.base_url) or overview.counted == Counted.sandbox
        self.best.set(data.best, can_count)
        self.senders.set(data.senders, data.now)
        self._show_scheduled(overview.scheduled)
        is_going = any(run.pace.per_minute for run in data.runs)
        self.watcher.again_in(1.0 if is_going else stats.changes_in(data.senders, data.now))

    def _show_scheduled(self, campaigns: list[Summary]) -> None:
        wanted: list[tuple[object, ...]] = [(c.id, c.title, c.scheduled_at) for c in campaigns]
        if wanted == self.shown_scheduled:
            return
        self.shown_scheduled = wanted
        self.scheduled.clear()
        with self.scheduled:
            if not campaigns:
                ui.label("Nothing waits for its time.").classes("text-[13px] cm-mute")
            for campaign in campaigns:
                with ui.row().classes("w-full items-start gap-3 flex-nowrap"):
                    with ui.element("div").classes("cm-tile is-info"):
                        ui.icon("event")
                    with ui.element("div").classes("min-w-0"):
                        link = ui.link(campaign.title, f"/campaigns/{campaign.id}")
                        link.classes("text-sm font-semibold no-underline").style("color:inherit")
                        ui.label(clock.show(campaign.scheduled_at, self.zone)).classes("text-xs cm-mute mt-0.5")
