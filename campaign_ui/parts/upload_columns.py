"""The columns of an upload: its first people under the names that will be stored, and the fields that change those."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import ui

from campaign_ui.parts.blocks import scroll_box
from campaign_ui.parts.upload_target import Target
from core.audience import addresses, columns
from core.audience.columns import Column
from core.audience.parse import ParsedUpload

_SHOWN_ROWS, _SHOWN_COLUMNS, _RENAMED, _CHIPS, _WITHOUT = 6, 7, 60, 30, 12
_LEFT_OUT = "left out"

# Constant template: what stands in somebody's file arrives as data only.
_HEAD = """
<q-th :props="props">
  <div>{{ props.col.label }}</div>
  <div class="font-normal" :style="props.col.wrong ? 'color:var(--cm-failed-text)' : ''">{{ props.col.stored }}</div>
</q-th>
"""


class UploadColumns:
    """What is typed into its fields changes ``target``, and at once what the table says, then calls ``on_change``."""

    def __init__(self, parsed: ParsedUpload, target: Target, on_change: Callable[[], Any]) -> None:
        self.parsed, self.target, self.on_change = parsed, target, on_change
        self.inputs: dict[int, ui.input] = {}
        self.wrong: dict[int, str] = {}
        named = [column for column in parsed.columns if column.field]
        self.in_table = sorted(named, key=lambda column: not column.proposed)[: _SHOWN_COLUMNS - 1]
        self._build_table()
        more = len([column for column in named if column.proposed and column not in self.in_table])
        if more > 0:
            ui.label(f"and {more:,} more column{'s' * (more != 1)}").classes("text-xs cm-mute")
        if named:
            self.chips = ui.row().classes("w-full items-center gap-2")
            self.without = ui.label().classes("text-xs cm-mute").style("overflow-wrap:anywhere")
            self._build_inputs(named[:_RENAMED])
        self._show()

    def _build_table(self) -> None:
        # Keys are constants: a header from somebody's file must never become one.
        rows = [
            {"id": at, "c0": addresses.shown(email)}
            | {f"c{n}": fields.get(column.field, "")[:80] for n, column in enumerate(self.in_table, 1)}
            for at, (email, fields) in enumerate(self.parsed.sample[:_SHOWN_ROWS])
        ]
        with scroll_box("First rows").classes("border rounded-[12px] px-4").style("border-color:var(--cm-line)"):
            self.table = ui.table(rows=rows, row_key="id").props("flat hide-pagination")
            self.table.add_slot("header-cell", _HEAD)

    def _build_inputs(self, named: list[Column]) -> None:
        with (
            ui.expansion("Rename or leave out columns", icon="edit_note").classes("w-full").props("dense"),
            ui.element("div").classes("grid grid-cols-1 sm:grid-cols-2 gap-x-3 gap-y-5 w-full"),
        ):
            words = (
                "Clear a name to leave its column out. Empty columns and records of another program are out already."
            )
            ui.label(words).classes("text-xs cm-mute sm:col-span-2")
            for column in named:
                field = ui.input(
                    column.label[:60],
                    value=self.target.fields.get(column.index, column.proposed),
                    validation=partial(self._why_wrong, column.index),
                )
                field.props("clearable maxlength=60")
                with field.add_slot("append"):
                    keep = ui.button("Keep", on_click=partial(field.set_value, column.field)).props("flat dense")
                keep.props["aria-label"] = f"Keep {column.label[:60]}"
                keep.bind_visibility_from(field, "value", backward=lambda name: not name)
                field.on_value_change(lambda event, index=column.index: self._rename(index, event.value))
                self.inputs[column.index] = field

    def _why_wrong(self, index: int, _name: object) -> str | None:
        return self.wrong.get(index)

    def _rename(self, index: int, name: str | None) -> None:
        self.target.fields[index] = name or ""
        self._show()
        self.on_change()

    def _show(self) -> None:
        planned = {
            column.index: (column.field, wrong)
            for column, wrong in columns.planned(self.parsed.columns, self.target.fields)
        }
        self.wrong = {index: wrong for index, (_, wrong) in planned.items() if wrong}
        label = self.parsed.columns[self.parsed.email_index].label
        self.table.columns = [
            _head(0, label, "the address", ""),
            *(_head(n, column.label, *planned[column.index]) for n, column in enumerate(self.in_table, 1)),
        ]
        for index, field in self.inputs.items():
            name = planned[index][0]
            field.validate(return_result=False)
            field.props["hint"] = f"Stored as {name}" if name else "Left out"
        if self.inputs:
            self._show_chips([name for name, wrong in planned.values() if name and not wrong])
            self._show_without(
                [each.label for each in self.parsed.columns if each.field and not any(planned[each.index])]
            )

    def _show_chips(self, names: list[str]) -> None:
        self.chips.clear()
        with self.chips:
            ui.label("Merge fields").classes("text-xs cm-mute")
            for name in names[:_CHIPS]:
                ui.label(f"{{{{ {name} }}}}").classes("is-brand rounded-[8px] px-2 py-0.5 text-xs font-mono")
            if not names:
                ui.label("none").classes("text-xs cm-mute")

    def _show_without(self, labels: list[str]) -> None:
        more = f" and {len(labels) - _WITHOUT:,} more" if len(labels) > _WITHOUT else ""
        self.without.set_text(f"Left out: {', '.join(label[:60] for label in labels[:_WITHOUT])}{more}")
        self.without.set_visibility(bool(labels))


def _head(number: int, label: str, name: str, wrong: str) -> dict[str, Any]:
    key = f"c{number}"
    says = "needs another name" if wrong else (name if number == 0 else f"stored as {name}") if name else _LEFT_OUT
    head = {"name": key, "field": key, "label": label[:60], "align": "left", "stored": says, "wrong": bool(wrong)}
    return head | {"classes": "" if name or wrong else "cm-mute line-through"}
