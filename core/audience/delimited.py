"""CSV, TSV and text files as rows of cells: encoding and delimiter detected, nothing in them can crash the reader."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.audience import addresses
from core.errors import RuleError

Row = tuple[int, list[str]]  # the line it begins on, its cells
_SAMPLE_BYTES = 65_536
_SAMPLE_LINES = 60
MAX_RECORDS = 1_200_000  # blank ones too
_MAX_LINE = 1_000_000  # characters
_MAX_RECORD_LINES = 200  # a quoted cell over more lines than this is a quote never closed
_DELIMITERS = ",;\t|"
_END = "\0"  # NULs are taken out of files, so this can only be our own last line
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Format:
    """How to read one text. ``quoted`` False: a quote was never closed, so quotes mean nothing in this file."""

    encoding: str
    delimiter: str
    quoted: bool = True
    skip_first: bool = False  # Excel's "sep=;" line


class _QuoteOpen(Exception):
    """A quotation mark is opened and never closed."""


def detect_file(path: Path) -> Format:
    """How to read the file. Raises RuleError where it is no text."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        sample = file.read(_SAMPLE_BYTES)
    if len(_CONTROL.findall(sample)) > len(sample) * 0.02 + 20:
        raise RuleError("This file is not a table or a text. Upload a CSV, TSV, TXT or XLSX file.")
    return _checked(lambda: path.open(encoding=encoding, newline="", errors="replace"), _format(sample, encoding))


def detect_text(text: str) -> Format:
    return _checked(lambda: io.StringIO(text, newline=""), _format(text[:_SAMPLE_BYTES], "utf-8"))


def file_rows(path: Path, format: Format) -> Iterator[Row]:
    """Every record of the file, in a stream. Blank lines come as no cells. Raises RuleError for a monstrous line."""
    with path.open(encoding=format.encoding, newline="", errors="replace") as file:
        yield from _rows(file, format)


def text_rows(text: str, format: Format) -> Iterator[Row]:
    return _rows(io.StringIO(text, newline=""), format)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
        if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
            return "utf-32"
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if len(head) > 3 and head[1::2].count(0) > len(head) * 0.3 and head[::2].count(0) < len(head) * 0.1:
            return "utf-16-le"
        if len(head) > 3 and head[::2].count(0) > len(head) * 0.3 and head[1::2].count(0) < len(head) * 0.1:
            return "utf-16-be"
        file.seek(0)
        decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp1252")}
        while decoders:
            block = file.read(1 << 20)
            for name in list(decoders):
                try:
                    decoders[name].decode(block, final=not block)
                except UnicodeDecodeError:
                    del decoders[name]
            if not block:
                break
    return next(iter(decoders), "latin-1")


def _format(sample: str, encoding: str) -> Format:
    lines = [line for line in sample.replace(_END, "").splitlines() if line.strip()][:_SAMPLE_LINES]
    if lines and (said := re.fullmatch(r'"?sep=([,;\t|])"?', lines[0].strip("\ufeff "), re.IGNORECASE)):
        return Format(encoding, said[1], skip_first=True)
    return Format(encoding, max(_DELIMITERS, key=lambda delimiter: _score(lines, delimiter)))


def _score(lines: list[str], delimiter: str) -> tuple[float, int]:
    """How evenly ``delimiter`` cuts the lines, and into cells of which some are whole addresses."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return 0.0, 0
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0, 0
    width, even = widths.most_common(1)[0]
    with_address = sum(any(addresses.looks_like_one(cell) for cell in row) for row in rows)
    return (even + with_address) / len(rows), width


def _checked(open_text: Callable[[], io.TextIOBase], format: Format) -> Format:
    """The format, read once through to learn whether every quotation mark is closed."""
    try:
        with open_text() as file:
            for number, _ in enumerate(_records(file, format), 1):
                if number > MAX_RECORDS:
                    raise RuleError(f"This file has more than {MAX_RECORDS:,} lines. Split it and upload the parts.")
    except _QuoteOpen:
        return replace(format, quoted=False)
    return format


def _rows(file: io.TextIOBase, format: Format) -> Iterator[Row]:
    for line, cells in _records(file, format):
        yield line, ([cell.strip().strip('"') for cell in cells] if not format.quoted else cells)


def _records(file: io.TextIOBase, format: Format) -> Iterator[Row]:
    reader = csv.reader(
        _lines(file),
        delimiter=format.delimiter,
        quoting=csv.QUOTE_MINIMAL if format.quoted else csv.QUOTE_NONE,
    )
    begin = 1
    try:
        for cells in reader:
            if reader.line_num - begin > _MAX_RECORD_LINES or any(_END in cell for cell in cells[-1:]):
                if cells != [_END]:
                    raise _QuoteOpen
                return
            if begin > 1 or not format.skip_first:
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error:  # a cell above 131,072 characters
        if format.quoted:
            raise _QuoteOpen from None
        raise RuleError(f"Line {begin:,} holds a cell that is too long to be read.") from None


def _lines(file: io.TextIOBase) -> Iterator[str]:
    number = 1
    # Not "for line in file": a file without line ends would be read as one piece, however large.
    while line := file.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise RuleError(f"Line {number:,} is longer than {_MAX_LINE:,} characters: this is not a list of people.")
        yield line.replace(_END, "") if _END in line else line
        number += 1
    yield _END
