"""XLSX files, which may be hostile: checked as an archive first, then read row by row into a CSV beside the upload."""

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl

from core.audience.columns import MAX_COLUMNS
from core.errors import RuleError

_MAX_ENTRIES = 2_000
_MAX_TOTAL = 700 << 20  # bytes, uncompressed
_MAX_STRINGS = 120 << 20  # openpyxl holds the shared strings in memory
_RATIO_FROM, _MAX_RATIO = 2 << 20, 150  # sheets compress 5 to 40 times; a bomb a thousand times
_MAX_ROWS = 1_048_576  # of Excel itself
_MAX_BLANK = 1_000
_MAX_SHEETS = 20
_LOOK_ROWS = 50
_DAMAGED = "This Excel file is damaged. Open it in your spreadsheet program, save it again and upload that."
_BOMB = "This Excel file unpacks to far more than it should. Save the list as CSV and upload that."
# What zipfile, expat and openpyxl raise on damaged files.
_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
)


def to_csv(path: Path, spool: Path, max_rows: int, progress: Callable[[int], None]) -> tuple[str, ...]:
    """Write the sheet with the people of workbook ``path`` to ``spool`` as UTF-8 CSV, row n on line n.

    Returns the names of the other visible sheets, which are left alone.
    Raises RuleError with one sentence for a file that is damaged, protected, a bomb or too long.
    """
    try:
        _check_archive(path)
        with path.open("rb") as file:
            # keep_links=False: references to other workbooks are of no use here.
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                chosen = _choose(book)
                _write(chosen, spool, max_rows, progress)
                return tuple(sheet.title[:80] for sheet in _visible(book) if sheet is not chosen)
            finally:
                book.close()
    except _ERRORS:
        raise RuleError(_DAMAGED) from None


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if not any(name.startswith("xl/") for name in names):
        raise RuleError("This is an archive, not an Excel workbook. Upload a CSV, TSV, TXT or XLSX file.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise RuleError("This Excel file is protected by a password. Remove the password and upload it again.")
    if "xl/workbook.bin" in names:
        raise RuleError("This is a binary Excel workbook (.xlsb). Save it as .xlsx or CSV and upload that.")
    sizes = [entry.file_size for entry in entries]
    squeezed = any(e.file_size > _RATIO_FROM and e.file_size > _MAX_RATIO * e.compress_size for e in entries)
    strings = sum(e.file_size for e in entries if "sharedstrings" in e.filename.lower())
    # Everything but sheets is read whole: styles, the workbook, relations.
    rest = max((e.file_size for e in entries if _read_whole(e.filename.lower())), default=0)
    if len(entries) > _MAX_ENTRIES or sum(sizes) > _MAX_TOTAL or squeezed or strings > _MAX_STRINGS or rest > 20 << 20:
        raise RuleError(_BOMB)


def _read_whole(name: str) -> bool:
    return name.endswith((".xml", ".rels")) and not re.search(r"worksheets/[^/]*\.xml$|sharedstrings", name)


def _visible(book: Any) -> list[Any]:
    return [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"][:_MAX_SHEETS]


def _choose(book: Any) -> Any:
    """The first visible sheet that has an @ near its top, else the first that has anything."""
    filled = None
    for sheet in _visible(book):
        top = list(islice(_cells(sheet), _LOOK_ROWS))
        if any("@" in cell for row in top for cell in row):
            return sheet
        if filled is None and any(any(row) for row in top):
            filled = sheet
    if filled is None:
        raise RuleError("This Excel file has no rows.")
    return filled


def _write(sheet: Any, spool: Path, max_rows: int, progress: Callable[[int], None]) -> None:
    with spool.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, row in enumerate(_cells(sheet), 1):
            if number > max_rows:
                raise RuleError(f"This file has more than {max_rows:,} rows. Split it and upload the parts.")
            writer.writerow(row)
            if number % 2_000 == 0:
                progress(number)


def _cells(sheet: Any) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # what the file says of its size may be a lie in both directions
    blank = 0
    for cells in sheet.iter_rows(max_row=_MAX_ROWS, max_col=MAX_COLUMNS + 1, values_only=True):
        row = [_text(cell) if cell is not None else "" for cell in cells]
        while row and not row[-1]:
            row.pop()
        blank = 0 if row else blank + 1
        if blank > _MAX_BLANK:
            return
        yield row


def _text(value: object) -> str:
    """A cell as a person would type it; one line, so that rows and lines keep step."""
    if isinstance(value, str):
        # Errors of formulas are nothing to greet a person with.
        text = "" if value.startswith("#") and value in _CELL_ERRORS else value
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        text = str(int(value))
    elif isinstance(value, datetime):
        text = value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        text = str(value)
    return " ".join(text.encode("utf-8", "replace").decode().split()) if not text.isprintable() else text.strip()


_CELL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
