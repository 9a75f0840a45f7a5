"""The pace as the receiving server sees it."""

from datetime import timedelta

from sqlmodel import select

from core import campaigns, db
from core.delivery import usage
from core.models import SenderUsage
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver


def sent(campaign_id: int) -> bool:
    return world.campaign(campaign_id).status == "sent"


def test_mails_start_in_their_slots_and_a_restart_does_not_burst(stack: Stack) -> None:
    user_id = world.add_user()
    people = world.people(60)
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=1200)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with world.engine() as engine:
            world.dispatch(engine)
            receiver.wait(lambda: len(receiver.accepted) >= 20)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == people
    gap = 1.03 * 60 / 1200
    for first, later in zip(receiver.starts, receiver.starts[20:], strict=False):
        assert later - first >= 20 * gap - 0.02 * 60 * 0.1, "more than the pace allows"
    assert receiver.starts[19] - receiver.starts[0] < 19 * gap * 1.5  # and the pace is used
    with db.reading() as session:
        assert sum(session.exec(select(SenderUsage.started_count)).all()) == 60


def test_the_delay_is_from_start_to_start_on_one_connection(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1, delay_seconds=0.2)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(6))
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    gaps = [later - first for first, later in zip(receiver.starts, receiver.starts[1:], strict=False)]
    assert min(gaps) > 0.19, gaps


def test_a_full_hour_gives_the_sender_back_until_there_is_room(stack: Stack) -> None:
    user_id = world.add_user()
    people = world.people(30)
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_hour=20)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: len(receiver.accepted) == 20 and world.sender(sender_id).owner == "")
        row = world.sender(sender_id)
        assert row.state == "ready" and row.next_start_at is not None
        with db.reading() as session:
            wait = (row.next_start_at - db.now(session)).total_seconds()
        assert 3500 < wait <= 3665
        world.dispatch(engine)  # a tick does not take it
        assert world.sender(sender_id).epoch == row.epoch
        db.clock_offset += timedelta(seconds=wait)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == people


def test_usage_of_unlimited_senders_is_kept_too(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(40))
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: sent(campaign_id))
    with db.session() as session:
        assert sum(count for _, count in usage.recent(session, sender_id, db.now(session))) == 40
        assert usage.forget_old(session) == 0
    db.clock_offset += timedelta(hours=26)
    with db.session() as session:
        assert usage.forget_old(session) >= 1


def test_pause_of_a_slow_campaign_takes_no_further_slot_and_drops_no_connection(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=300, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(40))
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 3)
        with db.session() as session:
            campaigns.pause(session, user_id, campaign_id)
        after = len(receiver.accepted)
        world.until(lambda: world.sender(sender_id).owner == "")
        assert len(receiver.accepted) <= after + 1
        assert receiver.connection_count == 1 and receiver.commands[-1] == "QUIT"
        assert world.states(campaign_id) == {"sent": len(receiver.accepted), "pending": 40 - len(receiver.accepted)}
