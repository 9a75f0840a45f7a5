"""The links and images of a mail's HTML as they are written, also those that no mail would keep."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import islice

from core.content import places

# Bounded and possessive, so that no input takes more than linear time.
_TAG = re.compile(
    r"""<(a|area|img|/a)(?=[\s/>])((?:[^<>"']++|"[^"]{0,4000}+"|'[^']{0,4000}+'){0,100}+)>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++)))?""")
_UNSEEN = re.compile(r"<(script|style|title)(?=[\s>])(?:(?!</\1).)*+", re.IGNORECASE | re.DOTALL)
_ANY = re.compile(r"<[^<>]{0,4000}+>")
_READ = 4_000  # characters of a link's text
_SHOWN = 60  # characters of a text or an address in a sentence


@dataclass(frozen=True)
class Link:
    """``address`` as written (before merging), None without one; ``text``: what readers click at."""

    address: str | None
    text: str


@dataclass(frozen=True)
class Image:
    """``alt``: None where there is no such attribute at all (an empty one says: only decoration)."""

    address: str
    alt: str | None


def links(source: str) -> list[Link]:
    """Every ``<a>`` and ``<area>`` that has a text, an image or an address; anchors (``<a name>``) are none."""
    found = []
    for name, attributes, inner in _tags(source):
        if name in ("a", "area") and ("href" in attributes or (name == "a" and "name" not in attributes and inner)):
            found.append(Link(attributes.get("href"), inner))
    return found


def images(source: str) -> list[Image]:
    """Every ``<img>``."""
    return [
        Image(attributes.get("src", "").strip(), attributes.get("alt"))
        for name, attributes, _ in _tags(source)
        if name == "img"
    ]


def short(text: str) -> str:
    """``text`` for a sentence."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _tags(source: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """(name, attributes, for a link its text) of each tag."""
    seen = _UNSEEN.sub(lambda match: " " * len(match[0]), places.hide_comments(source))
    tags = list(_TAG.finditer(seen))
    for number, tag in enumerate(tags):
        name = tag[1].lower()
        if name == "/a":
            continue
        inner = _inner(seen, tags, number) if name == "a" else ""
        yield name, _attributes(tag[2]), inner


def _inner(seen: str, tags: list[re.Match[str]], number: int) -> str:
    """The text from the tag to the end of its link, as far as one reads it."""
    start = tags[number].end()
    following = (each.start() for each in islice(tags, number + 1, number + 20) if each[1].lower() != "img")
    ends = min(next(following, len(seen)), start + _READ)
    return " ".join(unescape(_ANY.sub(" ", seen[start:ends])).split())


def _attributes(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _ATTRIBUTE.finditer(written):
        value = next((group for group in each.groups()[1:] if group is not None), "")
        found.setdefault(each[1].lower(), unescape(value))  # of two, browsers take the first
    return found
