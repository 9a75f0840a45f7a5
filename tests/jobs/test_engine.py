from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from core import campaigns, db
from core.audience import suppression
from core.content.mail import CompiledMail, Recipient
from core.models import Attempt, Message, Sender, Suppression
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent, to_people

PEOPLE = world.people(60)


class Once:
    """A script that gives each of these answers once: (phase, recipient) -> reply."""

    def __init__(self, answers: dict[tuple[str, str], str]) -> None:
        self.answers = dict(answers)

    def __call__(self, phase: str, recipient: str) -> str | None:
        return self.answers.pop((phase, recipient), None)


def test_every_recipient_gets_the_mail_exactly_once(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(230))
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == world.people(230)
    assert world.states(campaign_id) == {"sent": 230}
    assert world.campaign(campaign_id).batch_count == 5
    assert receiver.most_open == 2
    assert b"Hello person0007" in receiver.bodies["person0007@example.org"]
    assert world.sender(sender_id).owner == ""


def test_a_mail_that_was_accepted_proves_its_sender(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(Once({("rcpt", PEOPLE[0]): "550 5.1.1 User unknown"})) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, test_problem="Nothing answered.")
        refused = world.add_campaign(user_id, sender_id, PEOPLE[:1])
        world.dispatch(engine)
        world.until(lambda: world.states(refused) == {"failed": 1} and world.sender(sender_id).owner == "")
        assert world.sender(sender_id).test_problem == "Nothing answered."
        world.add_campaign(user_id, sender_id, PEOPLE[1:2])
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).test_problem == "")


def test_a_mail_that_goes_on_with_the_old_account_proves_nothing_of_the_one_saved_meanwhile(stack: Stack) -> None:
    user_id = world.add_user()

    def save(phase: str, recipient: str) -> str | None:
        if phase == "dot" and recipient == PEOPLE[0]:
            with db.session() as session:
                session.get_one(Sender, sender_id).username = "somebody-else"
        return None

    with Receiver(save) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:1])
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
        kept = world.sender(sender_id)
        assert (kept.username, kept.test_problem) == ("somebody-else", None)


def test_what_is_opened_after_another_account_was_saved_is_opened_anew_and_proves_that_one(stack: Stack) -> None:
    user_id, new = world.add_user(), Receiver()

    def save(phase: str, recipient: str) -> str | None:
        if phase == "dot" and recipient == PEOPLE[0]:
            with db.session() as session:
                session.get_one(Sender, sender_id).port = new.port
        return None

    with new, Receiver(save) as old, world.engine() as engine:
        sender_id = world.add_sender(user_id, old.port, connections=1, refresh_after=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:3])
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
        assert (old.accepted, sorted(new.accepted)) == (PEOPLE[:1], PEOPLE[1:3])
        assert world.sender(sender_id).test_problem == ""


