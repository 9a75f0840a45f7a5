"""Markdown bodies: to the HTML that the frame turns into a mail, and back from rich text.

CommonMark with tables, strikethrough and addresses made links; ``[Words](address){.button}``, ``{width=300}`` behind an
image, and blocks between lines of colons: columns with column, caption, footer. HTML inside is sanitised as rich text.
"""

import functools
import re
from typing import Any

from markdown_it import MarkdownIt
from markdownify import MarkdownConverter
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.container import container_plugin

from core.content import html, merge

_BLOCK_TAG = r"</?(?:div|p|h[1-6]|ul|ol|li|blockquote|pre|hr|table|tbody|thead|tr|td|th)\b[^>]*>"
_INLINE_TAG = r"</?(?:a|b|strong|i|em|u|s|del|span|font|sub|sup|code|small)\b[^>]*>"
_BLOCK, _INLINE = re.compile(_BLOCK_TAG), re.compile(_INLINE_TAG)
_PIECES = re.compile(rf"(<br>|{_BLOCK_TAG}|{_INLINE_TAG})")
_LAST_IN_INLINE = re.compile(r"(?<!<br>)((?:<br>)++)((?:</(?:a|b|strong|i|em|u|s|del|span|font|sub|sup|small)>)+)")
# What would be a heading, a list, a quotation, a rule, a block or a row of a table, where a line begins.
_LINE = (
    r"(?:(?<![^\n])|(?<=\A )|(?<=\n ))(?:(?P<number>\d{1,9})[.)](?=\s|\Z)|#(?=#{0,5}(?:\s|\Z))|[-+](?=\s|\Z)|-(?=[-|:])"
    r"|=(?=[=\s]|\Z)|>|:(?=:|\Z)|[|:](?= ?:?-))"
)
# What would be a tag, an entity, code, emphasis, the end of a link's words or what a link looks like; at the end of a
# piece too, as what comes next is not known there.
_MARK = re.compile(
    r"<(?=[A-Za-z/!?]|\Z)|&(?=#?\w+;|#?\Z)|[\\`*]|(?<![^\W_])_|_(?![^\W_])|~(?=~|\Z)|\](?=[(\[:{]|\Z)|\A\{|" + _LINE
)
_MARK_IN_LINK = re.compile(rf"[\[\]]|{_MARK.pattern}")
# An address ends with a letter, or with a bracket that it opened: the full stop behind it is none of it.
_PLAIN, _BETWEEN = r"""\s\x00-\x20<>"`\\()""", r".,;:!?'*~\[\]{}"
_ADDRESS = rf"(?:https?|ftp)://(?:[{_BETWEEN}]*+(?:\([^{_PLAIN}]*+\)|[^{_PLAIN}{_BETWEEN}]))++"
_ADDRESS_OR_MARK = re.compile(rf"(?<![A-Za-z0-9])(?P<address>(?i:{_ADDRESS}))|{_MARK.pattern}")
_EMPTY_HEAD = re.compile(r"<thead>\s*<tr>\s*(?:<th(?: style=\"[^\"]*\")?></th>\s*)+</tr>\s*</thead>\s*")
_ALIGNED = {"left": ":---", "center": ":---:", "right": "---:"}
BLOCKS = ("columns", "column", "caption", "footer")


def to_html(source: str) -> str:
    """``source`` as sanitised HTML for the frame; merge fields are as they were written, wherever they stand."""
    hidden, fields = merge.hidden(source)
    made = html.for_editor(_reader(_has_plain_words(source)).render(hidden))
    return merge.shown(_EMPTY_HEAD.sub("", made), fields, escaped=True)


def from_html(source: str) -> str:
    """Markdown of a rich text's HTML, without a tag. What Markdown cannot say (colours, underlining) is left out."""
    hidden, fields = merge.hidden(html.for_editor(source))
    text = _Writer(heading_style="ATX", bullets="-", newline_style="BACKSLASH").convert(_without_last_breaks(hidden))
    return merge.shown(text, fields, escaped=False).strip() + "\n"


