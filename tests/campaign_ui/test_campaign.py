from datetime import UTC, datetime

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy import update
from sqlmodel import col, select

from core import db, live, stats
from core.delivery import replies
from core.models import Attempt, Campaign, Message
from tests import rows
from tests.campaign_ui.conftest import SignIn, card_texts, eventually, press, texts

STATES = {
    "sent": [f"person{number:02d}@example.com" for number in range(30)],
    "failed": ["carl@example.net"],
    "pending": ["dan@example.com"],
    "unknown": ["gus@example.com"],
}


def make(user_id: int, **values: object) -> int:
    with db.session() as session:
        sender = rows.sender(session, user_id)
        campaign_id = rows.campaign(session, user_id, STATES, opened=3, sender_id=sender.id, **values)
        failed = session.exec(select(Message).where(col(Message.state) == "failed")).one()
        failed.kind, failed.reply, failed.attempts = "bad_recipient", "550 5.1.1 User unknown", 1
    return campaign_id


def addresses(browser: Browser) -> list[str]:
    assert browser.client is not None
    [table] = [e for e in browser.client.elements.values() if isinstance(e, ui.table)]
    return [row["email"] for row in table.rows]


async def test_the_page_shows_how_it_goes_and_why_it_waits(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user), batch_count=4, clicked_count=2)
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("2 clicked (6.7 % of sent)")
    assert card_texts(user, "Sent") == ["Sent", "30", "90.9 % of recipients"]
    assert card_texts(user, "Opened") == ["Opened", "3", "10 % of sent"]
    assert card_texts(user, "Failed") == ["Failed", "1", "3 % of recipients"]
    assert card_texts(user, "Pending") == ["Pending", "1", "3 % of recipients"]
    await user.should_see("32 of 33 done, 97.0 %")
    await user.should_see("Batches processed: 4")
    await user.should_see("1 waiting; sending starts as soon as a worker is free.")
    await user.should_see("This mailbox does not exist.")
    await user.should_see("550 5.1.1 User unknown")
    await user.should_see("For 1 mail the connection ended")


