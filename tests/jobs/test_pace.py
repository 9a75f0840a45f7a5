"""The pace as the receiving server sees it."""

from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from sqlmodel import select

from core import campaigns, clock, db, live
from core.delivery import usage
from core.delivery.ledger import Claimed
from core.delivery.smtp import Connection
from core.models import Sender, SenderUsage
from jobs.maker import Mail, Maker
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver, every
from tests.jobs.world import sent


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
    # Any start may come up to 0.02 windows after its slot, so that is the least the whole run takes.
    assert receiver.starts[-1] - receiver.starts[0] >= 59 * gap - 0.02 * 60, "more than the pace allows"
    assert receiver.starts[19] - receiver.starts[0] < 19 * gap * 3  # and the pace is used
    with db.reading() as session:
        started = sum(session.exec(select(SenderUsage.started_count)).all())
    assert 60 <= started <= 62  # each connection may have had a start committed when the first engine ended


def test_the_limit_per_second_holds_across_a_restart_and_a_change_and_is_used(stack: Stack) -> None:
    user_id = world.add_user()
    people = world.people(120)
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port, per_second=20, per_minute=6000)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with world.engine() as engine:
            world.dispatch(engine)
            receiver.wait(lambda: len(receiver.accepted) >= 30)
        with world.engine() as engine:
            world.dispatch(engine)
            receiver.wait(lambda: len(receiver.accepted) >= 60)
            with db.session() as session:
                session.get_one(Sender, sender_id).per_second = 14
            changed = len(receiver.starts) + 2  # those that were committed to start already
            world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == people
    assert receiver.most_within(0.98) <= 20
    assert receiver.most_within(0.98, changed) <= 14
    took = receiver.starts[-1] - receiver.starts[changed]
    # 95 % on a clock that nobody disturbs: tests/core/delivery/test_pace.py
    assert len(receiver.starts) - changed - 1 >= 0.8 * 14 * took - 1
    assert receiver.most_open <= 2


@pytest.mark.parametrize("limits", [{"per_second": 5, "per_minute": 6000}, {"connections": 1, "delay_seconds": 0.2}])
def test_a_mail_that_was_made_late_counts_from_when_it_was_written(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]
) -> None:
    made, stood_still = Maker.made, list[str]()

    def late(maker: Maker, message: Claimed, connection: Connection) -> Mail | None:
        if message.email == world.people(1)[0]:
            sleep(0.3)  # a busy machine, between its turn and the line
            stood_still.append(message.email)
        return made(maker, message, connection)

    monkeypatch.setattr(Maker, "made", late)
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, **limits)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(8))
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert stood_still and receiver.most_within(0.98) <= 5


def test_the_delay_is_from_start_to_start_on_one_connection(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1, delay_seconds=0.2)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(6))
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert len(receiver.starts) == 6
    gaps = [later - since for since, later in zip(receiver.since, receiver.starts[1:], strict=False)]
    assert min(gaps) > 0.19, gaps


def test_the_delay_is_kept_over_a_restart_and_by_the_next_campaign(stack: Stack) -> None:
    with Receiver() as receiver:
        values = {"connections": 1, "delay_seconds": 0.8}
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(5), **values)
        with world.engine() as engine:
            world.dispatch(engine)
            receiver.wait(lambda: len(receiver.accepted) >= 2)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.done(campaign_id))
            next_id = world.add_campaign(user_id, sender_id, world.people(2, "late.example"))
            world.dispatch(engine)
            world.until(lambda: sent(next_id))
    gaps = [later - since for since, later in zip(receiver.since, receiver.starts[1:], strict=False)]
    assert len(gaps) == 6 and min(gaps) > 0.78, gaps


def test_a_full_hour_gives_the_sender_back_until_there_is_room(stack: Stack) -> None:
    user_id = world.add_user()
    people = world.people(30)
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_hour=20)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        # On a machine that stands still for a moment one start in twenty may be lost, never one too many.
        world.until(lambda: len(receiver.accepted) >= 19 and world.sender(sender_id).owner == "")
        row = world.sender(sender_id)
        assert len(receiver.accepted) <= 20 and row.state == "ready" and row.next_start_at is not None
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

    def pause() -> None:  # before the third mail is answered: the next one has not begun
        with db.session() as session:
            campaigns.pause(session, user_id, campaign_id)

    with Receiver(script=every(3, pause, most=1)) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=300, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(40))
        world.dispatch(engine)
        receiver.wait(lambda: receiver.commands[-1:] == ["QUIT"])
        world.until(lambda: world.sender(sender_id).owner == "")
        assert len(receiver.accepted) == 3 and receiver.connection_count == 1
        assert world.states(campaign_id) == {"sent": 3, "pending": 37}