@functools.cache
def _reader(linkify: bool) -> MarkdownIt:
    reader = MarkdownIt("gfm-like", {"html": True, "linkify": linkify})
    assert reader.linkify is not None
    reader.linkify.set({"fuzzy_link": False})  # "notes.md" is no address
    reader.use(attrs_plugin, allowed=["class", "width"])
    for name in BLOCKS:
        reader.use(container_plugin, name)
    return reader


def _has_plain_words(source: str) -> bool:
    """Whether addresses can be looked for: that takes quadratic time on thousands of them in one word."""
    return all(word.count("://") < 20 and word.count("@") < 100 for word in source.split())


class _Writer(MarkdownConverter):
    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Words stay words: ``<b>`` that somebody wrote is no tag, ``a_b`` is no mark.

        An address stands between ``<`` and ``>``, where no mark counts: a backslash would become a part of it.
        """
        if "a" in parent_tags:  # there it is no link of its own
            return _MARK_IN_LINK.sub(_escaped, text)
        return _ADDRESS_OR_MARK.sub(_told, text)

    def process_text(self, el: Any, parent_tags: set[str] | None = None) -> str:
        text: str = super().process_text(el, parent_tags)  # type: ignore[misc]
        before_link = getattr(el.next_element, "name", None) == "a"  # which would be an image
        return f"{text[:-1]}\\!" if before_link and text.endswith("!") else text

    def convert_a(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if "button" in el.get("class", ()):
            return f"[{text.strip()}]({_address(el.get('href', ''))}){{.button}}"
        made: str = super().convert_a(el, text, parent_tags)  # type: ignore[misc]
        return made

    def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
        width = el.get("width", "")
        size = f"{{width={width}}}" if width.isdecimal() else ""
        alt = el.get("alt", "").replace("[", "").replace("]", "").replace("\n", " ")
        return f"![{alt}]({_address(el.get('src', ''))}){size}"

    def convert_div(self, el: Any, text: str, parent_tags: set[str]) -> str:
        name = next((name for name in BLOCKS if name in el.get("class", ())), "")
        if name:
            fence = ":" * (5 if name == "columns" else 4 if name == "column" else 3)
            return f"\n\n{fence} {name}\n{text.strip()}\n{fence}\n\n"
        made: str = super().convert_div(el, text, parent_tags)  # type: ignore[misc]
        return made

    def convert_td(self, el: Any, text: str, parent_tags: set[str]) -> str:
        made: str = super().convert_td(el, text.replace("|", "\\|"), parent_tags)  # type: ignore[misc]
        return made

    convert_th = convert_td

    def convert_tr(self, el: Any, text: str, parent_tags: set[str]) -> str:
        made: str = super().convert_tr(el, text, parent_tags)  # type: ignore[misc]
        line = f"|{' --- |' * (cells := len(el.find_all(['td', 'th'])))}\n"
        return made.replace(line, f"| {' | '.join(map(_alignment, el.find_all(['td', 'th'])))} |\n") if cells else made


def _alignment(cell: Any) -> str:
    return _ALIGNED.get(cell.get("style", "").removeprefix("text-align:"), "---")


def _without_last_breaks(source: str) -> str:
    """A line break before the end of its block, or of bold words, would be a visible backslash in Markdown.

    Linear: it goes through the tags from the end.
    """
    kept: list[str] = []
    words_follow = False
    for piece in reversed(_PIECES.split(_LAST_IN_INLINE.sub(r"\2\1", source))):
        if piece == "<br>" and not words_follow:
            continue
        kept.append(piece)
        if _BLOCK.match(piece):
            words_follow = False
        elif not _INLINE.match(piece) and piece.replace("&nbsp;", "").strip():
            words_follow = True
    return "".join(reversed(kept))


def _told(found: re.Match[str]) -> str:
    if not found["address"]:
        return _escaped(found)
    is_about_it = found.string.startswith("{", found.end())  # unless it is escaped
    return f"<{found[0]}>" + "\\" * is_about_it


def _escaped(mark: re.Match[str]) -> str:
    number = mark["number"] or ""
    return f"{number}\\{mark[0][len(number) :]}"


def _address(url: str) -> str:
    """``url`` as a Markdown link holds it."""
    return f"<{url}>" if any(char in url for char in " ()") else url
