"""Ending by hand a wait that a mail server's reply caused."""

from campaign_ui.parts.acts import act, act_in_chunks
from core import campaigns
from core.delivery import standing
from core.delivery.standing import Tried
from core.stats import Wait

TRY_AGAIN = "Try again now"
_SAID = {
    Tried.one: "One mail is tried now. If it is refused, the wait is back; else the others follow.",
    Tried.all: "Trying again now. If it is refused, the wait is back.",
    Tried.nothing: "The wait is over. No mail is due now; the next one finds out.",
}


async def try_again(user_id: int, sender_id: int) -> None:
    """Ask for it and say what happens."""
    await act(standing.try_now, user_id, sender_id, done=lambda tried: _SAID[tried])


async def try_campaign_again(user_id: int, campaign_id: int, wait: Wait) -> None:
    """The same for what a campaign waits for: its sender, or the mails that were put off each for itself."""
    if wait.try_sender is not None:
        return await try_again(user_id, wait.try_sender)
    done = "{count} tried again now. What is refused again waits as long as before."
    await act_in_chunks(campaigns.try_again_now, user_id, campaign_id, done=done)
