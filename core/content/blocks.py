"""Ready blocks of a mail, for each kind of body: a button, columns, a table, a quote, an image, a footer."""

import re
from collections.abc import Callable
from html import escape

from core.content import frame, html, languages, markdown
from core.models import BodyKind

_ENDS = re.compile("</(?:p|div|h3|blockquote|tr)>(?=<)")
_SOCIAL = ("Website", "Instagram", "LinkedIn")


def button(words: str, address: str) -> str:
    """A link that looks like a button, as rich text; ``address`` may hold a merge field."""
    return f'<p><a class="button" href="{escape(address)}">{escape(words)}</a></p>'


def image(src: str, alt: str, width: int, caption: str = "") -> str:
    """An image ``width`` pixels wide, as rich text."""
    shown = f'<p><img src="{escape(src)}" alt="{escape(alt)}" width="{width}"></p>'
    return shown + (f'<div class="caption">{escape(caption)}</div>' if caption else "")


def divider() -> str:
    """A line across."""
    return "<hr>"


def columns(count: int) -> str:
    """``count`` columns side by side, below each other on phones."""
    each = "".join(
        f'<div class="column"><h3>Column {number}</h3><p>A few words.</p></div>' for number in range(1, count + 1)
    )
    return f'<div class="columns">{each}</div>'


def table(rows: int = 3, columns: int = 2) -> str:
    """A table with a row of headings, to be filled."""
    heads = "".join(f"<th>Heading {number}</th>" for number in range(1, columns + 1))
    empty = f"<tr>{'<td><br></td>' * columns}</tr>"
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{empty * (rows - 1)}</tbody></table>"


def quote() -> str:
    """Somebody's words and name."""
    return '<blockquote><p>What somebody said.</p></blockquote><div class="caption">Name, company</div>'


def footer(language: str = languages.ENGLISH) -> str:
    """Who writes, where else to meet them, and the way out, in ``language`` (see ``languages``)."""
    words = languages.of(language)
    links = " · ".join(f'<a href="https://example.com/">{name}</a>' for name in _SOCIAL)
    leave = f'<a href="{{{{ unsubscribe_url }}}}">{escape(words.leave)}</a>'
    return (
        f'<div class="footer"><p>{links}</p><p>Your company · Street and number · City</p>'
        f"<p>{escape(words.because)} {leave}</p></div>"
    )


def view(language: str = languages.ENGLISH) -> str:
    """A small line that leads to the mail in the browser, in ``language``."""
    words = escape(languages.of(language).view)
    return f'<div class="footer"><p><a href="{{{{ view_url }}}}">{words}</a></p></div>'


_LINKS: dict[str, Callable[[languages.Words], str]] = {
    "unsubscribe_url": lambda words: words.leave,
    "view_url": lambda words: words.view,
}


def link(field: str, language: str, kind: str) -> str:
    """A link inside a line of a body of ``kind``, to the address that the merge field ``field`` is: unsubscribe_url
    or view_url; its words in ``language``."""
    words = escape(_LINKS[field](languages.of(language)))
    made = f'<a href="{{{{ {field} }}}}">{words}</a>'
    return markdown.from_html(made).strip() if kind == BodyKind.markdown else made


READY: dict[str, tuple[str, Callable[[str], str]]] = {  # each gets the language
    "Divider": ("horizontal_rule", lambda _: divider()),
    "Two columns": ("vertical_split", lambda _: columns(2)),
    "Three columns": ("view_column", lambda _: columns(3)),
    "Table": ("table_chart", lambda _: table()),
    "Quote": ("format_quote", lambda _: quote()),
    "Links and footer": ("call_to_action", footer),
    "View in browser": ("open_in_browser", view),
}


def for_kind(block: str, kind: str) -> str:
    """``block`` (rich text of this module) as it is put into a body of ``kind``."""
    if kind == BodyKind.markdown:
        return f"\n\n{markdown.from_html(block).strip()}\n\n"
    if kind == BodyKind.html:
        lines = _ENDS.sub(lambda end: end[0] + "\n", frame.styled(html.for_editor(block)))
        return f"\n{lines}\n"
    return block
