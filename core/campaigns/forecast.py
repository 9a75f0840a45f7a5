"""How long a campaign takes at the limits of its sender."""

from dataclasses import dataclass
from datetime import timedelta

from core.models import Sender

_SLACK = 1.03  # starts are reserved that much further apart than the limit says (DESIGN 6)
_UNLIMITED_PER_SECOND = 500  # what a sender without any limit does at least


@dataclass(frozen=True)
class Forecast:
    """``limit`` names the slowest limit in words; empty when nothing slows it down."""

    duration: timedelta
    limit: str

    def __str__(self) -> str:
        """``about 40 min at 30 per minute``"""
        return f"{in_words(self.duration)}{' at ' if self.limit else ''}{self.limit}"


def forecast(count: int, sender: Sender) -> Forecast:
    """The time from the first to the last of ``count`` mails when nothing else goes through ``sender``."""
    slowest = Forecast(timedelta(seconds=count / _UNLIMITED_PER_SECOND), "")
    for seconds, limit, words in _limits(sender):
        # The first window's worth goes out within the window; what waits for the next ones decides.
        needed = (count - 1) / limit * seconds if seconds < 3_600 else (count - 1) // limit * seconds
        if timedelta(seconds=needed) > slowest.duration:
            slowest = Forecast(timedelta(seconds=needed), words)
    return slowest


def _limits(sender: Sender) -> list[tuple[float, float, str]]:
    """(window in seconds, mails in it, in words)"""
    found: list[tuple[float, float, str]] = []
    if sender.per_minute:
        found.append((60 * _SLACK, sender.per_minute, f"{sender.per_minute:,} per minute"))
    if sender.delay_seconds > 0:
        words = f"one mail every {sender.delay_seconds:g} s on {sender.connections} connections"
        found.append((sender.delay_seconds, sender.connections, words))
    if sender.per_hour:
        found.append((3_600, sender.per_hour, f"{sender.per_hour:,} per hour"))
    if sender.per_day:
        found.append((86_400, sender.per_day, f"{sender.per_day:,} per day"))
    return found


def in_words(duration: timedelta) -> str:
    """``under a minute``, ``about 40 min``, ``about 3 h 20 min``, ``about 2 days``."""
    minutes = round(duration.total_seconds() / 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"about {minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"about {hours} h" + (f" {rest} min" if rest and hours < 10 else "")
    return f"about {round(minutes / 1440):,} days"
