"""States in a coloured pill. The word is always there: colour alone says nothing to many people."""

from nicegui import ui

from core.stats import BLOCKED, MENDED, STOPPED, WAITING, Summary

# status -> (word, tone)
STATUS_TONES = {
    "draft": ("Draft", "quiet"),
    "scheduled": ("Scheduled", "info"),
    "sending": ("Sending", "sent"),
    "paused": ("Paused", "pending"),
    "sent": ("Sent", "brand"),
    "cancelled": ("Cancelled", "quiet"),
}
_TONES = STATUS_TONES | {
    WAITING: ("Waiting", "pending"),
    BLOCKED: ("Sender blocked", "failed"),
    STOPPED: ("Paused", "failed"),
    MENDED: ("Ready to resume", "pending"),
}
STATE_TONES = {
    "pending": ("Pending", "pending"),
    "claimed": ("Pending", "pending"),  # both are counted and filtered as such
    "sending": ("Pending", "pending"),
    "sent": ("Sent", "sent"),
    "failed": ("Failed", "failed"),
    "suppressed": ("Suppressed", "quiet"),
    "cancelled": ("Cancelled", "quiet"),
    "unknown": ("Unknown", "info"),
}


class StatusBadge:
    """A campaign's status; ``set`` changes it."""

    def __init__(self, status: str) -> None:
        self._label = ui.label().classes("cm-badge")
        self._status = ""
        self.set(status)

    def set(self, status: str) -> None:
        if status != self._status:
            self._status = status
            word, tone = _TONES.get(status, (status, "quiet"))
            self._label.set_text(word)
            self._label.classes(replace=f"cm-badge is-{tone}")


def word_and_tone(campaign: Summary) -> tuple[str, str]:
    """What a badge says of it, and how."""
    return _TONES[campaign.shown_status]


def status_badge(status: str) -> StatusBadge:
    return StatusBadge(status)
