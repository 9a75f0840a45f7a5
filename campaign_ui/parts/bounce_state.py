"""How a sender's bounce mailbox stands, and the button that reads it now."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from nicegui import ui

from campaign_ui.parts.acts import long_work
from campaign_ui.parts.notices import notice, notify_done, notify_error
from core import clock
from core.errors import RuleError
from core.models import BounceMailbox
from core.tracking import mailbox as mailboxes


def bounce_state(mailbox: BounceMailbox, zone: str, now: datetime, check: Callable[[], Awaitable[None]]) -> None:
    """``now``: the database's time; ``check``: what the button does."""
    with ui.row().classes("w-full items-center gap-x-2 gap-y-1 text-[13px] flex-nowrap"):
        ui.icon("move_to_inbox").classes("text-[18px] cm-mute")
        ui.label(state_in_words(mailbox, zone, now)).classes("cm-mute tabular-nums grow min-w-0")
        button = ui.button("Check now", on_click=check).props("flat dense").classes("px-2 shrink-0")
        button.props["aria-label"] = f"Check the mailbox {mailbox.folder} on {mailbox.host} for bounces now"
    if mailbox.error:
        with notice(mailbox.error, "failed", "error"):
            if mailbox.error_reply:
                ui.label("The server’s own words").classes("text-xs opacity-90 mt-1")
                ui.label(mailbox.error_reply).classes("cm-words")
            if mailbox.next_check_at is None:
                ui.label("It is read again when you mend it and save.")
            elif mailbox.next_check_at > now:
                ui.label(f"Next try {_clock(mailbox.next_check_at, zone, now)}.")


def state_in_words(mailbox: BounceMailbox, zone: str, now: datetime) -> str:
    """``Bounces: last checked 14:20 IST, 3 bounces, 1 complaint``."""
    if mailbox.checked_at is None:
        return "Bounces: not checked yet"
    found = [_count(mailbox.bounced_count, "bounce")]
    found += [_count(mailbox.complained_count, "complaint")] if mailbox.complained_count else []
    return f"Bounces: last checked {_clock(mailbox.checked_at, zone, now)}, {', '.join(found)}"


async def check_mailbox(user_id: int, sender_id: int) -> None:
    """Read it now and say what was new."""
    try:
        found = await long_work(mailboxes.check_now, user_id, sender_id)
    except RuleError as error:
        return notify_error(str(error))
    new = [_count(found.bounced, "new bounce")] if found.bounced or not found.complained else []
    new += [_count(found.complained, "new complaint")] if found.complained else []
    new += [f"{_count(found.unsubscribed, 'reader')} who unsubscribed"] if found.unsubscribed else []
    notify_done(f"Checked: {' and '.join(new)} in {_count(found.mails, 'new mail')}.")


def _clock(moment: datetime, zone: str, now: datetime) -> str:
    """The hour alone where it is of today."""
    local = clock.to_zone(moment, zone)
    today = local.date() == clock.to_zone(now, zone).date()
    return f"{local:%H:%M} {clock.zone_label(moment, zone)}" if today else clock.say(moment, zone)


def _count(number: int, word: str) -> str:
    if number == 0:
        return f"no {word}s"
    return f"1 {word}" if number == 1 else f"{number:,} {word}s"
