"""How a short campaign went out, minute by minute: from its mails' own times, as its counters are kept by the hour."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from core import clock
from core.delivery.replies import LEFT_OUT
from core.models import Attempt, Campaign, Message, MessageState
from core.stats.counts import Summary
from core.stats.pace import Minute

SHORT = timedelta(hours=2)
MOST_MAILS = 50_000  # read one by one, on two indexes that have no time
_MINUTE = timedelta(minutes=1)


def minutes(session: Session, user_id: int, campaign: Summary, zone: str) -> tuple[Minute, ...]:
    """Each minute in ``zone`` from the start of a user's campaign to its end, with what was sent and refused for good.

    None of a campaign that is not short, or of which nothing was.
    """
    begun, ended = campaign.started_at, campaign.finished_at
    if begun is None or ended is None or not is_short(campaign):
        return ()
    mine: Any = select(Message.sent_at).join(Campaign, col(Campaign.id) == col(Message.campaign_id))
    mine = mine.where(col(Campaign.user_id) == user_id, col(Campaign.id) == campaign.id)
    sent = _by_minute(
        session.exec(mine.where(col(Message.state) == MessageState.sent, col(Message.sent_at).is_not(None)))
    )
    # What was left out was not tried then, or not at all.
    tried_at = case((col(Message.rule_id) != LEFT_OUT, func.max(col(Attempt.at))))
    refused = mine.with_only_columns(func.coalesce(tried_at, col(Message.retry_at)))
    refused = refused.outerjoin(Attempt, col(Attempt.message_id) == col(Message.id))
    refused = refused.where(col(Message.state) == MessageState.failed).group_by(col(Message.id))
    failed = _by_minute(session.execute(refused).scalars())
    first, last = _minute(begun), _minute(ended)
    every = [first + _MINUTE * number for number in range((last - first) // _MINUTE + 1)]
    if not any(sent[at] or failed[at] for at in every):
        return ()
    return tuple(Minute(clock.to_zone(at, zone), sent[at], failed[at]) for at in every)


def is_short(campaign: Summary) -> bool:
    """Whether it is over, took less than SHORT and has at most MOST_MAILS; of others their hours tell enough."""
    begun, ended = campaign.started_at, campaign.finished_at
    if begun is None or ended is None:
        return False
    return ended - begun < SHORT and campaign.counts.recipients <= MOST_MAILS


def _by_minute(moments: Iterable[datetime]) -> Counter[datetime]:
    return Counter(_minute(at) for at in moments)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
