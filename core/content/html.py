"""HTML of a mail: its plain-text twin, what the rich editor may see, and the frame around a rich body."""

import re
from html import unescape

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
# Possessive, so that no input takes more than linear time; html.parser of Python 3.11 takes quadratic time on some.
_ATTRIBUTE = re.compile(r"""\s++([^\s=<>"'/]++)(?:\s*+=\s*+(?:"([^"<>]*+)"|'([^'<>]*+)'|([^\s"'<>=]++)))?+""")
_ATTRIBUTES = r"""(?:\s++[^\s=<>"'/]++(?:\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=]++))?+)*+"""
_TOKEN = re.compile(rf"<(/?+)([A-Za-z][A-Za-z0-9]*+)({_ATTRIBUTES})\s*+/?+>|([^<]++)")


def for_editor(source: str) -> str:
    """A copy of ``source`` safe to show in the rich text editor: no style sheets, scripts, comments or tables."""
    return nh3.clean(
        plain.flat(source),
        tags=_EDITOR_TAGS,
        attributes=_EDITOR_ATTRIBUTES,
        filter_style_properties=_EDITOR_STYLES,
        url_schemes=plain.SCHEMES,
        link_rel=None,
    )


def survives_editor(source: str) -> bool:
    """Whether the rich text editor would keep ``source`` as it is, apart from how entities and quotes are written."""
    written = _events(source)
    return written is not None and written == _events(for_editor(source))


def wrap_rich(body: str) -> str:
    """A whole mail around the body of a rich draft: responsive, inline styles, safe for Outlook, with a footer that
    unsubscribes unless the body has such a link. It is also the HTML that a rich draft becomes."""
    return frame.around(for_editor(body))


def to_text(source: str) -> str:
    """``source`` as plain text: links as ``text (url)``, lists with dashes or numbers, nothing of its CSS."""
    return plain.text(source)


def _events(source: str) -> list[object] | None:
    """The tags and texts of ``source``; None for what no editor writes: comments, tags that are not well formed."""
    found: list[object] = []
    at = 0
    while at < len(source):
        token = _TOKEN.match(source, at)
        if token is None:
            return None
        at = token.end()
        slash, tag, attributes, text = token.groups()
        if text is not None:
            found.append(unescape(text))
        else:
            given = [_attribute(*match.groups()) for match in _ATTRIBUTE.finditer(attributes)]
            found.append((slash, tag.lower(), sorted(given)))
    return found


def _attribute(name: str, *values: str | None) -> tuple[str, str]:
    name, value = name.lower(), unescape(next((value for value in values if value is not None), ""))
    if name == "style":
        value = re.sub(r"\s*([;:])\s*", r"\1", value.strip()).rstrip(";")
    return name, value


def images_without_alt(source: str) -> int:
    """How many images have no ``alt`` attribute at all (an empty one says: only decoration)."""
    kept = {"img": {"alt"}}
    shown = nh3.clean(plain.flat(source), tags=set(kept), attributes=kept, url_schemes=plain.SCHEMES, link_rel=None)
    tags = [event for event in _events(shown) or [] if isinstance(event, tuple)]
    return sum(tag == "img" and "alt" not in dict(given) for _, tag, given in tags)
