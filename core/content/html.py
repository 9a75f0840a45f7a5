"""HTML of a mail: its plain-text twin, what the rich editor may see, and the frame around a rich body."""

import html
import re
from html.parser import HTMLParser

import nh3

from core.content import frame, plain

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


def for_editor(source: str) -> str:
    """A copy of ``source`` safe to show in the rich text editor: no style sheets, scripts, comments or tables."""
    return nh3.clean(
        source,
        tags=_EDITOR_TAGS,
        attributes=_EDITOR_ATTRIBUTES,
        filter_style_properties=_EDITOR_STYLES,
        url_schemes=plain.SCHEMES,
        link_rel=None,
    )


def survives_editor(source: str) -> bool:
    """Whether the rich text editor would keep ``source`` as it is, apart from how entities and quotes are written."""
    return _events(source) == _events(for_editor(source))


def wrap_rich(body: str) -> str:
    """A whole mail around the body of a rich draft: responsive, inline styles, safe for Outlook, with a footer that
    unsubscribes unless the body has such a link. It is also the HTML that a rich draft becomes."""
    return frame.around(for_editor(body))


def to_text(source: str) -> str:
    """``source`` as plain text: links as ``text (url)``, lists with dashes or numbers, nothing of its CSS."""
    return plain.text(source)


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
