"""Addresses of links as people read them; what they are stands in the title."""

import re
import unicodedata
from urllib.parse import quote

from nicegui import ui

from core.audience import addresses

_CODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+|[^\x20-\x7e]+")
_AT_HOST = re.compile(r"(?i)(?<=^https://)[a-z0-9.-]+|(?<=^http://)[a-z0-9.-]+")
_AS_ALL = re.compile(r"^(?:https?://)?(?:www\.)?")
# Letters by their category that nobody sees: fillers, joiners, variants.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def link_label(url: str, is_short: bool = False) -> ui.label:
    """``url`` to be read; ``is_short``: without what all of them begin with."""
    text = readable(url)
    label = ui.label(_AS_ALL.sub("", text, count=1).rstrip("/") if is_short else text)
    label.props["title"], label.props["dir"] = url, "ltr"
    return label


def readable(url: str) -> str:
    """``url`` with its letters and digits instead of their codes, and with those of an international domain.

    Everything else stays coded: spaces and what cannot be seen, what turns the direction of writing, signs that mean
    something in an address or look like one that does.
    """
    return _CODED.sub(_decoded, _AT_HOST.sub(lambda host: addresses.shown_domain(host[0].lower()), url))


def _decoded(coded: re.Match[str]) -> str:
    try:
        text = bytes.fromhex(coded[0].replace("%", "")).decode() if coded[0].startswith("%") else coded[0]
    except UnicodeDecodeError:
        return coded[0]
    shown = ""
    for char in text:
        shown += char if _is_read(char, after=shown) else quote(char, safe="", errors="surrogatepass")
    return shown


def _is_read(char: str, after: str) -> bool:
    """Whether it is a letter, a digit, or a mark on one."""
    kind = unicodedata.category(char)[0]
    return not _UNSEEN.match(char) and (kind in "LN" or (kind == "M" and after[-1:].isalpha()))
