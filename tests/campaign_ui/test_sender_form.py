"""The form of a sender: what is typed survives, and what follows from it is said."""

from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from core import db
from core.delivery import senders
from core.models import Sender, SenderState
from tests.campaign_ui.conftest import SignIn, eventually, press, texts
from tests.campaign_ui.senders import field, kept, stored, type_in


async def test_the_form_says_what_the_delay_allows(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("From address")
    type_in(user, Connections=2, Delay=4)
    await user.should_see("With 2 of them at most 30 mails go out a minute.")
    await user.should_not_see("Lower the delay")
    type_in(user, Mails_per_minute=120)
    press(user, "Lower the delay to 1 s")
    assert field(user, "Delay", ui.number).value == 1
    await user.should_not_see("Lower the delay")
    type_in(user, Delay=0)
    await user.should_not_see("of them at most")


async def test_no_delay_is_what_an_empty_field_says(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open(f"/senders?edit={stored(alice, delay_seconds=4.0)}")
    await user.should_see("From address")
    field(user, "Delay", ui.number).set_value(None)
    press(user, "Save")
    await eventually(lambda: kept(alice)[0].delay_seconds == 0)


async def test_the_limit_that_binds_is_named_where_the_delay_does(user: Browser, sign_in: SignIn) -> None:
    stored(sign_in(user), per_minute=120, connections=2, delay_seconds=4.0)
    await user.open("/senders")
    await user.should_see("30 per minute at most: 2 connections with 4 s between mails")
    assert "0 of 30" in texts(user) and "0 of 120" not in texts(user)


async def test_what_is_typed_survives_a_save_that_failed(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("From address")
    type_in(user, Name="News", Host="https://smtp.example.com", Password="canary-pw", Mails_per_minute=0)
    # As leaving the field does: a 0 meant as "no limit" must not become one mail a minute.
    field(user, "Mails per minute", ui.number).sanitize()
    press(user, "Save")
    await user.should_see("Mails per minute must be from 1 to 60,000, or empty for no limit.")
    await user.should_see("Enter only the name of the server")
    await user.should_see("Enter the From address")
    assert field(user, "Password").value == "canary-pw" and kept(user_id) == []
    type_in(user, Host="smtp.example.com", From_address="a@example.com", Mails_per_minute=30)
    press(user, "Save")
    await eventually(lambda: kept(user_id))


async def test_the_form_of_a_blocked_sender_says_why_and_follows(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    sender_id = stored(user_id)
    blocked = {"state_kind": "auth", "state_rule": "auth-phase", "state_reply": "535 5.7.8 <b>Bad</b> credentials"}
    with db.session() as session:
        session.get_one(Sender, sender_id).sqlmodel_update({"state": SenderState.blocked, **blocked})
    await user.open(f"/senders?edit={sender_id}")
    with user:
        [dialog] = ElementFilter(kind=ui.dialog)
        said = [each.text for each in ElementFilter(kind=ui.label).within(instance=dialog)]
    assert "News (Hostinger) refused the sign-in." in " ".join(said) and blocked["state_reply"] in said
    assert any(each.startswith("Its campaigns wait.") for each in said)
    with db.session() as session:
        session.get_one(Sender, sender_id).state = SenderState.ready  # saved in another tab
        db.after_commit(session, lambda: senders.live.publish(user_id, "sender", sender_id))
    await user.should_not_see("535 5.7.8")
    await user.should_see("Edit sender")


async def test_esc_closes_an_untouched_form_and_asks_where_something_is_typed(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    _escape(user)
    await user.should_not_see("Test connection")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Name="News")
    _escape(user)
    await user.should_see("Close without saving?")
    press(user, "Keep it")
    await user.should_not_see("Close without saving?")
    await user.should_see("Test connection")
    _escape(user)
    await user.should_see("Close without saving?")
    press(user, "Close")
    await user.should_not_see("Test connection")


async def test_the_cross_of_a_form_asks_where_something_is_typed(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id)
    await user.open("/senders")
    press(user, "Edit")
    await user.should_see("Edit sender")
    type_in(user, From_name="Anna")
    _press_cross(user)
    await user.should_see("Close without saving?")
    press(user, "Keep it")
    await user.should_not_see("Close without saving?")
    type_in(user, From_name="")
    _press_cross(user)
    await user.should_not_see("Edit sender")


def _press_cross(browser: Browser) -> None:
    """Of the form; the question has a button of that name, too."""
    with browser:
        [cross] = [each for each in ElementFilter(kind=ui.button) if each.props.get("icon") == "close"]
    for listener in list(cross._event_listeners.values()):
        if listener.type == "click":
            cross._handle_event({"listener_id": listener.id, "args": {}})


def _escape(browser: Browser) -> None:
    """What Quasar says of a persistent dialog when Esc is pressed."""
    dialog = next(each for each in browser.find(ui.dialog).elements if each.props.get("aria-label") == "Add sender")
    for listener in list(dialog._event_listeners.values()):
        if listener.type == "shake":
            dialog._handle_event({"listener_id": listener.id, "args": {}})


async def test_a_number_that_names_no_sender_opens_no_form(user: Browser, sign_in: SignIn) -> None:
    stored(sign_in(user))
    for wrong in ("x", "-1", "9" * 30, "²"):
        await user.open(f"/senders?edit={wrong}")
        await user.should_see("Add sender")
        await user.should_not_see("Edit sender")
