"""What a provider's throttles teach, as the receiving server and the database see it."""

from datetime import timedelta
from time import monotonic

import pytest
from sqlmodel import select

from core import clock, db, stats
from core.delivery import learned
from core.models import Attempt, Message, Sender
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver

TOO_FAST = "450 4.7.1 Error: too much mail sent, rate limit exceeded, try again in 1 second"
TOO_MANY = "421 4.7.0 Too many concurrent SMTP connections; please try again in 1 second"


class Limiting:
    """A server that takes ``most`` mails in any ``window`` seconds."""

    def __init__(self, most: int, window: float) -> None:
        self.most, self.window, self.taken, self.refused = most, window, list[float](), 0

    def __call__(self, phase: str, recipient: str) -> str | None:
        if phase == "mail":
            now = monotonic()
            if sum(at > now - self.window for at in self.taken) >= self.most:
                self.refused += 1
                return TOO_FAST
            self.taken.append(now)
        return None


def test_the_pace_falls_to_what_the_server_takes_and_no_mail_is_harmed(stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(60)
    server = Limiting(10, 0.5)  # 1,200 a minute
    with Receiver(server) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.campaign(campaign_id).status == "sent", 40, lambda: world.dispatch(engine))
    assert server.refused
    assert sorted(receiver.accepted) == people
    assert world.states(campaign_id) == {"sent": 60}
    with db.reading() as session:
        assert set(session.exec(select(Message.attempts)).all()) == {1}
        assert {attempt.kind for attempt in session.exec(select(Attempt)).all()} == {"throttle_rate"}
    row = world.sender(sender_id)
    assert row.learned_per_minute is not None and 150 <= row.learned_per_minute <= 1_400, row.learned_per_minute
    assert row.learned_rule and row.learned_at


def test_a_quota_that_is_used_up_teaches_no_pace(stack: Stack) -> None:
    user_id, people, taken = world.add_user(), world.people(30), [0]

    def script(phase: str, _: str) -> str | None:
        taken[0] += phase == "dot"
        return "452 4.5.3 Daily sending quota exceeded, try again tomorrow" if taken[0] > 20 else None

    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=6000, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).state == "cooling" and world.sender(sender_id).owner == "")
    row = world.sender(sender_id)
    assert world.states(campaign_id) == {"sent": 20, "pending": 10}
    assert row.state_kind == "quota_day" and row.learned_per_minute is None
    with db.reading() as session:
        assert row.cooling_until is not None
        assert timedelta(minutes=55) < row.cooling_until - db.now(session) <= timedelta(hours=1)


def test_what_was_learned_is_kept_over_a_restart_and_grows_with_success(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port, learned_per_minute=1200.0, learned_rule="rate")
        campaign_id = world.add_campaign(user_id, sender_id, world.people(20))
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.campaign(campaign_id).status == "sent")
            world.until(lambda: world.sender(sender_id).owner == "")
    assert receiver.starts[-1] - receiver.starts[0] >= 0.6 * 19 * 60 / 1220  # the first may be read late
    grown = world.sender(sender_id).learned_per_minute
    assert grown is not None and grown == pytest.approx(1200 + 20 * 0.1, abs=0.1)


def test_a_pinned_pace_neither_falls_nor_grows(stack: Stack) -> None:
    user_id = world.add_user()
    refusals = iter([TOO_FAST])

    def once(phase: str, recipient: str) -> str | None:
        return next(refusals, None) if phase == "mail" and len(receiver.accepted) >= 5 else None

    with Receiver(once) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, learned_per_minute=1200.0, learned_pinned=True)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(12))
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "sent", 20, lambda: world.dispatch(engine))
    assert world.sender(sender_id).learned_per_minute == 1200.0


def test_the_user_can_forget_while_it_sends(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, learned_per_minute=120.0, batch_size=4)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(500))
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 2)
        with db.session() as session:
            learned.forget(session, user_id, sender_id)
        # 500 mails at 120 a minute would take four minutes.
        world.until(lambda: world.campaign(campaign_id).status == "sent", 30)
    assert world.sender(sender_id).learned_per_minute is None


def test_what_is_forgotten_with_another_limit_while_it_grows_stays_forgotten(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        pace = {"learned_per_minute": 1200.0, "learned_rule": "rate", "learned_at": clock.utcnow(), "per_minute": 3000}
        sender_id = world.add_sender(user_id, receiver.port, **pace)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(40))
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 5)
        with db.session() as session:
            learned.forget(session, user_id, sender_id)
            session.get_one(Sender, sender_id).per_minute = 6000  # the lane ends, and begins anew
        world.until(lambda: world.campaign(campaign_id).status == "sent", 20, lambda: world.dispatch(engine))
        world.until(lambda: world.sender(sender_id).owner == "")
    row = world.sender(sender_id)
    assert (row.learned_per_minute, row.learned_rule, row.learned_at) == (None, "", None)


def test_connections_fall_to_what_the_server_lets_stand(stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(80)

    def crowded(phase: str, recipient: str) -> str | None:
        return TOO_MANY if phase == "connect" and receiver.open_count > 3 else None

    with Receiver(crowded) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=8, per_minute=3000)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "sent", 30, lambda: world.dispatch(engine))
    assert sorted(receiver.accepted) == people
    assert world.states(campaign_id) == {"sent": 80}
    row = world.sender(sender_id)
    assert row.learned_connections is not None and 1 <= row.learned_connections <= 3
    with db.reading() as session:
        assert set(session.exec(select(Message.attempts)).all()) == {1}


def test_a_throttle_of_connections_at_a_mail_halves_them(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    refusals = iter([TOO_MANY])

    def once(phase: str, recipient: str) -> str | None:
        return next(refusals, None) if phase == "mail" and len(receiver.accepted) >= 5 else None

    with Receiver(once) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=6)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(30))
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "sent", 20, lambda: world.dispatch(engine))
    assert world.sender(sender_id).learned_connections == 3
    with db.session() as session:
        assert session.get_one(Sender, sender_id).learned_per_minute is None


def test_of_one_connection_no_fewer_are_learned(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    refusals = iter([TOO_MANY])

    def once(phase: str, recipient: str) -> str | None:
        return next(refusals, None) if phase == "mail" and len(receiver.accepted) >= 5 else None

    with Receiver(once) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(12))
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "sent", 20, lambda: world.dispatch(engine))
    assert world.sender(sender_id).learned_connections is None


def test_a_throttle_before_anything_was_seen_teaches_nothing_and_promises_nothing(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(lambda phase, _: TOO_FAST.replace("1 second", "9 minutes") if phase == "mail" else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(12))
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.sender(sender_id).state == "cooling" and world.sender(sender_id).owner == "")
    assert world.sender(sender_id).learned_per_minute is None
    with db.reading() as session:
        wait = stats.waiting(session, user_id, campaign_id, "Asia/Kolkata")
    assert wait.why.endswith("asks us to slow down. We wait and try again.")
