"""A question before something that cannot be undone."""

from typing import Any

from nicegui import ui


async def confirm(title: str, text: str, button: str, color: str = "negative") -> bool:
    """Whether the user pressed ``button``; closing the dialog or leaving the page is a no."""
    with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-2"):
        dialog.props["aria-label"] = title
        ui.label(title).classes("text-[17px] font-semibold tracking-tight").props("role=heading aria-level=2")
        ui.label(text).classes("text-sm cm-mute")
        with ui.row().classes("w-full justify-end gap-2 mt-4"):
            ui.button("Keep it", on_click=lambda: dialog.submit(False)).props("flat color=grey-7 autofocus")
            ui.button(button, color=color, on_click=lambda: dialog.submit(True)).mark("confirm")
    return bool(await answer(dialog))


async def answer(dialog: ui.dialog) -> Any:
    """What was submitted in ``dialog``, which is gone then; None where it was closed or the page was left."""
    submitted = await dialog
    if not dialog.is_deleted:  # with the page
        dialog.delete()
    return submitted
