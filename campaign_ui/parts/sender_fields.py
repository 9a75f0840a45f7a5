"""The fields of a sender, and what a preset fills in."""

import math
from typing import Any

from nicegui import events, ui

from campaign_ui.parts.bounce_fields import BounceFields
from campaign_ui.parts.hours_fields import HoursFields
from campaign_ui.parts.notices import notice
from core import clock
from core.audience import addresses
from core.delivery import presets, senders
from core.delivery.sender_values import Values
from core.models import BounceMailbox, Security, Sender

_SECURITIES = {Security.starttls.value: "STARTTLS", Security.tls.value: "TLS", Security.none.value: "None"}
_GRID = "grid grid-cols-1 sm:grid-cols-6 gap-x-4 gap-y-3 w-full"


class SenderFields:
    """Shows ``kept`` or the defaults; ``values()`` is what is typed now."""

    def __init__(self, kept: Sender | None, mailbox: BounceMailbox | None, zone: str) -> None:
        self.kept = kept
        self.bounces: BounceFields | None = None
        self.inputs: dict[str, Any] = {}
        shown = kept or Sender(user_id=0, name="", created_at=clock.utcnow())
        if kept and kept.is_sandbox:
            notice("This sender reaches nobody: its mails are kept in your sandbox, where you can look at them.")
            self._identity(shown)
        else:
            self._account(shown)
            self._identity(shown)
        self._limits(shown)
        with _section("Hours", "When mails may go out, and how many a new account or domain sends at first."):
            with ui.column().classes("w-full gap-4 items-stretch sm:col-span-6"):
                self.hours = HoursFields(shown.sending_window, shown.warmup, zone)
        if not shown.is_sandbox:
            with _section("Bounces", "A mail that was accepted may still come back. Its address is then left out."):
                self.bounces = BounceFields(mailbox, shown.host)
            self.inputs["host"].on_value_change(lambda event: self._follow(event.value or ""))

    def values(self) -> Values:
        """What is typed; an empty password of a kept sender means the one there is."""
        typed = {name: field.value for name, field in self.inputs.items()}
        typed |= {name: typed[name] or "" for name in _TEXTS if name in typed}
        typed |= {name: _whole(typed[name]) for name in _NUMBERS if name in typed}
        typed["delay_seconds"] = typed["delay_seconds"] or 0.0
        typed["password"] = typed.get("password") or (None if self.kept else "")
        return Values(**typed, sending_window=self.hours.sending_window, warmup=self.hours.warmup)

    def show_problems(self, problems: dict[str, str]) -> list[str]:
        """Sentences at their fields; the others lose theirs. Returns them in the order of the form."""
        for name, field in self.inputs.items():
            field.error = problems.get(name)
        self.hours.show_problems(problems)
        if self.bounces is not None:
            self.bounces.show_problems(problems)
        self.lead_to(problems)
        return [problems[name] for name in self._places() if name in problems]

    def lead_to(self, problems: dict[str, str]) -> None:
        """The first field with a problem gets the focus and is seen, wherever the form stood."""
        if first := next((place for name, place in self._places().items() if name in problems), None):
            first.run_method("focus")  # Quasar scrolls to no field that gets it
            first.client.run_javascript(f"getHtmlElement({first.id}).scrollIntoView({{ block: 'center' }})")

    def _places(self) -> dict[str, Any]:
        """What a problem can be about -> its field, in the order of the form."""
        hours = {"sending_window": self.hours.opens, "warmup": self.hours.start}
        return self.inputs | hours | (self.bounces.inputs if self.bounces else {})

    def _account(self, shown: Sender) -> None:
        with _section("Account", "The mail server that takes your mails."):
            options = {preset.id: preset.name for preset in presets.ALL}
            chosen = shown.preset if shown.preset in options else presets.OTHER.id
            self._add("preset", ui.select(options, label="Provider", value=chosen, on_change=self._fill), 3)
            self._text("name", "Name", shown.name, 3, "Only you see it")
            # The place of the longest note; on phones below the fields, so that none of them moves either.
            self.note = ui.column().classes("w-full sm:col-span-6 sm:min-h-[110px] [&>*]:grow order-last sm:order-none")
            self.note.style("overflow-wrap:anywhere")
            self._text("host", "Host", shown.host, 6, "smtp.example.com")
            self._number("port", "Port", shown.port, 2)
            self._add("security", ui.select(_SECURITIES, label="Security", value=shown.security), 2)
            with ui.element("div").classes("sm:col-span-2 flex items-center"):
                ui.label("Usual: 587 with STARTTLS, 465 with TLS.").classes("text-xs cm-mute")
            self._text("username", "Username", shown.username, 3).props("autocomplete=off spellcheck=false")
            secret = ui.input("Password", password=True, password_toggle_button=True)
            self._add("password", secret.props("autocomplete=new-password"), 3)
            if self.kept and senders.has_password(self.kept):
                secret.props('placeholder="Kept. Type a new one to replace it" stack-label')
        self._show_note(presets.get(chosen))

    def _identity(self, shown: Sender) -> None:
        with _section("Identity", "What readers see as the sender."):
            if self.kept and self.kept.is_sandbox:
                self._text("name", "Name", shown.name, 6, "Only you see it")
            self._text("from_name", "From name", shown.from_name, 3)
            self._text("from_address", "From address", addresses.shown(shown.from_address), 3).props("type=email")
            self._text(
                "reply_to", "Reply-To", addresses.shown(shown.reply_to), 6, "Empty: answers go to the From address"
            )

    def _limits(self, shown: Sender) -> None:
        with _section("Limits", "Never more than this goes out, however much is waiting. Empty means no limit."):
            self._number("per_second", "Mails per second", shown.per_second, 2)
            self._number("per_minute", "Mails per minute", shown.per_minute, 2)
            self._number("per_hour", "Mails per hour", shown.per_hour, 2)
            self._number("per_day", "Mails per day", shown.per_day, 2)
            self._number("connections", "Connections", shown.connections, 2)
            self._number("batch_size", "Batch size", shown.batch_size, 2)
            self._number("refresh_after", "New connection every", shown.refresh_after, 2).props("suffix=mails")
            delay = ui.number("Delay", value=shown.delay_seconds, step=0.5).props("suffix=seconds")
            self._add("delay_seconds", delay, 2)
            with ui.column().classes("sm:col-span-2 justify-center gap-1 min-h-16"):  # four lines, as it may be
                self._delay_note = ui.label().classes("text-xs cm-mute")
                self._lower = ui.button(on_click=self._lower_delay).props("outline dense").classes("px-2")
            for name in ("connections", "delay_seconds", "per_second", "per_minute"):
                self.inputs[name].on_value_change(self._show_delay)
            self._show_delay()
            self._number("domain_per_minute", "Mails per minute to one domain", shown.domain_per_minute, 3)
            with ui.element("div").classes("sm:col-span-3 flex items-center"):
                words = "For a server of your own that delivers straight to the recipients’ servers."
                ui.label(f"{words} A provider does this itself.").classes("text-xs cm-mute")

    def _show_delay(self) -> None:
        """What the delay allows, which may be less than the limits above."""
        delay, connections = self.inputs["delay_seconds"].value, self.inputs["connections"].value
        words = "The delay is from one mail to the next on the same connection."
        if delay and connections and delay > 0 and connections > 0:
            most = 60 / delay * connections
            words += f" With {connections:g} of them at most {most:,.0f} mails go out a minute."
        self._delay_note.text = words
        lower = self._lower_to()
        self._lower.set_visibility(lower is not None)
        self._lower.set_text(f"Lower the delay to {lower:g} s" if lower else "Send without a delay")

    def _lower_to(self) -> float | None:
        """The delay that holds nothing up which the limits allow; None where that is as long or there is no limit."""
        typed = {name: self.inputs[name].value or 0 for name in ("per_second", "per_minute", "connections")}
        paces = [pace for pace in (60 * typed["per_second"], typed["per_minute"]) if pace > 0]
        if not paces or typed["connections"] <= 0:
            return None
        enough = math.floor(6000 * typed["connections"] / min(paces)) / 100
        return enough if enough < (self.inputs["delay_seconds"].value or 0) else None

    def _lower_delay(self) -> None:
        if (lower := self._lower_to()) is not None:
            self.inputs["delay_seconds"].value = lower

    def _follow(self, smtp_host: str) -> None:
        if self.bounces is not None:
            self.bounces.follow(smtp_host)

    def _fill(self, event: events.ValueChangeEventArguments[str]) -> None:
        preset = presets.get(event.value)
        self._show_note(preset)
        values = {"port": preset.port, "security": preset.security}
        values |= {"per_second": preset.per_second, "domain_per_minute": preset.domain_per_minute}
        values |= {"per_minute": preset.per_minute, "per_hour": preset.per_hour, "per_day": preset.per_day}
        values |= {"connections": preset.connections, "delay_seconds": preset.delay}
        known = {other.host for other in presets.ALL}
        if preset.host or self.inputs["host"].value in known:
            values["host"] = preset.host
        if not self.inputs["name"].value or self.inputs["name"].value in {other.name for other in presets.ALL}:
            values["name"] = preset.name if preset is not presets.OTHER else ""
        for name, value in values.items():
            self.inputs[name].value = value

    def _show_note(self, preset: presets.Preset) -> None:
        self.note.clear()
        with self.note, notice(preset.note, "info", "lightbulb"):
            ui.label(f"Username: {preset.username}.").classes("text-[13px]")

    def _text(self, name: str, label: str, value: str, columns: int, hint: str = "") -> ui.input:
        field = ui.input(label, value=value)
        if hint:
            field.props["placeholder"] = hint
        self._add(name, field, columns)
        return field

    def _number(self, name: str, label: str, value: int | None, columns: int) -> ui.number:
        field = ui.number(label, value=value, step=1, format="%d").props("inputmode=numeric")
        self._add(name, field, columns)
        return field

    def _add(self, name: str, field: Any, columns: int) -> None:
        self.inputs[name] = field.props("hide-bottom-space").classes(f"w-full {_SPAN[columns]}")


_TEXTS = ("preset", "name", "host", "security", "username", "from_name", "from_address", "reply_to")
_PACE = ("per_second", "per_minute", "per_hour", "per_day", "domain_per_minute")
_NUMBERS = ("port", *_PACE, "connections", "batch_size", "refresh_after")
# Whole class names, so that Tailwind finds them.
_SPAN = {2: "sm:col-span-2", 3: "sm:col-span-3", 4: "sm:col-span-4", 6: "sm:col-span-6"}


def _section(title: str, caption: str) -> ui.element:
    with ui.column().classes("w-full gap-2.5 items-stretch"):
        with ui.element("div"):
            ui.label(title).classes("font-semibold text-[14px]").props("role=heading aria-level=3")
            ui.label(caption).classes("text-xs cm-mute")
        return ui.element("div").classes(_GRID)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
