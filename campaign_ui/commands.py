"""Where one can go and what one can do from anywhere: the navigation, the keys and the command palette read it here."""

import json
from dataclasses import dataclass

from core.stats import Found


@dataclass(frozen=True)
class Command:
    """``key``: pressed alone, or after ``g`` for a place. ``href`` beginning with ``#`` is done by static/keys.js."""

    text: str
    icon: str
    href: str
    key: str = ""


PLACES = (
    Command("Dashboard", "space_dashboard", "/", "d"),
    Command("Campaigns", "campaign", "/campaigns", "c"),
    Command("Audience", "group", "/audience", "a"),
    Command("Templates", "article", "/templates", "t"),
    Command("Senders", "alternate_email", "/senders", "s"),
    Command("Sandbox", "inbox", "/sandbox", "x"),
    Command("Settings", "tune", "/settings", "e"),
)
ACTIONS = (
    Command("New campaign", "edit", "/campaigns/new", "c"),
    Command("Upload contacts", "upload_file", "/audience?upload=1"),
    Command("Add sender", "add", "/senders?add=1"),
    Command("New template", "add", "/templates/new"),
    Command("Show the keys", "keyboard", "#keys", "?"),
    Command("Use the light theme", "light_mode", "#theme-light"),
    Command("Use the dark theme", "dark_mode", "#theme-dark"),
    Command("Follow the system's theme", "contrast", "#theme-auto"),
    Command("Log out", "logout", "/logout"),
)
_HOMES = {
    "campaign": ("Campaigns", "campaign", "/campaigns/{id}"),
    "draft": ("Campaigns", "edit_note", "/campaigns/{id}/edit"),
    "list": ("Lists", "group", "/audience?list={id}"),
    "sender": ("Senders", "alternate_email", "/senders?edit={id}"),
    "template": ("Templates", "article", "/templates/{id}"),
    "contact": ("Contacts", "person", "/audience?contact={id}"),
}
_KEYS = (
    ("Go to", tuple((f"g {place.key}", place.text) for place in PLACES)),
    (
        "Do",
        (
            ("c", "Write a new campaign"),
            ("/", "Search this page"),
            ("Ctrl K", "Find anything"),
            ("?", "Show these keys"),
            ("Esc", "Close"),
        ),
    ),
)
_WORDS = {
    "keys_title": "Keys",
    "keys_note": "They rest while you type. Settings can switch the single keys off.",
    "close": "Close",
    "palette_title": "Find anything",
    "palette_hint": "Type a name or an address",
    "nothing": "Nothing of yours has this name.",
    "away": "The server did not answer. Type again in a moment.",
    "undo": "Undo",
    "open": "Open",
    "away_title": "Connection lost",
    "away_text": "It comes back by itself. What you type meanwhile is kept.",
    "one": "1 result",
    "many": "{count} results",
}


def for_browser() -> str:
    """What static/keys.js needs, as JSON that is safe inside a script element."""
    told = {"go": {place.key: place.href for place in PLACES}, "keys": _KEYS, "words": _WORDS}
    return json.dumps(told, separators=(",", ":")).replace("<", "\\u003c")


def sections(words: str, found: list[Found]) -> list[dict[str, object]]:
    """The palette's lines under headings: pages and actions that have every word, then what was found of the user's."""
    lines: dict[str, list[dict[str, str]]] = {}
    for heading, commands in (("Pages", PLACES), ("Actions", ACTIONS)):
        fitting = [command for command in commands if _fits(command.text, words)]
        lines[heading] = [_line(each.text, "", each.icon, each.href) for each in fitting]
    for each in found:
        heading, icon, href = _HOMES[each.kind]
        lines.setdefault(heading, []).append(_line(each.name, each.detail, icon, href.format(id=each.id)))
    return [{"heading": heading, "lines": inside} for heading, inside in lines.items() if inside]


def _fits(text: str, words: str) -> bool:
    return all(word in text.lower() for word in words.lower().split())


def _line(text: str, detail: str, icon: str, href: str) -> dict[str, str]:
    return {"text": text, "detail": detail.capitalize() if detail.isalpha() else detail, "icon": icon, "href": href}
