"""A mail as one recipient sees it: in a sandboxed frame, at the width of a desk or a phone, and as plain text."""

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from campaign_ui.plain import version
from core.content import mail

# The frame inherits our own policy too; this one holds wherever its document is shown.
_POLICY = (
    '<!doctype html><meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; font-src https: data:"
    '"><meta name="referrer" content="no-referrer"><base target="_blank">'
)
_KINDS = {"desktop": "Desktop", "phone": "Phone", "text": "Text"}


def add_style() -> None:
    """The style sheet of previews and thumbnails, for this page."""
    ui.add_head_html(f'<link rel="stylesheet" href="/static/preview.css?v={version()}">')


def frame(source: str, title: str) -> ui.element:
    """``source`` in a frame without scripts, forms, links that lead anywhere, or access to this page."""
    element = ui.element("iframe")
    element.props["sandbox"] = ""
    element.props["title"] = title
    element.props["referrerpolicy"] = "no-referrer"
    element.props["srcdoc"] = _POLICY + source
    return element


class Preview:
    """Built by ``preview``; ``show`` changes what is seen."""

    def __init__(self, on_step: Callable[[int], Any] | None, height: str) -> None:
        add_style()
        with ui.column().classes("w-full gap-2"):
            with ui.row().classes("w-full items-center justify-between gap-2"):
                self.kind = ui.toggle(_KINDS, value="desktop", on_change=self._switch)
                self.kind.classes("cm-switch").props('aria-label="Preview as"')
                self.who = self._chooser(on_step) if on_step else None
            with ui.element("div").classes("cm-mail").style(f"--cm-mail-height:{height}") as self.box:
                with ui.element("div").classes("cm-mail-head"):
                    self.sender = ui.label().classes("text-xs cm-mute")
                    self.subject = ui.label().classes("font-semibold text-[15px]")
                    self.preheader = ui.label().classes("text-[13px] cm-mute")
                with ui.element("div").classes("cm-mail-stage"):
                    self.frame = frame("", "Mail")
                    self.text = ui.label().classes("cm-mail-text")
        self.text.set_visibility(False)

    def _chooser(self, on_step: Callable[[int], Any]) -> ui.label:
        with ui.row().classes("items-center gap-1 min-w-0 flex-nowrap"):
            back = ui.button(icon="chevron_left", on_click=lambda: on_step(-1))
            back.props('flat round dense color=grey-7 aria-label="Previous recipient"')
            who = ui.label().classes("text-[13px] cm-mute truncate max-w-[220px]")
            forth = ui.button(icon="chevron_right", on_click=lambda: on_step(1))
            forth.props('flat round dense color=grey-7 aria-label="Next recipient"')
        return who

    def _switch(self, event: events.ValueChangeEventArguments[str]) -> None:
        is_text = event.value == "text"
        self.text.set_visibility(is_text)
        self.frame.set_visibility(not is_text)
        self.box.classes(add="is-phone") if event.value == "phone" else self.box.classes(remove="is-phone")

    def show(self, made: mail.Preview, who: str = "", sender: str = "") -> None:
        """Show ``made`` (from ``mail.preview``) as ``who`` would see it, coming from ``sender``."""
        self.sender.set_text(sender)
        self.sender.set_visibility(bool(sender))
        self.subject.set_text(made.subject or "No subject yet")
        self.preheader.set_text(made.preheader)
        self.preheader.set_visibility(bool(made.preheader))
        self.text.set_text(made.text)
        if self.who is not None:
            self.who.set_text(who)
        source = _POLICY + made.html
        if self.frame.props.get("srcdoc") != source:  # an equal one would scroll the reader back to the top
            self.frame.props["srcdoc"] = source
            self.frame.update()


def preview(
    made: mail.Preview | None = None,
    *,
    who: str = "",
    sender: str = "",
    on_step: Callable[[int], Any] | None = None,
    height: str = "560px",
) -> Preview:
    """A preview with a switch Desktop, Phone, Text. ``on_step(-1 or 1)``, async or not, asks for another recipient:
    then call ``.show(mail.preview(content, recipient), who=..., sender=...)``."""
    part = Preview(on_step, height)
    if made is not None:
        part.show(made, who, sender)
    return part


def thumbnail(source: str, title: str, on_click: Callable[[], Any]) -> ui.element:
    """A small picture of the mail, which is the mail itself."""
    with ui.element("button").classes("cm-thumb").props("type=button").on("click", on_click) as button:
        button.props["aria-label"] = title
        frame(source, title).props("loading=lazy tabindex=-1 aria-hidden=true")
    return button
