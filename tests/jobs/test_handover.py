"""A campaign whose sender is changed in the middle: everybody gets one mail, and each sender decides about its own."""

import os
import signal
from collections import Counter

from sqlmodel import col, select

from core import campaigns, db, live
from core.campaigns.handover import Before
from core.models import Message
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent

PEOPLE = world.people(60)
_NEARLY_A_SECOND = 0.95


def change(user_id: int, campaign_id: int, sender_id: int, resume: bool = True) -> Before:
    """As its user does, on the campaign's page."""
    with db.session() as session:
        before = campaigns.change_sender(session, user_id, campaign_id, sender_id)
    if resume:
        with db.session() as session:
            campaigns.resume(session, user_id, campaign_id)
    return before


def senders_of(campaign_id: int, state: str = "sent") -> dict[int, set[str]]:
    """Sender -> who got the mail from it, as the ledger has it."""
    found: dict[int, set[str]] = {}
    with db.reading() as session:
        where = (col(Message.campaign_id) == campaign_id, col(Message.state) == state)
        for sender_id, email in session.exec(select(Message.sender_id, Message.email).where(*where)):
            found.setdefault(sender_id, set()).add(email)
    return found


def done(campaign_id: int, *sender_ids: int) -> bool:
    return sent(campaign_id) and all(world.sender(each).owner == "" for each in sender_ids)


def everybody_once(first: Receiver, second: Receiver) -> bool:
    return Counter(first.accepted + second.accepted) == Counter(PEOPLE)


def test_after_a_refused_sign_in_the_rest_goes_through_another_server(stack: Stack) -> None:
    user_id, signed_in = world.add_user(), 0

    def revoked(phase: str, _: str) -> str | None:
        nonlocal signed_in
        signed_in += phase == "auth"
        return "535 5.7.8 Username and Password not accepted" if phase == "auth" and signed_in > 1 else None

    with Receiver(revoked, password="right") as first, Receiver() as second, world.engine() as engine:
        values = {"username": "me", "connections": 1, "refresh_after": 20, "from_address": "first@example.com"}
        old = world.add_sender(user_id, first.port, **values)
        new = world.add_sender(user_id, second.port, from_address="second@example.net", reply_to="r@example.net")
        campaign_id = world.add_campaign(user_id, old, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused" and world.sender(old).owner == "")
        assert world.states(campaign_id) == {"sent": 20, "pending": 40}
        change(user_id, campaign_id, new)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
    assert everybody_once(first, second) and len(first.accepted) == 20
    assert senders_of(campaign_id) == {old: set(first.accepted), new: set(second.accepted)}
    late, early = second.bodies[second.accepted[0]], first.bodies[first.accepted[0]]
    assert b"From: second@example.net" in late and b"Reply-To: r@example.net" in late and b"first@" not in late
    assert b"mailto:r@example.net?subject=unsubscribe" in late and b"second@" not in early
    assert b"From: first@example.com" in early and b"mailto:first@example.com?subject=unsubscribe" in early
    assert {world.sender(old).state, world.sender(new).state} == {"blocked", "ready"}


def test_changed_while_mails_are_under_way_each_goes_out_once_and_both_limits_hold(stack: Stack) -> None:
    user_id, ids, dots = world.add_user(), {}, 0

    def at_the_twentieth(phase: str, _: str) -> str | None:
        nonlocal dots
        dots += phase == "dot"
        if phase == "dot" and dots == 20:  # the first sender has a batch in hand, and this mail at its dot
            with db.session() as session:
                campaigns.pause(session, user_id, ids["campaign"])
            change(user_id, ids["campaign"], ids["new"])
            world.dispatch(engine)
        return None

    with Receiver(at_the_twentieth) as first, Receiver() as second, world.engine() as engine:
        old = world.add_sender(user_id, first.port, per_second=40)
        ids["new"] = new = world.add_sender(user_id, second.port, per_second=20)
        ids["campaign"] = campaign_id = world.add_campaign(user_id, old, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id) and world.sender(old).owner == "")
    assert everybody_once(first, second)
    assert 20 <= len(first.accepted) <= 22  # what was before the answer to its dot, of two connections
    assert senders_of(campaign_id) == {old: set(first.accepted), new: set(second.accepted)}
    assert world.states(campaign_id) == {"sent": 60}
    assert first.most_within(_NEARLY_A_SECOND) <= 40 and second.most_within(_NEARLY_A_SECOND) <= 20


def test_a_campaign_that_waits_for_its_sender_goes_on_at_once_through_the_other(stack: Stack) -> None:
    user_id, dots = world.add_user(), 0

    def used_up(phase: str, _: str) -> str | None:
        nonlocal dots
        dots += phase == "dot"
        return "452 4.3.1 Monthly quota exceeded, try again in 9 days" if phase == "dot" and dots > 20 else None

    with Receiver(used_up) as first, Receiver() as second, world.engine() as engine:
        old, new = world.add_sender(user_id, first.port, connections=1), world.add_sender(user_id, second.port)
        campaign_id = world.add_campaign(user_id, old, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.sender(old).state == "cooling" and world.sender(old).owner == "")
        assert world.campaign(campaign_id).status == "sending"
        change(user_id, campaign_id, new, resume=False)
        assert world.campaign(campaign_id).status == "sending"
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
    assert everybody_once(first, second) and len(first.accepted) == 20
    assert world.sender(old).state == "cooling"