def test_a_server_without_pipelining_gets_one_command_at_a_time(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(pipelining=False) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE


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


def test_pause_acts_on_the_next_mail(stack: Stack) -> None:
    user_id = world.add_user()
    campaign_ids: list[int] = []
    paused_at: list[int] = []

    def pausing(phase: str, recipient: str) -> None:
        if phase == "dot" and len(receiver.accepted) == 10 and not paused_at:
            with db.session() as session:
                campaigns.pause(session, user_id, campaign_ids[0])
            paused_at.append(len(receiver.accepted) + 1)

    with Receiver(pausing) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_ids.append(world.add_campaign(user_id, sender_id, PEOPLE))
        world.dispatch(engine)
        world.until(lambda: bool(paused_at) and world.sender(sender_id).owner == "")
        # What was committed as sending before the pause still goes; with one connection that is one mail.
        assert paused_at[0] <= len(receiver.accepted) <= paused_at[0] + 1
        counts = world.states(campaign_ids[0])
        assert counts == {"sent": len(receiver.accepted), "pending": 60 - len(receiver.accepted)}
        with db.session() as session:
            campaigns.resume(session, user_id, campaign_ids[0])
        world.dispatch(engine)
        world.until(lambda: sent(campaign_ids[0]))
    assert sorted(receiver.accepted) == PEOPLE


def test_who_unsubscribes_while_the_mail_is_claimed_does_not_get_it(stack: Stack) -> None:
    user_id = world.add_user()
    late = PEOPLE[40]

    def unsubscribing(phase: str, recipient: str) -> None:
        if phase == "dot" and recipient == PEOPLE[2]:
            with db.session() as session:
                suppression.suppress(session, user_id, late, "unsubscribed")

    with Receiver(unsubscribing) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == sorted(set(PEOPLE) - {late})
    assert world.states(campaign_id) == {"sent": 59, "suppressed": 1}


def test_a_mail_that_cannot_be_made_fails_alone_among_those_made_with_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = CompiledMail.render

    def render_or_not(self: CompiledMail, recipient: Recipient, at: datetime) -> bytes:
        if recipient.email == PEOPLE[20]:
            raise ValueError
        return render(self, recipient, at)

    monkeypatch.setattr(CompiledMail, "render", render_or_not)
    with Receiver() as receiver, world.engine() as engine:
        _, _, campaign_id = to_people(receiver, PEOPLE, connections=1)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == sorted({*PEOPLE} - {PEOPLE[20]})
    assert world.message(campaign_id, PEOPLE[20]).rule_id == "bad_mail"
    assert all(email.split("@")[0].encode() in body for email, body in receiver.bodies.items())


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


def test_a_connection_is_replaced_after_so_many_mails(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1, refresh_after=10)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert receiver.connection_count == 6
    assert sorted(receiver.accepted) == PEOPLE


def test_a_small_campaign_is_not_stuck_behind_a_large_one(stack: Stack) -> None:
    user_id = world.add_user()
    large, small = world.people(400), world.people(10, "small.example")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        first = world.add_campaign(user_id, sender_id, large)
        second = world.add_campaign(user_id, sender_id, small)
        world.dispatch(engine)
        world.until(lambda: sent(first) and sent(second))
    last = max(place for place, recipient in enumerate(receiver.accepted) if recipient in small)
    assert last < 100
    assert not receiver.twice


def test_a_server_that_takes_one_connection_only_gets_one(sqlite_stack: Stack) -> None:
    user_id = world.add_user()

    def one_only(phase: str, _: str) -> str | None:
        return "421 4.7.0 Too many concurrent connections" if phase == "connect" and receiver.open_count > 1 else None

    with Receiver(one_only) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=3)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(250))
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
        assert world.sender(sender_id).state == "ready"
    assert sorted(receiver.accepted) == world.people(250)
    assert 3 <= receiver.connection_count < 10


def test_a_kept_password_that_no_longer_opens_blocks_the_sender(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(password="x") as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, username="me", password_sealed="broken")
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused")
    assert world.sender(sender_id).state == "blocked"
    assert "SECRET_KEY" in world.campaign(campaign_id).pause_detail


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


def test_a_campaign_that_makes_no_mail_is_paused_and_holds_nothing_while_another_goes_out(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=600)
        bad = world.add_campaign(user_id, sender_id, world.people(10), subject="Hello \x01")
        good = world.add_campaign(user_id, sender_id, world.people(10, "example.net"))
        world.dispatch(engine)
        world.until(lambda: world.campaign(bad).status == "paused")
        kept = world.campaign(bad)
        assert (kept.pause_reason, kept.claimed_count, kept.pending_count) == ("content", 0, 10)
        assert world.states(bad) == {"pending": 10}
        world.until(lambda: world.campaign(good).status == "sent")
    assert sorted(receiver.accepted) == world.people(10, "example.net")


def test_fewer_connections_are_obeyed_while_it_sends(stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(600)
    seen: list[int] = []

    def script(phase: str, recipient: str) -> None:
        if phase == "dot" and len(receiver.accepted) == 30:
            with db.session() as session:
                session.get_one(Sender, sender_id).connections = 1
        if phase == "mail" and len(receiver.accepted) > 400:
            seen.append(receiver.open_count)

    with Receiver(script) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, connections=5, batch_size=20)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id), 40)
    assert sorted(receiver.accepted) == people
    assert receiver.most_open == 5
    assert set(seen) == {1}
