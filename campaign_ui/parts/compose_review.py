"""What will happen and what stands in its way: the summary and the preflight list of step When."""

from dataclasses import dataclass
from datetime import datetime

from nicegui import run, ui

from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from core import campaigns, clock, db
from core.campaigns import Finding, Forecast, Level, Outlook
from core.delivery import warmup, windows
from core.errors import NotFound
from core.models import Sender

_TONES = {Level.error: ("error", "--cm-failed-text"), Level.warning: ("warning", "--cm-pending-text")}


@dataclass(frozen=True)
class Findings:
    """One look at the draft as it is kept."""

    all: list[Finding]
    outlook: Outlook | None

    @property
    def errors(self) -> list[Finding]:
        return [each for each in self.all if each.level == Level.error]


class Review:
    """``refresh`` reads again; ``plan`` is the moment chosen in When, None for now."""

    def __init__(self, compose: Compose) -> None:
        self.compose = compose
        self.plan: datetime | None = None
        self.found: Findings | None = None
        with card("What will happen"):
            self.summary = ui.element("dl").classes("compose-facts w-full")
        with card("Before it goes"):
            self.list = ui.column().classes("w-full gap-2").props("role=status")
        self.show()

    @property
    def going_count(self) -> int:
        count = self.compose.choices.count
        return count.recipients - count.suppressed

    def forecast(self) -> Forecast | None:
        """Of what is on the screen, as far as it has been looked at."""
        outlook = self.found.outlook if self.found is not None else None
        if outlook is None or not self.going_count:
            return None
        values = self.compose.draft.values
        window, ramp = windows.from_json(values["sending_window"]), warmup.from_json(values["warmup"])
        return outlook.forecast(self.going_count, self.plan, window=window, ramp=ramp)

    async def refresh(self) -> None:
        found = await run.io_bound(_look, self.compose.user_id, self.compose.draft.id)
        if found is not None and not self.list.is_deleted:
            self.found = found
            self.show()

    def show(self) -> None:
        self._show_summary()
        self._show_findings()

    def _show_summary(self) -> None:
        values, sender, count = self.compose.draft.values, self.compose.sender, self.compose.choices.count
        self.summary.clear()
        with self.summary:
            left_out = f" ({count.suppressed:,} suppressed, left out)" if count.suppressed else ""
            _fact("Recipients", f"{self.going_count:,}{left_out}")
            _fact("Subject", values["subject"] or "–")
            _fact("Sender", _sender_words(sender))
            if forecast := self.forecast():
                zone = values["time_zone"] if self.plan is not None else self.compose.time_zone
                if self.plan is not None:
                    _fact("Starts", clock.say(self.plan, zone))
                _fact("Takes", str(forecast))
                _fact("Last mail", f"about {clock.say(forecast.finishes_at, zone)}" if forecast.finishes_at else "–")
            if sender is not None and sender.is_sandbox:
                _fact("Sandbox", "Nothing leaves this machine: the mails are shown at Sandbox.")

    def _show_findings(self) -> None:
        self.list.clear()
        with self.list:
            if self.found is None:
                ui.skeleton(height="20px").classes("w-full")
            elif not self.found.all:
                _finding_row("check_circle", "--cm-sent-text", "Nothing stands in the way.")
            else:
                for each in self.found.all:
                    icon, colour = _TONES[each.level]
                    with _finding_row(icon, colour, each.text):
                        self._fix(each)

    def _fix(self, finding: Finding) -> None:
        words = {"content": "Content", "audience": "Audience", "senders": "Senders"}.get(finding.step, "")
        if finding.step == "senders":
            ui.link(words, "/senders").classes("cm-link text-[13px] whitespace-nowrap")
        elif words:
            button = ui.button(f"Fix in {words}", on_click=lambda: self.compose.go(finding.step))
            button.props("flat dense color=primary").classes("text-[13px] whitespace-nowrap -my-1")


def _finding_row(icon: str, colour: str, text: str) -> ui.row:
    with ui.row().classes("w-full items-start gap-2.5 flex-nowrap text-[13.5px] leading-snug") as row:
        ui.icon(icon).classes("text-[18px] mt-px").style(f"color:var({colour})")
        ui.label(text).classes("grow min-w-0").style("overflow-wrap:anywhere")
    return row


def _fact(name: str, value: str) -> None:
    with ui.element("dt"):
        ui.label(name)
    with ui.element("dd"):
        ui.label(value)


def _sender_words(sender: Sender | None) -> str:
    if sender is None:
        return "–"
    return f"{sender.name}, {sender.from_address}"


def _look(user_id: int, campaign_id: int) -> Findings | None:
    with db.reading() as session:
        try:
            found = campaigns.findings(session, user_id, campaign_id)
            return Findings(found, campaigns.outlook(session, user_id, campaign_id))
        except NotFound:
            return None
