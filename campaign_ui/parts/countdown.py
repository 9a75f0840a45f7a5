"""Why something waits, with the time left ticking in the browser: nothing is asked of the server."""

from datetime import datetime

from nicegui import ui

from campaign_ui.plain import version
from core.stats import Wait


class Countdown:
    """`` (in 58 s)`` until a moment; nothing where there is none."""

    def __init__(self) -> None:
        if not getattr(ui.context.client, "has_countdown", False):
            ui.add_head_html(f'<script src="/static/countdown.js?v={version()}" defer></script>')
            ui.context.client.has_countdown = True  # type: ignore[attr-defined]
        self._until: datetime | None = None
        self._element = ui.element("cm-countdown").classes("tabular-nums").props("role=timer aria-live=off")

    def set(self, until: datetime | None, now: datetime) -> None:
        """``now``: the database's time, so that a clock that is wrong in the browser does no harm."""
        if until == self._until:
            return
        self._until = until
        self._element.props["data-seconds"] = f"{(until - now).total_seconds():.1f}" if until else ""
        self._element.props["data-until"] = until.isoformat() if until else ""
        self._element.update()


class WaitLine:
    """A wait in one sentence, its countdown inside. On a phone in fewer words, where there are such: the whole is in
    their tooltip, and read to who does not see it."""

    def __init__(self, classes: str = "") -> None:
        with ui.element("div").classes(classes):
            self._short = ui.label().classes("inline sm:hidden").props("aria-hidden=true")
            self._lead = ui.label().classes("inline")
            self._countdown = Countdown()
            self._rest = ui.label().classes("inline")

    def set(self, wait: Wait, now: datetime, more: str = "") -> None:
        """``more`` is said after the sentence."""
        self._lead.set_text(wait.lead)
        self._lead.classes(**{"add" if wait.short else "remove": "max-sm:sr-only"})
        if self._short.text != wait.short:
            self._short.set_text(wait.short)
            self._short.props["title"] = wait.lead
        self._countdown.set(wait.until, now)
        self._rest.set_text(f"{wait.rest} {more}".rstrip())
