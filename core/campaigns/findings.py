"""One thing to say before sending."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    error = "error"  # cannot be sent
    serious = "serious"  # can be sent, and as things stand nothing would arrive
    warning = "warning"  # can be sent, and the user should mend it
    note = "note"  # good to know


@dataclass(frozen=True)
class Finding:
    """``step``: content, audience or when, where it is mended; or senders, the page.

    ``place``: the field there (subject, preheader, sender, language, body, attachments, lists, hours; a domain on the
    page senders).
    ``people``: what they have in common, as ``Survey.named`` calls them, for a list of who they are.
    ``gap``: the merge field that a default would mend.
    ``mark``: what of the place it is about: an address, a merge field or words, as they stand there; empty for all.
    ``is_foreign``: it names merge tags of another program that can be translated.
    """

    level: Level
    text: str
    step: str
    place: str = ""
    people: str = ""
    gap: str = ""
    mark: str = ""
    is_foreign: bool = False


def error(text: str, step: str, place: str = "", mark: str = "") -> Finding:
    return Finding(Level.error, text, step, place, mark=mark)


def serious(text: str, step: str, place: str = "") -> Finding:
    return Finding(Level.serious, text, step, place)


def warning(text: str, step: str = "content", place: str = "body", mark: str = "") -> Finding:
    return Finding(Level.warning, text, step, place, mark=mark)


def note(text: str, step: str = "content", place: str = "body", mark: str = "") -> Finding:
    return Finding(Level.note, text, step, place, mark=mark)
