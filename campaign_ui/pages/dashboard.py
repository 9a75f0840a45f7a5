"""The dashboard: what was sent, what goes out now, what comes next."""

from dataclasses import dataclass

from nicegui import run, ui

from campaign_ui import auth, charts, layout, live
from campaign_ui.parts import (
    CampaignTable,
    Chart,
    Doughnut,
    Progress,
    StatusBadge,
    card,
    empty_state,
    link_button,
    page_header,
    stat_card,
    stat_grid,
)
from campaign_ui.parts.hours import finishes_in_words
from core import clock, db, stats
from core.stats import Day, Overview, Summary, Wait

_MOST_RUNNING = 5


@dataclass(frozen=True)
class _Data:
    overview: Overview
    waits: list[Wait]  # of the first running campaigns
    finishes: list[str]  # the same, when they will be finished
    days: list[Day]


def register() -> None:
    @ui.page("/")
    async def dashboard() -> None:
        user = auth.current()
        with layout.frame("Dashboard", "/"):
            page: _Dashboard | None = None

            async def again() -> None:
                data = await live.read("dashboard", _load, user.id, user.time_zone)
                if data is not None and page is not None:
                    page.show(data)

            for topic in ("campaign", "sender"):
                live.watch(again, topic)
            data = await run.io_bound(_load, user.id, user.time_zone)
            page = _Dashboard(user.time_zone, data)


def _load(user_id: int, zone: str) -> _Data:
    with db.reading() as session:
        overview = stats.overview(session, user_id)
        running = overview.running[:_MOST_RUNNING]
        waits = [stats.waiting(session, user_id, campaign.id, zone) for campaign in running]
        both = zip(running, waits, strict=True)
        finishes = [finishes_in_words(session, user_id, campaign, wait, zone) for campaign, wait in both]
        return _Data(overview, waits, finishes, stats.per_day(session, user_id, zone))


class _Dashboard:
    def __init__(self, zone: str, data: _Data) -> None:
        self.zone = zone
        total = data.overview.total
        with page_header("All your campaigns, as they happen."):
            link_button("New campaign", "/campaigns/new", icon="add")
        with stat_grid():
            self.sent = stat_card("Sent", 0, None, "sent", "outgoing_mail")
            self.opened = stat_card("Opened", 0, None, "brand", "drafts", of="sent")
            self.failed = stat_card("Failed", 0, None, "failed", "error_outline")
            self.pending = stat_card("Pending", 0, None, "pending", "schedule")
        with card() as self.beginning:
            _first_steps()
        self.running = ui.column().classes("w-full gap-3")
        self.blocks: dict[int, _Running] = {}
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-3 gap-4 w-full") as self.charts:
            with card("Mails per day", "Last 14 days").classes("lg:col-span-2"):
                self.days = Chart(charts.days(data.days), charts.say_days(data.days), "w-full grow min-h-72")
            with card("Delivery", "All campaigns"):
                self.doughnut = Doughnut(total)
        with card("Next scheduled") as self.next:
            self.scheduled = ui.element("div").classes("grid grid-cols-1 sm:grid-cols-2 lg:grid-cols-4 gap-4 w-full")
            self.shown_scheduled: list[tuple[object, ...]] = []
        with card("Recent campaigns").classes("overflow-hidden") as self.lists:
            self.recent = CampaignTable(zone)
        self.show(data)

    def show(self, data: _Data) -> None:
        overview, total = data.overview, data.overview.total
        self.sent.set(total.sent, total.share(total.sent))
        self.opened.set(total.opened, total.open_rate)
        self.failed.set(total.failed, total.share(total.failed))
        self.pending.set(total.pending, total.share(total.pending))
        is_new = overview.campaign_count == 0
        self.beginning.set_visibility(is_new)
        self.charts.set_visibility(not is_new)
        self.lists.set_visibility(not is_new)
        self._show_running(list(zip(overview.running, data.waits, data.finishes, strict=False)))
        self.days.set(charts.days(data.days), charts.say_days(data.days))
        self.doughnut.set(total)
        self.recent.set(overview.recent)
        self._show_scheduled(overview.scheduled)

    def _show_running(self, running: list[tuple[Summary, Wait, str]]) -> None:
        for gone in self.blocks.keys() - {campaign.id for campaign, *_ in running}:
            self.blocks.pop(gone).box.delete()
        for campaign, wait, finishes in running:
            if campaign.id in self.blocks:
                self.blocks[campaign.id].show(campaign, wait, finishes)
            else:
                with self.running:
                    self.blocks[campaign.id] = _Running(campaign, wait, finishes)
        self.running.set_visibility(bool(running))

    def _show_scheduled(self, campaigns: list[Summary]) -> None:
        self.next.set_visibility(bool(campaigns))
        wanted: list[tuple[object, ...]] = [(c.id, c.title, c.scheduled_at) for c in campaigns]
        if wanted == self.shown_scheduled:
            return
        self.shown_scheduled = wanted
        self.scheduled.clear()
        with self.scheduled:
            for campaign in campaigns:
                with ui.row().classes("w-full items-start gap-3 flex-nowrap"):
                    with ui.element("div").classes("cm-tile is-info"):
                        ui.icon("event")
                    with ui.element("div").classes("min-w-0"):
                        link = ui.link(campaign.title, f"/campaigns/{campaign.id}")
                        link.classes("text-sm font-semibold no-underline").style("color:inherit")
                        ui.label(clock.show(campaign.scheduled_at, self.zone)).classes("text-xs cm-mute mt-0.5")


