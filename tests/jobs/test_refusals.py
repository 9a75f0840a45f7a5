"""What a server refuses, drops or puts off: whose fault it is, and what follows."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import col, select

from core import db
from core.models import Attempt, Message, Suppression
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Once, Receiver
from tests.jobs.world import sent

PEOPLE = world.people(60)


def test_a_bad_address_fails_and_is_suppressed_and_a_throttle_harms_nobody(stack: Stack) -> None:
    user_id = world.add_user()
    bad, slow = PEOPLE[3], PEOPLE[5]
    script = Once(
        {
            ("rcpt", bad): "550 5.1.1 <x>: Recipient address rejected: User unknown in virtual mailbox table",
            ("dot", slow): "451 4.7.1 Ratelimit exceeded",
        }
    )
    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).state == "cooling" and world.sender(sender_id).owner == "")
        waits = world.sender(sender_id)
        assert waits.state_kind == "throttle_rate" and "Ratelimit" in waits.state_reply
        assert waits.cooldown_step == 1
        assert world.message(campaign_id, slow).attempts == 0
        world.dispatch(engine)  # nothing starts while it cools
        assert world.sender(sender_id).owner == ""
        db.clock_offset += timedelta(seconds=31)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == sorted(set(PEOPLE) - {bad})
    assert world.states(campaign_id) == {"sent": 59, "failed": 1}
    failed = world.message(campaign_id, bad)
    assert (failed.kind, failed.reply_code, failed.phase) == ("bad_recipient", 550, "rcpt")
    assert failed.bounced_at is not None and failed.attempts == 1
    assert world.campaign(campaign_id).bounced_count == 1
    assert world.message(campaign_id, slow).attempts == 1
    ready = world.sender(sender_id)
    assert (ready.state, ready.cooldown_step, ready.state_reply) == ("ready", 0, "")
    with db.reading() as session:
        assert session.exec(select(Suppression.email)).all() == [bad]
        assert Counter(session.exec(select(Attempt.kind)).all()) == {"bad_recipient": 1, "throttle_rate": 1}


def test_throttled_again_and_again_the_sender_waits_longer(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(lambda phase, _: "451 4.7.1 Ratelimit exceeded" if phase == "mail" else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            for step, wait in enumerate((30, 60, 3600, 3600), start=1):
                world.dispatch(engine)
                world.until(lambda step=step: world.sender(sender_id).cooldown_step == step)  # type: ignore[misc]
                world.until(lambda: world.sender(sender_id).owner == "")
                row = world.sender(sender_id)
                assert row.cooling_until is not None
                with db.reading() as session:
                    left = (row.cooling_until - db.now(session)).total_seconds()
                assert wait - 10 < left <= wait
                db.clock_offset += timedelta(seconds=wait + 1)
    assert world.states(campaign_id) == {"pending": 60}


def test_a_drop_before_the_dot_loses_nothing_and_counts_nothing(stack: Stack) -> None:
    user_id = world.add_user()
    script = Once({("rcpt", PEOPLE[4]): "drop", ("data", PEOPLE[20]): "drop"})
    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE
    assert world.states(campaign_id) == {"sent": 60}
    assert world.message(campaign_id, PEOPLE[4]).attempts == 1
    assert receiver.connection_count == 4


@pytest.mark.parametrize("answer", ["drop", "421 4.3.2 Service shutting down"])
def test_a_mail_that_loses_every_connection_holds_up_no_other_and_is_not_tried_for_ever(
    answer: str, stack: Stack
) -> None:
    user_id, poison = world.add_user(), PEOPLE[4]
    with Receiver(lambda phase, recipient: answer if (phase, recipient) == ("rcpt", poison) else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.campaign(campaign_id).sent_count == 59 and world.sender(sender_id).owner == "")
            waits = world.message(campaign_id, poison)
            assert (waits.state, waits.attempts, waits.kind) == ("pending", 1, "temporary")
            assert waits.retry_at > world.message(campaign_id, PEOPLE[0]).retry_at + timedelta(minutes=4)
            assert world.sender(sender_id).state == "ready"
            with db.session() as session:
                session.get_one(Message, waits.id).attempts = 9
            db.clock_offset += timedelta(minutes=6)
            world.dispatch(engine)
            world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == sorted(set(PEOPLE) - {poison})
    assert world.states(campaign_id) == {"sent": 59, "failed": 1}
    assert receiver.connection_count <= 8  # no storm of new connections at the end, with the same mail in each


def test_a_drop_after_the_dot_is_unknown_and_never_sent_again(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(Once({("dot", PEOPLE[7]): "drop"})) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE
    assert world.states(campaign_id) == {"sent": 59, "unknown": 1}
    assert world.message(campaign_id, PEOPLE[7]).reply == "The server closed the connection."


def test_after_a_421_the_connection_is_dead_and_the_mail_goes_on_another(stack: Stack) -> None:
    user_id = world.add_user()
    script = Once({("mail", ""): "421 4.3.2 Service shutting down", ("dot", PEOPLE[9]): "421 4.3.0 bye"})
    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE
    assert world.states(campaign_id) == {"sent": 60}
    assert world.message(campaign_id, PEOPLE[9]).attempts == 1
    assert receiver.connection_count == 3


def test_a_refusal_in_the_middle_of_the_body_is_heard(stack: Stack) -> None:
    user_id = world.add_user()
    script = Once({("body", PEOPLE[6]): "550 5.7.1 No thanks"})
    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        body = "<p>" + "Hello. " * 30_000 + "</p>"
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:20], body=body)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == sorted(set(PEOPLE[:20]) - {PEOPLE[6]})
    assert world.states(campaign_id) == {"sent": 19, "failed": 1}
    assert world.message(campaign_id, PEOPLE[6]).reply == "5.7.1 No thanks"


def test_one_poison_recipient_among_fifty_fails_alone(stack: Stack) -> None:
    user_id = world.add_user()
    people = [*world.people(49), "poißon@example.org"]
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == world.people(49)
    assert world.states(campaign_id) == {"sent": 49, "failed": 1}
    assert world.message(campaign_id, "poißon@example.org").phase == "render"


def test_a_refused_sign_in_blocks_the_sender_after_one_try(stack: Stack) -> None:
    user_id = world.add_user()
    refusal = "535 5.7.8 Username and Password not accepted"
    with Receiver(lambda phase, _: refusal if phase == "auth" else None, password="right") as receiver:
        sender_id = world.add_sender(user_id, receiver.port, username="me", connections=5)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.campaign(campaign_id).status == "paused")
            world.until(lambda: world.sender(sender_id).owner == "")
            world.dispatch(engine)
        assert len([line for line in receiver.commands if line.startswith("AUTH")]) == 1
    assert world.sender(sender_id).state == "blocked"
    assert world.campaign(campaign_id).pause_reason == "auth"
    assert "Username and Password" in world.campaign(campaign_id).pause_detail
    assert world.states(campaign_id) == {"pending": 60}


def test_a_from_address_that_is_not_allowed_blocks_too_and_harms_no_mail(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    refusal = "553 5.7.1 Sender address rejected: not owned by user me"
    with Receiver(lambda phase, _: refusal if phase == "mail" else None) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused")
        world.until(lambda: world.sender(sender_id).owner == "")
    assert world.campaign(campaign_id).pause_reason == "sender"
    assert world.states(campaign_id) == {"pending": 60}


def test_a_greylisted_mail_waits_by_itself(stack: Stack) -> None:
    user_id = world.add_user()
    grey = PEOPLE[11]
    script = Once({("rcpt", grey): "450 4.2.0 <x>: Recipient address rejected: Greylisted"})
    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).sent_count == 59 and world.sender(sender_id).owner == "")
        waits = world.message(campaign_id, grey)
        assert (waits.state, waits.attempts, waits.kind) == ("pending", 1, "greylist")
        assert waits.retry_at > world.message(campaign_id, PEOPLE[0]).retry_at + timedelta(minutes=4)
        assert world.sender(sender_id).state == "ready"
        db.clock_offset += timedelta(minutes=6)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE


def test_a_mail_that_is_refused_for_now_ten_times_fails(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(lambda phase, _: "452 4.3.1 Insufficient system storage" if phase == "rcpt" else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:2])
        with world.engine() as engine:
            for count in range(1, 11):
                world.dispatch(engine)
                world.until(lambda c=count: world.message(campaign_id, PEOPLE[0]).attempts == c)  # type: ignore[misc]
                world.until(lambda: world.sender(sender_id).owner == "")
                db.clock_offset += timedelta(minutes=61)
            world.until(lambda: sent(campaign_id), poke=lambda: world.dispatch(engine))
    assert world.states(campaign_id) == {"failed": 2}


def test_three_identical_refusals_of_the_content_pause_the_campaign(stack: Stack) -> None:
    user_id = world.add_user()
    refusal = "554 5.7.1 Message rejected as spam by content filter"
    with Receiver(lambda phase, _: refusal if phase == "dot" else None) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused")
        world.until(lambda: world.sender(sender_id).owner == "")
        row = world.campaign(campaign_id)
        assert (row.pause_reason, row.pause_detail) == ("content", refusal[4:])
        counts = world.states(campaign_id)
        assert 3 <= counts["failed"] <= 4
    with db.reading() as session:
        assert session.exec(select(Suppression).where(col(Suppression.user_id) == user_id)).all() == []


def test_a_server_that_is_away_cools_the_sender_and_nothing_is_lost(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver:
        port = receiver.port
    with world.engine() as engine:
        sender_id = world.add_sender(user_id, port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).state == "cooling" and world.sender(sender_id).owner == "")
        assert "Nothing answers on port" in world.sender(sender_id).state_reply
        assert world.states(campaign_id) == {"pending": 60}
        db.clock_offset += timedelta(seconds=31)
        with Receiver(port=port) as receiver:
            world.dispatch(engine)
            world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE
