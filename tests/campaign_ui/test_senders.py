"""The page of senders: add, mend, delete; the use of their limits; strangers see nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from core import clock, db
from core.delivery import senders, usage
from core.delivery.replies import UNREACHED
from core.models import Campaign, CampaignStatus, Sender, SenderState
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, texts
from tests.campaign_ui.senders import field, kept, stored, type_in


async def test_a_sender_is_added_from_a_preset(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await user.open("/senders")
    await user.should_see("No senders yet")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Provider="hostinger")
    await user.should_see("not that of your Hostinger account")
    assert (field(user, "Host").value, field(user, "Port", ui.number).value) == ("smtp.hostinger.com", 465)
    assert field(user, "Mails per hour", ui.number).value == 200
    type_in(user, Name="News", Username="anna@example.com", Password="canary-pw", From_name="Anna")
    type_in(user, From_address="anna@example.com", Mails_per_day=None)
    press(user, "Save")
    await eventually(lambda: kept(user_id))
    (sender,) = kept(user_id)
    assert (sender.name, sender.security, sender.per_hour, sender.per_day) == ("News", "tls", 200, None)
    assert sender.is_default and senders.password(sender) == "canary-pw"
    await user.should_see("smtp.hostinger.com:465 · TLS")
    await user.should_see("Anna <anna@example.com>")
    assert "canary-pw" not in texts(user)


async def test_an_international_domain_is_shown_with_its_letters_and_kept_as_it_is(
    user: Browser, sign_in: SignIn
) -> None:
    user_id = sign_in(user)
    stored(user_id, from_address="news@xn--mller-kva.de", reply_to="post@xn--mller-kva.de")
    await user.open("/senders")
    await user.should_see("news@müller.de")
    await user.should_see("Answers to post@müller.de")
    press(user, "Edit")
    await user.should_see("Edit sender")
    assert (field(user, "From address").value, field(user, "Reply-To").value) == ("news@müller.de", "post@müller.de")
    type_in(user, Name="Weekly")
    press(user, "Save")
    await eventually(lambda: kept(user_id)[0].name == "Weekly")
    assert (kept(user_id)[0].from_address, kept(user_id)[0].reply_to) == (
        "news@xn--mller-kva.de",
        "post@xn--mller-kva.de",
    )


async def test_a_card_says_why_a_sender_waits_and_follows_live(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user, time_zone="Asia/Kolkata")
    sender_id = stored(user_id, reply_to="answers@example.com", per_hour=200)
    stored(user_id, name="Other")
    await user.open("/senders")
    await user.should_see("Ready, not tested")
    await user.should_see("200 per hour")
    await user.should_see("Answers to answers@example.com")
    with user:
        other = [each for each in ElementFilter(kind=ui.element) if each.props.get("aria-label") == "Other"]
    until = clock.utcnow() + timedelta(minutes=30)
    with db.session() as session:
        sender = session.get_one(Sender, sender_id)
        sender.state, sender.cooling_until = SenderState.cooling, until
        sender.state_kind, sender.state_rule, sender.state_reply = "quota_hour", "hostinger-out", "451 4.7.1 Ratelimit"
        db.after_commit(session, lambda: senders.live.publish(user_id, "sender", sender_id))
    await user.should_see(f"Cooling until {clock.say(until, 'Asia/Kolkata')}")
    await user.should_see("Hostinger limits how many mails you may send per hour. We wait.")
    await user.should_see("451 4.7.1 Ratelimit")
    with db.session() as session:
        sender = session.get_one(Sender, sender_id)
        sender.state, sender.state_kind, sender.state_rule = SenderState.blocked, "auth", "auth-phase"
        db.after_commit(session, lambda: senders.live.publish(user_id, "sender", sender_id))
    await user.should_see("Blocked")
    await user.should_see("News (Hostinger) refused the sign-in.")
    assert other and not any(each.is_deleted for each in other)  # its buttons can be pressed all the while


async def test_a_server_that_is_not_reached_is_not_said_to_have_answered(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user, time_zone="Asia/Kolkata")
    sender_id, until = stored(user_id), clock.utcnow() + timedelta(minutes=30)
    words = {"state_rule": UNREACHED, "state_reply": "Nothing answers on port 587 of smtp.hostinger.com."}
    with db.session() as session:
        waits = {"state": SenderState.cooling, "cooling_until": until, "cooldown_step": 1, "state_kind": "temporary"}
        session.get_one(Sender, sender_id).sqlmodel_update(waits | words)
    await user.open("/senders")
    await user.should_see("Not reached")
    await user.should_see(f"Next try {clock.say(until, 'Asia/Kolkata')}")
    await user.should_see("News (Hostinger) cannot be reached, so nothing is sent. We try again by ourselves.")
    await user.should_see("Nothing answers on port 587 of smtp.hostinger.com.")
    await user.should_see("Correct its host, port or security where they are wrong, and test the connection.")
    assert "own words" not in texts(user)
    with db.session() as session:
        row = session.get_one(Sender, sender_id)
        lease = {"owner": "w", "lease_until": clock.utcnow() + timedelta(minutes=1)}
        row.sqlmodel_update({"state": SenderState.ready, "cooling_until": None, **lease})  # it is tried
        db.after_commit(session, lambda: senders.live.publish(user_id, "sender", sender_id))
    await user.should_not_see("Next try")
    await user.should_see("Not reached")


async def test_the_use_of_the_limits_moves_while_mails_go_out(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    sender_id = stored(user_id, per_hour=200)
    await user.open("/senders")
    await user.should_see("0 of 200")
    with db.session() as session:
        usage.record(session, sender_id, db.now(session), 12)
        db.after_commit(session, lambda: senders.live.publish(user_id, "campaign", 1))
    await user.should_see("12 of 200")


@pytest.mark.parametrize("path", ["/senders", "/"])
async def test_the_use_of_the_last_minute_falls_by_the_clock_though_nothing_is_told(
    user: Browser, sign_in: SignIn, path: str
) -> None:
    user_id = sign_in(user)
    sender_id = stored(user_id, per_minute=240, delay_seconds=0.0)
    with db.session() as session:
        usage.record(session, sender_id, db.now(session) - timedelta(seconds=60), 120)
        usage.record(session, sender_id, db.now(session), 120)
        rows.campaign(session, user_id, {"sent": ["a@x.io"]}, sender_id=sender_id)
    await user.open(path)
    await user.should_not_see("0 of 240")
    db.clock_offset += timedelta(minutes=2)
    await user.should_see("0 of 240")


async def test_deleting_asks_and_says_when_the_sender_is_used(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    sender_id = stored(user_id)
    with db.session() as session:
        campaign_id = rows.campaign(
            session, user_id, sender_id=sender_id, status=CampaignStatus.scheduled, name="Spring"
        )
    await user.open("/senders")
    press(user, "Delete News")
    await user.should_not_see("Delete News?")
    await user.should_see("News is used by “Spring”")
    with db.session() as session:
        session.get_one(Campaign, campaign_id).status = CampaignStatus.sent
    press(user, "Delete News")
    await user.should_see("Delete News?")
    press(user, "Delete")
    await eventually(lambda: kept(user_id) == [])
    await user.should_see("No senders yet")


async def test_another_sender_is_made_the_default(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id)
    stored(user_id, name="Weekly")
    await user.open("/senders")
    press(user, "Make default")
    await eventually(lambda: kept(user_id)[0].name == "Weekly")
    await user.should_see("New campaigns begin with Weekly.")


async def test_which_sender_is_the_default_is_said_where_that_changes(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    with db.session() as session:
        senders.add_sandbox(session, user_id)
    await user.open("/senders")
    for name, said in (
        ("News", "Saved. It is your default: new campaigns begin with it."),
        ("Weekly", "Saved. New campaigns still begin with News; “Make default” changes that."),
    ):
        press(user, "Add sender")
        await user.should_see("From address")
        type_in(user, Name=name, Host="smtp.example.com", From_address="a@example.com")
        press(user, "Save")
        await user.should_see(said)
        await user.should_not_see("From address")
    for name, said in (("News", "Deleted. New campaigns begin with Weekly now."), ("Weekly", "with Sandbox now.")):
        press(user, f"Delete {name}")
        await user.should_see(f"Delete {name}?")
        press(user, "Delete")
        await user.should_see(said)
        await eventually(lambda name=name: name not in texts(user))  # type: ignore[misc]  # its card is gone, and the buttons are those of the others
    assert [sender.name for sender in kept(user_id) if sender.is_default] == ["Sandbox"]


async def test_the_sandbox_says_that_it_reaches_nobody(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    with db.session() as session:
        senders.add_sandbox(session, user_id)
    await user.open("/senders")
    await user.should_see("Kept on this machine; reaches nobody")
    await user.should_not_see("Delete Sandbox")
    press(user, "Edit")
    await user.should_see("This sender reaches nobody")
    type_in(user, From_name="Alice")
    press(user, "Save")
    await eventually(lambda: kept(user_id)[0].from_name == "Alice")


async def test_charlie_sees_nothing_of_alice(create_user: Callable[[], Browser], sign_in: SignIn) -> None:
    alice, charlie = create_user(), create_user()
    stored(sign_in(alice, "alice@example.com"), name="Secret sender")
    sign_in(charlie, "charlie@example.com")
    await charlie.open("/senders")
    await charlie.should_see("No senders yet")
    assert "Secret sender" not in texts(charlie)


async def test_a_sender_that_is_mended_names_the_campaigns_that_it_paused(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    sender_id, other = stored(user_id), stored(user_id, name="Weekly")
    paused = {"status": "paused", "pause_reason": "auth", "pause_detail": "535 5.7.8 no"}
    with db.session() as session:
        session.get_one(Sender, sender_id).sqlmodel_update({"state": "blocked", "state_kind": "auth"})
        sale = rows.campaign(
            session, user_id, {"pending": ["a@x.io"]}, name="Winter sale", sender_id=sender_id, **paused
        )
        rows.campaign(session, user_id, {}, name="Not mine", sender_id=other, **paused)
        mine = paused | {"pause_reason": "user"}
        rows.campaign(session, user_id, {}, name="By me", sender_id=sender_id, **mine)
    await user.open("/senders")
    await user.should_see("Then resume those that were paused.")
    await mend(user, sender_id, "Saved. Winter sale is paused: resume it.")
    with db.session() as session:
        assert session.get_one(Campaign, sale).status == "paused"
        rows.campaign(session, user_id, {}, name="Spring sale", sender_id=sender_id, **paused)
    await mend(user, sender_id, "Saved. 2 campaigns are paused: resume those that shall go on.")
    await user.open(f"/campaigns/{sale}")
    await user.should_see("Paused when News refused the sign-in; the sender was changed since. Resume it.")
    await user.should_not_see("535 5.7.8 no")
    press(user, "Resume")
    await user.should_see("Sending goes on.")


async def mend(browser: Browser, sender_id: int, said: str) -> None:
    await browser.open(f"/senders?edit={sender_id}")
    type_in(browser, Password="right")
    press(browser, "Save")
    await eventually(lambda: said in browser.notify.messages)
