from collections.abc import Callable
from datetime import timedelta

import pytest
from nicegui.testing import User as Browser
from sqlalchemy import update
from sqlmodel import col

from core import db, live, stats
from core.models import Campaign, Message
from tests import rows
from tests.campaign_ui.conftest import SignIn, card_texts, eventually, sign_in_as, texts
from tests.conftest import Stack

STATES = {
    "sent": ["anna@example.com", "bob@example.com"],
    "failed": ["carl@example.com"],
    "pending": ["dan@example.com"],
    "claimed": ["eve@example.com"],
}


async def test_a_newcomer_is_shown_the_way(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/")
    await user.should_see("Your first campaign in three steps")
    await user.should_see("Idle")
    await user.should_not_see("Recent campaigns")
    assert card_texts(user, "Sent") == ["Sent", "0", "0 % of recipients"]


async def test_the_numbers_are_those_of_all_campaigns_of_the_user(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        rows.campaign(session, alice, STATES, opened=1, name="November newsletter")
        later = db.now(session) + timedelta(days=3)
        rows.campaign(session, alice, status="scheduled", scheduled_at=later, name="Black Friday")
        bob = rows.user(session, "bob@example.com")
        rows.campaign(session, bob, STATES, name="Secret plans")
    await user.open("/")
    assert card_texts(user, "Sent") == ["Sent", "2", "40 % of recipients"]
    assert card_texts(user, "Opened") == ["Opened", "1", "50 % of sent"]
    assert card_texts(user, "Failed") == ["Failed", "1", "20 % of recipients"]
    assert card_texts(user, "Pending") == ["Pending", "2", "40 % of recipients"]
    await user.should_see("Sending…")
    await user.should_see("2 of 5 sent, 1 failed")
    await user.should_see("Next scheduled")
    assert "Black Friday" in texts(user) and "Secret plans" not in texts(user)


async def test_two_users_follow_their_own_mail_only(create_user: Callable[[], Browser], stack: Stack) -> None:
    """On both stacks: the hint goes through the process, or through Redis."""
    alice, charlie = create_user(), create_user()
    alice_id = sign_in_as(alice)
    charlie_id = sign_in_as(charlie, "charlie@example.com")
    with db.session() as session:
        campaign_id = rows.campaign(session, alice_id, STATES)
        rows.campaign(session, charlie_id, {"sent": ["zoe@example.com"]}, status="sent", name="Charlie's own")
    live.start()
    await alice.open("/")
    await charlie.open("/")
    await alice.should_see("Sending…")
    await charlie.should_see("Idle")
    with db.session() as session:
        session.execute(update(Message).where(col(Message.state).in_(["pending", "claimed"])).values(state="sent"))
        values = {"sent_count": 4, "pending_count": 0, "claimed_count": 0, "opened_count": 2, "status": "sent"}
        session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(**values))
        db.after_commit(session, lambda: live.publish(alice_id, "campaign", campaign_id))
    await eventually(lambda: card_texts(alice, "Sent")[1] == "4")
    await eventually(lambda: "Idle" in texts(alice))
    assert card_texts(alice, "Opened")[1:] == ["2", "50 % of sent"]
    assert card_texts(charlie, "Sent") == ["Sent", "1", "100 % of recipients"]
    assert "November newsletter" in texts(alice) and "November newsletter" not in texts(charlie)


async def test_a_burst_of_hints_costs_a_few_reads(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, STATES)
    await user.open("/")
    await user.open("/")
    reads: list[int] = []
    read = stats.overview
    monkeypatch.setattr(stats, "overview", lambda *args: (reads.append(1), read(*args))[1])
    for number in range(50):
        with db.session() as session:
            session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(opened_count=number))
        live.publish(alice, "campaign", campaign_id)
    await eventually(lambda: card_texts(user, "Opened")[1] == "49")
    assert len(reads) < 10