def test_a_lowered_limit_holds_from_the_next_mail_on(stack: Stack) -> None:
    user_id = world.add_user()

    def lowering(phase: str, recipient: str) -> None:
        if phase == "dot" and len(receiver.accepted) == 3:
            with db.session() as session:
                session.get_one(Sender, sender_id).per_hour = 10

    with Receiver(lowering) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, per_minute=1200)
        world.add_campaign(user_id, sender_id, world.people(60))
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).owner == "" and len(receiver.accepted) == 10)
        assert len(receiver.starts) == 10


def test_a_lowered_limit_per_minute_counts_what_started_before(stack: Stack) -> None:
    with Receiver() as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(24), per_minute=1200)
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.starts) >= 16)
        world.save_sender(user_id, sender_id, per_minute=300)
        changed = len(receiver.starts) + 2  # those that were committed to start already
        world.until(lambda: sent(campaign_id))
    assert changed < 24
    for place, since in enumerate(receiver.since):
        for later, at in enumerate(receiver.starts[changed:], changed):
            # As if all had started at the new pace: so no window of a minute holds more than it allows.
            assert at - since >= (later - place) * 1.03 * 60 / 300 - 0.02 * 60, (place, later)


@pytest.mark.parametrize(("again", "times"), [(None, 1), (1500, 2)])
def test_a_limit_that_was_lowered_and_is_raised_again_holds_nothing_up(
    stack: Stack, again: int | None, times: int
) -> None:
    with Receiver() as receiver, world.worker():  # without a limit all that is left goes at once, so only one time
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(100), per_minute=1200)
        live.wake()
        receiver.wait(lambda: len(receiver.starts) >= 16)
        for _ in range(times):
            epoch = world.sender(sender_id).epoch
            world.save_sender(user_id, sender_id, per_minute=30)
            world.until(lambda epoch=epoch: world.sender(sender_id).epoch > epoch)  # type: ignore[misc]
            seen, changed = len(receiver.starts), monotonic()
            world.save_sender(user_id, sender_id, per_minute=again)
            receiver.wait(lambda seen=seen: len(receiver.starts) > seen + 1)  # type: ignore[misc]
            assert receiver.starts[seen + 1] - changed < 2
        world.until(lambda: sent(campaign_id))
    if again is not None:
        gap = 1.03 * 60 / again
        for place, since in enumerate(receiver.since):
            for later, at in enumerate(receiver.starts[place:]):
                assert at - since >= later * gap - 0.02 * 60, (place, later)


def test_a_limit_that_is_new_counts_what_went_out_without_one(stack: Stack) -> None:
    user_id = world.add_user()

    def limiting(phase: str, recipient: str) -> None:
        if phase == "dot" and len(receiver.accepted) == 29:
            with db.session() as session:
                session.get_one(Sender, sender_id).per_hour = 40

    with Receiver(limiting) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, connections=1, batch_size=5)
        world.add_campaign(user_id, sender_id, world.people(100))
        world.dispatch(engine)
        # The envelope behind the mail that was under way counts; the end of the connection may overtake it.
        world.until(lambda: world.sender(sender_id).owner == "" and len(receiver.starts) >= 39)
        assert len(receiver.starts) <= 40


def test_the_first_limit_of_a_sender_that_sends_holds_at_once(stack: Stack) -> None:
    with Receiver(script=every(60, lambda: limit(), most=1)) as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(400), batch_size=400)

        def limit() -> None:
            world.save_sender(user_id, sender_id, per_minute=30)
            at_change.append(len(receiver.starts))

        at_change = list[int]()
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).epoch == 2 and world.sender(sender_id).owner != "")
        [changed] = at_change
        assert len(receiver.starts) - changed <= 2 * 3  # on either connection: two that were marked, and an envelope
        paced_until = world.sender(sender_id).paced_until
        assert paced_until is not None and (paced_until - clock.utcnow()).total_seconds() > 50
    assert world.states(campaign_id) == {"sent": len(receiver.accepted), "pending": 400 - len(receiver.accepted)}


def test_fewer_connections_of_a_sender_that_sends_are_fewer_at_once(stack: Stack) -> None:
    opened = list[int]()

    def lower(phase: str, recipient: str) -> None:
        if phase == "dot":
            opened.append(receiver.open_count)
            if len(opened) == 60:
                world.save_sender(user_id, sender_id, connections=1)

    with Receiver(lower) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(400), batch_size=400, connections=3)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert opened[59] == 3 and {*opened[60 + 3 * 3 :]} == {1} and not receiver.twice


def test_a_mail_starts_in_its_slot_though_the_server_hung_up_on_the_waiting_connection(sqlite_stack: Stack) -> None:
    user_id, late = world.add_user(), list[float]()

    def look(phase: str, recipient: str) -> None:
        if phase == "mail":
            next_at = world.sender(sender_id).next_start_at
            assert next_at is not None
            late.append((clock.utcnow() - next_at).total_seconds() + 1.03)

    with Receiver(look, idle=0.2, slow=1.5) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, per_minute=60, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(3))
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert receiver.connection_count > 1
    assert max(late) <= 0.02 * 60 + 0.2, late
