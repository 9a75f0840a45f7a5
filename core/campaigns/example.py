"""The person as whom a campaign that is no draft any more is shown."""

from sqlmodel import Session, col, select

from core.audience import contacts
from core.campaigns.drafts import get, left_out_ids, list_ids
from core.content import mail
from core.models import Message

_NO_MESSAGE = 1 << 62


def example(session: Session, user_id: int, campaign_id: int) -> mail.Recipient:
    """The first who is on its ledger, before it starts the first of its lists; else one made up. Raises NotFound."""
    get(session, user_id, campaign_id)
    ids, out = (read(session, user_id, campaign_id) for read in (list_ids, left_out_ids))
    wanted = select(Message).where(col(Message.campaign_id) == campaign_id).order_by(col(Message.id)).limit(1)
    found = session.exec(wanted).first() or contacts.sample(session, user_id, ids, left_out=out)
    if found is None:
        return mail.Recipient(_NO_MESSAGE, "anna@example.com", {"first_name": "Anna"})
    return mail.Recipient(_NO_MESSAGE, found.email, found.fields)
