"""People of several domains, and what became of their mails where one refuses."""

from collections import Counter

from sqlmodel import col, select

from core import db
from core.models import Message
from tests.jobs import world
from tests.jobs.receiver import Receiver

BLOCKED = "550 5.7.1 Service unavailable; client host blocked using our blocklist"
STRICT = "strict.example"
KIND = "kind.example"


def in_turn(count: int, *names: str) -> list[str]:
    """Of each domain ``count`` people, in turn."""
    each = zip(*(world.people(count, f"{name}.example") for name in names), strict=True)
    return [email for emails in each for email in emails]


def alternating(count: int) -> list[str]:
    return in_turn(count, "strict", "kind")


def failed_rules(campaign_id: int) -> Counter[str]:
    failed = select(Message.rule_id).where(col(Message.campaign_id) == campaign_id, col(Message.state) == "failed")
    with db.reading() as session:
        return Counter(session.exec(failed))


def refuses(*domains: str) -> Receiver:
    return Receiver(lambda phase, to: BLOCKED if phase == "rcpt" and to.endswith(domains) else None)
