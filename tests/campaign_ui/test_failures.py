from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import col, select

from core import db, live
from core.audience import suppression
from core.delivery import replies
from core.models import Attempt, Campaign, Message
from tests import rows
from tests.campaign_ui.campaign import make
from tests.campaign_ui.conftest import SignIn, card_texts, eventually, press


async def test_failed_mails_can_be_sent_again(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Retry failed")
    await user.should_see("Send 1 mail that failed again?")
    await user.should_see("Not now")
    press(user, "Retry")
    await eventually(lambda: card_texts(user, "Failed")[1] == "0")
    assert card_texts(user, "Pending")[1] == "2"
    await user.should_not_see("Why mails failed")


async def test_no_retry_is_offered_where_all_are_on_the_suppression_list(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    with db.session() as session:
        suppression.suppress(session, alice, "carl@example.net", "bounced")
        campaign = session.get_one(Campaign, campaign_id)
        rows.message(session, campaign, "spam@example.net", "failed", db.now(session), kind="policy", rule_id="spam")
        campaign.failed_count += 1
        campaign.recipients_count += 1
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("On your suppression list, so not sent again.")
    assert user.client is not None
    retries = [
        e.props.get("aria-label") for e in user.client.elements.values() if isinstance(e, ui.button) and e.visible
    ]
    assert [name for name in retries if name and name.startswith("Retry")] == [
        f"Retry: {replies.explain('spam', 'policy')}"
    ]
    press(user, "Retry failed")
    await user.should_see("Send 1 mail that failed again?")
    await user.should_see("1 mail to addresses on your suppression list stays failed.")
    user.find(marker="confirm").click()
    await eventually(lambda: card_texts(user, "Failed")[1] == "1")
    await user.should_see("550 5.1.1 User unknown")
    await user.should_not_see("Retry failed")


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


async def test_what_is_pressed_stays_where_it_is_while_more_mails_fail(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    assert user.client is not None
    retry = _button(user, "Retry: This mailbox does not exist. We do not mail it again.")
    ids = [each.id for each in user.client.elements.values() if isinstance(each, ui.echart)]
    assert _button(user, "They were delivered").id < min(ids)  # nothing that grows or comes later stands above it
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        more = {"kind": "bad_recipient", "reply": "550 No such user", "attempts": 1}
        rows.message(session, campaign, "more@example.net", "failed", db.now(session), **more)
        campaign.failed_count += 1
        campaign.recipients_count += 1
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_see("550 No such user (1×)")
    assert _button(user, "Retry: This mailbox does not exist. We do not mail it again.") is retry
    press(user, retry.props["aria-label"])
    await user.should_see("Send 2 mails that failed for this reason again?")


def _button(user: Browser, name: str) -> ui.button:
    assert user.client is not None
    found = [each for each in user.client.elements.values() if isinstance(each, ui.button)]
    return next(each for each in found if name in (each.text, each.props.get("aria-label")))


async def test_mails_in_doubt_are_settled_by_the_user_after_a_question(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("ended first. It may have arrived, so it is never sent again by itself.")
    press(user, "They were delivered")
    await user.should_see("Were these mails delivered?")
    user.find(marker="confirm").click()
    await eventually(lambda: card_texts(user, "Sent")[1] == "31")
    await user.should_not_see("For 1 mail no answer came")


async def test_mails_in_doubt_are_sent_again_only_after_a_question(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Send again")
    await user.should_see("Send 1 mail in doubt again?")
    await user.should_see("Not now")
    await user.should_see("Whoever received the mail already receives it twice.")
    assert card_texts(user, "Pending")[1] == "1"
    user.find(marker="confirm").click()
    await eventually(lambda: card_texts(user, "Pending")[1] == "2")
    await user.should_not_see("For 1 mail no answer came")


def _refused(user_id: int, states: dict[str, list[str]]) -> int:
    """A campaign that is paused as its mails to web.example were refused."""
    with db.session() as session:
        sender = rows.sender(session, user_id)
        paused = {"status": "paused", "pause_reason": "content", "pause_detail": "550 5.7.1 Blocked"}
        campaign_id = rows.campaign(session, user_id, states, sender_id=sender.id, **paused)
        for message in session.exec(select(Message).where(col(Message.state) == "failed")):
            told = {"kind": "policy", "rule_id": "blocklist", "reply": "550 5.7.1 Blocked"}
            message.sqlmodel_update(told)
            session.add(
                Attempt(message_id=message.id or 0, campaign_id=campaign_id, at=db.now(session), phase="rcpt", **told)
            )
    return campaign_id


async def test_a_campaign_goes_on_without_the_one_domain_that_refuses_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    strict, others = (
        [f"r{number}@{domain}" for number in range(4)] for domain in ("xn--mller-kva.example", "b.example")
    )
    campaign_id = _refused(alice, {"failed": strict[:3], "pending": [*strict[3:], *others]})
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("Paused because three mails were refused for the same reason, all by müller.example.")
    await user.should_see("All at müller.example.")
    press(user, "Go on without müller.example")
    await user.should_see("Go on without müller.example?")
    user.find(marker="confirm").click()
    await eventually(lambda: card_texts(user, "Failed")[1] == "4")
    await user.should_see("Left out: the server of this domain had refused other mails")
    await user.should_see(
        "müller.example is left out, as its server refused this campaign again and again: 1 mail was not sent."
    )
    await user.should_see("Read why, mend it and retry them")
    with db.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert (campaign.status, campaign.pending_count, campaign.failed_count) == ("sending", 4, 4)
    await user.open("/")
    await user.should_see("müller.example is left out, as its server refused")
    await user.should_see(kind=ui.link, content="Open the campaign")
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Cancel")
    await user.should_see("Cancel this campaign?")
    user.find(marker="confirm").click()
    await user.should_see("Read why they failed")  # no mail of a cancelled campaign can be retried


async def test_where_several_domains_refuse_and_nobody_took_it_none_is_offered(user: Browser, sign_in: SignIn) -> None:
    refused = ["a@a.example", "b@b.example", "c@a.example"]
    campaign_id = _refused(sign_in(user), {"failed": refused, "pending": ["d@a.example", "e@c.example"]})
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("Paused because three mails were refused for the same reason. Read it, then resume.")
    await user.should_see("Most at a.example (2), b.example (1).")
    await user.should_not_see("Go on without")


async def test_a_campaign_goes_on_without_all_domains_that_refuse_it(user: Browser, sign_in: SignIn) -> None:
    refused = [f"r@{name}.example" for name in ("xn--mller-kva", "a", "b", "d")]
    states = {"failed": refused, "sent": ["s@c.example"], "pending": ["e@a.example", "f@c.example"]}
    campaign_id = _refused(sign_in(user), states)
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("for the same reason, by a.example, b.example, d.example and 1 more. Read it")
    press(user, "Go on without these 4")
    await user.should_see("Go on without a.example, b.example, d.example and 1 more?")
    user.find(marker="confirm").click()
    await user.should_see("a.example, b.example, d.example and 1 more are left out")
    with db.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert (campaign.status, campaign.pending_count, campaign.failed_count) == ("sending", 1, 5)
