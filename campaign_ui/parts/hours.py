"""When a campaign may send and when it will be finished: words, and the dialog that changes its hours."""

from dataclasses import replace

from nicegui import ui
from sqlmodel import Session

from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.hours_fields import HoursFields, say_ramp
from campaign_ui.parts.leaving import ask_before_leaving
from core import campaigns, clock
from core.delivery import warmup, windows
from core.models import CampaignStatus
from core.stats import Summary, Wait

MAY_CHANGE = (CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)
_FORESEEN = (CampaignStatus.scheduled, CampaignStatus.sending)


def finishes_in_words(session: Session, user_id: int, campaign: Summary, wait: Wait, zone: str) -> str:
    """``Finishes Thu 26 Nov, 14:20 IST at 30/min.``, not repeating ``wait``; nothing where it is not on its way."""
    waits = campaign.counts.pending or not campaign.snapshot_done
    if campaign.status not in _FORESEEN or not waits or wait.tone == "failed":
        return ""
    outlook = campaigns.outlook(session, user_id, campaign.id)
    if outlook is None or not outlook.flow.waiting:
        return ""
    forecast = outlook.forecast()
    if not forecast.never:
        new = tuple(words for words in forecast.others if words not in wait.sentence)
        forecast = replace(forecast, others=new)
    return forecast.say(zone)


def hours_in_words(campaign: Summary, wait: Wait) -> str:
    """Its own sending window and warm-up, not repeating ``wait``; nothing where it has none."""
    window, ramp = windows.from_json(campaign.sending_window), warmup.from_json(campaign.warmup)
    words = [f"Sends {windows.say(window, clock.utcnow())}."] if window is not None else []
    words = [each for each in words if each not in wait.sentence]
    if ramp is not None:
        words.append(f"{'Daily cap' if ramp.is_cap else 'Warm-up'}: {say_ramp(ramp)}")
    return " ".join(words)


async def ask_hours(user_id: int, zone: str, campaign: Summary) -> None:
    """A dialog to change them; what is typed stays until it is saved."""
    with ui.dialog().props("persistent") as dialog, ui.card().classes("w-[640px] max-w-full p-6 gap-4 items-stretch"):
        dialog.props["aria-label"] = "Hours and daily cap"
        dialog_title("Hours and daily cap")
        ui.label("Of this campaign alone; those of its sender hold too.").classes("text-sm cm-mute -mt-3")
        fields = HoursFields(campaign.sending_window, campaign.warmup, zone, with_cap=True)

        leave = ask_before_leaving(dialog, lambda: (fields.sending_window, fields.warmup))

        async def save() -> None:
            if wrong := fields.problems():
                return fields.show_problems(wrong)
            if await act(
                campaigns.set_hours,
                user_id,
                campaign.id,
                sending_window=fields.sending_window,
                warmup=fields.warmup,
                done="Saved. It holds from now on.",
            ):
                dialog.submit(True)

        with ui.row().classes("w-full justify-end gap-2"):
            ui.button("Close", on_click=leave).props("flat color=grey-7")
            ui.button("Save", on_click=save)
    await answer(dialog)
