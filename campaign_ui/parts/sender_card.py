"""One sender as a card: who it is, how it stands with its provider, how fast it may send."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui

from campaign_ui.parts.blocks import link_button
from campaign_ui.parts.bounce_state import bounce_state
from campaign_ui.parts.notices import notice
from campaign_ui.parts.sender_health import badge_of
from campaign_ui.parts.sender_standing import sender_standing
from campaign_ui.parts.use_bars import UseBars
from core import clock, stats
from core.audience import addresses
from core.delivery import senders, usage, warmup, windows
from core.models import BounceMailbox, Security, Sender

_SECURITIES = {Security.starttls: "STARTTLS", Security.tls: "TLS", Security.none: "not encrypted"}


@dataclass(frozen=True)
class Actions:
    """What the buttons do; each is told which sender."""

    edit: Callable[[Sender], Any]
    test: Callable[[Sender], Awaitable[None]]
    make_default: Callable[[Sender], Awaitable[None]]
    delete: Callable[[Sender], Awaitable[None]]
    pin: Callable[[Sender], Awaitable[None]]
    unpin: Callable[[Sender], Awaitable[None]]
    forget: Callable[[Sender], Awaitable[None]]
    check: Callable[[Sender], Awaitable[None]]
    try_again: Callable[[Sender], Awaitable[None]]


class SenderCard(ui.element):
    """``uses`` shows the use of its limits, to be set. ``mailbox``: of bounces. ``now``: the database's time."""

    def __init__(
        self, sender: Sender, mailbox: BounceMailbox | None, now: datetime, zone: str, actions: Actions
    ) -> None:
        super().__init__("section")
        state = stats.sender_state(sender, now)
        self.classes("cm-card flex flex-col gap-3.5").props["aria-label"] = sender.name
        with self:
            with ui.row().classes("w-full items-start justify-between sm:flex-nowrap gap-x-3 gap-y-2"):
                with ui.row().classes("items-center flex-nowrap gap-3 min-w-0 max-w-full"):
                    with ui.element("div").classes(f"cm-tile {'is-info' if sender.is_sandbox else 'is-brand'}"):
                        ui.icon("inbox" if sender.is_sandbox else "alternate_email")
                    with ui.column().classes("gap-0 min-w-0"):
                        name = ui.label(sender.name).classes("font-semibold text-[15px] truncate max-w-full")
                        name.props("role=heading aria-level=2")
                        ui.label(_provider(sender)).classes("text-xs cm-mute max-w-full").style(
                            "overflow-wrap:anywhere"
                        )
                with ui.row().classes("items-center gap-1.5 shrink-0 sm:justify-end"):
                    if sender.is_sandbox:
                        ui.label("Sandbox").classes("cm-badge is-info")
                    if sender.is_default:
                        ui.label("Default").classes("cm-badge is-brand")
                    word, tone = badge_of(state, sender.test_problem)
                    ui.label(word).classes(f"cm-badge is-{tone}")
            with ui.column().classes("gap-1 w-full text-[13.5px]"):
                ui.label(senders.from_line(sender)).style("overflow-wrap:anywhere")
                if sender.reply_to:
                    ui.label(f"Answers to {addresses.shown(sender.reply_to)}").classes("cm-mute").style(
                        "overflow-wrap:anywhere"
                    )
            sender_standing(sender, now, zone, lambda: actions.try_again(sender))
            _learned(sender, zone, actions)
            with ui.element("div").classes("flex flex-wrap gap-1.5"):
                for text in [*limits(sender), *hours(sender, now)]:
                    ui.label(text).classes("text-xs px-2 py-0.5 rounded-md is-quiet tabular-nums")
            self.uses = UseBars(sender.name)
            if mailbox is not None:
                bounce_state(mailbox, zone, now, lambda: actions.check(sender))
            _buttons(sender, actions)


