"""Why mails failed, grouped by what the servers meant."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, select

from core.delivery import replies
from core.models import Message, MessageState
from core.stats.counts import summary

_message: Any = Message.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Failure:
    """``reply``: one server's own words, as an example; ``explanation``: what they mean, for the user."""

    count: int
    kind: str
    rule_id: str
    reply: str
    explanation: str


def failures(session: Session, user_id: int, campaign_id: int) -> list[Failure]:
    """The reasons of one campaign's failures, most frequent first. Raises NotFound."""
    summary(session, user_id, campaign_id)
    number = func.count().label("number")
    columns = (_message.c.kind, _message.c.rule_id, func.max(_message.c.reply).label("reply"), number)
    statement = (
        select(*columns)
        .where(_message.c.campaign_id == campaign_id, _message.c.state == MessageState.failed)
        .group_by(_message.c.kind, _message.c.rule_id)
        .order_by(number.desc(), _message.c.rule_id)
        .limit(20)
    )
    return [
        Failure(int(row.number), row.kind, row.rule_id, row.reply, replies.explain(row.rule_id, row.kind))
        for row in session.execute(statement)
    ]