class _Running:
    """One campaign that is sending or paused."""

    def __init__(self, campaign: Summary, wait: Wait, finishes: str) -> None:
        with card().classes("gap-2.5") as self.box:
            with ui.row().classes("w-full items-center gap-3"):
                link = ui.link(campaign.title, f"/campaigns/{campaign.id}")
                link.classes("font-semibold text-[15px] no-underline").style("color:inherit;overflow-wrap:anywhere")
                self.badge = StatusBadge(campaign.status)
                ui.space()
                self.numbers = ui.label().classes("text-[13px] cm-mute tabular-nums")
            self.progress = Progress(campaign.counts, f"Progress of {campaign.title}")
            self.sentence = ui.label().classes("text-[13px] cm-mute")
        self.show(campaign, wait, finishes)

    def show(self, campaign: Summary, wait: Wait, finishes: str) -> None:
        counts = campaign.counts
        self.badge.set(campaign.status)
        failed = f", {counts.failed:,} failed" if counts.failed else ""
        self.numbers.set_text(f"{counts.sent:,} of {counts.recipients:,} sent{failed}")
        self.progress.set(counts)
        self.sentence.set_text(f"{wait.sentence} {finishes}".strip())


def _first_steps() -> None:
    with empty_state(
        "rocket_launch",
        "Your first campaign in three steps",
        "Every account has a sandbox sender: you can try everything without credentials and without mailing anybody.",
    ):
        with ui.element("div").classes("grid grid-cols-1 md:grid-cols-3 gap-3 w-full max-w-[860px] text-left mt-2"):
            _step("1", "Add a sender", "Your SMTP account, or begin with the sandbox.", "Senders", "/senders")
            _step("2", "Bring your contacts", "Upload a spreadsheet, or paste addresses.", "Audience", "/audience")
            _step("3", "Write and schedule", "See it as any recipient first.", "New campaign", "/campaigns/new")


def _step(number: str, title: str, text: str, button: str, href: str) -> None:
    with ui.element("div").classes("rounded-xl p-4 flex flex-col gap-1").style("border:1px solid var(--cm-line)"):
        ui.label(number).classes("cm-tile is-quiet text-sm font-semibold mb-1").style("width:28px;height:28px")
        ui.label(title).classes("text-sm font-semibold")
        ui.label(text).classes("text-[13px] cm-mute grow")
        ui.link(button, href).classes("cm-link text-[13px] mt-2")
