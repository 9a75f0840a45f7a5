"""What follows each kind of refusal (DESIGN 6), as the mail server and the database see it."""

import logging
from datetime import timedelta

import pytest
from sqlmodel import col, select

from core import db
from core.delivery import replies
from core.models import Attempt, Suppression
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Once, Receiver
from tests.jobs.world import sent

PEOPLE = world.people(6)
ODD = PEOPLE[2]


def suppressed() -> list[str]:
    with db.reading() as session:
        return list(session.exec(select(Suppression.email)))


def attempts(campaign_id: int) -> list[tuple[str, int | None, str]]:
    with db.reading() as session:
        rows = session.exec(
            select(Attempt).where(col(Attempt.campaign_id) == campaign_id).order_by(col(Attempt.id))
        ).all()
    return [(row.phase, row.reply_code, row.kind) for row in rows]


def left(sender_id: int) -> float:
    """Seconds the sender still cools."""
    until = world.sender(sender_id).cooling_until
    assert until is not None
    with db.reading() as session:
        return (until - db.now(session)).total_seconds()


def idle(sender_id: int) -> bool:
    return world.sender(sender_id).owner == ""


@pytest.mark.parametrize(
    ("phase", "reply", "kind", "wait"),
    [
        (
            "rcpt",
            "550 5.1.1 <x@y.z> - 203.0.113.222 has sent to too many recipients this hour. IB607",
            "quota_hour",
            30,
        ),
        ("rcpt", "550 5.4.5 <x@y.z>: Recipient address rejected: Domain Sending Quota Exceeded", "quota_hour", 30),
        ("rcpt", "550 Domain x.com has exceeded the max emails per hour (123/100 (123%)) allowed", "quota_hour", 30),
        ("dot", "550 5.4.5 Daily user sending limit exceeded", "quota_day", 30),
        ("mail", "421 4.7.0 Too many messages, try again in 15 minutes", "throttle_rate", 900),
        ("mail", "452 4.5.3 Too many mails; disabled until Tue, 23 Oct 2057 08:42:36 GMT", "throttle_rate", 7 * 86400),
    ],
)
def test_a_throttle_or_quota_cools_the_sender_and_touches_no_mail(
    sqlite_stack: Stack, phase: str, reply: str, kind: str, wait: float
) -> None:
    user_id = world.add_user()
    with Receiver(lambda where, _: reply if where == phase else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.sender(sender_id).state == "cooling" and idle(sender_id))
    assert world.sender(sender_id).state_kind == kind
    assert wait - 10 < left(sender_id) <= wait
    assert world.states(campaign_id) == {"pending": len(PEOPLE)}
    assert world.message(campaign_id, PEOPLE[0]).attempts == 0
    assert suppressed() == [] and receiver.accepted == []


@pytest.mark.parametrize(
    ("phase", "reply", "state", "kind", "is_suppressed"),
    [
        ("dot", "254 4.7.1 Suppression for user ocid to x@y.z", "failed", "suppressed_by_provider", False),
        ("dot", "299 whatever that means", "failed", "protocol", False),
        ("rcpt", "550 5.1.1 No such user", "failed", "bad_recipient", True),
        ("rcpt", "552 5.2.2 Mailbox full", "pending", "recipient_full", False),
        (
            "rcpt",
            "550 5.2.1 The user is receiving mail at a rate that prevents more",
            "pending",
            "recipient_rate",
            False,
        ),
        ("data", "554 5.7.1 Message rejected as spam", "failed", "policy", False),
        ("dot", "554 the transaction failed, blame it on the weather", "failed", "permanent", False),
        ("rcpt", "501 5.5.2 Syntax error in parameters", "failed", "protocol", False),
    ],
)
def test_what_blames_one_mail_leaves_the_others_alone(
    sqlite_stack: Stack, phase: str, reply: str, state: str, kind: str, is_suppressed: bool
) -> None:
    user_id = world.add_user()
    with Receiver(Once({(phase, ODD): reply})) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).sent_count == len(PEOPLE) - 1 and idle(sender_id))
    odd = world.message(campaign_id, ODD)
    assert (odd.state, odd.kind, odd.attempts) == (state, kind, 1)
    assert odd.rule_id and odd.reply and odd.phase == phase
    assert attempts(campaign_id) == [(phase, int(reply[:3]), kind)]
    assert suppressed() == ([ODD] if is_suppressed else [])
    assert sorted(receiver.accepted) == sorted(set(PEOPLE) - {ODD})
    assert receiver.connection_count == 1
    if phase != "dot":
        assert "RSET" in receiver.commands


