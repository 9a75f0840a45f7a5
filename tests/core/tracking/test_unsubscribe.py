from sqlmodel import select

from core import db
from core.models import Campaign, MessageState, Sender, Suppression
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
        assert found == unsubscribe.Subscription("r0@example.com", "Anna", is_over=False)
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
        assert found is not None and found.is_over


def test_a_mail_that_is_gone_cannot_unsubscribe_anybody(stack: Stack) -> None:
    with db.session() as session:
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
