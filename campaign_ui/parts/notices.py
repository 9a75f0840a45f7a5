"""Sentences: in a tinted box on the page, or as a toast."""

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
    """What went wrong and what to do; stays a little longer."""
    ui.notify(sentence, type="negative", position="bottom", timeout=8000, close_button="Close", multi_line=True)


def notify_done(sentence: str) -> None:
    """What happened."""
    ui.notify(sentence, type="positive", position="bottom", timeout=4000)
