"""A mail as one recipient sees it: at a desk or on a phone, in light or dark, without images, and as plain text."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import events, ui

from campaign_ui import mail_client
from campaign_ui.mail_client import DARK, FORCED, LIGHT
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.blocks import skeleton
from campaign_ui.parts.weight import weight
from campaign_ui.plain import version
from core.content import mail

_KINDS = {"desktop": "Desktop", "phone": "Phone", "text": "Text"}
_THEMES = {
    LIGHT: ("light_mode", "Light mail program"),
    DARK: ("dark_mode", "Dark mail program"),
    FORCED: ("invert_colors", "Dark by force"),
}
_LARGE = "max(240px, calc(100vh - 300px))"  # the height of a mail in full size
_NO_DARK = "This mail has no dark design: dark mail programs that obey it show it as it is."
_IMITATION = (
    "An imitation: the apps of Gmail and Outlook change colours by themselves, each in its own way. "
    "Send a test to see theirs."
)


def add_style() -> None:
    """The style sheet and script of previews and thumbnails, once for this page; before one is built late."""
    client = ui.context.client
    if getattr(client, "has_preview_style", False):
        return
    client.has_preview_style = True  # type: ignore[attr-defined]
    ui.add_head_html(f'<link rel="stylesheet" href="/static/preview.css?v={version()}">')
    ui.add_head_html(f'<script src="/static/preview.js?v={version()}" defer></script>')


class Preview:
    """Built by ``preview``; ``show`` changes what is seen, in place. ``tools``: room for more beside the switches."""

    def __init__(self, height: str, may_grow: bool) -> None:
        add_style()
        self.made = mail.Preview("", "", "", "")
        self.theme, self.images = LIGHT, True
        with ui.column().classes("w-full gap-2"):
            self.tools = ui.row().classes("w-full items-center gap-2")
            with ui.row().classes("w-full items-center justify-between gap-2"):
                self.kind = ui.toggle(_KINDS, value="desktop", on_change=self._switch)
                self.kind.classes("cm-switch").props('aria-label="Preview as"')
                with ui.row().classes("items-center gap-1 flex-nowrap"):
                    self._build_client()
                    if may_grow:
                        self._icon("open_in_full", "Full size", self._grow)
            self.note = ui.label().classes("text-xs cm-mute")
            self.note.set_visibility(False)
            with ui.element("div").classes("cm-mail").style(f"--cm-mail-height:{height}") as self.box:
                with ui.element("div").classes("cm-mail-head"):
                    self.sender = ui.label().classes("text-xs cm-mute")
                    self.subject = ui.label().classes("font-semibold text-[15px]")
                    self.preheader = ui.label().classes("text-[13px] cm-mute")
                    self.files = ui.label().classes("text-[13px] break-words !whitespace-normal")
                with ui.element("div").classes("cm-mail-stage"):
                    self.frame = self._frame()
                    self.text = ui.label().classes("cm-mail-text")
        self.text.set_visibility(False)
        if "Mobi" in ui.context.client.request.headers.get("user-agent", ""):
            self.kind.set_value("phone")  # a desk is too small to read there

    def _frame(self) -> ui.element:
        element = ui.element("iframe").props('sandbox=allow-same-origin title=Mail referrerpolicy="no-referrer"')
        element.props["srcdoc"] = mail_client.skeleton(True)  # preview.js puts the mail in
        element.props["data-mail"] = ""
        return element

    def _build_client(self) -> None:
        with ui.row().classes("cm-client items-center gap-0.5 flex-nowrap") as self.client:
            self.client.props('role=group aria-label="Mail program"')
            self.themes = {
                name: self._icon(icon, words, partial(self._choose, name)) for name, (icon, words) in _THEMES.items()
            }
            self.pictures = self._icon("hide_image", "Without images", self._toggle_images)
        self._press()

    def _icon(self, icon: str, words: str, call: Callable[[], Any]) -> ui.button:
        button = ui.button(icon=icon, on_click=call).props("flat dense color=grey-7")
        button.props["aria-label"] = words
        button.tooltip(words)
        return button

    def _choose(self, theme: str) -> None:
        self.theme = theme
        for each in (DARK, FORCED):
            self.box.classes(add=f"is-{each}") if theme == each else self.box.classes(remove=f"is-{each}")
        self._press()
        self._draw()

    def _toggle_images(self) -> None:
        self.images = not self.images
        self.frame.props["srcdoc"] = mail_client.skeleton(self.images)
        self.frame.update()
        self._press()

    def _press(self) -> None:
        for name, button in self.themes.items():
            button.props["aria-pressed"] = str(name == self.theme).lower()
        self.pictures.props["aria-pressed"] = str(not self.images).lower()

    async def _grow(self) -> None:
        """The same over the whole window, where a desk is as wide as it is."""
        with ui.dialog() as dialog, ui.card().classes("w-[1000px] max-w-full p-5 gap-3 items-stretch"):
            dialog.props["aria-label"] = "The mail in full size"
            with ui.row().classes("w-full items-center justify-between flex-nowrap"):
                dialog_title("Preview")
                close = ui.button(icon="close", on_click=dialog.close).props("flat round dense color=grey-7")
                close.props["aria-label"] = "Close"
            with ui.column().classes("w-full gap-0").style(f"min-height:calc({_LARGE} + 100px)") as place:
                skeleton(12)
        # A mail takes a busy browser its time: the dialog is seen before.
        dialog.on("before-show", lambda: self._show_large(place))
        await answer(dialog)

    def _show_large(self, place: ui.element) -> None:
        place.clear()
        with place:
            large = Preview(_LARGE, may_grow=False)
        large.kind.set_value(self.kind.value)
        large._choose(self.theme)
        if not self.images:
            large._toggle_images()
        large.show(self.made, self.sender.text)

    def _switch(self, event: events.ValueChangeEventArguments[str]) -> None:
        is_text = event.value == "text"
        self.text.set_visibility(is_text)
        self.frame.set_visibility(not is_text)
        self.client.set_visibility(not is_text)
        self._tell(is_text)
        self.box.classes(add="is-phone") if event.value == "phone" else self.box.classes(remove="is-phone")

    def show(self, made: mail.Preview, sender: str = "") -> None:
        """Show ``made`` (from ``mail.preview``), coming from ``sender``."""
        self.made = made
        self.sender.set_text(sender)
        self.sender.set_visibility(bool(sender))
        self.subject.set_text(made.subject or "No subject yet")
        self.preheader.set_text(made.preheader)
        self.preheader.set_visibility(bool(made.preheader))
        self.files.set_text("Attached: " + ", ".join(f"{each.name} ({weight(each.size)})" for each in made.attachments))
        self.files.set_visibility(bool(made.attachments))
        self.text.set_text(made.text)
        self._draw()

    def _draw(self) -> None:
        seen = mail_client.seen(self.made.html, self.theme)
        if self.frame.props["data-mail"] != seen:
            self.frame.props["data-mail"] = seen
            self.frame.update()
        self._tell(self.kind.value == "text")

    def _tell(self, is_text: bool) -> None:
        """What this picture of a mail program cannot show."""
        words = _IMITATION if self.theme == FORCED else ""
        if self.theme == DARK and not mail_client.has_dark_design(self.made.html):
            words = _NO_DARK
        self.note.set_text(words)
        self.note.set_visibility(bool(words) and not is_text)


def preview(height: str = "560px") -> Preview:
    """A preview with switches for device and mail program; then call ``.show(mail.preview(content, recipient))``."""
    return Preview(height, may_grow=True)
