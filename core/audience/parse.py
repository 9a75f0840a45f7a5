"""Uploaded files and pasted text as people: scanned once for the preview, streamed again when they are stored."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

from core.audience import addresses, attributes, binary, columns, delimited, elsewhere, pasted, sheet
from core.audience.columns import Column, Layout
from core.audience.elsewhere import NOBODY, Left, Said
from core.audience.tally import Person, Rejected, Tally
from core.errors import RuleError

MAX_FILE_BYTES = 50 << 20
MAX_TEXT_CHARS = 5_000_000
MAX_ROWS = 1_000_000
_LOOK_ROWS = 500
_PROGRESS_ROWS = 5_000
_HEADER_ROOM = 20  # rows of a sheet above the first person

Row = tuple[int, list[str]]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class ParsedUpload:
    """What a file or a text holds, before anything is stored. ``people()`` streams; the file must still be there."""

    name: str  # a name for the list
    columns: tuple[Column, ...]
    email_index: int
    valid_count: int
    duplicate_count: int  # valid rows whose address stood above already; not in valid_count
    invalid_count: int
    invalid: tuple[Rejected, ...]  # the first 1,000
    duplicates: tuple[Rejected, ...]  # likewise
    sample: tuple[tuple[str, dict[str, str]], ...]
    _open: Callable[[], Iterator[Row]] = field(repr=False)
    _layout: Layout = field(repr=False)
    _spool: Path | None = field(default=None, repr=False)
    other_sheets: tuple[str, ...] = ()  # of the workbook: not read
    left: Left = NOBODY  # who of the valid people left elsewhere
    one_of_count: int = 0  # valid rows that have more addresses, of which the first was taken
    _sample_left: frozenset[str] = frozenset()
    _mixed: frozenset[int] = field(default=frozenset(), repr=False)  # hashes of who left by one of their rows only
    _part: bool | None = None  # True: only who left; False: only who did not
    _others_count: int = 0  # who is not in this part

    @property
    def whole_count(self) -> int:
        """How many valid people the file holds, of which this may be a part."""
        return self.valid_count + self._others_count

    @property
    def fields(self) -> list[str]:
        """The merge fields, in the order of the columns."""
        return [column.proposed for column in self.columns if column.proposed]

    def people(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every valid row as (address, merge fields that are not empty). Duplicates come again."""
        return ((person.email, person.fields) for person in self._chosen())

    def said(self) -> Iterator[tuple[str, Said | None]]:
        """Likewise (address, what its row tells of their leaving)."""
        told = ((person.email, person.left) for person in self._chosen())
        return ((email, left) for email, left in told if left or not self._part)

    def part(self, has_left: bool) -> "ParsedUpload":
        """Only those who left elsewhere, or only the others. ``invalid`` and ``duplicates`` stay those of all."""
        gone, stayed = self.left.count, self.valid_count - self.left.count
        count, others = (gone, stayed) if has_left else (stayed, gone)
        sample = tuple(each for each in self.sample if (each[0] in self._sample_left) == has_left)
        left = self.left if has_left else NOBODY
        return replace(self, valid_count=count, sample=sample, left=left, _part=has_left, _others_count=others)

    def _chosen(self) -> Iterator[Person]:
        layout = replace(self._layout, columns=columns.renamed(self._layout.columns, {}))
        for _, person in _people(self._open(), layout):
            if not isinstance(person, Rejected) and self._part in (None, self._has_left(person)):
                yield person

    def _has_left(self, person: Person) -> bool:
        return person.left is not None or hash(person.email) in self._mixed

    def with_email_column(self, index: int, progress: Progress | None = None) -> "ParsedUpload":
        """The same rows with the addresses taken from column ``index``. Raises RuleError where there is none."""
        rows = list(islice(self._open(), _LOOK_ROWS))
        layout = columns.detect(rows, index) if 0 <= index < len(self.columns) else None
        if layout is None:
            raise RuleError("There is no such column.")
        read = _scan(self._open, layout, self.name, progress)
        return replace(read, _spool=self._spool, other_sheets=self.other_sheets)

    def with_fields(self, names: Mapping[int, str]) -> "ParsedUpload":
        """The same rows with other merge fields: column index -> name, empty to leave the column out.

        Raises RuleError where two columns would become one field.
        """
        layout = replace(self._layout, columns=columns.renamed(self._layout.columns, names))
        sample = tuple((email, _renamed(fields, self.columns, layout.columns)) for email, fields in self.sample)
        return replace(self, columns=layout.columns, sample=sample, _layout=layout)

    def close(self) -> None:
        """Delete what was unpacked beside the uploaded file."""
        if self._spool is not None:
            self._spool.unlink(missing_ok=True)


