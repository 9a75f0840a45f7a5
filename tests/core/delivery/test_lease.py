import os
import socket
import subprocess
from datetime import timedelta

from sqlmodel import col, select

from core import db
from core.delivery import batch, lease, ledger, replies, workers
from core.delivery.tally import Tally
from core.models import Attempt, Message, MessageState
from jobs.dispatch import write_down
from tests.conftest import Stack
from tests.jobs import world

LATER = lease.LEASE + timedelta(seconds=1)


def held_by_a_dead_owner(claimed: int, sending: int) -> tuple[int, int]:
    """A sender whose owner claimed, marked some, and died."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    campaign_id = world.add_campaign(user_id, sender_id, world.people(claimed + sending + 14))
    write_down(lambda _: None)
    with db.session() as session:
        held = lease.take(session, sender_id, "dead")
        assert held is not None
        messages = batch.claim(session, sender_id, held.epoch, claimed + sending)
        assert messages is not None and len(messages) == claimed + sending
        tally = Tally()
        ledger.mark(session, messages[:sending], tally)
        tally.store(session, db.now(session))
    return sender_id, campaign_id


def test_one_owner_at_a_time(stack: Stack) -> None:
    sender_id = world.add_sender(world.add_user(), 25)
    with db.session() as session:
        first = lease.take(session, sender_id, "first")
        assert first is not None and first.epoch == 1
        assert lease.take(session, sender_id, "second") is None
        assert lease.heartbeat(session, "first", [sender_id]) == {(sender_id, 1)}
    db.clock_offset += LATER
    with db.session() as session:
        second = lease.take(session, sender_id, "second")
        assert second is not None and second.epoch == 2
        assert lease.heartbeat(session, "first", [sender_id]) == set()
        assert not lease.give_back(session, sender_id, "first", 1, None)
    assert world.sender(sender_id).owner == "second"


def test_a_blocked_a_cooling_and_a_deleted_sender_are_not_taken(stack: Stack) -> None:
    user_id = world.add_user()
    now = world.campaign(world.add_campaign(user_id, world.add_sender(user_id, 25), [])).created_at
    blocked = world.add_sender(user_id, 1, state="blocked")
    cooling = world.add_sender(user_id, 2, state="cooling", cooling_until=now + timedelta(minutes=1))
    deleted = world.add_sender(user_id, 3, deleted_at=now)
    with db.session() as session:
        assert [lease.take(session, id, "me") for id in (blocked, cooling, deleted)] == [None] * 3
    db.clock_offset += timedelta(seconds=61)
    with db.session() as session:
        assert lease.take(session, cooling, "me") is not None
        assert lease.take(session, blocked, "me") is None


def test_a_takeover_puts_right_what_the_dead_owner_held(stack: Stack) -> None:
    sender_id, campaign_id = held_by_a_dead_owner(claimed=30, sending=4)
    assert world.states(campaign_id) == {"pending": 14, "claimed": 30, "sending": 4}
    db.clock_offset += LATER
    with db.session() as session:
        assert lease.take(session, sender_id, "heir") is not None
    assert world.states(campaign_id) == {"pending": 44, "unknown": 4}
    assert world.message(campaign_id, world.people(9)[8]).attempts == 0
    with db.reading() as session:
        doubtful = session.exec(select(Message).where(col(Message.state) == "unknown")).all()
        told = [*doubtful, *session.exec(select(Attempt)).all()]
    assert {(each.kind, each.rule_id, each.reply) for each in told} == {("unknown", "stopped", "")}
    assert replies.explain("stopped", "unknown") == (
        "The program stopped while the mail server had this mail. It may have arrived."
    )


def test_286_mails_stuck_behind_an_expired_cooldown_and_lease_are_freed_by_a_tick(stack: Stack) -> None:
    """The ancestor of this product left 286 mails stuck for ever: nothing looked at expired waits again."""
    sender_id, campaign_id = held_by_a_dead_owner(claimed=286, sending=0)
    with db.session() as session:
        until = db.now(session) + timedelta(seconds=30)
    world.leave_behind(sender_id, cooling_until=until, lease_until=until)
    with db.session() as session:
        assert lease.recover(session) == []
        assert lease.due(session) == []
    db.clock_offset += LATER
    with db.session() as session:
        assert lease.recover(session) == [sender_id]
        assert lease.due(session) == [sender_id]
    row = world.sender(sender_id)
    assert (row.state, row.owner, row.cooling_until) == ("ready", "", None)
    assert row.cooldown_step == 1  # only a success resets the ladder
    assert world.states(campaign_id) == {"pending": 300}


def test_181_mails_accepted_but_not_written_down_are_unknown_and_never_sent_again(stack: Stack) -> None:
    """The ancestor sent 181 mails and lost the commit: here the mark is committed first, so nobody gets two."""
    sender_id, campaign_id = held_by_a_dead_owner(claimed=0, sending=181)
    db.clock_offset += LATER
    with db.session() as session:
        lease.recover(session)
        held = lease.take(session, sender_id, "heir")
        assert held is not None
        again = batch.claim(session, sender_id, held.epoch, 1000)
    assert again is not None and len(again) == 14
    assert world.states(campaign_id) == {"unknown": 181, "claimed": 14}


def test_a_late_250_of_the_former_owner_settles_the_unknown(stack: Stack) -> None:
    sender_id, campaign_id = held_by_a_dead_owner(claimed=1, sending=1)
    email = world.people(1)[0]
    row = world.message(campaign_id, email)
    assert row.id is not None and row.epoch is not None
    mine = ledger.Claimed(row.id, campaign_id, 1, email, {}, 0, sender_id, row.epoch, marked=True)
    db.clock_offset += LATER
    with db.session() as session:
        lease.take(session, sender_id, "heir")
    for _ in range(2):  # told twice, counted once
        with db.session() as session:
            tally, now = Tally(), db.now(session)
            ledger.settle(session, [ledger.Outcome(mine, MessageState.sent, "dot", 250, "ok")], now, tally)
            tally.store(session, now)
    assert world.states(campaign_id) == {"pending": 15, "sent": 1}


def test_a_frozen_owner_that_wakes_up_can_neither_claim_nor_mark(stack: Stack) -> None:
    sender_id, campaign_id = held_by_a_dead_owner(claimed=2, sending=0)
    row = world.message(campaign_id, world.people(1)[0])
    assert row.id is not None
    mine = ledger.Claimed(row.id, campaign_id, 1, row.email, {}, 0, sender_id, 1)
    db.clock_offset += LATER
    with db.session() as session:
        lease.take(session, sender_id, "heir")
        assert batch.claim(session, sender_id, 1, 10) is None
        heirs = batch.claim(session, sender_id, 2, 10)
        assert heirs is not None and mine.id in {message.id for message in heirs}
        assert ledger.mark(session, [mine], Tally()) == set()


def test_what_was_opened_while_its_owner_died_or_waited_for_the_answer_was_delivered(stack: Stack) -> None:
    sender_id, campaign_id = held_by_a_dead_owner(claimed=0, sending=4)
    opened, clicked, silent, waiting = (world.message(campaign_id, email) for email in world.people(4))
    with db.session() as session:
        at = db.now(session)
        for row, fact in ((opened, "opened_at"), (clicked, "clicked_at"), (waiting, "opened_at")):
            setattr(session.get_one(Message, row.id), fact, at)
        session.flush()
        mine = ledger.Claimed(waiting.id or 0, campaign_id, 1, waiting.email, {}, 0, sender_id, 1, marked=True)
        tally = Tally()
        ledger.settle(session, [ledger.Outcome(mine, MessageState.unknown, "dot", None, "no answer")], at, tally)
        tally.store(session, at)
    assert world.states(campaign_id) == {"sent": 1, "sending": 3, "pending": 14}
    db.clock_offset += LATER
    with db.session() as session:
        assert lease.take(session, sender_id, "next") is not None
    assert world.states(campaign_id) == {"sent": 3, "unknown": 1, "pending": 14}
    assert world.message(campaign_id, silent.email).state == "unknown"
    assert world.message(campaign_id, opened.email).sent_at is not None


def test_giving_back_returns_what_is_still_claimed(stack: Stack) -> None:
    sender_id, campaign_id = held_by_a_dead_owner(claimed=5, sending=0)
    with db.session() as session:
        assert lease.give_back(session, sender_id, "dead", 1, None)  # there is due mail
    assert world.states(campaign_id) == {"pending": 19}
    assert world.sender(sender_id).owner == ""


def test_owners_that_are_known_to_have_ended_are_not_waited_for(stack: Stack) -> None:
    with subprocess.Popen(["true"]) as program:
        program.wait()
    here, user_id = socket.gethostname()[:40], world.add_user()
    names = {
        "killed": f"{here}:{program.pid}:aa",
        "had this number": f"{here}:{os.getpid()}:aa",
        "lives": f"{here}:{os.getppid()}:aa",
        "this": workers.new_name(),
        "elsewhere": f"another.{here}:{program.pid}:aa",
        "no name": "dead",
    }
    held = {what: world.add_sender(user_id, port) for port, what in enumerate(names, 1)}
    with db.session() as session:
        for what, name in names.items():
            assert lease.take(session, held[what], name) is not None
    with db.session() as session:
        lease.end_of_dead(session, workers.has_ended)
        assert lease.recover(session) == [held["killed"], held["had this number"]]
