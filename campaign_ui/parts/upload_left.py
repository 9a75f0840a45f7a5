"""Who of an upload left elsewhere: said, and asked what becomes of them."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from campaign_ui.parts.notices import notice
from campaign_ui.parts.upload_target import Target
from core.audience.parse import ParsedUpload
from core.models import SuppressionReason

_CHOICES = {True: "Suppress them", False: "Add them as contacts"}
_MEANS = {
    True: "They are not added, and no campaign of yours mails them.",
    False: "They are added as the others are; who is not on your suppression list gets your campaigns.",
}
_DID = {
    SuppressionReason.unsubscribed: "unsubscribed",
    SuppressionReason.bounced: "bounced",
    SuppressionReason.complained: "complained",
    SuppressionReason.blocked: "{were} blocked",
    SuppressionReason.manual: "{were} suppressed",
}
_SHOWN = 6


def left_choice(parsed: ParsedUpload, target: Target, on_change: Callable[[], Any]) -> None:
    """The choice changes ``target``, then calls ``on_change``."""
    with notice(say_left(parsed), "pending", "block"):
        choice = ui.radio(_CHOICES, value=target.suppress_left).props("inline").classes("-ml-2 gap-x-4")
        choice.props["aria-label"] = "Who left elsewhere"
        means = ui.label(_MEANS[target.suppress_left]).classes("text-[13px]").props("role=status")

    def choose(suppress: bool) -> None:
        target.suppress_left = suppress
        means.set_text(_MEANS[suppress])
        on_change()

    choice.on_value_change(lambda event: choose(event.value))


def say_left(parsed: ParsedUpload) -> str:
    """``15 of these 30 people were blocked elsewhere (column status: blocklisted, disabled).``"""
    left, valid = parsed.left, parsed.valid_count
    who = f"{left.count:,} of these {valid:,} people" if left.count < valid else f"All {valid:,} people"
    did = " or ".join(words for reason, words in _DID.items() if reason in left.reasons)
    did = did.format(were="was" if left.count == 1 else "were")
    told = "; ".join(_say_column(label, list(words)) for label, words in left.columns.items())
    return f"{'This person' if valid == 1 else who} {did} elsewhere ({told})."


def _say_column(label: str, words: list[str]) -> str:
    named = ", ".join(words[:_SHOWN]) + (", …" if len(words) > _SHOWN else "")
    return f"column {label[:60]}{': ' * bool(words)}{named}"
