"""Sign with DKIM on the page of senders: keys are made, checked, switched on and off, replaced and deleted."""

from typing import Any

import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from sqlmodel import select

from core import db
from core.delivery import dkim_keys, dkim_record
from core.delivery.dkim_keys import Key
from core.models import DkimKey
from tests.campaign_ui.conftest import SignIn, eventually, press, texts
from tests.core.delivery.nameserver import nameserver
from tests.jobs import world


def keys(user_id: int) -> tuple[Key, ...]:
    with db.reading() as session:
        [domain] = dkim_keys.domains(session, user_id)
        return domain.keys


def flip(browser: Browser, name: str) -> None:
    with browser:
        [switch] = [each for each in ElementFilter(kind=ui.switch) if each.props.get("aria-label") == name]
        switch.value = not switch.value


async def open_dialog(browser: Browser, user_id: int) -> None:
    world.add_sender(user_id, 25, from_address="news@example.com")
    await browser.open("/senders")
    await browser.should_see("Not signed here")
    press(browser, "Set up DKIM of example.com")
    await browser.should_see("Make keys")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``ask(resolver)``: the name server that is asked."""
    real = dkim_record.look

    def use(resolver: Any) -> None:
        monkeypatch.setattr(dkim_record, "look", lambda key: real(key, resolver))

    return use


async def test_keys_are_made_checked_and_switched_on(user: Browser, sign_in: SignIn, ask: Any) -> None:
    user_id = sign_in(user)
    await open_dialog(user, user_id)
    press(user, "Make keys")
    await user.should_see("._domainkey.example.com")
    rsa, ed25519 = keys(user_id)
    for text in (rsa.name, rsa.value, ed25519.name, ed25519.value):
        await user.should_see(text)
    with nameserver({rsa.name: [rsa.quoted]}) as resolver:
        ask(resolver)
        press(user, "Check the Ed25519 record")
        await user.should_see("The record is not there yet.")
        press(user, "Check the RSA record")
        await user.should_see("The record is right")
        flip(user, "Sign with the RSA key")
        await user.should_see("Mails are signed with this key from now on.")
        await eventually(lambda: keys(user_id)[0].is_active)
    await user.should_see("Signed")
    assert not keys(user_id)[1].is_active
    flip(user, "Sign with the RSA key")
    await eventually(lambda: not keys(user_id)[0].is_active)
    await user.should_see("Switched off")
    with db.reading() as session:
        sealed = [row.private_sealed for row in session.exec(select(DkimKey))]
    everything = texts(user) + "".join(str(element.props) for element in user.client.elements.values())  # type: ignore[union-attr]
    assert "PRIVATE" not in everything and not [secret for secret in sealed if secret in everything]


async def test_an_international_domain_has_letters_and_its_records_have_none(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    world.add_sender(user_id, 25, from_address="news@xn--mller-kva.de")
    await user.open("/senders")
    await user.should_see("Not signed here")
    press(user, "Set up DKIM of müller.de")
    await user.should_see("really from müller.de")
    press(user, "Make keys")
    await user.should_see("to the DNS of müller.de")
    await user.should_see("leave “.xn--mller-kva.de” away")
    assert all(key.name.endswith("._domainkey.xn--mller-kva.de") for key in keys(user_id))
    for key in keys(user_id):
        await user.should_see(key.name)


async def test_replacing_and_deleting_ask_first(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await open_dialog(user, user_id)
    press(user, "Make keys")
    await user.should_see("Replace keys")
    before = keys(user_id)
    press(user, "Replace keys")
    await user.should_see("Mails go out without a signature until")
    press(user, "Keep it")
    await user.should_not_see("Mails go out without a signature until")
    assert keys(user_id) == before
    press(user, "Replace keys")
    await user.should_see("Mails go out without a signature until")
    press(user, "Replace")
    await eventually(lambda: keys(user_id) != before)
    await user.should_see(keys(user_id)[0].name)
    press(user, "Delete keys")
    await user.should_see("take the records away")
    press(user, "Delete")
    await eventually(lambda: keys(user_id) == ())
    await user.should_see("Make keys")


async def test_a_stranger_sees_no_domain_and_no_key(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    world.add_sender(alice, 25, from_address="news@example.com")
    with db.session() as session:
        dkim_keys.keep(session, alice, "example.com", dkim_keys.new_pairs())
    sign_in(user, "charlie@charlie.example")
    await user.open("/senders")
    await user.should_see("No senders yet")
    assert "example.com" not in texts(user) and "cm2" not in texts(user)
    await user.should_not_see("Sign with DKIM")
