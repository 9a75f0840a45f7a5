"""Work that takes a while, and how far it is."""

import asyncio
from collections.abc import Callable
from typing import Any

from nicegui import ui


def show_work(words: str, bar: bool = False) -> Callable[..., Any]:
    """A wheel and perhaps a bar; returns how to tell from any thread how far the work is: a text, and a share of 1."""
    with ui.row().classes("w-full items-center gap-3 flex-nowrap"):
        ui.spinner(size="22px")
        ui.label(words).classes("text-sm font-medium min-w-0").style("overflow-wrap:anywhere")
        ui.space()
        far = ui.label().classes("text-sm cm-mute tabular-nums whitespace-nowrap")
        far.props("aria-hidden=true")  # a screen reader is not told of every step: the bar is there
    line = ui.linear_progress(0, show_value=False).props('aria-label="Progress" instant-feedback').classes("h-[6px]")
    line.set_visibility(bar)
    loop = asyncio.get_running_loop()

    def show(text: str, share: float = 0.0) -> None:
        if not far.is_deleted:
            far.set_text(text)
            line.set_value(share)

    return lambda text, share=0.0: loop.call_soon_threadsafe(show, text, share)
