"""Toasts that say what happened and can take it back."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import events, ui

from campaign_ui.parts.notices import notify_done

_number = itertools.count(1)
UNDO_SECONDS = 10


def notify_undo(sentence: str, undo: Callable[[], Awaitable[Any]]) -> None:
    """What happened, with a button that calls ``undo``; only the newest few of a page can be undone."""
    kept, number = _kept(), next(_number)
    kept[number] = undo
    for old in list(kept)[:-5]:
        del kept[old]
    notify_done(sentence, undo=number, timeout=UNDO_SECONDS * 1000)


def listen_for_undo() -> None:
    """Once per page, by its frame."""
    kept = _kept()

    async def take_back(event: events.GenericEventArguments) -> None:
        undo = kept.pop(event.args, None) if isinstance(event.args, int) else None
        if undo is not None:
            await undo()

    ui.on("cm_undo", take_back)


def _kept() -> dict[int, Callable[[], Awaitable[Any]]]:
    """What the page of this tab can undo."""
    client: Any = ui.context.client
    if not hasattr(client, "kept_for_undo"):
        client.kept_for_undo = {}
    kept: dict[int, Callable[[], Awaitable[Any]]] = client.kept_for_undo
    return kept
