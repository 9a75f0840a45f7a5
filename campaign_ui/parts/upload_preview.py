"""What a file or a paste holds, before anything of it is stored."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from campaign_ui.parts.notices import notice
from campaign_ui.parts.pager import in_tens
from campaign_ui.parts.upload_columns import UploadColumns
from campaign_ui.parts.upload_left import left_choice
from campaign_ui.parts.upload_outcome import UploadOutcome
from campaign_ui.parts.upload_read import Part, Read
from campaign_ui.parts.upload_target import Target, target_fields
from core.audience.parse import ParsedUpload
from core.audience.tally import Rejected

_SHOWN_REJECTED = 200

# Constant template: what stands in somebody's file arrives as data only.
_VALUE = """
<q-td :props="props">
  <div class="break-all">{{ props.row.value }}</div>
  <div class="text-xs cm-mute">{{ props.row.reason }}</div>
</q-td>
"""


def preview(
    read: Read,
    target: Target,
    *,
    on_column: Callable[[int], Any],
    on_add: Callable[[], Any],
    on_back: Callable[[], Any],
) -> None:
    """Counts, the first people, what is left out and why, where they go, and the button that stores them."""
    tiles = ui.element("div").classes("grid grid-cols-2 sm:grid-cols-4 gap-3 w-full")
    if read.gone is not None:
        left_choice(read.whole.parsed, target, lambda: show())
    rest = ui.column().classes("w-full gap-4 items-stretch")

    def show() -> None:
        added, gone = read.parts(target.suppress_left)
        tiles.clear()
        rest.clear()
        with tiles:
            _tiles(read.whole.parsed, added.suppressed_count + (gone.parsed.valid_count if gone else 0))
        with rest:
            _notes(added, gone)
            _who_and_where(read, added, target, on_column, lambda: told.show())
            _left_out_rows(added.parsed)
            told = UploadOutcome(read, target, on_add, on_back)

    show()


def _tiles(parsed: ParsedUpload, suppressed_count: int) -> None:
    _tile("Valid", parsed.valid_count, "sent")
    _tile("Invalid", parsed.invalid_count, "failed" if parsed.invalid_count else "quiet")
    _tile("Duplicates", parsed.duplicate_count, "quiet")
    _tile("Suppressed", suppressed_count, "pending" if suppressed_count else "quiet")


def _notes(added: Part, gone: Part | None) -> None:
    if added.suppressed_count:
        who = "People whom you suppressed before" if gone else "Suppressed people"
        ui.label(f"{who} are kept as contacts, and no campaign mails them.").classes("text-xs cm-mute")
    if added.parsed.other_sheets:
        ui.label(_say_sheets(added.parsed.other_sheets)).classes("text-[13px]")
    if many := added.parsed.one_of_count:
        words = f"{many:,} cell{'s have' if many != 1 else ' has'} several addresses: the first of each is taken."
        ui.label(words).classes("text-[13px]")


def _who_and_where(
    read: Read, added: Part, target: Target, on_column: Callable[[int], Any], on_change: Callable[[], Any]
) -> None:
    parsed = added.parsed
    with ui.element("div").classes("grid grid-cols-1 sm:grid-cols-2 gap-3 w-full"):
        if parsed.valid_count or not read.whole.parsed.valid_count:
            target_fields(target, read.lists, on_change)
        labels = {column.index: column.label for column in parsed.columns}
        ui.select(
            labels, label="Address column", value=parsed.email_index, on_change=lambda event: on_column(event.value)
        )
    if parsed.sample:
        UploadColumns(parsed, target, on_change)
    elif not read.whole.parsed.valid_count:
        notice(
            "No row has a valid address in this column. Choose another column or look at the reasons below.", "pending"
        )


def _left_out_rows(parsed: ParsedUpload) -> None:
    if parsed.invalid:
        words = f"{parsed.invalid_count:,} row{'s' * (parsed.invalid_count != 1)} left out"
        head = "What stands there, and why it is left out"
        _left_out(parsed.invalid, parsed.invalid_count, words, "Rows left out", head, is_open=not parsed.whole_count)
    if parsed.duplicates:
        words = f"{parsed.duplicate_count:,} duplicate{'s' * (parsed.duplicate_count != 1)}"
        head = "The address, and what becomes of its row"
        _left_out(parsed.duplicates, parsed.duplicate_count, words, "Duplicates", head, is_open=False)


def _say_sheets(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5]) + (" and others" if len(names) > 5 else "")
    which = "Another sheet of this workbook is" if len(names) == 1 else "Other sheets of this workbook are"
    return f"{which} not read: {shown}. To add it too, save it as a file of its own."


def _tile(label: str, value: int, tone: str) -> None:
    with ui.element("div").classes(f"is-{tone} rounded-[12px] px-4 py-3") as tile:
        ui.label(label).classes("text-xs font-medium")
        ui.label(f"{value:,}").classes("cm-num text-[22px]")
    tile.props["role"] = "group"
    tile.props["aria-label"] = label


def _left_out(rows: tuple[Rejected, ...], count: int, words: str, name: str, head: str, *, is_open: bool) -> None:
    """Rows that are no recipients of their own; ``rows`` may be only the first of ``count``."""
    shown = rows[:_SHOWN_REJECTED]
    if count > len(shown):
        words += f" (the first {len(shown):,} are shown)"
    columns = [
        {"name": "line", "field": "line", "label": "Line", "align": "right"},
        {"name": "value", "field": "value", "label": head, "align": "left"},
    ]
    table_rows = [
        {"id": number, "line": f"{each.line:,}", "value": each.value[:80] or "–", "reason": each.reason}
        for number, each in enumerate(shown)
    ]
    with ui.expansion(words, icon="rule", value=is_open).classes("w-full").props("dense"):
        table = ui.table(rows=table_rows, columns=columns, row_key="id").props("flat wrap-cells")
        in_tens(table)
        table.add_slot("body-cell-value", _VALUE)
        table.props["aria-label"] = name
