"""HTML of a mail: its plain-text twin, what the rich editor may see, and the frame around a rich body."""

import re
from collections.abc import Iterator
from html import unescape

import nh3

from core.content import places, plain, tables

_EDITOR_TAGS = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p",
    "pre", "s", "span", "strike", "strong", "sub", "sup", "u", "ul",
}  # fmt: skip
_EDITOR_STYLES = {"text-align", "color", "background-color", "font-weight", "font-style", "text-decoration"}
# Ready blocks: the frame makes of them what Outlook and phones understand.
_EDITOR_CLASSES = {"a": {"button"}, "div": {"columns", "column", "caption", "footer"}}
_EDITOR_ATTRIBUTES = {
    "*": {"style"},
    "a": {"href", "target", "title"},
    "img": {"src", "alt", "width", "height", "title"},
    "ol": {"start"},
    **tables.ATTRIBUTES,
}
# Possessive, so that no input takes more than linear time; html.parser of Python 3.11 takes quadratic time on some.
_ATTRIBUTE = re.compile(r"""\s++([^\s=<>"'/]++)(?:\s*+=\s*+(?:"([^"<>]*+)"|'([^'<>]*+)'|([^\s"'<>=]++)))?+""")
_ATTRIBUTES = r"""(?:\s++[^\s=<>"'/]++(?:\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=]++))?+)*+"""
_LAYOUT = re.compile(r' class="(?:columns|column|caption|footer|button)"')
_STYLE = re.compile(r' style="([^"<>]*+)"')
_LIGHT = re.compile(r"\s*color\s*:\s*(white|#[0-9a-f]{6}|#[0-9a-f]{3})\s*\Z", re.IGNORECASE)
_TAG = re.compile(rf"<([A-Za-z][A-Za-z0-9]*+)({_ATTRIBUTES})")
_TOKEN = re.compile(rf"<(/?+)([A-Za-z][A-Za-z0-9]*+)({_ATTRIBUTES})\s*+/?+>|([^<]++)")


def for_editor(source: str) -> str:
    """A copy of ``source`` safe to show in the rich text editor: no style sheets, scripts or comments; of tables only
    those that hold data (see ``tables``)."""
    clean = _clean(source)
    made = tables.flattened(clean)
    return clean if made == clean else _clean(made)  # a block may not stand where a cell did


def _clean(source: str) -> str:
    clean = nh3.clean(
        plain.flat(source),
        tags=_EDITOR_TAGS | tables.TAGS,
        clean_content_tags={"script", "style", "title"},
        attributes=_EDITOR_ATTRIBUTES,
        allowed_classes=_EDITOR_CLASSES,
        filter_style_properties=_EDITOR_STYLES,
        url_schemes=plain.SCHEMES,
        link_rel=None,
    )
    return clean.replace(' class=""', "")


def unpacked(source: str) -> str:
    """What a whole mail says, for the editor, without the looks of its layout."""
    made = _LAYOUT.sub("", for_editor(places.hide_comments(source)))
    return _STYLE.sub(_readable, made)


def _readable(match: re.Match[str]) -> str:
    """A style without a colour that nobody sees on white, now that what was behind it is gone."""
    rules = [rule for rule in match[1].split(";") if rule.strip()]
    if any(rule.strip().startswith("background") for rule in rules):
        return match[0]
    kept = [rule for rule in rules if not (found := _LIGHT.match(rule)) or not _is_light(found[1])]
    return match[0] if len(kept) == len(rules) else f' style="{";".join(kept)}"' if kept else ""


def _is_light(colour: str) -> bool:
    """Whether its contrast to white is below 3 (WCAG 2.2, large text)."""
    if colour.lower() == "white":
        return True
    digits = colour.lstrip("#")
    digits = "".join(char * 2 for char in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) < 3


def survives_editor(source: str) -> bool:
    """Whether the rich text editor would keep ``source`` as it is, apart from how entities and quotes are written."""
    written = _events(source)
    return written is not None and written == _events(for_editor(source))


def to_text(source: str) -> str:
    """``source`` as plain text: links as ``text (url)``, lists with dashes or numbers, nothing of its CSS."""
    return plain.text(source)


def tags(source: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The opening tags outside comments, in order, with their attributes; takes linear time on anything."""
    for match in _TAG.finditer(places.hide_comments(source)):
        yield match[1].lower(), [_attribute(*found.groups()) for found in _ATTRIBUTE.finditer(match[2])]


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
