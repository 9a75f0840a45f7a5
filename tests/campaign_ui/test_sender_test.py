"""A connection is tested: what is said of it, and what is kept with the sender."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from nicegui.testing import User as Browser

from core import clock, db
from core.delivery import senders
from core.models import Sender, SenderState
from tests.campaign_ui.conftest import Held, SignIn, eventually, press, texts
from tests.campaign_ui.senders import field, kept, stored, type_in
from tests.jobs.receiver import Receiver


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


async def test_a_connection_is_tested_from_the_card(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id, host="127.0.0.1", port=9)
    await user.open("/senders")
    press(user, "Test connection of News")
    await user.should_see("Edit sender")
    await user.should_see("Nothing answers on port 9 of 127.0.0.1.")
