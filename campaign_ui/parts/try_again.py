"""Ending by hand a wait that a mail server's reply caused."""

from campaign_ui.parts.acts import act
from core.delivery import standing
from core.delivery.standing import Tried

TRY_AGAIN = "Try again now"
_SAID = {
    Tried.one: "One mail is tried now. If it is refused, the wait is back; else the others follow.",
    Tried.all: "Trying again now. If it is refused, the wait is back.",
    Tried.nothing: "The wait is over. No mail is due now; the next one finds out.",
}


async def try_again(user_id: int, sender_id: int) -> None:
    """Ask for it and say what happens."""
    await act(standing.try_now, user_id, sender_id, done=lambda tried: _SAID[tried])
