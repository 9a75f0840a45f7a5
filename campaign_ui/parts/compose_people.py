"""Who is meant by a sentence of the preflight, and a default for those who have nothing for a merge field."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.pager import in_tens
from core.audience import addresses
from core.campaigns import Finding
from core.campaigns.preflight.survey import MOST_NAMED, Kind
from core.content import merge

_COLUMNS: list[dict[str, str | bool]] = [
    {"name": "email", "label": "Address", "field": "email", "align": "left", "sortable": True},
    {"name": "words", "label": "What", "field": "words", "align": "left"},
]


async def show_people(finding: Finding, kind: Kind) -> None:
    """A dialog with those that were kept by name."""
    with ui.dialog() as dialog, ui.card().classes("w-[640px] max-w-full p-6 gap-3 items-stretch"):
        dialog.props["aria-label"] = "Who"
        dialog_title("Who")
        ui.label(finding.text).classes("text-sm cm-mute").style("overflow-wrap:anywhere")
        rows = [
            {"id": each.contact_id, "email": addresses.shown(each.email), "words": each.words} for each in kind.people
        ]
        columns = _COLUMNS if any(each.words for each in kind.people) else _COLUMNS[:1]
        table = in_tens(ui.table(columns=columns, rows=rows, row_key="id")).classes("w-full")
        table.props("flat dense wrap-cells")
        if kind.count > len(kind.people):
            ui.label(f"The first {MOST_NAMED:,} of {kind.count:,}.").classes("text-xs cm-mute")
        with ui.row().classes("w-full items-center justify-between gap-2"):
            ui.link("Open Audience in a new tab", "/audience", new_tab=True).classes("cm-link text-[13px]")
            ui.button("Close", on_click=dialog.close).props("outline autofocus")
    await answer(dialog)


async def ask_default(name: str, count: int, save: Callable[[str], Any]) -> None:
    """Ask what those with nothing for ``name`` should read, and ``save`` it."""
    with ui.dialog() as dialog, ui.card().classes("w-[460px] max-w-full p-6 gap-3 items-stretch"):
        dialog.props["aria-label"] = "Add a default"
        dialog_title(f"A default for {name}")
        who = "1 recipient reads" if count == 1 else f"{count:,} recipients read"
        ui.label(f"{who} it instead of a gap, wherever the mail uses {name}.").classes("text-sm cm-mute")
        shown = "there" if "name" in name else ""
        word = ui.input("Default", value=shown, placeholder="there").props("autofocus maxlength=100")
        word.on("keydown.enter", lambda: _submit(dialog, word))
        with ui.row().classes("w-full justify-end gap-2 mt-1"):
            ui.button("Not now", on_click=dialog.close).props("flat color=grey-7")
            ui.button("Use it", on_click=lambda: _submit(dialog, word))
    if typed := await answer(dialog):
        await save(str(typed))


def _submit(dialog: ui.dialog, word: ui.input) -> None:
    if merge.meant(word.value or ""):
        dialog.submit(word.value)