def limits(sender: Sender) -> list[str]:
    """The limits in words, none left out that is set."""
    spans = [(sender.per_second, "second"), (sender.per_minute, "minute"), (sender.per_hour, "hour")]
    spans += [(sender.per_day, "day"), (sender.domain_per_minute, "minute to one domain")]
    words = [f"{limit:,} per {span}" for limit, span in spans if limit is not None]
    if (slowed := usage.slowed_by_delay(sender)) is not None:
        words.insert(0, f"{usage.in_words(slowed[0])} per minute at most: {slowed[1]}")
    words = words or ["No limit"]
    words.append(f"{sender.connections:,} connection{'s' if sender.connections != 1 else ''}")
    if sender.delay_seconds and slowed is None:
        words.append(f"{sender.delay_seconds:g} s between mails")
    words.append(f"batches of {sender.batch_size:,}")
    words.append(f"new connection every {sender.refresh_after:,}")
    return words


def hours(sender: Sender, now: datetime) -> list[str]:
    """Its sending window and the day of its warm-up, where it has them."""
    words = []
    if (window := windows.from_json(sender.sending_window)) is not None:
        words.append(windows.say(window, now))
    ramp = warmup.from_json(sender.warmup)
    if ramp is not None and (day := warmup.day_of(ramp, now)) is not None:
        words.append(f"Warm-up day {day} of {ramp.days}: {ramp.cap_of(day):,} mails")
    return words


def _learned(sender: Sender, zone: str, actions: Actions) -> None:
    """What the provider's throttles taught, and what to do about it."""
    if not (words := learned_in_words(sender, zone)):
        return
    with notice("", "info", "speed"):
        said = ui.label(words).classes("font-medium")
        if sender.learned_rule:
            said.tooltip(f"Rule {sender.learned_rule}")
        pinned, free = "It stays so.", "It becomes faster by itself while the provider allows it."
        ui.label(pinned if sender.learned_pinned else free)
        with ui.row().classes("gap-2 mt-1"):
            if sender.learned_pinned:
                _learning("Let it grow again", "It becomes faster again.", lambda: actions.unpin(sender))
            else:
                _learning("Keep this pace", "It stays so until you say otherwise.", lambda: actions.pin(sender))
            words = "Go back at once to the limits that you set. The provider may slow it down again."
            _learning("Use my limits again", words, lambda: actions.forget(sender))


def _learning(text: str, what_happens: str, on_click: Callable[[], Awaitable[None]]) -> None:
    ui.button(text, on_click=on_click).props("outline dense").classes("px-2").tooltip(what_happens)


def learned_in_words(sender: Sender, zone: str) -> str:
    """``Hostinger slowed us down: 12/min instead of 30 since Wed 25 Nov, 14:02 IST.``"""
    parts = []
    if sender.learned_per_minute is not None:
        limit = f"{sender.per_minute:,}" if sender.per_minute else "no limit"
        parts.append(f"{usage.in_words(sender.learned_per_minute)}/min instead of {limit}")
    if sender.learned_connections is not None:
        plural = "" if sender.learned_connections == 1 else "s"
        parts.append(f"{sender.learned_connections:,} connection{plural} instead of {sender.connections:,}")
    if not parts:
        return ""
    since = f" since {clock.say(sender.learned_at, zone)}" if sender.learned_at is not None else ""
    return f"{senders.called(sender)} slowed us down: {' and '.join(parts)}{since}."


def _buttons(sender: Sender, actions: Actions) -> None:
    with ui.row().classes("w-full items-center gap-1 -mb-1"):
        ui.button("Edit", icon="edit", on_click=lambda: actions.edit(sender)).props("flat dense").classes("px-2 -ml-2")
        if not sender.is_sandbox:
            test = ui.button("Test connection", icon="cable", on_click=lambda: actions.test(sender))
            test.props("flat dense").classes("px-2").props["aria-label"] = f"Test connection of {sender.name}"
        if sender.is_sandbox:
            link_button("Open sandbox", "/sandbox", icon="inbox", look="flat dense").classes("px-2")
        if not sender.is_default:
            button = ui.button("Make default", icon="star_outline", on_click=lambda: actions.make_default(sender))
            button.props("flat dense").classes("px-2")
        if not sender.is_sandbox:
            ui.space()
            button = ui.button(icon="delete", on_click=lambda: actions.delete(sender)).props(
                "flat round dense color=grey-7"
            )
            button.props["aria-label"] = f"Delete {sender.name}"
            button.tooltip("Delete")


def _provider(sender: Sender) -> str:
    if sender.is_sandbox:
        return "Kept on this machine; reaches nobody"
    return f"{sender.host}:{sender.port} · {_SECURITIES.get(Security(sender.security), sender.security)}"
