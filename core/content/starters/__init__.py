"""Starter templates: whole mails with no picture to load, made for Outlook, phones and dark mode."""

import functools
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFound
from core.models import BodyKind

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Starter:
    """A body to begin with; ``key`` names it in links."""

    key: str
    name: str
    description: str
    subject: str
    preheader: str
    body: str
    body_kind: str


_ALL = [
    (
        "newsletter",
        "Newsletter",
        "Three stories, two dates and a button",
        "What we made, learned and liked this month",
        "Three short stories and two dates for your calendar.",
    ),
    (
        "announcement",
        "Announcement",
        "One piece of news and why it matters",
        "New: say what it is in one line",
        "The thing you asked us for most is here.",
    ),
    (
        "welcome",
        "Welcome",
        "Three first steps for somebody new",
        'Welcome, {{ first_name | default: "friend" }}',
        "Three steps, five minutes, and you know your way around.",
    ),
    (
        "invitation",
        "Invitation",
        "A date, a place and an answer button",
        "You are invited: 12 December",
        "Two short talks, something to eat, and time to speak.",
    ),
    (
        "offer",
        "Offer",
        "A price, three products and a code",
        "25 % less until Sunday",
        "A thank you to our readers, with a code.",
    ),
    (
        "letter",
        "Plain letter",
        "Only words, easy to read everywhere",
        'A letter for you, {{ first_name | default: "dear reader" }}',
        "No columns, no pictures, one thing to say.",
    ),
    (
        "note",
        "Short note",
        "Rich text to write on at once",
        "A short note",
        "",
    ),
]


def all() -> list[Starter]:
    """Every starter, best known first."""
    return list(_read())


def get(key: str) -> Starter:
    """The starter named ``key``. Raises NotFound."""
    for starter in _read():
        if starter.key == key:
            return starter
    raise NotFound("There is no such starter template.")


@functools.cache
def _read() -> tuple[Starter, ...]:
    return tuple(
        Starter(
            key,
            name,
            description,
            subject,
            preheader,
            (_FOLDER / f"{key}.html").read_text(encoding="utf-8"),
            BodyKind.rich if key == "note" else BodyKind.html,
        )
        for key, name, description, subject, preheader in _ALL
    )
