"""A dialog that is not closed by accident: Esc or a click beside it closes it at once only while nothing is typed."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from campaign_ui.parts.ask import confirm


def ask_before_leaving(dialog: ui.dialog, typed: Callable[[], Any]) -> None:
    """For a persistent ``dialog`` whose fields are built; ``typed()`` is what stands in them, compared by ==."""
    first = typed()
    asking = False

    async def leave() -> None:
        nonlocal asking
        if asking:
            return
        asking = True
        try:
            with dialog.parent_slot.parent if dialog.parent_slot else dialog:
                sure = typed() == first or await confirm(
                    "Close without saving?", "What you typed here is lost.", "Close"
                )
        finally:
            asking = False
        if sure and not dialog.is_deleted:
            dialog.close()

    dialog.on("shake", leave)  # what Quasar says instead of closing it