def test_what_is_in_doubt_stays_with_the_first_and_what_is_tried_again_goes_through_the_second(stack: Stack) -> None:
    user_id, ids = world.add_user(), {}
    refused, doubted = PEOPLE[3], PEOPLE[19]

    def script(phase: str, recipient: str) -> str | None:
        if phase == "rcpt" and recipient == refused:
            return "554 5.7.0 Not from this account"
        if phase == "dot" and recipient == doubted:
            with db.session() as session:
                campaigns.pause(session, user_id, ids["campaign"])
            return "drop"
        return None

    with Receiver(script) as first, Receiver() as second, world.engine() as engine:
        old = world.add_sender(user_id, first.port, connections=1)
        new = world.add_sender(user_id, second.port)
        ids["campaign"] = campaign_id = world.add_campaign(user_id, old, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).unknown_count == 1 and world.sender(old).owner == "")
        change(user_id, campaign_id, new)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
        assert doubted not in second.accepted and refused not in second.accepted
        assert senders_of(campaign_id, "unknown") == {old: {doubted}}
        assert senders_of(campaign_id, "failed") == {old: {refused}}
        with db.session() as session:
            campaigns.retry_failed(session, user_id, campaign_id)
        with db.session() as session:
            campaigns.settle_unknown(session, user_id, campaign_id, delivered=False)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id) and world.campaign(campaign_id).sent_count == 60)
    assert Counter(first.accepted + second.accepted) == Counter([*PEOPLE, doubted])  # it had arrived, as is said before
    assert {doubted, refused} <= senders_of(campaign_id)[new]


def test_changed_back_and_forth_twenty_times_while_it_sends_each_mail_goes_out_once(stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(400)
    with Receiver() as first, Receiver() as second, world.engine() as engine:
        old, new = (world.add_sender(user_id, receiver.port, per_minute=12_000) for receiver in (first, second))
        campaign_id = world.add_campaign(user_id, old, people)
        world.dispatch(engine)
        for _ in range(10):
            for receiver, following in ((first, new), (second, old)):
                wanted = len(receiver.accepted) + 3
                receiver.wait(lambda receiver=receiver, wanted=wanted: len(receiver.accepted) >= wanted)
                change(user_id, campaign_id, following, resume=False)
                world.dispatch(engine)
        world.until(lambda: done(campaign_id, old, new), poke=lambda: world.dispatch(engine))
    assert Counter(first.accepted + second.accepted) == Counter(people) and world.states(campaign_id) == {"sent": 400}
    assert senders_of(campaign_id) == {old: set(first.accepted), new: set(second.accepted)}


def test_a_worker_frozen_in_the_middle_of_a_batch_sends_nothing_of_the_rest_when_it_wakes(
    postgres_stack: Stack,
) -> None:
    user_id, people = world.add_user(), world.people(400)
    with (
        Receiver() as first,
        Receiver() as second,
        processes.worker(postgres_stack) as one,
        processes.worker(postgres_stack) as other,
    ):
        old, new = world.add_sender(user_id, first.port), world.add_sender(user_id, second.port)
        campaign_id = world.add_campaign(user_id, old, people)
        live.wake()
        first.wait(lambda: len(first.accepted) >= 100, 40)
        frozen = next(worker for worker in (one, other) if f":{worker.pid}:" in world.sender(old).owner)
        os.kill(frozen.pid or 0, signal.SIGSTOP)
        with db.session() as session:
            campaigns.pause(session, user_id, campaign_id)
        change(user_id, campaign_id, new)
        live.wake()
        second.wait(lambda: len(second.accepted) >= 100, 40)
        os.kill(frozen.pid or 0, signal.SIGCONT)
        world.until(lambda: world.done(campaign_id) and world.sender(old).owner == "", 40)
    received = Counter(first.accepted + second.accepted)
    assert [email for email, count in received.items() if count > 1] == []
    states = world.by_address(campaign_id)
    assert set(people) - set(received) <= {email for email, state in states.items() if state == "unknown"}
    assert world.states(campaign_id).get("unknown", 0) <= 4
    mine = senders_of(campaign_id)
    assert mine[old] <= set(first.accepted) and mine[new] == set(second.accepted)


def test_taken_back_the_rest_goes_through_the_first_again(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as first, Receiver() as second, world.engine() as engine:
        old, new = (world.add_sender(user_id, receiver.port) for receiver in (first, second))
        campaign_id = world.add_campaign(user_id, old, PEOPLE, status="paused", pause_reason="user")
        before = change(user_id, campaign_id, new, resume=False)
        with db.session() as session:
            campaigns.change_back(session, user_id, campaign_id, before)
            campaigns.resume(session, user_id, campaign_id)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
    assert sorted(first.accepted) == PEOPLE and second.accepted == []
