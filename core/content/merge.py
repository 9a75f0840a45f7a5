"""Merge fields: ``{{ first_name }}`` and ``{{ first_name | default: "there" }}``. Anything else in braces is text.

The grammar is linear and has no code in it; a value that looks like a field is never expanded again.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import quote

BUILT_IN = ("email", "unsubscribe_url", "view_url")

# Rich text editors write spaces and quotes inside a field as entities or typographic quotes.
_SPACE = r"(?:[ \t\r\n\xa0]|&nbsp;|&\#160;)*+"
_QUOTES = [
    ('"', '"'),
    ("'", "'"),
    ("&quot;", "&quot;"),
    ("&#34;", "&#34;"),
    ("&apos;", "&apos;"),
    ("&#39;", "&#39;"),
    ("“", "”"),
    ("‘", "’"),
    ("&ldquo;", "&rdquo;"),
    ("&lsquo;", "&rsquo;"),
]
# What else programs make of quotes while somebody types: two closing ones, „of other languages“, one of each kind.
_ANY_QUOTE = (
    """(?:["“”„‟«»]|&(?:quot|#34|[lrb]dquo|[lr]aquo);)""",
    """(?:['‘’‚‛‹›]|&(?:apos|#39|[lr]squo|sbquo|[lr]saquo);)""",
)
_PAIRS = [(re.escape(left), re.escape(right)) for left, right in _QUOTES] + [(each, each) for each in _ANY_QUOTE]
_LONGEST = 500  # characters of a default as it is written
_QUOTED = "|".join(
    left + r"((?:(?!" + right + r"|\{\{|\}\}).){0," + str(_LONGEST) + "}+)" + right for left, right in _PAIRS
)
_IN_QUOTES = re.compile(f"(?:{_QUOTED})", re.DOTALL)
_FIELD = re.compile(
    r"\{\{"
    + _SPACE
    + r"([A-Za-z_][A-Za-z0-9_]{0,99}+)"
    + _SPACE
    + r"(?:\|"
    + _SPACE
    + r"default"
    + _SPACE
    + ":"
    + _SPACE
    + f"(?:{_QUOTED})"
    + _SPACE
    + r")?\}\}",
    re.DOTALL,
)
_TWO_BRACES = re.compile(r"([{}])\1+")
_WRITTEN = [pair for pair in _QUOTES if len(pair[0]) == 1]
_BRACES = re.compile(r"\{\{(?:(?!\{\{|\}\}).){0,200}+\}\}", re.DOTALL)
_OPEN = re.compile(r"\{\{[^{}<>\n]{0,30}+")
# What stands before a field when it is inside a URL attribute, or inside an attribute without quotes.
_IN_URL = re.compile(
    r"""[\s"'](?:href|src|action|background|poster|cite|data)\s*=\s*(?:"([^"<>]*)|'([^'<>]*)|([^\s"'<>]*))\Z""", re.I
)
_IN_BARE = re.compile(r"""=\s*[^\s"'<>=]*\Z""")
_WHOLE_TAG = re.compile(r"""<[^<>"']*+(?:"[^"]*+"[^<>"']*+|'[^']*+'[^<>"']*+)*+>""")
_LOOK_BACK = 2048
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
_LINK_SAFE = ":/?#[]@!$&'()*+,;=%~"


class Context(Enum):
    """Where a field stands; decides how its value is written."""

    text = "text"
    html = "html"
    bare = "bare"  # an attribute without quotes
    link = "link"  # a URL begins with it
    url = "url"  # within a URL
    mailto = "mailto"  # within a mailto: URL


_URLS = (Context.link, Context.url, Context.mailto)


@dataclass(frozen=True)
class Field:
    """One merge field of a text; ``name`` is in lower case."""

    name: str
    default: str = ""
    has_default: bool = False
    context: Context = Context.text


def parse(text: str) -> list[str | Field]:
    """``text`` as plain runs and fields, in order."""
    pieces: list[str | Field] = []
    end = 0
    for match in _FIELD.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        default = next((group for group in match.groups()[1:] if group is not None), None)
        pieces.append(Field(match[1].lower(), default or "", default is not None))
        end = match.end()
    if end < len(text):
        pieces.append(text[end:])
    return pieces


def parse_html(source: str) -> list[str | Field]:
    """``source`` as runs and fields that know whether they stand in a text, an attribute or a URL."""
    pieces: list[str | Field] = []
    before = ""  # what was read, with x in place of each field, so that quotes in a default do not mislead
    for piece in parse(source):
        if isinstance(piece, str):
            before = (before + piece)[-_LOOK_BACK:]
        else:
            piece = replace(piece, default=html.unescape(piece.default), context=_context(before))
            before += "x"
        pieces.append(piece)
    return pieces


def open_tag(before: str) -> str:
    """The beginning of the HTML tag that ``before`` ends within; empty where it ends in a text."""
    tag = before[before.rfind("<") :]
    return tag if tag.startswith("<") and not _WHOLE_TAG.match(tag) else ""


def _context(before: str) -> Context:
    tag = open_tag(before)
    if not tag:
        return Context.html
    if match := _IN_URL.search(tag):
        start = (match[1] or match[2] or match[3] or "").lstrip()
        if not start:
            return Context.link
        return Context.mailto if start.lower().startswith("mailto:") else Context.url
    return Context.bare if _IN_BARE.search(tag) else Context.html


def value(field: Field, fields: Mapping[str, object]) -> str:
    """The recipient's value without surrounding space, or the default where it is empty. Names match in any case."""
    found = fields.get(field.name)
    if found is None:
        found = next((fields[name] for name in fields if name.lower() == field.name), None)
    return ("" if found is None else str(found).strip()) or field.default


def written(text: str, context: Context) -> str:
    """``text`` as it must stand in ``context``."""
    if context is Context.text:
        return text
    if context is Context.html:
        return text if text.isalnum() else html.escape(text)
    if context is Context.bare:
        return "".join(f"&#{ord(char)};" if not char.isalnum() else char for char in text)
    return html.escape(address_part(text, context))


def written_plain(text: str, context: Context) -> str:
    """``text`` as it must stand in the plain-text part, for a place that in the HTML is ``context``."""
    return address_part(text, context) if context in _URLS else text


def address_part(text: str, context: Context) -> str:
    """``text`` percent-encoded for its place in a URL; a whole link may only be http(s), mailto or tel."""
    raw = text.encode("utf-8", "surrogatepass")  # a lone surrogate is caught by the caller, not here
    if context is Context.link:
        scheme = _SCHEME.match(text)
        if scheme is None or scheme[1].lower() in ("http", "https", "mailto", "tel"):
            return quote(raw, safe=_LINK_SAFE)
    return quote(raw, safe="@" if context is Context.mailto else "")


def render_text(text: str, fields: Mapping[str, object]) -> str:
    """``text`` with the values as they are."""
    return "".join(piece if isinstance(piece, str) else value(piece, fields) for piece in parse(text))


def in_words(text: str) -> str:
    """``text`` for nobody in particular: the default of each field, or its name as ``[first name]``."""
    return "".join(
        piece if isinstance(piece, str) else piece.default or f"[{piece.name.replace('_', ' ')}]"
        for piece in parse(text)
    )


def render_html(source: str, fields: Mapping[str, object]) -> str:
    """``source`` with the values escaped for where they stand."""
    return "".join(
        piece if isinstance(piece, str) else written(value(piece, fields), piece.context)
        for piece in parse_html(source)
    )


def with_default(text: str, name: str, default: str, in_html: bool) -> str:
    """``text`` with ``default``, as somebody typed it, for each field ``name`` that has none.

    It is put in quotes that it does not have itself; those that were typed around it are none of its words. It is cut
    where the field would be none: as long as the grammar allows, without two braces in a row.
    """
    plain = meant(default)
    left, right = next((pair for pair in _WRITTEN if pair[1] not in plain), _WRITTEN[0])
    plain = _TWO_BRACES.sub(r"\1", plain.replace(right, ""))[:_LONGEST]

    def put(words: str) -> str:
        return html.escape(words).replace("&#x27;", "&#39;") if in_html else words

    while len(put(plain)) > _LONGEST:
        plain = plain[:-1]
    quoted = put(left) + put(plain.rstrip()) + put(right)

    def written(match: re.Match[str]) -> str:
        has_one = any(group is not None for group in match.groups()[1:])
        return match[0] if has_one or match[1].lower() != name else f"{{{{ {match[1]} | default: {quoted} }}}}"

    return _FIELD.sub(written, text)


def meant(default: str) -> str:
    """The words of a default that somebody typed as ``friend``, as ``"friend"`` or as a whole field with it."""
    words = default.strip()
    pieces = parse(words)
    if len(pieces) == 1 and isinstance(pieces[0], Field) and pieces[0].has_default:
        return pieces[0].default.strip()
    quoted = _IN_QUOTES.fullmatch(words)
    return next(group for group in quoted.groups() if group is not None).strip() if quoted else words


def blanked(text: str) -> str:
    """``text`` with every field made as many braces, so that a position in it is one in the original."""
    return _FIELD.sub(lambda match: "{" * len(match[0]), text)


def hidden(text: str) -> tuple[str, dict[str, str]]:
    """``text`` with a word of small letters and digits in place of each field, and what each word stands for."""
    prefix = "zmf"
    while prefix in text:
        prefix += "z"
    fields: dict[str, str] = {}

    def hide(match: re.Match[str]) -> str:
        word = f"{prefix}{len(fields)}y"
        fields[word] = html.unescape(match[0])
        return word

    return _FIELD.sub(hide, text), fields


def shown(text: str, fields: Mapping[str, str], escaped: bool) -> str:
    """The reverse of ``hidden``; ``escaped`` where the text is HTML."""
    if not fields:
        return text
    prefix = next(iter(fields)).rstrip("y").rstrip("0123456789")

    def show(match: re.Match[str]) -> str:
        written = fields.get(match[0], match[0])
        return html.escape(written).replace("&#x27;", "&#39;") if escaped else written

    return re.sub(rf"{prefix}\d+y", show, text)


def fields_used(text: str) -> list[str]:
    """The names of the fields in ``text``, lower case, each once, in order."""
    return list(dict.fromkeys(piece.name for piece in parse(text) if isinstance(piece, Field)))


def malformed(text: str) -> list[str]:
    """What looks like a field but is none, as ``{{ first name }}`` or ``{{ city``: recipients would see the braces."""
    rest = _FIELD.sub("", text)
    wrong = [match[0] for match in _BRACES.finditer(rest)]
    wrong += [match[0].rstrip() for match in _OPEN.finditer(_BRACES.sub("", rest))]
    return list(dict.fromkeys(wrong))
