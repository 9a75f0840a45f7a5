"""What follows from a bounce and a complaint: facts, counters, the suppression list; for the owner only, and once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col, select

from core import db, stats
from core.audience import suppression
from core.models import Attempt, Campaign, Message, MessageState, Suppression
from core.tracking import bounces, opens
from core.tracking.bounces import Noted
from core.tracking.export import recipients_csv
from core.tracking.returned import BOUNCE, COMPLAINT, UNSUBSCRIBE, Failure, Returned
from tests import rows
from tests.conftest import Stack

DEAD = Failure(frozenset({"r0@example.com"}), "5.1.1", "550 5.1.1 No such user here")
FULL = Failure(frozenset({"r0@example.com"}), "5.2.2", "552 5.2.2 Mailbox is over quota")
AWAY = Failure(frozenset({"r0@example.com"}), "5.0.0", "451 4.3.0 Try again later: retry timeout exceeded")
ELSEWHERE = Failure(frozenset({"old-job@example.net"}), "5.1.1", "550 5.1.1 No such user here")
NAMELESS = Failure(frozenset(), "", "550 5.1.1 No such user here")


def a_mail(state: MessageState = MessageState.sent, email: str = "alice@example.com") -> tuple[int, int, int]:
    """(user id, campaign id, message id) of the mail to r0@example.com."""
    with db.session() as session:
        user_id = rows.user(session, email)
        campaign_id, (message_id,) = rows.sent_campaign(session, user_id, [state])
        if state == MessageState.sent:
            message = session.get_one(Message, message_id)
            message.phase, message.reply_code, message.reply = "dot", 250, "2.0.0 Ok: queued as 4711"
    return user_id, campaign_id, message_id


def tell(user_id: int, message_id: int, failure: Failure | None = DEAD, **values: Any) -> Noted:
    said = Returned(BOUNCE, message_id, (failure,)) if failure else Returned(COMPLAINT, message_id)
    with db.session() as session:
        return bounces.record(session, user_id, said, **values)


def look(campaign_id: int, message_id: int) -> tuple[Campaign, Message, list[Suppression], list[Attempt]]:
    with db.reading() as session:
        listed = list(session.exec(select(Suppression)).all())
        attempts = list(session.exec(select(Attempt).where(col(Attempt.message_id) == message_id)).all())
        return session.get_one(Campaign, campaign_id), session.get_one(Message, message_id), listed, attempts


def test_a_hard_bounce_is_a_fact_is_counted_once_and_suppresses_the_address(stack: Stack) -> None:
    user_id, campaign_id, message_id = a_mail()
    assert tell(user_id, message_id) == Noted(bounced=True)
    assert tell(user_id, message_id) == Noted()
    campaign, message, listed, attempts = look(campaign_id, message_id)
    assert (campaign.bounced_count, campaign.sent_count, message.state) == (1, 1, "sent")
    assert message.bounced_at is not None
    [suppressed] = listed
    assert (suppressed.email, suppressed.reason, suppressed.message_id) == ("r0@example.com", "bounced", message_id)
    assert suppressed.detail == "5.1.1 No such user here"
    [attempt] = attempts
    assert (attempt.phase, attempt.reply_code, attempt.kind) == ("bounce", 550, "bad_recipient")


@pytest.mark.parametrize(("failure", "kind"), [(FULL, "recipient_full"), (AWAY, "temporary")])
def test_a_soft_bounce_is_only_noted(stack: Stack, failure: Failure, kind: str) -> None:
    user_id, campaign_id, message_id = a_mail()
    assert tell(user_id, message_id, failure) == Noted(bounced=True)
    campaign, _, listed, [attempt] = look(campaign_id, message_id)
    assert (campaign.bounced_count, attempt.kind, listed) == (1, kind, [])


def test_a_hard_bounce_behind_a_soft_one_suppresses_and_counts_no_second_time(stack: Stack) -> None:
    user_id, campaign_id, message_id = a_mail()
    tell(user_id, message_id, FULL)
    tell(user_id, message_id, DEAD)
    campaign, _, listed, attempts = look(campaign_id, message_id)
    assert (campaign.bounced_count, len(listed), len(attempts)) == (1, 1, 1)


@pytest.mark.parametrize("failure", [ELSEWHERE, NAMELESS])
def test_who_forwards_mail_to_a_dead_address_is_not_suppressed(stack: Stack, failure: Failure) -> None:
    user_id, campaign_id, message_id = a_mail()
    tell(user_id, message_id, failure)
    campaign, _, listed, [attempt] = look(campaign_id, message_id)
    assert (campaign.bounced_count, attempt.rule_id, listed) == (1, "forwarded", [])


def test_an_alias_with_capitals_and_an_international_domain_are_the_same_address(stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        campaign_id = rows.campaign(session, user_id, {"sent": ["anna@xn--bcher-kva.example"]})
        message_id = session.exec(select(Message.id)).one()
    assert message_id is not None
    tell(user_id, message_id, Failure(frozenset({"anna@xn--bcher-kva.example"}), "5.1.1", DEAD.words))
    _, _, listed, _ = look(campaign_id, message_id)
    assert [row.email for row in listed] == ["anna@xn--bcher-kva.example"]


def test_a_complaint_is_a_fact_and_suppresses(stack: Stack) -> None:
    user_id, campaign_id, message_id = a_mail()
    assert tell(user_id, message_id, None) == Noted(complained=True)
    assert tell(user_id, message_id, None) == Noted()
    campaign, message, [suppressed], _ = look(campaign_id, message_id)
    assert (campaign.complained_count, campaign.bounced_count, suppressed.reason) == (1, 0, "complained")
    assert message.complained_at is not None and message.bounced_at is None


@pytest.mark.parametrize("failure", [DEAD, None])
def test_a_mail_in_doubt_that_came_back_had_been_taken(stack: Stack, failure: Failure | None) -> None:
    user_id, campaign_id, message_id = a_mail(MessageState.unknown)
    tell(user_id, message_id, failure)
    campaign, message, _, _ = look(campaign_id, message_id)
    assert (message.state, campaign.sent_count, campaign.unknown_count) == ("sent", 1, 0)
    assert campaign.bounced_count + campaign.complained_count == 1


@pytest.mark.parametrize("state", [MessageState.claimed, MessageState.sending])
def test_a_mail_in_a_workers_hands_is_told_again_later(stack: Stack, state: MessageState) -> None:
    user_id, campaign_id, message_id = a_mail(state)
    assert tell(user_id, message_id) == Noted(in_hand=True)
    campaign, message, listed, attempts = look(campaign_id, message_id)
    assert (message.bounced_at, campaign.bounced_count, listed, attempts) == (None, 0, [], [])


def test_a_mail_that_never_left_cannot_come_back(stack: Stack) -> None:
    for number, state in enumerate((MessageState.failed, MessageState.suppressed, MessageState.cancelled)):
        user_id, campaign_id, message_id = a_mail(state, f"user{number}@example.com")
        assert tell(user_id, message_id) == Noted()
        campaign, _, listed, _ = look(campaign_id, message_id)
        assert (campaign.bounced_count, listed) == (0, [])


def test_bounces_and_opens_of_the_same_mails_never_wait_for_each_other_in_a_circle(postgres_stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        campaign_id, ids = rows.sent_campaign(session, user_id, [MessageState.sent] * 2)
        now = db.now(session)
    told = [(Returned(BOUNCE, message_id, (NAMELESS,)), None) for message_id in reversed(ids)]

    def record() -> list[Noted]:
        with db.session() as session:
            return bounces.record_all(session, user_id, told)

    with ThreadPoolExecutor(1) as pool:
        with db.session() as session:
            opens.lock(session, ids[:1])
            noting = pool.submit(record)
            _wait_for_a_lock_wanted()
            assert opens.record(session, [(message_id, now) for message_id in ids]) == 2
        assert noting.result(60) == [Noted(bounced=True)] * 2
    with db.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
    assert (campaign.bounced_count, campaign.opened_count) == (2, 2)


def _wait_for_a_lock_wanted() -> None:
    for _ in range(6_000):
        with db.reading() as session:
            if session.connection().execute(text("select count(*) from pg_locks where not granted")).scalar():
                return
        sleep(0.01)
    raise AssertionError("nobody waits")


def test_a_bounce_in_a_strangers_mailbox_changes_nothing(stack: Stack) -> None:
    _, campaign_id, message_id = a_mail()
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
    assert tell(charlie, message_id) == Noted()
    assert tell(charlie, message_id, None) == Noted()
    campaign, message, listed, attempts = look(campaign_id, message_id)
    assert (campaign.bounced_count, campaign.complained_count, listed, attempts) == (0, 0, [], [])
    assert message.bounced_at is None and message.complained_at is None


def test_the_time_of_a_bounce_is_when_it_arrived_but_neither_before_the_mail_nor_in_the_future(stack: Stack) -> None:
    for number, (days, expected) in enumerate(((-1, -1), (-9, -3), (2, 0))):
        user_id, campaign_id, message_id = a_mail(email=f"user{number}@example.com")
        with db.session() as session:
            now = db.now(session)
            session.get_one(Message, message_id).sent_at = now - timedelta(days=3)
        tell(user_id, message_id, arrived_at=now + timedelta(days=days))
        _, message, _, _ = look(campaign_id, message_id)
        assert message.bounced_at is not None
        assert abs(message.bounced_at - (now + timedelta(days=expected))) < timedelta(seconds=10)


def test_the_timeline_the_ledger_and_the_export_tell_the_bounce_in_the_servers_words(stack: Stack) -> None:
    user_id, campaign_id, message_id = a_mail()
    tell(user_id, message_id)
    with db.reading() as session:
        events = stats.timeline(session, user_id, campaign_id, message_id).events
        [row] = stats.ledger(session, user_id, campaign_id).rows
        assert suppression.is_suppressed(session, user_id, "r0@example.com")
    assert [(event.title, event.words) for event in events] == [
        ("Accepted by the server", "2.0.0 Ok: queued as 4711"),
        ("Bounced: the address is on the suppression list", "5.1.1 No such user here"),
    ]
    assert events[1].sentence and events[1].rule_id
    assert (row.state, row.reply) == ("sent", "5.1.1 No such user here") and row.reason
    text = "".join(recipients_csv(user_id, campaign_id))
    assert re.search(r",Bounced 20\d\d-\d\d-\d\dT\S+: 550 5.1.1 No such user here\r\n", text)
    tell(user_id, message_id, None)
    assert re.search(r",Complained 20\S+\. Bounced 20\S+: 550 5.1", "".join(recipients_csv(user_id, campaign_id)))


@pytest.mark.parametrize("state", ["pending", "claimed", "sending", "cancelled", "failed", "suppressed"])
def test_a_wish_to_unsubscribe_counts_whatever_became_of_the_mail_since(state: str, stack: Stack) -> None:
    """Who writes it holds a copy: that one was in doubt, and its user sent it again."""
    user_id, campaign_id, message_id = a_mail()
    with db.session() as session:
        session.execute(update(Message).where(col(Message.id) == message_id).values(state=state))
    with db.session() as session:
        noted = bounces.record(session, user_id, Returned(UNSUBSCRIBE, message_id))
    _, message, listed, _ = look(campaign_id, message_id)
    assert noted == Noted(unsubscribed=True)
    assert [each.email for each in listed] == ["r0@example.com"] and message.state == state


def test_who_unsubscribes_by_a_mail_is_never_mailed_again_and_counted_once(stack: Stack) -> None:
    user_id, campaign_id, message_id = a_mail()
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        assert bounces.record(session, charlie, Returned(UNSUBSCRIBE, message_id)) == Noted()
    for noted in (Noted(unsubscribed=True), Noted()):
        with db.session() as session:
            assert bounces.record(session, user_id, Returned(UNSUBSCRIBE, message_id)) == noted
    campaign, message, listed, _ = look(campaign_id, message_id)
    assert campaign.unsubscribed_count == 1 and message.unsubscribed_at is not None
    assert [(each.email, each.reason, each.user_id) for each in listed] == [("r0@example.com", "unsubscribed", user_id)]
