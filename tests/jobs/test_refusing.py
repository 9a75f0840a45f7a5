"""One domain refuses a campaign that others take: the others go on, and what is left for it is not tried."""

from collections import Counter

import pytest
from sqlmodel import col, select

from core import campaigns, db
from core.campaigns import refusing
from core.delivery.replies import LEFT_OUT
from core.errors import NotFound, RuleError
from core.models import Message
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver

BLOCKED = "550 5.7.1 Service unavailable; client host blocked using our blocklist"
STRICT, KIND = "strict.example", "kind.example"


def _alternating(count: int) -> list[str]:
    """Of either domain ``count`` people, in turn."""
    pairs = zip(world.people(count, STRICT), world.people(count, KIND), strict=True)
    return [email for pair in pairs for email in pair]


def _refuses(*domains: str) -> Receiver:
    return Receiver(lambda phase, to: BLOCKED if phase == "rcpt" and to.endswith(domains) else None)


def _rules(campaign_id: int) -> Counter[str]:
    failed = select(Message.rule_id).where(col(Message.campaign_id) == campaign_id, col(Message.state) == "failed")
    with db.reading() as session:
        return Counter(session.exec(failed))


def test_the_campaign_goes_on_without_the_domain_and_its_mails_can_be_retried(stack: Stack) -> None:
    user_id, people = world.add_user(), _alternating(60)
    with _refuses(STRICT) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1, batch_size=5, delay_seconds=0.02)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
        assert world.states(campaign_id) == {"sent": 60, "failed": 60}
        assert sorted(receiver.accepted) == sorted(world.people(60, KIND))
        rules, row = _rules(campaign_id), world.campaign(campaign_id)
        assert rules[LEFT_OUT] > 30 and rules.total() == 60 and (row.failed_count, row.pause_reason) == (60, "")
        tried = sum(line.startswith("RCPT") and STRICT in line for line in receiver.commands)
        assert tried == 60 - rules[LEFT_OUT]
        words = world.message(campaign_id, max(world.people(60, STRICT))).reply
        assert words == f"Not tried, as {STRICT} refused others: {BLOCKED[4:]}"
        receiver.script = lambda phase, to: None
        with db.session() as session:
            campaigns.retry_failed(session, user_id, campaign_id)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
    assert world.states(campaign_id) == {"sent": 120}
    assert sorted(receiver.accepted) == sorted(people) and not receiver.twice


def test_where_two_domains_refuse_the_same_way_the_campaign_pauses(stack: Stack) -> None:
    user_id = world.add_user()
    people = [
        email for each in zip(*(world.people(20, f"{name}.example") for name in "abc"), strict=True) for email in each
    ]
    with _refuses("a.example", "b.example") as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused")
        world.until(lambda: world.sender(sender_id).owner == "")
    assert world.campaign(campaign_id).pause_reason == "content" and LEFT_OUT not in _rules(campaign_id)
    with db.reading() as session:
        assert refusing.blamed(session, user_id, campaign_id) == ""


def test_a_campaign_that_begins_with_the_domain_pauses_and_its_user_leaves_it_out(stack: Stack) -> None:
    user_id, people = world.add_user(), [*world.people(20, STRICT), *world.people(20, KIND)]
    with _refuses(STRICT) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1, batch_size=5, delay_seconds=0.02)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused")
        world.until(lambda: world.sender(sender_id).owner == "")
        with db.reading() as session:
            assert refusing.blamed(session, user_id, campaign_id) == STRICT
        stranger = world.add_user("charlie@example.com")
        with db.reading() as session:
            assert refusing.blamed(session, stranger, campaign_id) == ""
        with pytest.raises(NotFound), db.session() as session:
            refusing.leave_out(session, stranger, campaign_id, STRICT)
        with pytest.raises(RuleError, match="just changed"), db.session() as session:
            refusing.leave_out(session, user_id, campaign_id, KIND)
        assert world.campaign(campaign_id).status == "paused"
        with db.session() as session:
            refusing.leave_out(session, user_id, campaign_id, STRICT)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
    assert world.states(campaign_id) == {"sent": 20, "failed": 20}
    assert sorted(receiver.accepted) == world.people(20, KIND)
    assert _rules(campaign_id)[LEFT_OUT] >= 10


def test_a_domain_that_refuses_single_mails_and_takes_others_is_not_left_out(sqlite_stack: Stack) -> None:
    user_id, people, seen = world.add_user(), _alternating(130), Counter[str]()

    def script(phase: str, to: str) -> str | None:
        domain = to.rpartition("@")[2]
        seen[domain] += phase == "rcpt"
        return BLOCKED if phase == "rcpt" and domain == STRICT and seen[domain] in (25, 60, 95, 126) else None

    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
    assert world.states(campaign_id) == {"sent": 256, "failed": 4} and LEFT_OUT not in _rules(campaign_id)
