"""Who a draft's mails will be from, for the questions to DNS."""

from sqlmodel import Session

from core.audience import addresses
from core.campaigns.drafts import get
from core.campaigns.preflight.domain import Asked
from core.delivery import dkim_keys
from core.models import Sender


def asked_of_dns(session: Session, user_id: int, campaign_id: int) -> Asked | None:
    """None without a sender, and for the sandbox, whose mails leave nowhere. Raises NotFound."""
    campaign = get(session, user_id, campaign_id)
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    if sender is None or sender.user_id != user_id or sender.is_sandbox or sender.deleted_at is not None:
        return None
    if not (name := addresses.ascii_domain(addresses.domain_of(sender.from_address).lower())):
        return None
    return Asked(name, sender.host, dkim_keys.shown(session, user_id, sender.from_address))
