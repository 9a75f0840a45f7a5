"""What is typed is not lost by accident: the page, or the browser itself, asks before it is left."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import Client, ui
from nicegui.elements.mixins.value_element import ValueElement

from campaign_ui.parts.ask import confirm


def ask_in_browser(client: Client, ask: bool) -> None:
    """Whether the browser asks before this page is left, loaded again or closed (static/app.js).

    A browser whose connection is away is told when it is back: the message waits for it.
    """
    client.run_javascript(f"window.cmUnsaved = {json.dumps(ask)};")


def on_typed(box: ui.element, changed: Callable[[], Any]) -> None:
    """``changed()`` after each change of a value in ``box``; also of fields that such a change makes."""
    watched = set[int]()

    def watch() -> None:
        for each in box.descendants():
            if isinstance(each, ValueElement) and each.id not in watched:
                watched.add(each.id)
                each.on_value_change(told)

    def told() -> None:
        watch()
        changed()

    watch()
    box.on("click", changed, [])  # days are buttons, whose press is their value


def ask_before_leaving(dialog: ui.dialog, typed: Callable[[], Any]) -> Callable[[], Awaitable[None]]:
    """For a persistent ``dialog`` whose fields are built; ``typed()`` is what stands in them, compared by ==.

    Esc and a click beside the dialog close it at once only while nothing is typed, and so does what is returned, which
    is for its buttons; until then the browser asks as well.
    """
    first = typed()
    asking = asks = False

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

    def look() -> None:
        nonlocal asks
        ask = bool(dialog.value) and typed() != first
        if ask != asks:
            asks = ask
            ask_in_browser(dialog.client, ask)

    dialog.on("shake", leave)  # what Quasar says instead of closing it
    dialog.on_value_change(look)
    on_typed(dialog.default_slot.children[0], look)
    return leave
