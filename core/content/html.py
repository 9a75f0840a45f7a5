"""HTML of a mail: its plain-text twin, what the rich editor may see, and the frame around a rich body."""

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3

_EDITOR_TAGS = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p",
    "pre", "s", "span", "strike", "strong", "sub", "sup", "u", "ul",
}  # fmt: skip
_EDITOR_STYLES = {"text-align", "color", "background-color", "font-weight", "font-style", "text-decoration"}
_EDITOR_ATTRIBUTES = {
    "*": {"style"},
    "a": {"href", "target", "title"},
    "img": {"src", "alt", "width", "height", "title"},
    "ol": {"start"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}


def for_editor(source: str) -> str:
    """A copy of ``source`` safe to show in the rich text editor: no style sheets, scripts, comments or tables."""
    return nh3.clean(
        source,
        tags=_EDITOR_TAGS,
        attributes=_EDITOR_ATTRIBUTES,
        filter_style_properties=_EDITOR_STYLES,
        url_schemes=_SCHEMES,
        link_rel=None,
    )


def survives_editor(source: str) -> bool:
    """Whether the rich text editor would keep ``source`` as it is, apart from how entities and quotes are written."""
    return _events(source) == _events(for_editor(source))


def wrap_rich(body: str) -> str:
    """A whole mail around the body of a rich draft: responsive, inline styles, safe for Outlook."""
    return _FRAME.replace("<!--body-->", for_editor(body))


_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"></head><body><!--body--></body></html>
"""


def _events(source: str) -> list[object]:
    reader = _Events()
    reader.feed(source)
    reader.close()
    return reader.found


class _Events(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, sorted((name, _same_style(name, value or "")) for name, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append("/" + tag)

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("decl", decl))

    def unknown_decl(self, data: str) -> None:
        self.found.append(("decl", data))

    def handle_pi(self, data: str) -> None:
        self.found.append(("pi", data))


def _same_style(name: str, value: str) -> str:
    return re.sub(r"\s*([;:])\s*", r"\1", value.strip()).rstrip(";") if name == "style" else value


# ---- plain text

_TEXT_TAGS = {
    "a", "address", "article", "blockquote", "br", "center", "div", "dd", "dl", "dt", "footer", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "img", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "th",
    "tr", "ul",
}  # fmt: skip
_BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "pre", "table", "dl"}
_LINES = _TEXT_TAGS - _BLOCKS - {"a", "br", "img", "td", "th", "hr"}


def to_text(source: str) -> str:
    """The plain-text part of a mail: links as ``text (url)``, lists with dashes or numbers, nothing of its CSS."""
    reader = _Text()
    # nh3 is a real HTML parser: what html.parser then reads is well formed and free of style and script.
    reader.feed(
        nh3.clean(
            source,
            tags=_TEXT_TAGS,
            attributes={"a": {"href"}, "img": {"alt"}, "ol": {"start"}},
            url_schemes=_SCHEMES,
            link_rel=None,
        )
    )
    reader.close()
    return reader.text()


@dataclass
class _List:
    number: int | None


@dataclass
class _Link:
    href: str
    start: int


@dataclass
class _Lines:
    out: list[str] = field(default_factory=lambda: [""])

    def add(self, text: str) -> None:
        self.out[-1] += text

    def line(self) -> None:
        if self.out[-1].strip():
            self.out.append("")

    def gap(self) -> None:
        self.line()
        if len(self.out) > 1 and self.out[-2]:
            self.out.append("")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = _Lines()
        self.lists: list[_List] = []
        self.links: list[tuple[str, list[str]]] = []
        self.pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS and not (tag in ("ul", "ol") and self.lists):
            self.lines.gap()
        elif tag in _LINES:
            self.lines.line()
        if tag == "br":
            self.lines.out.append("")
        elif tag == "hr":
            self.lines.gap()
            self.lines.add("----------")
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
        self.lines.add("  " * max(0, len(self.lists) - 1) + mark)

    def _link(self, href: str, seen: list[str]) -> None:
        shown = " ".join("".join(seen).split())
        if not href or href.startswith("#") or not shown:
            return
        if href in (shown, f"mailto:{shown}", f"tel:{shown}") or href.rstrip("/") == shown:
            return
        self.lines.out[-1] = self.lines.out[-1].rstrip() + f" ({href})"

    def text(self) -> str:
        lines = [line.rstrip() for line in self.lines.out]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


# ---- what a check before sending looks at


def links(source: str) -> list[str]:
    """Every ``href`` of a link in ``source``, in order, as written."""
    return [html.unescape(value) for value in _attributes(source, "a", "href")]


def images_without_alt(source: str) -> int:
    """How many images have no ``alt`` attribute at all (an empty one says: only decoration)."""
    reader = _Attributes()
    reader.feed(source)
    return sum("alt" not in given for tag, given in reader.found if tag == "img")


def _attributes(source: str, tag: str, name: str) -> list[str]:
    reader = _Attributes()
    reader.feed(source)
    return [given[name] for found, given in reader.found if found == tag and name in given]


class _Attributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