@pytest.mark.parametrize(
    ("phase", "reply", "reason"),
    [
        ("mail", "403 You are not authorized to send from that email address", "sender"),
        ("dot", "554 5.2.252 SendAsDenied; me@example.com not allowed to send as news@example.com", "sender"),
        ("rcpt", "550 5.7.1 Authentication required", "auth"),
    ],
)
def test_what_only_the_user_can_mend_blocks_after_one_try(stack: Stack, phase: str, reply: str, reason: str) -> None:
    user_id = world.add_user()
    with Receiver(lambda where, _: reply if where == phase else None) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused" and idle(sender_id))
        world.dispatch(engine)  # nothing is tried again
    assert world.sender(sender_id).state == "blocked"
    assert world.campaign(campaign_id).pause_reason == reason
    assert world.states(campaign_id) == {"pending": len(PEOPLE)}
    assert receiver.connection_count == 1 and suppressed() == []
    # With the dot the next mail may have been under way already.
    assert len(receiver.starts) <= (2 if phase == "dot" else 1)


def test_a_refused_sign_in_is_one_connection_and_one_try_however_many_are_allowed(stack: Stack) -> None:
    user_id = world.add_user()
    refusal = "535 5.7.8 Username and Password not accepted"
    with Receiver(lambda phase, _: refusal if phase == "auth" else None, password="right") as receiver:
        sender_id = world.add_sender(user_id, receiver.port, username="me", connections=5)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(100))
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.campaign(campaign_id).status == "paused" and idle(sender_id))
    assert receiver.connection_count == 1
    assert len([line for line in receiver.commands if line.startswith("AUTH")]) == 1


def test_single_refusals_of_the_content_among_many_mails_pause_nothing_and_a_row_of_them_does(stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(130)
    spam, seen = "554 5.7.1 Message rejected as spam by content filter", [0]

    def script(phase: str, _: str) -> str | None:
        seen[0] += phase == "dot"
        scattered = seen[0] in (40, 70, 100)
        return spam if phase == "dot" and (scattered or seen[0] > 120) else None

    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused" and idle(sender_id))
    row, counts = world.campaign(campaign_id), world.states(campaign_id)
    assert row.pause_reason == "content"
    assert counts["sent"] == 117 and 6 <= counts["failed"] <= 7


def test_after_a_daily_quota_one_mail_finds_out_whether_it_is_over(stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(40)
    full = [True]
    script = lambda phase, _: "550 5.4.5 Daily sending quota exceeded" if full[0] and phase == "dot" else None  # noqa: E731
    with Receiver(script) as receiver:
        sender_id = world.add_sender(user_id, receiver.port, connections=4)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.sender(sender_id).state == "cooling" and idle(sender_id))
            begun = len(receiver.starts)
            for step in (2, 3):
                db.clock_offset += timedelta(hours=2)
                world.dispatch(engine)
                world.until(lambda step=step: world.sender(sender_id).cooldown_step == step and idle(sender_id))  # type: ignore[misc]
                assert len(receiver.starts) == begun + step - 1, "one mail, not the batch"
            full[0] = False
            db.clock_offset += timedelta(hours=2)
            world.dispatch(engine)
            world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == people
    assert world.states(campaign_id) == {"sent": 40} and world.sender(sender_id).cooldown_step == 0
    assert all(world.message(campaign_id, person).attempts == 1 for person in people)


def test_a_greylisted_mail_is_tried_after_5_15_30_and_60_minutes(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    grey = "451 4.7.1 Greylisting in action, please come back later"
    with Receiver(lambda phase, _: grey if phase == "rcpt" else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, [ODD])
        with world.engine() as engine:
            for count, minutes in enumerate((5, 15, 30, 60, 60), start=1):
                world.dispatch(engine)
                world.until(lambda count=count: world.message(campaign_id, ODD).attempts == count and idle(sender_id))  # type: ignore[misc]
                with db.reading() as session:
                    waits = (world.message(campaign_id, ODD).retry_at - db.now(session)).total_seconds()
                assert minutes * 60 - 10 < waits <= minutes * 60
                db.clock_offset += timedelta(minutes=minutes - 1)
                world.dispatch(engine)
                assert len(receiver.starts) == count, "not before its time"
                db.clock_offset += timedelta(minutes=1, seconds=1)
    assert suppressed() == []


def test_a_wait_named_for_one_mail_is_obeyed(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    script = Once({("rcpt", ODD): "450 4.2.0 <x>: Recipient address rejected: Greylisted for 12 minutes"})
    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).sent_count == len(PEOPLE) - 1 and idle(sender_id))
        with db.reading() as session:
            waits = (world.message(campaign_id, ODD).retry_at - db.now(session)).total_seconds()
    assert 700 < waits <= 720


def test_after_a_421_nothing_more_is_said_on_that_connection(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    script = Once({("rcpt", ODD): "421 4.3.2 Service shutting down"})
    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id) and idle(sender_id))
    assert receiver.connection_count >= 2
    # Every connection but the dead one says good-bye.
    assert "RSET" not in receiver.commands and receiver.commands.count("QUIT") == receiver.connection_count - 1
    assert world.states(campaign_id) == {"sent": len(PEOPLE)}
    assert world.message(campaign_id, ODD).attempts == 1


