"""One mail of the sandbox: as a reader sees it, as text, and its headers."""

from collections.abc import Callable

from nicegui import ui

from campaign_ui.parts.notices import notice
from core import clock
from core.delivery import sandbox

# The frame may run nothing and fetch nothing; images only once the user asks for them.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_WITH_IMAGES = "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:"


def sandbox_mail(mail: sandbox.Opened, zone: str, here: str, web_url: str, back: Callable[[], None]) -> None:
    """``here``: the address this browser reaches us by; ``web_url``: the one in the mail's pixel."""
    with ui.row().classes("w-full items-start gap-2 flex-nowrap"):
        button = ui.button(icon="arrow_back", on_click=back).props("flat round dense color=grey-7").classes("lg:hidden")
        button.props["aria-label"] = "Back to the list"
        with ui.column().classes("gap-0.5 min-w-0 grow"):
            title = ui.label(mail.line.subject or "(no subject)").classes("text-[17px] font-semibold tracking-tight")
            title.classes("break-words max-w-full").props("role=heading aria-level=2")
            ui.label(f"From {mail.mail_from} to {mail.line.rcpt_to}").classes("text-[13px] cm-mute break-all")
            when = clock.show(mail.line.received_at, zone, seconds=True)
            ui.label(f"{when} · {size(mail.line.size)}").classes("text-xs cm-mute tabular-nums")
    with ui.tabs().props("align=left dense no-caps").classes("w-full") as tabs:
        ui.tab("html", label="HTML")
        ui.tab("text", label="Text")
        ui.tab("headers", label="Headers")
    with (
        ui.tab_panels(tabs, value="html" if mail.html else "text").classes("w-full bg-transparent").props("keep-alive")
    ):
        with ui.tab_panel("html").classes("p-0 pt-3"):
            _html(mail.html.replace(f"{web_url}/", f"{here}/") if web_url else mail.html)
        with ui.tab_panel("text").classes("p-0 pt-3"):
            _words(mail.text or "This mail has no text part.")
        with ui.tab_panel("headers").classes("p-0 pt-3"):
            _headers(mail.headers)
    if mail.attachments:
        ui.label("Attachments: " + ", ".join(mail.attachments)).classes("text-[13px] cm-mute break-all")


def size(size: int) -> str:
    """Bytes in words."""
    return f"{size:,} bytes" if size < 1000 else f"{size / 1000:,.1f} kB"


def _html(html: str) -> None:
    if not html:
        notice("This mail has no HTML part.", "quiet")
        return
    frame = (
        ui.element("iframe")
        .classes("w-full rounded-lg")
        .style("height:min(64vh,760px);border:1px solid var(--cm-line);background:#fff")
    )
    frame.props["sandbox"] = ""
    frame.props["title"] = "The mail"
    frame.props["referrerpolicy"] = "no-referrer"
    frame.props["srcdoc"] = _document(html, _POLICY)

    def load() -> None:
        frame.props["srcdoc"] = _document(html, _WITH_IMAGES)
        frame.update()
        ask.set_visibility(False)

    with ui.row().classes("w-full items-center gap-3 mb-3") as ask:
        ui.button("Load images as a reader would", icon="image", on_click=load).props("outline")
        ui.label("Counts as opened, like in a real mail program.").classes("text-xs cm-mute")
    ask.move(target_index=0)


def _document(html: str, policy: str) -> str:
    return f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">{html}'


def _words(text: str) -> None:
    ui.label(text).classes("cm-words w-full p-4 rounded-lg").style("background:var(--cm-sunken)")


def _headers(headers: tuple[tuple[str, str], ...]) -> None:
    with (
        ui.element("dl")
        .classes("cm-words w-full p-4 rounded-lg flex flex-col gap-1.5 m-0")
        .style("background:var(--cm-sunken)")
    ):
        for name, value in headers:
            with ui.element("div"):
                with ui.element("dt").classes("inline font-semibold"):
                    ui.label(f"{name}: ").classes("inline")
                with ui.element("dd").classes("inline m-0"):
                    ui.label(value).classes("inline")
