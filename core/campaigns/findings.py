"""One thing to say before sending."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    error = "error"  # cannot be sent
    warning = "warning"  # can be sent, and the user should know


@dataclass(frozen=True)
class Finding:
    """``step``: content, audience or when, where it is mended; or senders, the page."""

    level: Level
    text: str
    step: str
