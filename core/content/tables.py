"""The tables of a rich text: those of data stay tables, of layouts only the words do."""

import re
from dataclasses import dataclass, field

TAGS = {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
ATTRIBUTES = {"table": {"role"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
_LAYOUT = {"h1", "h2", "h3", "h4", "hr", "blockquote"}  # no data of a table without headings
_WIDEST = 100  # columns or rows that a cell may go over
_TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [^\s=<>"]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([^\s=<>"]+)="([^"]*)"')
_ALIGN = re.compile(r"(?:^|;)\s*text-align:\s*(left|center|right)\s*(?=;|$)")


@dataclass
class _Table:
    is_inside: bool
    is_layout: bool
    has_headings: bool = False
    widest: int = 0
    row: int = 0
    starts: list[int] = field(default_factory=list)  # in what is written, of the table and its caption

    def is_data(self) -> bool:
        return not self.is_layout and (self.has_headings or (self.widest > 1 and not self.is_inside))


def flattened(source: str) -> str:
    """``source``, which nh3 wrote, with the tables that hold data; of others each cell is a block of its own.

    A table that holds another one is a layout, and so is one with a single column or with headlines in it unless it has
    heading cells. Of a table nothing stays but its cells, their spans and where their words stand.
    """
    kept = _data(source)
    if not kept:
        return source
    out: list[str] = []
    open_: list[_Table | None] = []
    opened, at = 0, 0
    for tag in _TAG.finditer(source):
        out.append(source[at : tag.start()])
        at = tag.end()
        slash, name, given = tag.groups()
        if name == "table" and not slash:
            open_.append(kept[opened] if kept[opened].is_data() else None)
            opened += 1
        out.append(_written(slash, name, given, out, open_[-1] if open_ else None) if name in TAGS else tag[0])
        if name == "table" and slash:
            open_.pop()
    return "".join(out) + source[at:]


def _data(source: str) -> list[_Table]:
    """All tables in the order in which they begin."""
    found: list[_Table] = []
    open_: list[_Table] = []
    for slash, name, given in _TAG.findall(source):
        if name == "table" and slash:
            open_.pop()
        elif name == "table":
            if open_:
                open_[-1].is_layout = True
            open_.append(_Table(bool(open_), "role=" in given))
            found.append(open_[-1])
        elif open_ and not slash:
            _count(open_[-1], name)
    return found


def _count(table: _Table, name: str) -> None:
    if name in ("th", "thead"):
        table.has_headings = True
    if name == "tr":
        table.row = 0
    elif name in ("th", "td"):
        table.row += 1
        table.widest = max(table.widest, table.row)
    table.is_layout = table.is_layout or (name in _LAYOUT and not table.has_headings)


def _written(slash: str, name: str, given: str, out: list[str], table: _Table | None) -> str:
    if table is None:
        return f"<{slash}div>" if name in ("td", "th", "caption") else ""
    if name == "table" and not slash:
        table.starts.append(len(out))
    if name == "caption":
        return _before(slash, out, table)
    return f"<{slash}{'tbody' if name == 'tfoot' else name}{_attributes(given) if name in ('td', 'th') else ''}>"


def _before(slash: str, out: list[str], table: _Table) -> str:
    """A caption is a line before its table: mail programs do not all know where it belongs."""
    if not slash:
        table.starts.append(len(out))
    else:
        start, own = table.starts[0], table.starts.pop()
        out[start:start] = ["<div>", *_cut(out, own), "</div>"]
    return ""


def _cut(out: list[str], start: int) -> list[str]:
    cut = out[start:]
    del out[start:]
    return cut


def _attributes(given: str) -> str:
    said = dict(_ATTRIBUTE.findall(given))
    spans = [f' {name}="{said[name]}"' for name in ("colspan", "rowspan") if _is_span(said.get(name, ""))]
    align = _ALIGN.search(said.get("style", ""))
    return "".join(spans) + (f' style="text-align:{align[1]}"' if align else "")


def _is_span(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 4 and 1 < int(value) <= _WIDEST
