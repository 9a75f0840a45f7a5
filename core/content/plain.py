"""The plain-text part of a mail, made from its HTML."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3

SCHEMES = {"http", "https", "mailto", "tel"}
_TEXT_TAGS = {
    "a", "address", "article", "blockquote", "br", "center", "div", "dd", "dl", "dt", "footer", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "img", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "th",
    "tr", "ul",
}  # fmt: skip
_BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "pre", "dl"}
_LINES = _TEXT_TAGS - _BLOCKS - {"a", "br", "img", "td", "th", "hr"}


_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_NEVER_DEEP = {
    "area", "base", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta", "o", "option", "p", "source",
    "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
}  # fmt: skip
_DEEPEST = 400  # browsers stop at 512; html5ever takes quadratic time on 100,000


def flat(source: str) -> str:
    """``source``, or only its words where tags are nested so deep that nobody can have meant it."""
    depth = 0
    for match in _TAG.finditer(source):
        if match[2].lower() not in _NEVER_DEEP:
            depth = max(0, depth + (-1 if match[1] else 1))
            if depth > _DEEPEST:
                return re.sub(r"<[^<>]*>", " ", source)
    return source


def text(source: str) -> str:
    """See ``html.to_text``."""
    return _read(source, _Text())


def read_text(source: str) -> str:
    """What of ``source`` is read as words: without the addresses of links, marks of lists, lines."""
    return _read(source, _Text(is_bare=True))


def _read(source: str, reader: "_Text") -> str:
    # nh3 is a real HTML parser: what html.parser then reads is well formed and free of style and script.
    reader.feed(
        nh3.clean(
            flat(source),
            tags=_TEXT_TAGS,
            attributes={"a": {"href"}, "img": {"alt"}, "ol": {"start"}},
            url_schemes=SCHEMES,
            clean_content_tags={"script", "style", "title"},
            link_rel=None,
        )
    )
    reader.close()
    return reader.text()


@dataclass
class _List:
    number: int | None


@dataclass
class _Lines:
    out: list[str] = field(default_factory=lambda: [""])
    at_mark: bool = False  # right after a list item's dash or number: its words belong on that line

    def add(self, text: str) -> None:
        self.out[-1] += text
        self.at_mark = self.at_mark and not text.strip()

    def mark(self, text: str) -> None:
        self.add(text)
        self.at_mark = True

    def line(self) -> None:
        if self.out[-1].strip() and not self.at_mark:
            self.out.append("")

    def gap(self) -> None:
        self.line()
        if len(self.out) > 1 and self.out[-2] and not self.at_mark:
            self.out.append("")


class _Text(HTMLParser):
    def __init__(self, is_bare: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.is_bare = is_bare  # without what stands for the look
        self.lines = _Lines()
        self.lists: list[_List] = []
        self.links: list[tuple[str, list[str]]] = []
        self.pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS and not self.lists:
            self.lines.gap()
        elif tag in _BLOCKS or tag in _LINES:
            self.lines.line()
        if tag == "br":
            self.lines.out.append("")
        elif tag == "hr":
            self.lines.gap()
            self.lines.add("" if self.is_bare else "----------")
            self.lines.gap()
        elif tag in ("ul", "ol"):
            start = given.get("start", "")
            self.lists.append(_List(int(start[:6]) if start[:6].isdecimal() else 1 if tag == "ol" else None))
        elif tag == "li":
            self._item()
        elif tag == "pre":
            self.pre += 1
        elif tag == "img":
            self.handle_data(given.get("alt", ""))
        elif tag == "a":
            self.links.append((given.get("href", ""), []))

    def handle_endtag(self, tag: str) -> None:
        if tag == "li":
            self.lines.at_mark = False
        if tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        if tag == "pre":
            self.pre -= 1
        if tag == "a" and self.links:
            self._link(*self.links.pop())
        elif tag in ("td", "th"):
            self.handle_data(" ")
        elif tag in _BLOCKS and not self.lists:
            self.lines.gap()
        elif tag in _BLOCKS or tag in _LINES:
            self.lines.line()

    def handle_data(self, data: str) -> None:
        for _, seen in self.links:
            seen.append(data)
        if self.pre:
            first, *rest = data.split("\n")
            self.lines.add(first)
            self.lines.out.extend(rest)
            return
        text = re.sub(r"[ \t\r\n\f\xa0\u200b\u034f\u00ad\ufeff]+", " ", data)
        self.lines.add(text.lstrip() if self.lines.out[-1][-1:] in ("", " ") else text)

    def _item(self) -> None:
        now = self.lists[-1] if self.lists else _List(None)
        mark = "- " if now.number is None else f"{now.number}. "
        if now.number is not None:
            now.number += 1
        self.lines.at_mark = False
        self.lines.line()
        self.lines.mark("" if self.is_bare else "  " * max(0, len(self.lists) - 1) + mark)

    def _link(self, href: str, seen: list[str]) -> None:
        shown = " ".join("".join(seen).split())
        if self.is_bare or not href or href.startswith("#") or not shown:
            return
        if href in (shown, f"mailto:{shown}", f"tel:{shown}") or href.rstrip("/") == shown:
            return
        self.lines.out[-1] = self.lines.out[-1].rstrip() + f" ({href})"

    def text(self) -> str:
        lines = [line.rstrip() for line in self.lines.out]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
