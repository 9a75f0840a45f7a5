"""Going on without the one domain that refuses a campaign."""

from campaign_ui import auth
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import confirm
from core import db
from core.audience import addresses
from core.campaigns import refusing

_TEXT = (
    "The campaign goes on with all others. What is left for this domain is not tried and counts as failed; it can be "
    "retried by that reason, under “Why mails failed”."
)


async def leave_out(campaign_id: int) -> None:
    """Ask, then do it."""
    user_id = auth.current().id
    domain = await off_loop(_blamed, user_id, campaign_id)
    title = f"Go on without {addresses.shown_domain(domain)}?"
    if not domain or await confirm(title, _TEXT, "Go on without it", color="primary"):
        await act(refusing.leave_out, user_id, campaign_id, domain)


def _blamed(user_id: int, campaign_id: int) -> str:
    with db.reading() as session:
        return refusing.blamed(session, user_id, campaign_id)
