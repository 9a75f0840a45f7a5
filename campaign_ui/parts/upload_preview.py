"""What a file or a paste holds, before anything of it is stored."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from campaign_ui.parts.notices import notice
from core.audience.parse import ParsedUpload

_SHOWN_ROWS, _SHOWN_COLUMNS, _SHOWN_REJECTED = 6, 7, 200

# Constant template: what stands in somebody's file arrives as data only.
_VALUE = """
<q-td :props="props">
  <div class="break-all">{{ props.row.value }}</div>
  <div class="text-xs cm-mute">{{ props.row.reason }}</div>
</q-td>
"""


def preview(
    parsed: ParsedUpload,
    suppressed_count: int,
    list_name: str,
    *,
    on_name: Callable[[str], Any],
    on_column: Callable[[int], Any],
    on_add: Callable[[], Any],
    on_back: Callable[[], Any],
) -> None:
    """Counts, the first people, what is left out and why, a name for the list, and the button that stores it."""
    with ui.element("div").classes("grid grid-cols-2 sm:grid-cols-4 gap-3 w-full"):
        _tile("Valid", parsed.valid_count, "sent")
        _tile("Invalid", parsed.invalid_count, "failed" if parsed.invalid_count else "quiet")
        _tile("Duplicates", parsed.duplicate_count, "quiet")
        _tile("Suppressed", suppressed_count, "pending" if suppressed_count else "quiet")
    if suppressed_count:
        ui.label("Suppressed people are kept as contacts, and no campaign mails them.").classes("text-xs cm-mute")
    with ui.element("div").classes("grid grid-cols-1 sm:grid-cols-2 gap-3 w-full"):
        ui.input("List name", value=list_name, on_change=lambda event: on_name(event.value or "")).props(
            "maxlength=200"
        )
        labels = {column.index: column.label for column in parsed.columns}
        ui.select(
            labels, label="Address column", value=parsed.email_index, on_change=lambda event: on_column(event.value)
        )
    if parsed.sample:
        _people(parsed)
        _fields(parsed)
    else:
        notice(
            "No row has a valid address in this column. Choose another column or look at the reasons below.", "pending"
        )
    if parsed.invalid:
        _rejected(parsed)
    with ui.row().classes("w-full justify-end gap-2"):
        ui.button("Start over", on_click=on_back).props("flat color=grey-7")
        add = ui.button(f"Add {parsed.valid_count:,} contact{'s' * (parsed.valid_count != 1)}", on_click=on_add)
        add.set_enabled(parsed.valid_count > 0)


def _tile(label: str, value: int, tone: str) -> None:
    with ui.element("div").classes(f"is-{tone} rounded-[12px] px-4 py-3") as tile:
        ui.label(label).classes("text-xs font-medium")
        ui.label(f"{value:,}").classes("cm-num text-[22px]")
    tile.props["role"] = "group"
    tile.props["aria-label"] = label


def _people(parsed: ParsedUpload) -> None:
    named = [column for column in parsed.columns if column.field][: _SHOWN_COLUMNS - 1]
    # Keys are constants: a header from somebody's file must never become one.
    labels = [parsed.columns[parsed.email_index].label, *(column.label for column in named)]
    columns = [
        {"name": f"c{n}", "field": f"c{n}", "label": label[:60], "align": "left"} for n, label in enumerate(labels)
    ]
    rows = [
        {"id": number, "c0": email, **{f"c{n}": fields.get(c.field, "")[:80] for n, c in enumerate(named, 1)}}
        for number, (email, fields) in enumerate(parsed.sample[:_SHOWN_ROWS])
    ]
    with ui.element("div").classes("w-full border rounded-[12px] px-4").style("border-color:var(--cm-line)"):
        table = ui.table(rows=rows, columns=columns, row_key="id").props("flat hide-pagination")
        table.props["aria-label"] = "First rows"
    more = len([column for column in parsed.columns if column.field]) - len(named)
    if more > 0:
        ui.label(f"and {more:,} more column{'s' * (more != 1)}").classes("text-xs cm-mute")


def _fields(parsed: ParsedUpload) -> None:
    if not parsed.fields:
        return
    with ui.row().classes("w-full items-center gap-2"):
        ui.label("Merge fields").classes("text-xs cm-mute")
        for name in parsed.fields[:30]:
            ui.label(f"{{{{ {name} }}}}").classes("is-brand rounded-[8px] px-2 py-0.5 text-xs font-mono")


def _rejected(parsed: ParsedUpload) -> None:
    count, shown = parsed.invalid_count, parsed.invalid[:_SHOWN_REJECTED]
    words = f"{count:,} row{'s' * (count != 1)} left out"
    if count > len(shown):
        words += f" (the first {len(shown):,} are shown)"
    columns = [
        {"name": "line", "field": "line", "label": "Line", "align": "right"},
        {"name": "value", "field": "value", "label": "What stands there, and why it is left out", "align": "left"},
    ]
    rows = [
        {"id": number, "line": f"{each.line:,}", "value": each.value[:80] or "–", "reason": each.reason}
        for number, each in enumerate(shown)
    ]
    with ui.expansion(words, icon="rule", value=not parsed.valid_count).classes("w-full").props("dense"):
        table = ui.table(rows=rows, columns=columns, row_key="id", pagination=10).props("flat wrap-cells")
        table.props["rows-per-page-options"] = [10]
        table.add_slot("body-cell-value", _VALUE)
        table.props["aria-label"] = "Rows left out"
