"""A question before something that cannot be undone."""

from typing import Any

from nicegui import ui

NOT_NOW = "Not now"  # where nothing would be kept; "Cancel" ends a campaign


async def confirm(title: str, text: str, button: str, color: str = "negative", no: str = "") -> bool:
    """Whether the user pressed ``button``; ``no``, closing the dialog or leaving the page is a no."""
    no = no or ("Keep it" if color == "negative" else NOT_NOW)
    with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-2"):
        dialog.props["aria-label"] = title
        dialog_title(title)
        ui.label(text).classes("text-sm cm-mute")
        with ui.row().classes("w-full justify-end gap-2 mt-4"):
            ui.button(no, on_click=lambda: dialog.submit(False)).props("flat color=grey-7 autofocus")
            ui.button(button, color=color, on_click=lambda: dialog.submit(True)).mark("confirm")
    return bool(await answer(dialog))


def dialog_title(text: str) -> ui.label:
    """The heading of a dialog."""
    return ui.label(text).classes("text-[17px] font-semibold tracking-tight").props("role=heading aria-level=2")


async def answer(dialog: ui.dialog) -> Any:
    """What was submitted in ``dialog``, which is not open yet; None where it was closed or the page was left."""
    delete_when_hidden(dialog)
    return await dialog


def is_open() -> bool:
    """Whether a dialog is open on this page."""
    return any(isinstance(each, ui.dialog) and each.value for each in ui.context.client.elements.values())


def delete_when_hidden(dialog: ui.dialog) -> None:
    """Not before: it gives the focus back to what had it."""

    def delete() -> None:
        dialog.delete()
        # NiceGUI puts an element right after it where it was made, to tell when that place goes, and leaves it there.
        if canary := dialog.client.elements.get(dialog.id + 1):
            canary.delete()

    dialog.on("hide", delete)
