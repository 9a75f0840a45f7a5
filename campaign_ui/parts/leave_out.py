"""Going on without the domains that refuse a campaign."""

from collections.abc import Sequence

from campaign_ui import auth
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import confirm
from core import db
from core.audience import addresses
from core.campaigns import refusing

_TEXT = (
    "The campaign goes on with all others. What is left for {them} is not tried and counts as failed; it can be "
    "retried by that reason, under “Why mails failed”."
)


def go_on_without(domains: Sequence[str]) -> str:
    """What its button says, in a line of a phone."""
    these = addresses.shown_domains(domains) if len(domains) == 1 else f"these {len(domains)}"
    return f"Go on without {these}"


async def leave_out(campaign_id: int) -> None:
    """Ask, then do it."""
    user_id = auth.current().id
    domains = await off_loop(_blamed, user_id, campaign_id)
    title, is_one = f"Go on without {addresses.shown_domains(domains)}?", len(domains) == 1
    text, button = _TEXT.format(them="this domain" if is_one else "these domains"), "it" if is_one else "them"
    if not domains or await confirm(title, text, f"Go on without {button}", color="primary"):
        await act(refusing.leave_out, user_id, campaign_id, domains)


def _blamed(user_id: int, campaign_id: int) -> list[str]:
    with db.reading() as session:
        return refusing.blamed(session, user_id, campaign_id)
