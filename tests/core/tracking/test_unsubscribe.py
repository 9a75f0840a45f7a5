import pytest
from sqlmodel import select

from core import db
from core.audience import suppression
from core.models import Campaign, Message, MessageState, Sender, Suppression
from core.tracking import unsubscribe
from tests import rows
from tests.conftest import Stack


def test_a_reader_who_unsubscribes_is_suppressed_for_that_user_only_and_once(stack: Stack) -> None:
    with db.session() as session:
        anna, bob = rows.user(session), rows.user(session, "bob@example.com")
        campaign_id, (message_id, _) = rows.sent_campaign(session, anna, [MessageState.sent] * 2)
        rows.sent_campaign(session, bob, [MessageState.sent])
    with db.reading() as session:
        found = unsubscribe.find(session, message_id)
        assert found == unsubscribe.Subscription("r0@example.com", "Anna", "en")
    for _ in range(2):
        with db.session() as session:
            assert unsubscribe.unsubscribe(session, message_id)
    with db.reading() as session:
        kept = session.exec(select(Suppression)).all()
        assert [(row.user_id, row.email, row.reason, row.message_id) for row in kept] == [
            (anna, "r0@example.com", "unsubscribed", message_id)
        ]
        assert session.get_one(Campaign, campaign_id).unsubscribed_count == 1
        found = unsubscribe.find(session, message_id)
        assert found is not None and found.reason == "unsubscribed" and found.may_return


def _unsubscribed(campaign_id: int) -> tuple[int, int]:
    """As counted, and as the mails say."""
    with db.reading() as session:
        said = session.exec(select(Message.unsubscribed_at).where(Message.campaign_id == campaign_id))
        return session.get_one(Campaign, campaign_id).unsubscribed_count, sum(at is not None for at in said)


def test_a_reader_takes_it_back_through_any_of_their_mails(stack: Stack) -> None:
    with db.session() as session:
        anna = rows.user(session)
        first, (mine, others) = rows.sent_campaign(session, anna, [MessageState.sent] * 2)
        second, (newer,) = rows.sent_campaign(session, anna, [MessageState.sent])
        for message_id in (mine, newer, others):
            unsubscribe.unsubscribe(session, message_id)
    assert (_unsubscribed(first), _unsubscribed(second)) == ((2, 2), (1, 1))
    for _ in range(2):
        with db.session() as session:
            assert unsubscribe.subscribe_again(session, newer)
            assert unsubscribe.find(session, newer) == unsubscribe.Subscription("r0@example.com", "Anna", "en")
    assert (_unsubscribed(first), _unsubscribed(second)) == ((1, 1), (0, 0))
    with db.reading() as session:
        assert session.exec(select(Suppression.email)).all() == ["r1@example.com"]


@pytest.mark.parametrize("reason", ["bounced", "complained", "manual"])
def test_what_is_suppressed_for_another_reason_stays_so(stack: Stack, reason: str) -> None:
    with db.session() as session:
        anna = rows.user(session)
        campaign_id, (message_id,) = rows.sent_campaign(session, anna, [MessageState.sent])
        suppression.suppress(session, anna, "r0@example.com", reason)
        unsubscribe.unsubscribe(session, message_id)
    with db.session() as session:
        assert unsubscribe.subscribe_again(session, message_id)
        found = unsubscribe.find(session, message_id)
        assert found is not None and found.reason == reason and not found.may_return
    assert _unsubscribed(campaign_id) == (1, 1)


def test_a_mail_that_is_gone_cannot_unsubscribe_anybody(stack: Stack) -> None:
    with db.session() as session:
        assert not unsubscribe.subscribe_again(session, 12345)
        assert not unsubscribe.unsubscribe(session, 12345)
        assert unsubscribe.find(session, 12345) is None


def test_a_sender_without_a_name_is_told_by_its_address_with_letters(stack: Stack) -> None:
    with db.session() as session:
        _, (message_id,) = rows.sent_campaign(session, rows.user(session), [MessageState.sent])
        sender = session.exec(select(Sender)).one()
        sender.from_name, sender.from_address = "", "news@xn--mller-kva.de"
    with db.reading() as session:
        found = unsubscribe.find(session, message_id)
        assert found is not None and found.from_name == "news@müller.de"
