"""The attributes in an export of listmonk: one cell of JSON for each person, here columns as any other."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from core.audience import columns

_HEADER_WITHIN = 10
_BESIDE = {"uuid", "attributes", "status"}

Row = tuple[int, list[str]]


def unpacked(open_rows: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    """``open_rows`` with a column more for each attribute that somebody has; as it is where that is no such export."""
    for line, cells in islice(open_rows(), _HEADER_WITHIN):
        keys = [columns.key(cell) for cell in cells]
        if _BESIDE.issubset(keys):
            return _with_columns(open_rows, line, keys.index("attributes"), len(cells))
    return open_rows


def _with_columns(
    open_rows: Callable[[], Iterator[Row]], header: int, at: int, width: int
) -> Callable[[], Iterator[Row]]:
    found = (name for line, cells in open_rows() if line > header for name in _read(cells, at))
    names = list(islice(_each_once(found), max(columns.MAX_COLUMNS - width, 0)))

    def rows() -> Iterator[Row]:
        for line, cells in open_rows():
            told: Sequence[str] = names
            if line != header:
                values = _read(cells, at)
                told = [values.get(name, "") for name in names]
            yield line, [*cells[:width], *[""] * (width - len(cells)), *told]

    return rows


def _each_once(names: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name not in seen:
            seen.add(name)
            yield name


def _read(cells: list[str], at: int) -> dict[str, str]:
    """The attributes of one person that are words or numbers."""
    try:
        read = json.loads(cells[at]) if at < len(cells) else None
    except (ValueError, RecursionError):
        return {}
    told = read.items() if isinstance(read, dict) else ()
    return {columns.clean(name): word for name, value in told if (word := _word(value))}


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else ""
