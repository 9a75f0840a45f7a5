"""What happened to one recipient's mail, from the first try to the last fact, in a dialog."""

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import NOT_NOW, answer, confirm, dialog_title
from campaign_ui.parts.badge import STATE_TONES
from campaign_ui.parts.links import link_label
from campaign_ui.parts.notices import notice, notify_error
from core import campaigns, clock, db, stats
from core.audience import addresses
from core.errors import NotFound
from core.models import MessageState
from core.stats import Event, Timeline

_PHASES = {
    "connect": "when connecting",
    "ehlo": "at the greeting",
    "auth": "at the sign-in",
    "mail": "at MAIL FROM",
    "rcpt": "at RCPT TO",
    "data": "at DATA",
    "dot": "after the mail",
    "bounce": "in the bounce",
    "render": "when writing the mail",
}
_ICONS = {"sent": "check", "failed": "close", "pending": "schedule", "brand": "drafts", "quiet": "info"}


async def read_timeline(user_id: int, campaign_id: int, message_id: int) -> Timeline | None:
    """What happened to the mail; None where it was deleted meanwhile, which is said."""
    try:
        return await off_loop(_read, user_id, campaign_id, message_id)
    except NotFound:
        notify_error("This mail is gone.")
        return None


async def show_timeline(user_id: int, campaign_id: int, message_id: int, told: Timeline, zone: str) -> None:
    """Open the dialog, and do what the user decides there about a mail in doubt."""
    decision = await _ask(told, zone)
    if decision == "delivered":
        delivered, done = True, "It counts as sent."
    elif decision == "again":
        if not await confirm("Send this mail again?", "If it arrived, it is received twice.", "Send again", no=NOT_NOW):
            return
        delivered, done = False, "It waits to be sent again."
    else:
        return
    await act(campaigns.settle_unknown, user_id, campaign_id, message_id, delivered=delivered, done=done)


async def _ask(told: Timeline, zone: str) -> str | None:
    """``delivered`` or ``again`` about a mail in doubt; None where the dialog was only read."""
    with ui.dialog() as dialog, ui.card().classes("w-[640px] max-w-full p-6 gap-4 no-wrap"):
        dialog.props["aria-label"] = f"What happened to the mail to {addresses.shown(told.email)}"
        _head(told, dialog)
        with ui.element("ol").classes("w-full m-0 p-0 list-none"):
            if told.hidden:
                with ui.element("li").classes("text-[13px] cm-mute"):
                    ui.label(f"{told.hidden:,} earlier tries are not shown.")
            for event in told.events:
                _event(event, zone)
        _outlook(told, zone)
        if told.state == MessageState.unknown:
            with ui.row().classes("gap-2"):
                delivered = ui.button("It was delivered", icon="done_all", on_click=lambda: dialog.submit("delivered"))
                again = ui.button("Send it again", icon="replay", on_click=lambda: dialog.submit("again"))
                for button in (delivered, again):
                    button.props("outline dense")
    submitted = await answer(dialog)
    return str(submitted) if submitted else None


def _head(told: Timeline, dialog: ui.dialog) -> None:
    word, tone = STATE_TONES[told.state]
    with ui.row().classes("w-full items-start gap-3 flex-nowrap"):
        with ui.column().classes("gap-1 min-w-0 grow"):
            dialog_title(addresses.shown(told.email)).classes("break-all")
            with ui.row().classes("items-center gap-2"):
                ui.label(word).classes(f"cm-badge is-{tone}")
                ui.label(_tries(told)).classes("text-[13px] cm-mute tabular-nums")
        close = ui.button(icon="close", on_click=dialog.close).props("flat round dense color=grey-7 autofocus")
        close.props["aria-label"] = "Close"


def _tries(told: Timeline) -> str:
    tries = ["1 attempt counted" if told.attempts == 1 else f"{told.attempts:,} attempts counted"]
    if told.state == MessageState.unknown and not told.attempts:  # it was tried; how that ended is not known
        tries = []
    return " · ".join([*tries, *([f"through {told.through}"] if told.through else [])])


def _event(event: Event, zone: str) -> None:
    with ui.element("li").classes("cm-event"):
        with ui.element("span").classes(f"cm-tile is-{event.tone}").props("aria-hidden=true"):
            ui.icon(_ICONS[event.tone])
        with ui.element("div").classes("min-w-0 grow"):
            ui.label(clock.show(event.at, zone, seconds=True)).classes("text-xs cm-mute tabular-nums")
            ui.label(event.title).classes("font-medium text-[14px]")
            if event.sentence:
                ui.label(event.sentence).classes("text-[13.5px]")
            if event.words or event.code:
                words = f"{event.code} {event.words}" if event.code else event.words
                ui.label(words).classes("cm-words mt-1")
            if event.url:
                link_label(event.url).classes("cm-words mt-1")
            if where := _where(event):
                ui.label(where).classes("text-xs cm-mute mt-1")


def _where(event: Event) -> str:
    said = [f"Said {_PHASES[event.phase]}"] if event.phase in _PHASES and event.code else []
    said += [f"rule {event.rule_id}"] if event.rule_id else []
    return " · ".join(said)


def _outlook(told: Timeline, zone: str) -> None:
    if told.next_at is not None:
        notice(f"Next try {clock.show(told.next_at, zone, seconds=True)}.", "pending", "schedule")
    elif not told.events:
        waits = told.state in (MessageState.pending, MessageState.claimed, MessageState.sending)
        notice("It waits for its turn." if waits else "Nothing was tried.", "quiet", "info")


def _read(user_id: int, campaign_id: int, message_id: int) -> Timeline:
    with db.reading() as session:
        return stats.timeline(session, user_id, campaign_id, message_id)
