"""One mail of the sandbox: as a reader sees it on a desk or a phone, as text, its headers and its source."""

import re
from collections.abc import Callable

from nicegui import events, ui

from campaign_ui.parts.blocks import link_button
from campaign_ui.parts.notices import notice
from core import clock
from core.audience import addresses
from core.delivery import sandbox

# The frame may run nothing and fetch nothing; images only once the user asks for them.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_WITH_IMAGES = "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:"
# To the next < at most, so that no mail takes more than linear time.
_REMOTE = re.compile(r"(<img\b[^<>]*?\s)(src\s*=\s*[\"']?\s*https?:)", re.IGNORECASE)
_VIEWS = {"desktop": "Desktop", "phone": "Phone", "text": "Text", "headers": "Headers", "source": "Source"}
_HEIGHT = "min(68vh,760px)"


def sandbox_mail(mail: sandbox.Opened, zone: str, here: str, web_url: str, back: Callable[[], None]) -> None:
    """``here``: the address this browser reaches us by; ``web_url``: the one in the mail's pixel."""
    _head(mail, zone, back)
    with ui.tabs().props("align=left dense no-caps outside-arrows mobile-arrows").classes("w-full") as tabs:
        for key, name in _VIEWS.items():
            ui.tab(key, label=name)
    html = _Html(mail.html.replace(f"{web_url}/", f"{here}/") if web_url else mail.html)
    shown = {
        "html": html.box,
        "text": _words(mail.text or "This mail has no text part."),
        "headers": _headers(mail.headers),
        "source": _source(mail),
    }

    def show(event: events.ValueChangeEventArguments[str | ui.tab | ui.tab_panel | None]) -> None:
        key = "html" if event.value in ("desktop", "phone") else event.value
        for name, element in shown.items():
            element.set_visibility(name == key)
        html.on_phone(event.value == "phone")

    tabs.on_value_change(show)
    tabs.value = "desktop" if mail.html else "text"
    if mail.attachments:
        ui.label("Attachments: " + ", ".join(mail.attachments)).classes("text-[13px] cm-mute").style(
            "overflow-wrap:anywhere"
        )


def size(size: int) -> str:
    """Bytes in words."""
    return f"{size:,} bytes" if size < 1000 else f"{size / 1000:,.1f} kB"


def _head(mail: sandbox.Opened, zone: str, back: Callable[[], None]) -> None:
    with ui.row().classes("w-full items-start gap-2 flex-nowrap"):
        button = ui.button(icon="arrow_back", on_click=back).props("flat round dense color=grey-7").classes("lg:hidden")
        button.props["aria-label"] = "Back to the list"
        with ui.column().classes("gap-0.5 min-w-0 grow"):
            title = ui.label(mail.line.subject or "(no subject)").classes("text-[17px] font-semibold tracking-tight")
            title.classes("break-words max-w-full").props("role=heading aria-level=2")
            sender, to = addresses.shown(mail.mail_from), addresses.shown(mail.line.rcpt_to)
            ui.label(f"From {sender} to {to}").classes("text-[13px] cm-mute").style("overflow-wrap:anywhere")
            when = clock.show(mail.line.received_at, zone, seconds=True)
            ui.label(f"{when} · {size(mail.line.size)}").classes("text-xs cm-mute tabular-nums")
        download = link_button("", f"/sandbox/{mail.line.id}.eml", "download", "flat round dense color=grey-7")
        download.props["aria-label"] = "Download as .eml"
        download.tooltip("Download as .eml")


class _Html:
    """The mail in a frame that can do nothing."""

    def __init__(self, html: str) -> None:
        self.html = html
        with ui.column().classes("w-full gap-3") as self.box:
            if not html:
                notice("This mail has no HTML part.", "quiet")
                return
            with ui.row().classes("w-full items-center gap-3") as self.ask:
                ui.button("Load images as a reader would", icon="image", on_click=self._load).props("outline dense")
                ui.label("Counts as opened, like in a real mail program.").classes("text-xs cm-mute")
            with ui.element("div").classes("cm-mail").style(f"--cm-mail-height:{_HEIGHT}") as self.stage:
                with ui.element("div").classes("cm-mail-stage"):
                    self.frame = ui.element("iframe")
            self.frame.props["sandbox"] = ""
            self.frame.props["title"] = "The mail"
            self.frame.props["referrerpolicy"] = "no-referrer"
            self.frame.props["srcdoc"] = document(html, images=False)

    def on_phone(self, is_phone: bool) -> None:
        if self.html:
            self.stage.classes(add="is-phone" if is_phone else "", remove="" if is_phone else "is-phone")

    def _load(self) -> None:
        self.frame.props["srcdoc"] = document(self.html, images=True)
        self.frame.update()
        self.ask.set_visibility(False)


def document(html: str, images: bool) -> str:
    """What the frame shows."""
    policy = _WITH_IMAGES if images else _POLICY
    if not images:  # not even asked for, so that the browser's log has no refusals that look like faults
        html = _REMOTE.sub(r"\1data-\2", html)
    return f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">{html}'


def _words(text: str) -> ui.element:
    return ui.label(text).classes("cm-words cm-sunken w-full p-4 rounded-lg")


def _headers(headers: tuple[tuple[str, str], ...]) -> ui.element:
    with ui.element("dl").classes("cm-words cm-sunken w-full p-4 rounded-lg flex flex-col gap-1.5 m-0") as block:
        for name, value in headers:
            with ui.element("div"):
                with ui.element("dt").classes("inline font-semibold"):
                    ui.label(f"{name}: ").classes("inline")
                with ui.element("dd").classes("inline m-0"):
                    ui.label(value).classes("inline")
    return block


def _source(mail: sandbox.Opened) -> ui.element:
    with ui.column().classes("w-full gap-2") as block:
        if mail.line.size > sandbox.SOURCE:
            notice(f"The first {size(sandbox.SOURCE)} of {size(mail.line.size)}. Download the mail for the rest.")
        box = ui.label(mail.source).classes("cm-words cm-sunken w-full p-4 rounded-lg")
        box.style(f"max-height:{_HEIGHT};overflow:auto").props("tabindex=0 role=region aria-label=Source")
    return block
