from collections.abc import Callable
from datetime import timedelta

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy import update
from sqlmodel import col

from core import config, db, live, stats
from core.delivery import usage
from core.models import Campaign, Message
from tests import rows
from tests.campaign_ui.campaign import tables
from tests.campaign_ui.conftest import SignIn, card_texts, eventually, everything, sign_in_as, texts
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
    await user.should_see("3 of 5 done, 1 failed · 60 %")
    await user.should_see("Next scheduled")
    assert "Black Friday" in texts(user) and "Secret plans" not in texts(user)


async def test_what_runs_has_its_rate_its_end_and_a_countdown_and_senders_their_health(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user, time_zone="Asia/Kolkata")
    with db.session() as session:
        now = db.now(session)
        trouble = {"state": "cooling", "state_kind": "throttle_rate", "state_reply": "451 4.7.1 Ratelimit"}
        slow = rows.sender(session, alice, per_hour=100, cooling_until=now + timedelta(seconds=90), **trouble)
        assert slow.id is not None
        usage.record(session, slow.id, now - timedelta(minutes=5), 95)
        usage.record(session, slow.id, now - timedelta(hours=3), 400)
        slow.per_day = 300  # lowered since
        states = {"sent": ["a@x.io"] * 0, "pending": [f"p{n}@x.io" for n in range(3)]}
        ten_ago = {"started_at": now - timedelta(minutes=10), "sent_count": 100, "recipients_count": 103}
        rows.campaign(session, alice, states, sender_id=slow.id, name="Winter", **ten_ago)
    await user.open("/")
    await user.should_see("10 in the last minute")
    await user.should_see("Hostinger answered 451 4.7.1 Ratelimit: resuming at")
    await user.should_see("95 of 100")
    await user.should_see("495 · at most 300 now")
    await user.should_see("Nothing to do. If it happens often, lower its mails per minute.")
    assert "Finishes " in texts(user)
    assert user.client is not None
    ticking = [e for e in user.client.elements.values() if e.tag == "cm-countdown" and e.props.get("data-until")]
    assert [80 < float(element.props["data-seconds"]) <= 90 for element in ticking] == [True, True]


async def test_that_more_campaigns_run_than_are_shown_is_said_and_leads_to_them(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        for number in range(8):
            rows.campaign(session, alice, {"pending": ["a@x.io"]}, name=f"Offer {number}")
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, status="paused")
        rows.campaign(session, rows.user(session, "charlie@example.com"), {"pending": ["a@x.io"]})
    await user.open("/")
    more = user.find(kind=ui.link, content="and 3 more are sending").elements.pop()
    assert more.props["href"] == "/campaigns?status=sending"
    await user.should_see(kind=ui.link, content="and 1 more is paused")
    with db.session() as session:
        few = update(Campaign).where(col(Campaign.id) > 5).values(status="sent")
        session.execute(few)
        db.after_commit(session, lambda: live.publish(alice, "campaign", 1))
    await user.should_not_see("more are sending")


async def test_a_sender_that_is_not_known_to_work_says_so(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        for name, problem in (("New", None), ("Wrong", "It refused the sign-in.")):
            rows.sender(session, alice, name=name, test_problem=problem)
        rows.campaign(session, alice, {"sent": ["a@x.io"]})
    await user.open("/")
    await user.should_see("Ready, not tested")
    await user.should_see("Test failed")
    assert "Ready\n" not in texts(user)


async def test_the_best_campaigns_are_those_that_were_opened_most(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        for name, sent, opened in (("Good", 100, 40), ("Better", 50, 30), ("Too few", 19, 19), ("Unread", 100, 0)):
            rows.campaign(session, alice, name=name, status="sent", sent_count=sent, opened_count=opened)
        rows.campaign(session, rows.user(session, "bob@x.io"), name="Bob's", sent_count=100, opened_count=99)
    await user.open("/")
    await user.should_see("By open rate, of those with at least 20 mails sent")
    with db.reading() as session:
        assert [campaign.name for campaign in stats.best(session, alice)] == ["Better", "Good"]
    await user.should_see("30 of 50 opened")
    assert "Bob's" not in texts(user)


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
    for number in range(50):  # the loop hears of them all at once
        with db.session() as session:
            session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(opened_count=number))
        live.publish(alice, "campaign", campaign_id)
    await eventually(lambda: card_texts(user, "Opened")[1] == "49")
    assert 0 < len(reads) < 10


async def test_the_totals_say_what_they_leave_out_of_the_sandbox(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        box = rows.sender(session, alice, is_sandbox=True)
        rows.campaign(session, alice, STATES, opened=2, name="Played", sender_id=box.id)
    await user.open("/")
    await user.should_see("All of this went to the sandbox: it was sent to nobody. Opens may be simulated.")
    assert card_texts(user, "Sent")[1] == card_texts(user, "Opened")[1] == "2"
    with db.session() as session:
        by = rows.sender(session, alice)
        campaign_id = rows.campaign(session, alice, {"sent": ["a@x.io"]}, name="Real", sender_id=by.id)
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_see("Totals, charts and best campaigns leave the sandbox out.")
    assert card_texts(user, "Sent")[1] == "1" and card_texts(user, "Opened")[1] == "0"


async def test_before_any_mail_went_nothing_is_said_of_opens(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        box = rows.sender(session, alice, is_sandbox=True)
        values = {"sender_id": box.id, "started_at": db.now(session), "readers_counted": True}
        campaign_id = rows.campaign(session, alice, {"pending": ["a@x.io"]}, **values)
    for path in ("/", f"/campaigns/{campaign_id}", f"/campaigns/{campaign_id}/report"):
        await user.open(path)
        await user.should_see("Nothing was sent yet")
        for words in ("0 opened", "Nobody has opened it yet.", "may be simulated", "0 % of sent", "are simulated"):
            assert words not in everything(user)


@pytest.mark.parametrize(("status", "state"), [("cancelled", "cancelled"), ("sent", "failed")])
async def test_of_a_campaign_that_is_over_nothing_was_sent_for_good(
    user: Browser, sign_in: SignIn, status: str, state: str
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        values = {"status": status, "started_at": db.now(session), "readers_counted": True}
        campaign_id = rows.campaign(session, alice, {state: ["a@x.io"]}, **values)
    for path in (f"/campaigns/{campaign_id}", f"/campaigns/{campaign_id}/report"):
        await user.open(path)
        await user.should_see("Nothing was sent")
        assert "was sent yet" not in everything(user)


async def test_where_opens_cannot_be_counted_the_best_campaigns_say_why(
    user: Browser, sign_in: SignIn, sqlite_stack: Stack
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        rows.campaign(session, alice, {"sent": ["a@x.io"]}, status="sent", readers_counted=False)
    await user.open("/")
    await user.should_see("Set it to the public address of this server before the next campaign.")
    await user.should_not_see("The first appears here when readers have opened it.")
    assert tables(user)[0].rows[0]["open_rate"] == "not counted"
    config.use(config.load({**sqlite_stack.env, "BASE_URL": "https://mail.example.com"}))
    await user.open("/")
    await user.should_see("The first appears here when readers have opened it.")


async def test_who_sent_nothing_to_the_sandbox_is_told_nothing_of_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        rows.sender(session, alice, is_sandbox=True)
        rows.campaign(session, alice, STATES, opened=2)
    await user.open("/")
    await user.should_see("Mails per day")
    assert "leave the sandbox out" not in texts(user) and "went to the sandbox" not in texts(user)
