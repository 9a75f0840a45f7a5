from datetime import timedelta

import pytest
from sqlmodel import select

from core import campaigns, db, stats
from core.delivery.replies import LEFT_OUT
from core.errors import NotFound
from core.models import Attempt, Campaign, CampaignLink, Message
from core.tracking import links
from tests import rows
from tests.conftest import Stack


def make(email: str = "alice@example.com") -> tuple[int, int, int]:
    """(user, campaign, its one message, refused twice, sent, opened, unsubscribed) a minute apart."""
    with db.session() as session:
        user_id = rows.user(session, email)
        by = rows.sender(session, user_id, host="smtp.hostinger.com", preset="hostinger")
        campaign_id = rows.campaign(session, user_id, {"sent": ["anna@example.com"]}, sender_id=by.id)
        message = session.exec(select(Message).where(Message.campaign_id == campaign_id)).one()
        assert message.id is not None
        start = db.now(session)
        message.phase, message.reply_code, message.reply, message.attempts = "dot", 250, "2.0.0 queued", 2
        message.sent_at, message.opened_at = start + timedelta(minutes=3), start + timedelta(minutes=4)
        message.unsubscribed_at = start + timedelta(minutes=5)
        for minute, kind, rule_id in ((1, "throttle_rate", "throttled-outgoing"), (2, "greylist", "greylist")):
            values = {"phase": "rcpt", "reply_code": 451, "reply": f"try {minute}", "kind": kind, "rule_id": rule_id}
            at = start + timedelta(minutes=minute)
            session.add(Attempt(message_id=message.id, campaign_id=campaign_id, at=at, **values))
        return user_id, campaign_id, message.id


def test_tries_and_facts_stand_in_order_of_time_with_words_and_sentences(stack: Stack) -> None:
    user_id, campaign_id, message_id = make()
    with db.reading() as session:
        told = stats.timeline(session, user_id, campaign_id, message_id)
    assert [event.title for event in told.events] == [
        "The sender was asked to slow down",
        "Asked to come back later",
        "Accepted by the server",
        "Opened",
        "Unsubscribed",
    ]
    throttled, grey, accepted = told.events[:3]
    assert throttled.sentence == "Hostinger asks us to slow down. We wait and try again."
    assert (throttled.code, throttled.words, throttled.rule_id) == (451, "try 1", "throttled-outgoing")
    assert (grey.phase, accepted.code, accepted.words) == ("rcpt", 250, "2.0.0 queued")
    assert (told.email, told.state, told.attempts, told.next_at) == ("anna@example.com", "sent", 2, None)


def test_after_a_change_of_sender_no_provider_is_named_for_what_another_may_have_said(stack: Stack) -> None:
    user_id, campaign_id, message_id = make()
    with db.session() as session:
        session.get_one(Campaign, campaign_id).status = "paused"
        new = rows.sender(session, user_id, name="New", host="smtp.gmail.com", preset="gmail")
        campaigns.change_sender(session, user_id, campaign_id, new.id or 0)
        told = stats.timeline(session, user_id, campaign_id, message_id)
    assert told.through == "Hostinger"  # the name of the sender that had it
    words = " ".join(event.sentence for event in told.events)
    assert "asks us to slow down" in words and "Hostinger" not in words and "Gmail" not in words


def test_each_link_that_was_followed_is_told_once(stack: Stack) -> None:
    user_id, campaign_id, message_id = make()
    with db.session() as session:
        message = session.get_one(Message, message_id)
        assert message.opened_at is not None
        message.clicked_at = at = message.opened_at
        made = [CampaignLink(campaign_id=campaign_id, url=f"https://shop.example/{name}") for name in "ab"]
        session.add_all(made)
        session.flush()
        told = stats.timeline(session, user_id, campaign_id, message_id)
        assert [(event.title, event.url) for event in told.events if event.title == "Clicked"] == [("Clicked", "")]
        links.followed(session, [(link.id or 0, message_id + n, at) for link in made for n in (0, 1)])
        told = stats.timeline(session, user_id, campaign_id, message_id)
    followed = [event.url for event in told.events if event.title == "Clicked"]
    assert sorted(followed) == ["https://shop.example/a", "https://shop.example/b"]


def test_a_mail_that_waits_says_when_it_is_tried_again(sqlite_stack: Stack) -> None:
    user_id, campaign_id, message_id = make()
    with db.session() as session:
        message = session.get_one(Message, message_id)
        message.state, message.sent_at = "pending", None
        retry_at = message.retry_at = db.now(session) + timedelta(minutes=15)
    with db.reading() as session:
        assert stats.timeline(session, user_id, campaign_id, message_id).next_at == retry_at


def test_a_mail_in_doubt_and_one_that_could_not_be_made_are_explained(sqlite_stack: Stack) -> None:
    user_id, campaign_id, message_id = make()
    for state, kind, rule_id, said in (
        ("unknown", "unknown", "", "before the server answered"),
        ("failed", "permanent", "bad_mail", "nothing of it was sent"),
    ):
        with db.session() as session:
            for attempt in session.exec(select(Attempt)).all():
                session.delete(attempt)
            message = session.get_one(Message, message_id)
            message.state, message.kind, message.rule_id, message.sent_at = state, kind, rule_id, None
        with db.reading() as session:
            told = stats.timeline(session, user_id, campaign_id, message_id)
        assert said in next(event for event in told.events if event.sentence).sentence


def test_a_mail_whose_domain_was_left_out_says_so_after_its_tries(stack: Stack) -> None:
    user_id, campaign_id, message_id = make()
    with db.session() as session:
        message = session.get_one(Message, message_id)
        message.state, message.sent_at, message.opened_at, message.unsubscribed_at = "failed", None, None, None
        message.kind, message.rule_id, message.reply = "policy", LEFT_OUT, "Not tried again, as it refused others"
        message.retry_at = db.now(session) + timedelta(minutes=3)
    with db.reading() as session:
        *tries, left = stats.timeline(session, user_id, campaign_id, message_id).events
    assert len(tries) == 2
    assert (left.title, left.words) == ("Its domain is left out", "Not tried again, as it refused others")


def test_of_very_many_tries_the_latest_are_told(sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.stats.history.MOST", 1)
    user_id, campaign_id, message_id = make()
    with db.reading() as session:
        told = stats.timeline(session, user_id, campaign_id, message_id)
    assert told.hidden == 1 and [event.words for event in told.events if event.rule_id] == ["try 2"]


def test_a_stranger_and_another_campaign_see_nothing(sqlite_stack: Stack) -> None:
    user_id, campaign_id, message_id = make()
    charlie, his, _ = make("charlie@example.com")
    with db.session() as session:
        for who, where in ((charlie, campaign_id), (charlie, his), (user_id, his)):
            with pytest.raises(NotFound):
                stats.timeline(session, who, where, message_id)
        session.get_one(Campaign, campaign_id).deleted_at = db.now(session)
    with pytest.raises(NotFound), db.reading() as session:
        stats.timeline(session, user_id, campaign_id, message_id)
