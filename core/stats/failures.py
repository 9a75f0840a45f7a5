"""Why mails failed, grouped by what the servers meant."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, text
from sqlmodel import Session, select

from core.delivery import replies
from core.models import Message
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
    # In the words of the index: with a parameter SQLite reads every failed row.
    failed = (_message.c.campaign_id == campaign_id, text("state = 'failed'"))
    grouped = select(_message.c.kind, _message.c.rule_id, number).where(*failed)
    grouped = grouped.group_by(_message.c.kind, _message.c.rule_id).order_by(number.desc(), _message.c.rule_id)
    found = []
    for kind, rule_id, count in session.execute(grouped.limit(20)).all():
        # Apart from the count: that is in the index, the words are in the rows.
        alike = select(_message.c.reply).where(*failed, _message.c.kind == kind, _message.c.rule_id == rule_id)
        reply = session.execute(alike.order_by(_message.c.id.desc()).limit(1)).scalar_one()
        found.append(Failure(int(count), kind, rule_id, reply, replies.explain(rule_id, kind)))
    return found
