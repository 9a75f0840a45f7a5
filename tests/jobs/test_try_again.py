"""A wait that a server's reply caused is ended by hand, as the server and the database see it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from core import campaigns, db, live
from core.delivery import standing
from core.delivery.standing import Tried
from core.errors import RuleError
from core.models import Message
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver

PEOPLE = world.people(20)
QUOTA = "452 4.5.3 Daily sending quota exceeded, try again tomorrow"
STILL = "452 4.5.3 Daily sending quota exceeded: 500 of 500"
SLOW = "451 4.7.1 Ratelimit: too many messages, slow down"


def cools(sender_id: int) -> Callable[[], bool]:
    return lambda: world.sender(sender_id).state == "cooling" and world.sender(sender_id).owner == ""


def try_now(user_id: int, sender_id: int) -> Tried:
    with db.session() as session:
        return standing.try_now(session, user_id, sender_id)


def left(sender_id: int) -> timedelta:
    until = world.sender(sender_id).cooling_until
    assert until is not None
    with db.reading() as session:
        return until - db.now(session)


def test_after_a_quota_one_mail_is_tried_at_once_and_the_rest_follows_when_it_is_taken(stack: Stack) -> None:
    says: list[str | None] = [QUOTA]
    with Receiver(lambda phase, _: says[0] if phase == "dot" else None) as receiver, world.worker():
        user_id = world.add_user()
        sender_id = world.add_sender(user_id, receiver.port, connections=4)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        live.wake()
        world.until(cools(sender_id))
        begun, says[0] = len(receiver.starts), STILL
        assert left(sender_id) > timedelta(minutes=50)
        assert try_now(user_id, sender_id) == Tried.one
        world.until(lambda: cools(sender_id)() and "500 of 500" in world.sender(sender_id).state_reply, 9)
        assert len(receiver.starts) == begun + 1, "one mail, not the batch"
        assert world.states(campaign_id) == {"pending": 20} and world.sender(sender_id).learned_per_minute is None
        says[0] = None
        assert try_now(user_id, sender_id) == Tried.one
        world.until(lambda: world.done(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE
    assert world.states(campaign_id) == {"sent": 20}
    assert all(world.message(campaign_id, person).attempts == 1 for person in PEOPLE)


def test_who_asks_early_again_and_again_waits_no_longer_than_the_second_time(stack: Stack) -> None:
    with Receiver(lambda phase, _: SLOW if phase == "mail" else None) as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = world.to_people(receiver, PEOPLE, per_minute=600, connections=1)
        world.dispatch(engine)
        world.until(cools(sender_id))
        learned = world.sender(sender_id).learned_per_minute
        for count in range(2, 6):
            assert try_now(user_id, sender_id) == Tried.all
            world.dispatch(engine)
            world.until(lambda count=count: len(receiver.starts) == count and cools(sender_id)())  # type: ignore[misc]
            assert timedelta(seconds=30) < left(sender_id) <= timedelta(seconds=60)
    assert world.sender(sender_id).learned_per_minute == learned == 300, "one throttle, learned once"
    assert world.states(campaign_id) == {"pending": 20}


def test_a_wait_that_is_ended_while_mails_are_still_on_their_way_is_ended(stack: Stack) -> None:
    """Its worker gives the sender back later, and goes on then: not at the next tick."""
    answers = {"mail": [None, SLOW], "dot": ["silence"]}
    script = lambda phase, _: answers[phase].pop(0) if answers.get(phase) else None  # noqa: E731
    with Receiver(script) as receiver:
        user_id, sender_id, campaign_id = world.to_people(receiver, PEOPLE, connections=2, per_minute=6000)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.sender(sender_id).state == "cooling")
            assert world.sender(sender_id).owner and world.states(campaign_id)["sending"] == 1
            try_now(user_id, sender_id)
            receiver.hang_up()
            world.until(lambda: world.done(campaign_id))  # nobody dispatches again
    assert sorted(receiver.accepted) == PEOPLE
    assert world.states(campaign_id) == {"sent": 19, "unknown": 1}


def test_the_users_own_limits_hold_whatever_is_tried(stack: Stack) -> None:
    refusals = iter([QUOTA])
    script = lambda phase, _: next(refusals, None) if phase == "mail" else None  # noqa: E731
    with Receiver(script) as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = world.to_people(receiver, PEOPLE, per_hour=3)
        world.dispatch(engine)
        world.until(cools(sender_id))
        try_now(user_id, sender_id)
        world.dispatch(engine)
        full = lambda: world.sender(sender_id).next_start_at is not None and world.sender(sender_id).owner == ""  # noqa: E731
        world.until(lambda: len(receiver.starts) == 3 and full())
        with pytest.raises(RuleError, match="does not wait for its mail server any more"):
            try_now(user_id, sender_id)
        with db.session() as session:  # refused with the last mail that the hour allows
            row = session.get_one(world.Sender, sender_id)
            row.state, row.cooling_until, row.cooldown_step = "cooling", db.now(session) + timedelta(minutes=5), 1
        with pytest.raises(RuleError, match="its limits and hours hold"):
            try_now(user_id, sender_id)
        world.dispatch(engine)
    assert len(receiver.starts) == 3 and len(receiver.accepted) == 2
    assert cools(sender_id)() and world.states(campaign_id) == {"sent": 2, "pending": 18}


@pytest.mark.parametrize(
    ("phase", "answer", "kind"),
    [
        ("connect", "421 4.3.2 Service not available", "temporary"),
        ("connect", "drop", "temporary"),
        ("auth", "454 4.7.0 Temporary authentication failure", "auth_temporary"),
    ],
)
def test_a_server_that_lets_nobody_in_is_tried_again_at_once(stack: Stack, phase: str, answer: str, kind: str) -> None:
    answers: list[str | None] = [answer]
    with Receiver(lambda where, _: answers[0] if where == phase else None, password="x") as receiver, world.worker():
        user_id, sender_id, campaign_id = world.to_people(receiver, PEOPLE, username="me")
        live.wake()
        world.until(cools(sender_id))
        assert world.sender(sender_id).state_kind == kind and receiver.starts == []
        answers[0] = None
        assert try_now(user_id, sender_id) == Tried.all
        world.until(lambda: world.done(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE and world.states(campaign_id) == {"sent": 20}


def test_a_mail_that_was_put_off_is_tried_at_once_when_its_user_says_so(stack: Stack) -> None:
    says: list[str | None] = ["450 4.2.0 <x>: Recipient address rejected: Greylisted"]
    with Receiver(lambda phase, _: says[0] if phase == "rcpt" else None) as receiver, world.worker():
        user_id = world.add_user()
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:3])
        live.wake()

        def waits(reply: str) -> bool:
            with db.reading() as session:
                replies = session.exec(select(Message.reply).where(Message.campaign_id == campaign_id)).all()
            return world.sender(sender_id).owner == "" and sum(reply in each for each in replies) == 3

        world.until(lambda: waits("Greylisted"))
        says[0] = "450 4.2.0 <x>: Recipient address rejected: Greylisted still"
        with db.session() as session:
            assert campaigns.try_again_now(session, user_id, campaign_id).count == 3
        world.until(lambda: waits("still"))
        mail = world.message(campaign_id, PEOPLE[0])
        with db.reading() as session:
            left = mail.retry_at - db.now(session)
        assert mail.attempts == 1 and timedelta(minutes=4) < left <= timedelta(minutes=5), "as long as the last time"
        assert world.states(campaign_id) == {"pending": 3}
        says[0] = None
        with db.session() as session:
            assert campaigns.try_again_now(session, user_id, campaign_id).count == 3
        world.until(lambda: world.done(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE[:3]
