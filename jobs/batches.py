"""What a lane asks of the database about its batches. Runs in the writer's thread."""

from dataclasses import dataclass, field

from sqlmodel import Session

from core import campaigns, db
from core.campaigns.content import content
from core.content.mail import Content
from core.delivery import batch, ledger
from core.delivery.ledger import Claimed
from core.delivery.tally import Tally
from core.models import Campaign, PauseReason, Sender


@dataclass
class Batch:
    """What a claim brings along: the sender as it is now and what its campaigns say."""

    messages: list[Claimed] | None
    sender: Sender
    contents: dict[int, Content] = field(default_factory=dict)


def claim(session: Session, sender_id: int, epoch: int, size: int) -> Batch:
    """Up to ``size`` due messages; ``messages`` is None where this epoch owns the sender no more."""
    messages = batch.claim(session, sender_id, epoch, size)
    got = Batch(messages, session.get_one(Sender, sender_id))
    for campaign_id in {message.campaign_id for message in messages or ()}:
        got.contents[campaign_id] = content(session, session.get_one(Campaign, campaign_id))
    return got


def refuse(session: Session, campaign_id: int, why: str, held: list[Claimed]) -> None:
    """A campaign whose content makes no mail is paused, and what we hold of it goes back."""
    tally = Tally()
    ledger.put_back(session, held, tally)
    tally.store(session, db.now(session))
    campaigns.pause_for(session, campaign_id, PauseReason.content, why)
