"""A reader asks to hear no more (RFC 8058): the address is suppressed for the user whose campaign it was."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addresses, suppression
from core.delivery.tally import Tally
from core.models import Campaign, Message, Sender, SuppressionReason
from core.tracking import opens


@dataclass(frozen=True)
class Subscription:
    """What a reader is told about the mail they hold."""

    email: str
    from_name: str
    is_over: bool
    language: str


def find(session: Session, message_id: int) -> Subscription | None:
    """The subscription behind a mail; None where the mail is gone."""
    found = session.exec(
        select(Message, Sender, Campaign.language)
        .join(Sender, col(Sender.id) == col(Message.sender_id))
        .join(Campaign, col(Campaign.id) == col(Message.campaign_id))
        .where(col(Message.id) == message_id)
    ).first()
    if found is None:
        return None
    message, sender, language = found
    over = suppression.is_suppressed(session, sender.user_id, message.email)
    name = sender.from_name or addresses.shown(sender.from_address)
    return Subscription(message.email, name, over, language)


def unsubscribe(session: Session, message_id: int) -> bool:
    """Suppress the address of this mail for its user; every later claim skips it. Safe to call twice.

    Returns False only where there is no such mail any more.
    """
    found = session.exec(
        select(Message.email, Message.campaign_id, Campaign.user_id)
        .join(Campaign, col(Campaign.id) == col(Message.campaign_id))
        .where(col(Message.id) == message_id)
    ).first()
    if found is None:
        return False
    email, campaign_id, user_id = found
    now, tally = db.now(session), Tally()
    note(session, user_id, message_id, campaign_id, email, now, tally)
    tally.store(session, now)
    db.after_commit(session, lambda: live.publish(user_id, "campaign", campaign_id))
    return True


def note(
    session: Session, user_id: int, message_id: int, campaign_id: int, email: str, at: datetime, tally: Tally
) -> bool:
    """Whatever became of the mail: who holds it has it. Returns whether it is the first wish; ``tally`` is not stored.

    The address before the campaign's row, as the engine does for a bounce: two of them never wait in a circle.
    """
    marked = session.connection().execute(
        update(Message)
        .where(col(Message.id) == message_id, col(Message.unsubscribed_at).is_(None))
        .values(unsubscribed_at=at)
    )
    if marked.rowcount:
        tally.add(campaign_id, "unsubscribed_count")
    opens.prove_delivered(session, [message_id], at, tally)
    suppression.suppress(session, user_id, email, SuppressionReason.unsubscribed, message_id=message_id)
    return bool(marked.rowcount)
