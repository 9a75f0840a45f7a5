"""A reader asks to hear no more (RFC 8058): the address is suppressed for the user whose campaign it was. Or takes it
back."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addresses, suppression
from core.delivery.tally import Tally
from core.models import Campaign, Message, Sender, SuppressionReason
from core.tracking import opens


@dataclass(frozen=True)
class Subscription:
    """What a reader is told about the mail they hold; ``reason``: a SuppressionReason, empty while mail comes."""

    email: str
    from_name: str
    language: str
    reason: str = ""

    @property
    def may_return(self) -> bool:
        """Whether it ended by the reader's own wish."""
        return self.reason == SuppressionReason.unsubscribed


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
    reason = suppression.reason(session, sender.user_id, message.email)
    name = sender.from_name or addresses.shown(sender.from_address)
    return Subscription(message.email, name, language, reason)


def unsubscribe(session: Session, message_id: int) -> bool:
    """Suppress the address of this mail for its user; every later claim skips it. Safe to call twice.

    Returns False only where there is no such mail any more.
    """
    if (found := _of(session, message_id)) is None:
        return False
    email, campaign_id, user_id = found
    now, tally = db.now(session), Tally()
    note(session, user_id, message_id, campaign_id, email, now, tally)
    tally.store(session, now)
    db.after_commit(session, lambda: live.publish(user_id, "campaign", campaign_id))
    return True


def subscribe_again(session: Session, message_id: int) -> bool:
    """The reader takes it back, through this mail or another one: the address gets mail again, and the mails by which
    it was said are no longer counted. What bounced, complained or was suppressed by hand stays suppressed.

    Returns False only where there is no such mail any more. Safe to call twice.
    """
    if (found := _of(session, message_id)) is None:
        return False
    email, _, user_id = found
    by = suppression.returned(session, user_id, email)
    if by is not None:
        now, tally = db.now(session), Tally()
        said = (col(Message.id).in_({message_id, by}), col(Message.email) == email)
        back = update(Message).where(*said, col(Message.unsubscribed_at).is_not(None)).values(unsubscribed_at=None)
        for (campaign_id,) in session.connection().execute(back.returning(col(Message.campaign_id))):
            tally.add(campaign_id, "unsubscribed_count", -1)
        for owner, campaign_id in tally.store(session, now):
            db.after_commit(session, partial(live.publish, owner, "campaign", campaign_id))
    return True


def _of(session: Session, message_id: int) -> Any:
    """The mail's address, campaign and user."""
    return session.exec(
        select(Message.email, Message.campaign_id, Campaign.user_id)
        .join(Campaign, col(Campaign.id) == col(Message.campaign_id))
        .where(col(Message.id) == message_id)
    ).first()


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
