"""An HTML body as the mail that it is: words, links, images and blocks are changed where they are seen.

What only a browser can do with it is in static/visual*.js; it sends what differs, never the whole mail.
"""

import json
from collections.abc import Callable
from typing import Any

from nicegui import background_tasks, events, ui

from campaign_ui import mail_client
from campaign_ui.parts.body_images import BodyImages
from campaign_ui.parts.body_visual_ask import ask_image, ask_link
from core.content import visual

_SAID = "(event) => emit(event.detail)"
_ACTS = (
    (
        ("undo", "undo", "Undo change", "Ctrl+Z"),
        ("redo", "redo", "Redo change", "Ctrl+Shift+Z"),
    ),
    (
        ("bold", "format_bold", "Bold", "Ctrl+B"),
        ("italic", "format_italic", "Italic", "Ctrl+I"),
        ("link", "link", "Link", "Ctrl+K"),
    ),
    (
        ("up", "arrow_upward", "Move up", "Alt+Shift+Up"),
        ("down", "arrow_downward", "Move down", "Alt+Shift+Down"),
        ("double", "content_copy", "Duplicate block", ""),
        ("remove", "delete_outline", "Delete block", ""),
        ("wider", "open_in_full", "Choose the block around it", ""),
    ),
)
_HINT = "Click words to write, a button or an image to change it. Escape goes to the tools above."


class VisualBody:
    """``on_change`` gets the source after each change. Dialogs and pasted images go through ``images``."""

    def __init__(self, source: str, images: BodyImages, on_change: Callable[[str], Any]) -> None:
        self.value, self.images, self.on_change = source, images, on_change
        self.client, self._version = ui.context.client, 0
        with ui.element("div").classes("cm-visual w-full") as self.element:
            self._build_tools()
            with ui.element("div").classes("cm-visual-paper"):
                frame = ui.element("iframe").props('sandbox=allow-same-origin referrerpolicy="no-referrer"')
                frame.props["srcdoc"], frame.props["title"] = mail_client.skeleton(True), "Body"
            ui.label(_HINT).classes("text-xs cm-mute mt-2")
        self.element.on("visualchange", self._changed, js_handler=_SAID)
        self.element.on("visualask", self._asked, js_handler=_SAID)
        self.element.on("visualpaste", images.told, js_handler=_SAID)
        self.set_value(source)

    def _build_tools(self) -> None:
        with ui.row().classes("cm-visual-tools items-center gap-x-2 gap-y-0.5 w-full"):
            with ui.row().classes("items-center gap-x-2 gap-y-0.5") as bar:
                bar.props('role=toolbar aria-label="Change the mail"')
                for group in _ACTS:
                    with ui.row().classes("items-center gap-0 flex-nowrap"):
                        for act in group:
                            _tool(*act)
            ui.space()
            said = ui.label().classes("text-xs cm-mute").props("data-said aria-live=polite")
            said.set_text("Click what you want to change.")

    def set_value(self, source: str) -> None:
        """Show ``source``, which did not come from this browser."""
        self.value, self._version = source, self._version + 1
        self.element.props["data-source"], self.element.props["data-version"] = source, str(self._version)
        self.element.update()

    def _changed(self, event: events.GenericEventArguments) -> None:
        made = visual.change(event.args)
        if made is None:
            return
        try:
            self.value = visual.changed(self.value, made)
        except visual.OutOfStep:
            self.client.run_javascript(f"cmVisual.whole({self.element.id})")
            return
        self.on_change(self.value)

    def _asked(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, dict):
            background_tasks.create(self._ask(event.args), name="ask about the mail")

    async def _ask(self, said: dict[str, Any]) -> None:
        what = "image" if said.get("what") == "image" else "link"
        with self.images.place:
            answer = await (ask_image(said, self.images) if what == "image" else ask_link(said))
        if answer is not None and not self.element.is_deleted:
            self.client.run_javascript(f"cmVisual.{what}({self.element.id}, {json.dumps(answer)})")


def _tool(act: str, icon: str, words: str, keys: str) -> None:
    button = ui.button(icon=icon).props("flat dense color=grey-7")
    button.props["aria-label"], button.props["data-act"] = words, act
    button.on("mousedown", js_handler="(event) => event.preventDefault()")  # what is chosen in the mail stays so
    button.on("click", js_handler=f"(event) => cmVisual.act(event.currentTarget, {json.dumps(act)})")
    button.props["title"] = f"{words} ({keys})" if keys else words