async def test_the_ledger_can_be_searched_filtered_and_paged(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    assert len(addresses(user)) == 25
    await user.should_see("1–25 of 33")
    press(user, "Next page")
    await user.should_see("26–33 of 33", retries=20)
    assert addresses(user)[-1] == "gus@example.com"
    press(user, "First page")
    await user.should_see("1–25 of 33", retries=20)
    press(user, "Last page")
    await eventually(lambda: addresses(user)[-1] == "gus@example.com")
    press(user, "Unknown")
    await eventually(lambda: addresses(user) == ["gus@example.com"])
    assert "It may have arrived." in texts(user)
    user.find(ui.input).type("@example.net")
    await eventually(lambda: addresses(user) == [])
    await user.should_see("Nobody matches.")
    press(user, "All")
    await eventually(lambda: addresses(user) == ["carl@example.net"])


async def test_everything_follows_what_the_worker_does(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    with db.session() as session:
        session.execute(update(Message).where(col(Message.email) == "person00@example.com").values(reply="x"))
        pending = update(Message).where(col(Message.state) == "pending")
        session.execute(pending.values(state="failed", reply="550 5.7.1 Blocked", kind="policy"))
        values = {"pending_count": 0, "failed_count": 2, "status": "sent"}
        session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(**values))
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await eventually(lambda: card_texts(user, "Failed")[1] == "2")
    await user.should_see("33 of 33 done, 100.0 %", retries=10)
    await user.should_see("550 5.7.1 Blocked")
    await user.should_see("Finished.")
    await user.should_not_see(kind=ui.button, content="Pause")


async def test_failed_mails_can_be_sent_again(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Retry failed")
    await user.should_see("Send the failed mails again?")
    press(user, "Retry")
    await eventually(lambda: card_texts(user, "Failed")[1] == "0")
    assert card_texts(user, "Pending")[1] == "2"
    await user.should_not_see("Why mails failed")


async def test_the_mails_of_one_reason_are_sent_again_after_a_question(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        rows.message(session, campaign, "spam@example.net", "failed", db.now(session), kind="policy", rule_id="spam")
        campaign.failed_count += 1
        campaign.recipients_count += 1
    await user.open(f"/campaigns/{campaign_id}")
    press(user, f"Retry: {replies.explain('spam', 'policy')}")
    await user.should_see("Send 1 mail that failed for this reason again?")
    assert card_texts(user, "Failed")[1] == "2"
    user.find(marker="confirm").click()
    await eventually(lambda: card_texts(user, "Failed")[1] == "1")
    assert card_texts(user, "Pending")[1] == "2"
    await user.should_see("This mailbox does not exist.")


def open_mail(browser: Browser, email: str) -> None:
    """Press the address in the ledger."""
    assert browser.client is not None
    [table] = [e for e in browser.client.elements.values() if isinstance(e, ui.table)]
    [message_id] = [row["id"] for row in table.rows if row["email"] == email]
    [listener] = [x for x in table._event_listeners.values() if x.type == "open"]
    table._handle_event({"listener_id": listener.id, "args": message_id})


async def test_an_address_in_the_ledger_opens_what_happened_to_its_mail(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    with db.session() as session:
        failed = session.exec(select(Message).where(col(Message.state) == "failed")).one()
        assert failed.id is not None
        for minutes, (phase, code, reply, kind, rule_id) in enumerate(
            [
                ("rcpt", 451, "4.7.1 Greylisted <b>hi</b>", "greylist", "greylist"),
                ("rcpt", 550, "5.1.1 User unknown", "bad_recipient", "no-such-mailbox"),
            ]
        ):
            at = datetime(2026, 11, 25, 9, minutes, tzinfo=UTC)
            values = {"phase": phase, "reply_code": code, "reply": reply, "kind": kind, "rule_id": rule_id}
            session.add(Attempt(message_id=failed.id, campaign_id=campaign_id, at=at, **values))
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Failed")
    await eventually(lambda: addresses(user) == ["carl@example.net"])
    open_mail(user, "carl@example.net")
    await user.should_see("Asked to come back later", retries=20)
    await user.should_see("25 Nov 2026, 14:30:00 IST")
    await user.should_see("451 4.7.1 Greylisted <b>hi</b>")  # as a label: text, never HTML
    await user.should_see("The recipient's server asks every new sender to try again later. We do.")
    await user.should_see("Said at RCPT TO · rule no-such-mailbox")
    await user.should_not_see("It was delivered")


@pytest.mark.parametrize(
    ("button", "state", "asks"), [("It was delivered", "sent", False), ("Send it again", "pending", True)]
)
async def test_one_mail_in_doubt_is_decided_in_its_own_dialog(
    user: Browser, sign_in: SignIn, button: str, state: str, asks: bool
) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Unknown")
    await eventually(lambda: addresses(user) == ["gus@example.com"])
    open_mail(user, "gus@example.com")
    await user.should_see(button, retries=20)
    press(user, button)
    if asks:
        await user.should_see("If it arrived, it is received twice.", retries=20)
        user.find(marker="confirm").click()
    await eventually(lambda: addresses(user) == [])
    with db.reading() as session:
        message = session.exec(select(Message).where(col(Message.email) == "gus@example.com")).one()
    assert message.state == state


async def test_mails_in_doubt_are_settled_by_the_user_after_a_question(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "They were delivered")
    await user.should_see("Were these mails delivered?")
    user.find(marker="confirm").click()
    await eventually(lambda: card_texts(user, "Sent")[1] == "31")
    await user.should_not_see("For 1 mail the connection ended")


async def test_mails_in_doubt_are_sent_again_only_after_a_question(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Send again")
    await user.should_see("Whoever received the mail already receives it twice.")
    assert card_texts(user, "Pending")[1] == "1"
    user.find(marker="confirm").click()
    await eventually(lambda: card_texts(user, "Pending")[1] == "2")
    await user.should_not_see("For 1 mail the connection ended")


async def test_a_scheduled_campaign_does_not_pretend_to_count_nobody(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        sender = rows.sender(session, alice)
        campaign_id = rows.campaign(session, alice, {}, sender_id=sender.id, status="scheduled")
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("The recipients are listed here when the campaign starts.")
    await user.should_not_see("0 of 0 done")


async def test_pause_resume_and_cancel_act_at_once_and_cancel_asks(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Pause")
    await user.should_see("Paused by you.", retries=20)
    press(user, "Resume")
    await user.should_not_see("Paused by you.", retries=20)
    press(user, "Cancel")
    await user.should_see("Cancel this campaign?")
    press(user, "Cancel campaign")
    await eventually(lambda: card_texts(user, "Pending")[1] == "0")
    with db.reading() as session:
        campaign = stats.summary(session, alice, campaign_id)
    assert campaign.status == "cancelled" and campaign.counts.cancelled == 1


@pytest.mark.parametrize(
    "path", ["/campaigns/{}", "/campaigns/0{}", "/campaigns/99999", "/campaigns/x", "/campaigns/²"]
)
async def test_charlie_gets_the_same_404_for_alices_campaign_as_for_none(
    user: Browser, sign_in: SignIn, path: str
) -> None:
    with db.session() as session:
        alice = rows.user(session)
    campaign_id = make(alice)
    sign_in(user, "charlie@example.com")
    response = await user.http_client.get("/campaigns/" + path.format(campaign_id))
    assert response.status_code == 404 and "This page does not exist" in response.text
    assert "November newsletter" not in response.text


async def test_a_page_whose_campaign_is_deleted_elsewhere_leaves(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, status="sent")
    await user.open(f"/campaigns/{campaign_id}")
    with db.session() as session:
        session.execute(update(Campaign).values(deleted_at=db.now(session)))
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_see("No campaigns yet", retries=50)
