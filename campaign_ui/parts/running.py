"""What goes out now: a block for each campaign that is sending or paused."""

from dataclasses import dataclass
from datetime import datetime

from nicegui import ui

from campaign_ui.charts import say_done
from campaign_ui.parts.announcer import Announcer
from campaign_ui.parts.badge import StatusBadge
from campaign_ui.parts.blocks import card, lead, way
from campaign_ui.parts.countdown import WaitLine
from campaign_ui.parts.progress import Progress
from core.stats import Pace, Summary, Wait

_RUNNING = ("sending", "paused")


@dataclass(frozen=True)
class Run:
    """A campaign, why it waits, when it will be finished, and its pace."""

    campaign: Summary
    wait: Wait
    finishes: str
    pace: Pace


class RunningCampaigns:
    """``set`` moves the blocks that stay and adds or takes away the others; how many more there are leads to them."""

    def __init__(self) -> None:
        self._column = ui.column().classes("w-full gap-3")
        with ui.row().classes("w-full gap-x-4 gap-y-1 text-[13px]") as self._others:
            self._more = {status: ui.link("", f"/campaigns?status={status}") for status in _RUNNING}
            for link in self._more.values():
                link.classes("cm-link max-md:py-2.5")
        self._blocks: dict[int, _Block] = {}

    def set(self, runs: list[Run], by_status: dict[str, int], now: datetime) -> None:
        """``by_status``: how many campaigns there are, those of ``runs`` too. ``now``: the database's time."""
        for gone in self._blocks.keys() - {run.campaign.id for run in runs}:
            self._blocks.pop(gone).box.delete()
        for run in runs:
            if run.campaign.id not in self._blocks:
                with self._column:
                    self._blocks[run.campaign.id] = _Block(run.campaign)
            self._blocks[run.campaign.id].show(run, now)
        self._column.set_visibility(bool(runs))
        for status, link in self._more.items():
            more = by_status.get(status, 0) - sum(run.campaign.status == status for run in runs)
            link.set_text(f"and {more:,} more {'is' if more == 1 else 'are'} {status}")
            link.set_visibility(more > 0)
        self._others.set_visibility(any(link.visible for link in self._more.values()))


class _Block:
    def __init__(self, campaign: Summary) -> None:
        with card().classes("gap-2.5") as self.box:
            with ui.row().classes("w-full items-center gap-x-3 gap-y-1"):
                link = ui.link(campaign.title, f"/campaigns/{campaign.id}")
                link.classes("font-semibold text-[15px] no-underline").style("color:inherit;overflow-wrap:anywhere")
                self._badge = StatusBadge(campaign.shown_status)
                ui.space()
                self._rate = ui.label().classes("cm-badge is-quiet tabular-nums")
                self._numbers = ui.label().classes("text-[13px] cm-mute tabular-nums")
            self._progress = Progress(campaign.counts, f"Progress of {campaign.title}")
            with ui.element("div").classes("text-[13px]") as self._why_box:
                self._wait = WaitLine("tabular-nums")
                self._why = ui.label()
                self._reply = ui.label().classes("cm-words mt-1")
                self._left_out = ui.label().classes("tabular-nums mt-1").style("overflow-wrap:anywhere")
                with ui.row().classes("gap-x-4 gap-y-1 mt-1") as self._ways:
                    self._sender = way("Look at its sender")
                    way("Open the campaign", f"/campaigns/{campaign.id}")
            self._announcer = Announcer()

    def show(self, run: Run, now: datetime) -> None:
        campaign, counts = run.campaign, run.campaign.counts
        self._badge.set(campaign.shown_status)
        self._numbers.set_text(say_done(counts))
        self._rate.set_text(f"{run.pace.per_minute:,.0f} in the last minute")
        self._rate.set_visibility(campaign.status == "sending" and run.pace.is_known)
        self._progress.set(counts)
        lead(self._sender, f"/senders?edit={campaign.sender_id}")
        self._show_wait(run.wait, run.finishes, now)
        self._left_out.set_text(run.wait.left_out)
        self._left_out.set_visibility(bool(run.wait.left_out))
        self._ways.set_visibility(run.wait.tone == "failed" or run.wait.left_out != "" or campaign.is_mended)
        self._announcer.tell(campaign)

    def _show_wait(self, wait: Wait, finishes: str, now: datetime) -> None:
        """What needs the user stands out, with the server's words and the way to mend it."""
        is_bad = wait.tone == "failed"
        self._why_box.classes(replace=f"text-[13px] w-full {'cm-notice is-failed block' if is_bad else 'cm-mute'}")
        self._wait.set(wait, now, finishes)
        for label, words in ((self._why, wait.why), (self._reply, wait.reply)):
            label.set_text(words)
            label.set_visibility(is_bad and bool(words))
        self._sender.set_visibility(wait.at_sender)
