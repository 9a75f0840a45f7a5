"""A test has its sender to itself for a moment: what holds when hints get lost, processes die, and others send."""

from datetime import datetime, timedelta

import pytest

from core import campaigns, db, live
from core.delivery import guests, lease
from core.delivery.probe import ProbeResult, probe_typed
from core.delivery.sender_values import Values
from core.errors import NotFound
from jobs.engine import Engine
from tests import forked
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent

GUEST = """
import signal, sys
from core.delivery import guests
from core.models import Sender

with guests.alone(Sender(id=int(sys.argv[1]), user_id=int(sys.argv[2]), name="x")):
    signal.pause()
"""


def until_of(sender_id: int) -> datetime | None:
    return world.sender(sender_id).guest_until


def takes(sender_id: int) -> bool:
    with db.session() as session:
        return lease.take(session, sender_id, "me") is not None


def goes_out(engine: Engine, receiver: Receiver, count: int = 1) -> None:
    world.dispatch(engine)
    receiver.wait(lambda: len(receiver.accepted) >= count)


def probe(user_id: int, sender_id: int, port: int, **typed: str) -> ProbeResult:
    return probe_typed(user_id, sender_id, Values(**{"host": "127.0.0.1", "security": "none", **typed}, port=port))


def test_a_lost_hint_costs_a_test_one_heartbeat(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEASE", timedelta(seconds=2))
    with Receiver() as receiver, world.engine() as engine:
        user_id, _, campaign_id = world.to_people(receiver, world.people(60), connections=1, per_minute=300)
        goes_out(engine, receiver)
        lost = list[str]()
        monkeypatch.setattr(live, "wake", lambda: lost.append("hint"))
        assert campaigns.send_test(user_id, campaign_id, "me@example.net").accepted
        assert lost
        assert receiver.most_open == 1 and not sent(campaign_id)


def test_whoever_dies_as_a_guest_is_waited_for_until_its_short_lease_is_over(stack: Stack) -> None:
    with Receiver() as receiver:
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(3))
        guest, said = forked.start_text(GUEST, stack.env, str(sender_id), str(user_id))
        with said:
            world.until(lambda: until_of(sender_id) is not None)
            guest.kill()
            guest.join()
        with world.engine() as engine:
            world.dispatch(engine)
            assert not receiver.accepted and not takes(sender_id)
            db.clock_offset += guests.LEASE
            world.dispatch(engine)
            world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))


def test_a_guest_that_lives_stays_longer_than_its_lease(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "_RENEWED", 0.1)
    sender_id = world.add_sender(world.add_user(), 25)
    with guests.alone(world.sender(sender_id)) as why_not:
        first = until_of(sender_id)
        assert why_not == "" and first is not None
        db.clock_offset += guests.LEASE * 0.8
        world.until(lambda: (until_of(sender_id) or first) > first + guests.LEASE * 0.8)
        db.clock_offset += guests.LEASE * 0.5
        assert not takes(sender_id)
    assert until_of(sender_id) is None and takes(sender_id)


def test_who_was_away_for_longer_leaves_the_next_guest_alone(stack: Stack) -> None:
    sender_id = world.add_sender(world.add_user(), 25)
    first, second = (guests._Guest(world.sender(sender_id)) for _ in range(2))
    assert first.come() == ""
    db.clock_offset += guests.LEASE * 2
    assert second.come() == ""
    first.leave()
    assert until_of(sender_id) == second.until
    second.leave()
    assert until_of(sender_id) is None


@pytest.mark.parametrize("what", ["dead", "test"])
def test_why_a_test_has_no_room_is_true(stack: Stack, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(guests, "_PATIENCE", 0.3)
    with Receiver() as receiver:
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(1))
        with db.reading() as session:
            until = db.now(session) + lease.LEASE / 3
        if what == "dead":
            world.leave_behind(sender_id, None, until)
            words = f"The part of the program that sends through Sender {receiver.port} does not answer."
        else:
            with db.session() as session:
                session.merge(world.sender(sender_id)).guest_until = until
            words = f"Sender {receiver.port} is busy with another test."
        mail, tried = campaigns.send_test(user_id, campaign_id, "me@x.io"), probe(user_id, sender_id, receiver.port)
        assert not mail.accepted and mail.sentence == f"{words} Nothing was sent. Try again in a minute."
        assert (tried.ok, tried.passes, tried.sentence) == (False, True, f"{words} Try again in a minute.")
        assert receiver.connection_count == 0
        db.clock_offset += lease.LEASE / 2
        assert probe(user_id, sender_id, receiver.port).ok
        assert campaigns.send_test(user_id, campaign_id, "me@x.io").accepted


def test_the_connection_of_a_probe_is_one_of_the_senders(stack: Stack) -> None:
    people = world.people(400)
    with Receiver() as receiver, Receiver() as other, world.worker():
        user_id, sender_id, campaign_id = world.to_people(receiver, people, connections=1)
        live.wake()
        receiver.wait(lambda: len(receiver.accepted) >= 4)
        for _ in range(2):
            assert probe(user_id, sender_id, receiver.port).ok
        assert not sent(campaign_id)
        assert receiver.most_open == 1
        world.until(lambda: sent(campaign_id))
        assert probe(user_id, sender_id, other.port, host="localhost", username="").ok
    assert sorted(receiver.accepted) == people and other.connection_count == 1


def test_a_guest_stops_nobody_elses_sender(stack: Stack) -> None:
    with Receiver() as receiver, world.engine() as engine:
        alice, sender_id, _ = world.to_people(receiver, [])
        bob = world.add_user("bob@example.com")
        his_id = world.add_sender(bob, receiver.port)
        his = world.add_campaign(bob, his_id, world.people(20))
        with pytest.raises(NotFound):
            campaigns.send_test(alice, his, "me@example.net")
        assert probe(alice, his_id, receiver.port).sentence == "There is no such sender."
        with guests.alone(world.sender(sender_id)) as why_not:
            assert why_not == "" and until_of(his_id) is None
            world.dispatch(engine)
            world.until(lambda: world.done(his), poke=lambda: world.dispatch(engine))
