from datetime import datetime

import pytest

from core import campaigns, db
from core.audience import suppression
from core.content.mail import CompiledMail, Recipient
from core.models import Sender
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Once, Receiver
from tests.jobs.world import sent, to_people

PEOPLE = world.people(60)


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
