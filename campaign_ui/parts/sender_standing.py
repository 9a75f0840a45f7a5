"""Why a sender is blocked, waits or failed its test: in its server's own words, and what to do."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from nicegui import ui

from campaign_ui.parts.countdown import WaitLine
from campaign_ui.parts.notices import notice
from campaign_ui.parts.try_again import TRY_AGAIN
from core import clock, stats
from core.delivery import replies, senders, standing
from core.delivery.replies import UNREACHED
from core.models import Sender, SenderState
from core.stats import Wait

_UNTIL = {SenderState.cooling: "Cooling until", UNREACHED: "Next try"}


def sender_standing(sender: Sender, now: datetime, zone: str, try_again: Callable[[], Any]) -> None:
    """Nothing where all is well. ``now``: the database's time."""
    state = stats.sender_state(sender, now)
    if state == SenderState.ready:
        if sender.test_problem:
            notice(f"The last test failed: {sender.test_problem}", "failed", "cable")
        return
    why = replies.explain(sender.state_rule, sender.state_kind, senders.called(sender))
    blocked, todo = state == SenderState.blocked, stats.todo(sender, state)
    with notice(why, "failed", "block") if blocked else notice("", "pending", "schedule"):
        if not blocked:
            if sender.cooling_until is not None:
                until = f"{_UNTIL[state]} {clock.say(sender.cooling_until, zone)}"
                WaitLine("font-medium tabular-nums").set(Wait(until, until=sender.cooling_until, rest="."), now)
            ui.label(why)
        ours = state == UNREACHED  # there was no answer
        if ours and sender.state_reply:
            ui.label(sender.state_reply)
        ui.label(f"Its campaigns wait. {todo} Then resume those that were paused." if blocked else todo)
        if sender.state_reply and not ours:
            ui.label("The server’s own words").classes("text-xs mt-1")
            ui.label(sender.state_reply).classes("cm-words")
        if standing.may_try(sender, now):
            button = ui.button(TRY_AGAIN, icon="replay", on_click=try_again)
            button.props("outline dense").classes("mt-1.5")
