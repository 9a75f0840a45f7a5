"""The page of senders: add, test, mend, delete; typed values survive; strangers see nothing."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from core import clock, db
from core.delivery import senders, usage
from core.delivery.replies import UNREACHED
from core.models import Campaign, CampaignStatus, Sender, SenderState
from tests import rows
from tests.campaign_ui.conftest import Held, SignIn, eventually, press, texts
from tests.jobs.receiver import Receiver

GOOD = senders.Values(
    name="News", host="smtp.hostinger.com", username="anna", password="canary-pw", from_address="anna@example.com"
)


@pytest.fixture
def smtp_port() -> Iterator[int]:
    """A server of this machine that accepts only the password "right"."""

    class Server(Controller):
        def _trigger_server(self) -> None:
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    def check(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
        right = data.password == b"right"
        return AuthResult(
            success=right, handled=False, message=None if right else f"535 5.7.8 no {data.login.decode()}"
        )

    server = Server(object(), hostname="127.0.0.1", port=0, authenticator=check, auth_require_tls=False)
    server.start()
    yield int(server.port)
    server.stop()


def field(browser: Browser, label: str, kind: type[Any] = ui.input) -> Any:
    with browser:
        found = [each for each in ElementFilter(kind=kind) if each.props.get("label") == label]
    return found[-1]


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


def type_in(browser: Browser, **values: Any) -> None:
    """``From_name="Anna"``: an underscore stands for a space."""
    numbers = {"Port", "Mails per minute", "Mails per hour", "Mails per day", "Connections", "Batch size", "Delay"}
    for name, value in values.items():
        label = name.replace("_", " ")
        kind = ui.select if label in ("Security", "Provider") else ui.number if label in numbers else ui.input
        with browser:
            field(browser, label, kind).value = value


def stored(user_id: int, **changes: Any) -> int:
    with db.session() as session:
        sender_id = senders.create(session, user_id, replace(GOOD, **changes)).id
    assert sender_id is not None
    return sender_id


def kept(user_id: int) -> list[Sender]:
    with db.reading() as session:
        return senders.list_all(session, user_id)


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


async def test_the_connection_is_tested_before_saving(user: Browser, sign_in: SignIn, smtp_port: int) -> None:
    user_id = sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Host="127.0.0.1", Port=smtp_port, Security="none", Username="anna-x", Password="wrong")
    press(user, "Test connection")
    await user.should_see("refused the sign-in")
    await user.should_see("535 5.7.8 no …")
    type_in(user, Password="right")
    press(user, "Test connection")
    await user.should_see("Signed in to 127.0.0.1. This sender can send.")
    assert kept(user_id) == [] and field(user, "Host").value == "127.0.0.1"


async def test_what_a_test_found_is_kept_with_the_sender(user: Browser, sign_in: SignIn, smtp_port: int) -> None:
    user_id = sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Host="127.0.0.1", Port=smtp_port, Security="none", Username="anna-x", Password="right", Name="News")
    press(user, "Test connection")
    await user.should_see("This sender can send.")
    type_in(user, From_address="a@example.com")
    press(user, "Save")
    await user.should_see("Ready")
    assert kept(user_id)[0].test_problem == ""
    press(user, "Edit")
    await user.should_see("Edit sender")
    type_in(user, Password="wrong")
    press(user, "Save")
    await user.should_see("Ready, not tested")
    press(user, "Test connection of News")
    await user.should_see("The last test failed: 127.0.0.1 refused the sign-in.")
    await user.should_see("Test failed")
    assert "refused the sign-in" in (kept(user_id)[0].test_problem or "")


async def test_a_connection_without_a_sign_in_proves_nothing(user: Browser, sign_in: SignIn, smtp_port: int) -> None:
    user_id = sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Host="127.0.0.1", Port=smtp_port, Security="none", Name="News", From_address="a@example.com")
    press(user, "Test connection")
    await user.should_see("No username is set, so no sign-in was tried. A test mail tells whether it takes mail.")
    press(user, "Save")
    await user.should_see("Ready, not tested")
    assert kept(user_id)[0].test_problem is None
    press(user, "Test connection of News")
    await user.should_see("no sign-in was tried")
    await user.should_see("Ready, not tested")
    assert kept(user_id)[0].test_problem is None


async def test_a_server_that_is_busy_says_nothing_of_a_sender(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    with Receiver(lambda phase, _: "421 4.3.2 Too many connections" if phase == "connect" else None) as busy:
        sender_id = stored(user_id, host="127.0.0.1", port=busy.port, security="none")
        await user.open("/senders")
        press(user, "Test connection of News")
        await user.should_see("421 4.3.2 Too many connections")
        press(user, "Save")
        await user.should_not_see("Edit sender")
        assert [(each.id, each.test_problem) for each in kept(user_id)] == [(sender_id, None)]


async def test_a_test_of_what_was_not_saved_says_nothing_of_what_is_kept(
    user: Browser, sign_in: SignIn, smtp_port: int
) -> None:
    user_id = sign_in(user)
    stored(user_id, host="127.0.0.1", port=smtp_port, security="none", password="wrong")
    await user.open("/senders")
    press(user, "Edit")
    await user.should_see("Edit sender")
    type_in(user, Password="right")
    press(user, "Test connection")
    await user.should_see("This sender can send.")
    assert kept(user_id)[0].test_problem is None
    type_in(user, Password="other")
    press(user, "Save")
    await user.should_not_see("Edit sender")
    assert kept(user_id)[0].test_problem is None


async def test_the_result_of_a_test_goes_when_what_was_tested_is_changed(
    user: Browser, sign_in: SignIn, smtp_port: int
) -> None:
    sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Host="127.0.0.1", Port=smtp_port, Security="none", Username="anna-x", Password="right")
    for change in ({"Host": "localhost"}, {"Username": "anna"}, {"Password": "wrong"}, {"From_address": "a@x.io"}):
        press(user, "Test connection")
        await user.should_see("This sender can send.")
        type_in(user, Name=f"News {change}")
        assert "This sender can send." in texts(user)
        type_in(user, **change)
        await user.should_not_see("This sender can send.")
        type_in(user, Host="127.0.0.1", Username="anna-x", Password="right")


async def test_a_test_says_nothing_of_what_was_changed_while_it_went_on(
    user: Browser, sign_in: SignIn, smtp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = sign_in(user)
    stored(user_id, host="127.0.0.1", port=smtp_port, security="none", password="right")
    await user.open("/senders")
    press(user, "Edit")
    await user.should_see("Edit sender")
    testing = Held(monkeypatch, senders, "may_use_kept_password")
    press(user, "Test connection")
    await eventually(testing.begun.is_set)
    type_in(user, Password="wrong")
    testing.go_on.set()
    await user.should_see("You changed what was tested meanwhile. Test again.")
    assert "This sender can send." not in texts(user)


async def test_a_kept_password_is_used_for_the_test_and_never_shown(
    user: Browser, sign_in: SignIn, smtp_port: int
) -> None:
    user_id = sign_in(user)
    stored(user_id, host="127.0.0.1", port=smtp_port, security="none", password="right")
    await user.open("/senders")
    press(user, "Edit")
    await user.should_see("Edit sender")
    assert field(user, "Password").value in (None, "")
    press(user, "Test connection")
    await user.should_see("This sender can send.")
    type_in(user, Host="localhost")
    press(user, "Test connection")
    await user.should_see("Enter the password again")
    type_in(user, Name="Weekly", Host="127.0.0.1")
    press(user, "Save")
    await eventually(lambda: kept(user_id)[0].name == "Weekly")
    assert senders.password(kept(user_id)[0]) == "right"


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


async def test_a_sender_that_waits_is_not_said_to_send(user: Browser, sign_in: SignIn, smtp_port: int) -> None:
    user_id = sign_in(user, time_zone="Asia/Kolkata")
    sender_id = stored(user_id, host="127.0.0.1", port=smtp_port, security="none", password="right")
    until = clock.utcnow() + timedelta(minutes=30)
    with db.session() as session:
        sender = session.get_one(Sender, sender_id)
        sender.state, sender.cooling_until, sender.state_kind = SenderState.cooling, until, "quota_hour"
    await user.open("/senders")
    press(user, "Test connection of News")
    await user.should_see("Signed in to 127.0.0.1. The server takes mail.")
    await user.should_see(f"This sender waits until {clock.say(until, 'Asia/Kolkata')}: ")
    assert "can send" not in texts(user)
    with db.session() as session:
        sender = session.get_one(Sender, sender_id)
        sender.state, sender.state_kind, sender.state_rule = SenderState.blocked, "auth", "auth-phase"
    press(user, "Test connection")
    await user.should_see("This sender sends nothing until you save it: ")
    await user.should_see("refused the sign-in.")
    assert "can send" not in texts(user)


async def test_a_slow_test_shows_that_it_goes_on(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    with socket.create_server(("127.0.0.1", 0)) as door:
        type_in(user, Host="127.0.0.1", Port=door.getsockname()[1])
        press(user, "Test connection")
        await user.should_see("Connecting to 127.0.0.1…")
        guest, _ = door.accept()
    guest.close()
    await user.should_see("closed the connection")


async def test_a_closed_port_is_said_in_a_sentence(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Host="127.0.0.1", Port=port)
    press(user, "Test connection")
    await user.should_see(f"Nothing answers on port {port} of 127.0.0.1")


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


async def test_a_connection_is_tested_from_the_card(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id, host="127.0.0.1", port=9)
    await user.open("/senders")
    press(user, "Test connection of News")
    await user.should_see("Edit sender")
    await user.should_see("Nothing answers on port 9 of 127.0.0.1.")


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


async def test_a_number_that_names_no_sender_opens_no_form(user: Browser, sign_in: SignIn) -> None:
    stored(sign_in(user))
    for wrong in ("x", "-1", "9" * 30, "²"):
        await user.open(f"/senders?edit={wrong}")
        await user.should_see("Add sender")
        await user.should_not_see("Edit sender")


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
