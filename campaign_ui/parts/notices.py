"""Sentences: in a tinted box on the page, or as a toast."""

from typing import Any

from nicegui import ui


def notice(text: str, tone: str = "info", icon: str = "info") -> ui.column:
    """A sentence in a box; what is put inside stands below it."""
    with ui.row().classes(f"cm-notice is-{tone} w-full flex-nowrap").props("role=note"):
        ui.icon(icon)
        words = ui.column().classes("gap-1 min-w-0 grow")
    if text:
        with words:
            ui.label(text).classes("font-medium")
    return words


def notify_error(sentence: str) -> None:
    """What went wrong and what to do, until something is done about it (static/app.js) or it can be read twice.

    At the top: the buttons of dialogs are at their end.
    """
    timeout = max(8000, 120 * len(sentence))  # milliseconds
    ui.notify(sentence, type="negative", position="top", timeout=timeout, close_button="Close", multi_line=True)


def notify_done(sentence: str, *, timeout: int = 4000, **more: Any) -> None:
    """What happened; ``timeout`` in milliseconds."""
    ui.notify(sentence, type="positive", position="bottom", timeout=timeout, **more)
