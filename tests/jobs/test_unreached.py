"""A mail server that cannot be reached: what the user is told meanwhile, and that all goes out afterwards."""

from datetime import timedelta

from core import campaigns, db, live, stats
from core.delivery import replies, standing
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver
from tests.jobs.test_try_again import cools
from tests.servers import free_port

PEOPLE = world.people(5)
ZONE = "Asia/Kolkata"


def test_a_server_that_is_not_there_is_told_and_tried_again(stack: Stack) -> None:
    port = free_port()
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, port, connections=3)
    campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
    nothing = (
        f"Nothing answers on port {port} of 127.0.0.1. Check the port: common are 587 with STARTTLS and 465 with TLS."
    )
    with world.worker():
        live.wake()
        world.until(cools(sender_id))
        with db.reading() as session:
            wait = stats.waiting(session, user_id, campaign_id, ZONE)
            (health,) = stats.health(session, user_id)
            assert campaigns.outlook(session, user_id, campaign_id) is None  # nobody knows when it goes on
            assert stats.summary(session, user_id, campaign_id).waits
        why = replies.explain(replies.UNREACHED, "temporary", world.sender(sender_id).name)
        assert "cannot be reached" in why and wait.tone == "pending" and wait.until is not None
        assert wait.lead.startswith(f"{why} {nothing} Next try at ") and wait.rest == f", {len(PEOPLE)} waiting."
        assert (health.state, health.reply, health.until) == (replies.UNREACHED, nothing, wait.until)
        assert world.states(campaign_id) == {"pending": len(PEOPLE)}
        with Receiver(port=port) as receiver:
            with db.session() as session:
                standing.try_now(session, user_id, sender_id)
            world.until(lambda: world.sent(campaign_id))
            world.until(lambda: world.sender(sender_id).cooldown_step == 0)
    assert len(receiver.accepted) == len(PEOPLE) and world.sender(sender_id).state_rule == ""
    with db.reading() as session:
        assert stats.health(session, user_id)[0].state == "ready"


def test_a_port_that_is_corrected_is_tried_at_once(stack: Stack) -> None:
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, free_port())
    campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
    with world.worker(), Receiver() as receiver:
        live.wake()
        world.until(cools(sender_id))
        world.save_sender(user_id, sender_id, port=receiver.port)
        world.until(lambda: world.sent(campaign_id), 20)  # its wait is 30 s


def test_a_server_that_answers_was_reached_though_it_takes_no_mail(stack: Stack) -> None:
    port = free_port()
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, port)
    campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
    with world.worker():
        live.wake()
        world.until(cools(sender_id))
        with Receiver(lambda phase, _: "550 5.7.1 Go away" if phase == "rcpt" else None, port=port):
            with db.session() as session:
                standing.try_now(session, user_id, sender_id)
            world.until(lambda: world.states(campaign_id).get("failed", 0) > 0)
            world.until(lambda: world.sender(sender_id).state_rule != replies.UNREACHED)
    assert world.sender(sender_id).cooldown_step >= 1  # it took no mail yet


def test_who_has_nothing_to_send_is_not_tried_and_not_said_to_be(stack: Stack) -> None:
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, free_port())
    campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
    with world.worker():
        live.wake()
        world.until(cools(sender_id))
        with db.session() as session:
            campaigns.cancel(session, user_id, campaign_id)
    db.clock_offset += timedelta(minutes=1)
    with db.reading() as session:
        assert stats.health(session, user_id)[0].state == "ready"


def test_a_server_that_hangs_up_was_reached(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(lambda phase, _: "drop" if phase == "ehlo" else None) as receiver, world.worker():
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        live.wake()
        world.until(cools(sender_id))
        with db.reading() as session:
            wait = stats.waiting(session, user_id, campaign_id, ZONE)
    assert world.sender(sender_id).state_rule == replies.CONNECTION
    assert "ended too early. We try again. The " in wait.lead and "Next try at" in wait.lead
