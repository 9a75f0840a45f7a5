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
        "product",
        "Product",
        "One product, four reasons and a voice",
        "Here it is: the product, in three words",
        "What it changes for you, and what it costs.",
    ),
    (
        "receipt",
        "Receipt",
        "What was bought, paid and when it comes",
        "Your order 10412 is on its way",
        "We have your payment; the parcel leaves tomorrow.",
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
    (
        "diary",
        "Diary",
        "Markdown with a list, a quote and a table",
        "A short diary of this month",
        "Three things that happened and two that come.",
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
    raise NotFound.of("starter template")


@functools.cache
def _read() -> tuple[Starter, ...]:
    return tuple(
        Starter(key, name, description, subject, preheader, *_body(key))
        for key, name, description, subject, preheader in _ALL
    )


def _body(key: str) -> tuple[str, str]:
    if key == "diary":
        return _text("diary.md"), BodyKind.markdown
    if key == "note":
        return _text("note.html"), BodyKind.rich
    own, start, rest = _text(f"{key}.html").partition("<body")
    head = _text("head.html").replace("<!--title-->", key.capitalize()).replace("<!--own-->", own)
    return head + start + rest, BodyKind.html


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