def test_a_transaction_that_the_server_thinks_is_open_is_reset_and_the_mail_goes(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(Once({("mail", ""): "503 5.5.1 Error: nested MAIL command"})) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert "RSET" in receiver.commands and sorted(receiver.accepted) == sorted(PEOPLE)
    assert world.states(campaign_id) == {"sent": len(PEOPLE)}


def test_a_server_that_does_not_understand_us_is_an_error_in_the_log(
    sqlite_stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    user_id = world.add_user()
    with Receiver(Once({("rcpt", ODD): "500 5.5.2 Error: command not recognized"})) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: sent(campaign_id))
    assert world.message(campaign_id, ODD).kind == "protocol"
    said = [record for record in caplog.records if "does not understand us" in record.message]
    assert [record.levelno for record in said] == [logging.ERROR] and ODD not in said[0].message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("552 5.3.4 Message size exceeds fixed limit", "too_big"),
        ("554 5.6.0 Message contains invalid header", "content"),
        ("550 5.7.26 Unauthenticated email is not accepted due to the domain's DMARC policy", "policy"),
    ],
)
def test_the_third_identical_refusal_of_the_content_pauses_and_suppresses_nobody(
    sqlite_stack: Stack, reply: str, kind: str
) -> None:
    user_id, people = world.add_user(), world.people(30)
    with Receiver(lambda phase, _: reply if phase == "dot" else None) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused" and idle(sender_id))
    assert world.campaign(campaign_id).pause_reason == "content"
    counts = world.states(campaign_id)
    assert 3 <= counts["failed"] <= 4 and counts["pending"] == 30 - counts["failed"]
    assert {row[2] for row in attempts(campaign_id)} == {kind} and suppressed() == []


def test_mails_that_came_back_are_no_refusals_of_the_content_now(sqlite_stack: Stack) -> None:
    user_id, refusal = world.add_user(), "554 5.7.1 Message rejected as spam by content filter"
    rule_id = replies.classify("dot", 554, "", refusal[4:]).rule_id

    def two_came_back() -> None:
        with db.session() as session:
            for email in PEOPLE[1:3]:
                told = {
                    "message_id": world.message(campaign_id, email).id,
                    "campaign_id": campaign_id,
                    "phase": "bounce",
                }
                said = {"reply_code": 554, "reply": refusal[4:], "kind": "content", "rule_id": rule_id}
                session.add(Attempt(at=db.now(session), **told, **said))

    def script(phase: str, recipient: str) -> str | None:
        if (phase, recipient) != ("dot", PEOPLE[0]):
            return None
        two_came_back()
        return refusal

    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status in ("sent", "paused") and idle(sender_id))
    assert world.campaign(campaign_id).status == "sent" and world.states(campaign_id) == {"failed": 1, "sent": 5}
