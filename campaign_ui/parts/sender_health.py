"""Senders at a glance: state, what of their limits is used, the last problem and what to do."""

from datetime import datetime

from nicegui import ui

from campaign_ui.parts.blocks import card
from campaign_ui.parts.countdown import Countdown
from campaign_ui.parts.use_bars import UseBars
from core import clock
from core.delivery.replies import UNREACHED
from core.stats import Health

_STATES = {
    "ready": ("Ready", "sent"),
    "cooling": ("Cooling", "pending"),
    UNREACHED: ("Not reached", "pending"),
    "blocked": ("Blocked", "failed"),
}


def badge_of(state: str, test_problem: str | None) -> tuple[str, str]:
    """Word and colour; one that is not known to work says so."""
    if state != "ready" or test_problem == "":
        return _STATES[state]
    return ("Test failed", "failed") if test_problem else ("Ready, not tested", "quiet")


class SenderHealth:
    """``set`` moves the rows that stay."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._rows: dict[int, _Row] = {}
        with card("Senders", "State and use of their limits") as self._box:
            self._list = ui.element("ul").classes("w-full m-0 p-0 list-none")

    def set(self, senders: list[Health], now: datetime) -> None:
        """``now``: the database's time."""
        if list(self._rows) != [sender.id for sender in senders]:
            self._list.clear()
            with self._list:
                self._rows = {sender.id: _Row(sender, self._zone) for sender in senders}
        for sender in senders:
            self._rows[sender.id].show(sender, now)


class _Row:
    def __init__(self, sender: Health, zone: str) -> None:
        self._zone = zone
        with ui.element("li").classes("py-2.5 cm-line flex flex-col gap-2"):
            with ui.row().classes("w-full items-center justify-between flex-nowrap gap-3"):
                link = ui.link(sender.name, "/senders").classes("text-[13.5px] font-semibold no-underline truncate")
                link.style("color:inherit")
                self._badge = ui.label()
            self._sent = ui.label().classes("text-xs cm-mute tabular-nums")
            with ui.element("div").classes("text-[13px] tabular-nums") as self._trouble:
                self._until = ui.label().classes("inline font-medium")
                self._countdown = Countdown()
                self._why = ui.label()
                self._reply = ui.label().classes("cm-words cm-mute")
                self._todo = ui.label().classes("cm-mute")
            self._bars = UseBars(sender.name)

    def show(self, sender: Health, now: datetime) -> None:
        word, tone = badge_of(sender.state, sender.test_problem)
        self._badge.set_text(word)
        self._badge.classes(replace=f"cm-badge is-{tone} shrink-0")
        self._sent.set_text(f"{sender.sent_day:,} sent in the last 24 hours")
        self._sent.set_visibility(not sender.uses)
        self._trouble.set_visibility(bool(sender.why))
        self._until.set_text(f"Resuming {clock.say(sender.until, self._zone)}" if sender.until else "")
        self._countdown.set(sender.until, now)
        for label, words in ((self._why, sender.why), (self._reply, sender.reply), (self._todo, sender.todo)):
            label.set_text(words)
            label.set_visibility(bool(words))
        self._bars.set(sender.uses)
