"""What people do while their mails go out."""

import threading
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import campaigns, db
from core.audience import suppression
from core.delivery import senders
from core.errors import RuleError
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver, every
from tests.jobs.world import done, sent, to_people

PEOPLE = world.people(60)


def test_a_double_click_on_send_from_two_tabs_sends_once(stack: Stack) -> None:
    with Receiver() as receiver, world.engine() as engine:
        user_id, _, campaign_id = to_people(receiver, PEOPLE)
        with world.changing(campaign_id) as row:
            row.status, row.started_at = "draft", None
        together, refused = threading.Barrier(8), list[str]()

        def click() -> None:
            together.wait(10)
            try:
                with db.session() as session:
                    campaigns.send_now(session, user_id, campaign_id)
            except RuleError as error:
                refused.append(str(error))
            world.dispatch(engine)

        clicks = [threading.Thread(target=click) for _ in range(8)]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join(20)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert len(refused) == 7
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 60}


def test_pausing_and_resuming_a_hundred_times_sends_each_mail_once(stack: Stack) -> None:
    people = world.people(300)
    with Receiver() as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = to_people(receiver, people)
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 5)
        for _ in range(100):
            for act in (campaigns.pause, campaigns.resume):
                try:
                    with db.session() as session:
                        act(session, user_id, campaign_id)
                except RuleError:
                    assert sent(campaign_id)
            engine.wake(sender_id)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 300}


def test_deleting_campaign_and_sender_while_it_sends_ends_it_and_harms_no_other(stack: Stack) -> None:
    with Receiver() as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = to_people(receiver, world.people(300), connections=1)
        other = world.add_sender(user_id, receiver.port)
        people = world.people(30, "example.net")
        kept = world.add_campaign(user_id, other, people)

        def delete_all() -> None:
            with db.session() as session:
                for refused in (
                    lambda: campaigns.delete(session, user_id, campaign_id),
                    lambda: senders.delete(session, user_id, sender_id),
                ):
                    with pytest.raises(RuleError):
                        refused()
                campaigns.cancel(session, user_id, campaign_id)
                campaigns.delete(session, user_id, campaign_id)
                senders.delete(session, user_id, sender_id)

        receiver.script = every(20, delete_all, most=1)
        world.dispatch(engine)
        world.until(lambda: done(kept) and world.sender(sender_id).owner == "", poke=lambda: world.dispatch(engine))
    counts = world.states(campaign_id)
    gone = [email for email in receiver.accepted if email.endswith("example.org")]
    assert set(counts) <= {"sent", "cancelled", "pending"} and counts["sent"] == len(gone) < 100
    assert assert_kept(receiver, {kept: people}, unknown=0) == {"sent": 30}


def test_a_user_whose_rows_are_deleted_while_mails_go_out_stops_nobody_else(stack: Stack) -> None:
    people = world.people(40, "example.net")
    with Receiver() as receiver, world.engine() as engine:
        user_id, _, _ = to_people(receiver, world.people(300), connections=1)
        bob = world.add_user("bob@example.com")
        sender_id = world.add_sender(bob, receiver.port, per_minute=3_000)
        campaign_id = world.add_campaign(bob, sender_id, people)

        def delete_rows() -> None:
            for _ in range(20):
                with suppress(DBAPIError), db.session() as session:  # a deadlock with the worker
                    session.connection().execute(text('delete from "user" where id = :id'), {"id": user_id})
                    return

        receiver.script = every(20, delete_rows, most=1)
        world.dispatch(engine)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
        world.until(lambda: not engine._lanes)
        assert len(receiver.accepted) < 150 and not receiver.twice
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 40}


@pytest.mark.parametrize("reason", ["unsubscribed", "bounced", "complained"])
def test_who_leaves_bounces_or_complains_while_the_mail_is_claimed_does_not_get_it(reason: str, stack: Stack) -> None:
    late = PEOPLE[40:44]
    with Receiver() as receiver, world.engine() as engine:
        user_id, _, campaign_id = to_people(receiver, PEOPLE)

        def leave() -> None:
            with db.session() as session:
                for email in late:
                    suppression.suppress(session, user_id, email, reason)

        receiver.script = every(5, leave, most=1)
        world.dispatch(engine)
        world.until(lambda: done(campaign_id))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 56, "suppressed": 4}
    assert not set(late) & set(receiver.accepted)