def parse_file(path: Path, filename: str, progress: Progress | None = None) -> ParsedUpload:
    """Read the CSV, TSV, TXT or XLSX file at ``path``; ``filename`` is the user's name for it, its content decides.

    ``progress`` hears the number of rows read. Raises RuleError with one sentence for a file that is no list of
    people: empty, binary, damaged, protected, too large, without an address.
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise RuleError(f"This file is larger than {MAX_FILE_BYTES >> 20} MB. Split it and upload the parts.")
    if size == 0:
        raise RuleError("This file is empty.")
    name = _list_name(filename)
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        return _parse_workbook(path, name, progress)
    binary.refuse(path, head)
    return _parse_table(path, name, progress)


def parse_text(text: str, progress: Progress | None = None) -> ParsedUpload:
    """Read pasted text: a table as copied from a spreadsheet, or addresses with or without names."""
    if len(text) > MAX_TEXT_CHARS:
        raise RuleError("This is too much to paste. Save it as a CSV file and upload that.")
    if not text.strip():
        raise RuleError("There is nothing to read. Paste one address per line.")
    format = delimited.detect_text(text)

    def open_rows() -> Iterator[Row]:
        return delimited.text_rows(text, format)

    top = list(islice(open_rows(), _LOOK_ROWS))
    layout = columns.detect(top)
    if layout and _is_table(top, layout):
        return _scan(open_rows, layout, "Pasted addresses", progress)
    return _parse_entries(text, "Pasted addresses", progress)


def _parse_workbook(path: Path, name: str, progress: Progress | None) -> ParsedUpload:
    spool = path.with_name(path.name + ".rows")
    try:
        others = sheet.to_csv(path, spool, MAX_ROWS + _HEADER_ROOM, progress or _silent)
        parsed = _parse_table(spool, name, progress, delimited.Format("utf-8", ","))
    except BaseException:
        spool.unlink(missing_ok=True)
        raise
    return replace(parsed, _spool=spool, other_sheets=others)


def _parse_table(
    path: Path, name: str, progress: Progress | None, format: delimited.Format | None = None
) -> ParsedUpload:
    chosen = format or delimited.detect_file(path)
    open_rows = attributes.unpacked(lambda: delimited.file_rows(path, chosen))
    top = list(islice(open_rows(), _LOOK_ROWS))
    if not any(cell.strip() for _, cells in top for cell in cells):
        raise RuleError("This file has no rows with text in them.")
    if max(len(cells) for _, cells in top) > columns.MAX_COLUMNS:
        raise RuleError(f"This file has more than {columns.MAX_COLUMNS} columns. Remove those you do not need.")
    layout = columns.detect(top)
    if format is None and (layout is None or not _is_table(top, layout)):
        text = _text_with_entries(path, chosen)
        if text:
            return _parse_entries(text, name, progress)
    if layout is None:
        raise RuleError("No column of this file holds email addresses.")
    return _scan(open_rows, layout, name, progress)


def _text_with_entries(path: Path, format: delimited.Format) -> str:
    """The whole file where it may be a list like ``Name <a@b>, …``; empty where it is not or is too large."""
    if path.stat().st_size > MAX_TEXT_CHARS:
        return ""
    text = path.read_text(format.encoding, errors="replace")
    return text if any(addresses.looks_like_one(cells[0]) for _, cells in pasted.rows(text)) else ""


def _parse_entries(text: str, name: str, progress: Progress | None) -> ParsedUpload:
    header: Row = (0, pasted.HEADER)
    width = 3 if any(cells[1] for _, cells in pasted.rows(text)) else 1

    def open_rows() -> Iterator[Row]:
        return ((line, cells[:width]) for line, cells in chain([header], pasted.rows(text)))

    layout = columns.detect([header], 0)
    if layout is None:
        raise RuleError("There is no address in this text.")
    return _scan(open_rows, replace(layout, columns=layout.columns[:width]), name, progress)


def _is_table(top: Sequence[Row], layout: Layout) -> bool:
    """Whether each row is one person, rather than several addresses or ``Name <a@b>`` beside each other."""
    if layout.header_line >= 0:
        return True
    body = [cells for line, cells in top if any(cells)]
    odd = sum(sum("@" in cell for cell in cells) > 1 or any("<" in cell for cell in cells) for cells in body)
    return odd * 10 <= len(body) and (layout.email_index > 0 or len(layout.columns) > 1 or odd == 0)


def _scan(open_rows: Callable[[], Iterator[Row]], layout: Layout, name: str, progress: Progress | None) -> ParsedUpload:
    tally = Tally()
    for number, (line, row) in enumerate(_people(open_rows(), layout), 1):
        if number > MAX_ROWS:
            raise RuleError(f"This file has more than {MAX_ROWS:,} rows. Split it and upload the parts.")
        if progress and number % _PROGRESS_ROWS == 0:
            progress(number)
        tally.take(line, row)
    if not tally.valid and not tally.rejected:
        raise RuleError("There is a header, but no rows below it.")
    if tally.valid:
        layout = replace(layout, columns=columns.without_empty(layout.columns, tally.filled))
    return ParsedUpload(
        name,
        layout.columns,
        layout.email_index,
        tally.valid,
        tally.duplicates,
        tally.rejected,
        tuple(tally.invalid),
        tuple(tally.doubled),
        tuple(tally.sample.items()),
        open_rows,
        layout,
        left=tally.left(),
        one_of_count=tally.one_of,
        _sample_left=tally.sample_left(),
        _mixed=frozenset(tally.mixed),
    )


def _people(rows: Iterator[Row], layout: Layout) -> Iterator[tuple[int, Person | Rejected]]:
    email_index = layout.email_index
    signs = elsewhere.signs(layout.columns, email_index)
    named = [(column.index, column.field) for column in layout.columns if column.field]
    for line, cells in rows:
        if line <= layout.header_line or not any(cells):
            continue
        raw = cells[email_index] if email_index < len(cells) else ""
        address = addresses.read(columns.first_of(raw))
        if not address.email:
            if raw.strip() or any(cell.strip() for cell in cells):
                yield line, Rejected(line, _shown(raw), address.reason)
            continue
        width = len(cells)
        fields = {name: text for index, name in named if index < width and (text := columns.clean(cells[index]))}
        too_long = next((name for name, text in fields.items() if len(text) > columns.MAX_VALUE), "")
        if too_long:
            yield line, Rejected(line, address.email, f"{too_long} has more than {columns.MAX_VALUE:,} characters")
            continue
        left = elsewhere.said(cells, signs) if signs else None
        yield line, Person(address.email, fields, left, columns.MORE in raw)


def _renamed(fields: dict[str, str], old: Sequence[Column], new: Sequence[Column]) -> dict[str, str]:
    names = {before.field: after.field for before, after in zip(old, new, strict=True) if before.field}
    return {names[name]: value for name, value in fields.items() if names.get(name)}


def _shown(raw: str) -> str:
    return " ".join(raw.encode("utf-8", "replace").decode()[:200].split())


def _list_name(filename: str) -> str:
    stem = re.split(r"[/\\:]", filename)[-1]
    stem = re.sub(r"\.(csv|tsv|tab|txt|xlsx|xlsm|xls)$", "", stem, flags=re.IGNORECASE)
    stem = " ".join(stem.encode("utf-8", "replace").decode().split())
    return "".join(letter for letter in stem if letter.isprintable())[:150].strip() or "Uploaded contacts"


def _silent(_: int) -> None:
    """Nobody asked for progress."""
