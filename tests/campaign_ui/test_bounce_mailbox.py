"""The bounce mailbox in a sender's form and on its card."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import select

from core import clock, db
from core.delivery import bounce_mailbox, senders
from core.delivery.bounce_mailbox import Values
from core.models import BounceMailbox, MessageState
from core.tracking import bounces
from core.tracking.returned import BOUNCE, COMPLAINT, Failure, Returned
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, texts
from tests.campaign_ui.senders import field, stored, type_in
from tests.jobs.dovecot import PASSWORD, USER, Mailbox, dovecot


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with dovecot() as made:
        yield made


def kept() -> list[BounceMailbox]:
    with db.reading() as session:
        return list(session.exec(select(BounceMailbox)))


def type_mailbox(browser: Browser, host: str, port: int, security: str = "none") -> None:
    for label, kind, value in (
        ("Mailbox host", ui.input, host),
        ("Mailbox port", ui.number, port),
        ("Mailbox security", ui.select, security),
    ):
        with browser:
            field(browser, label, kind).value = value


def switch(browser: Browser, text: str, value: bool) -> None:
    assert browser.client is not None
    [found] = [e for e in browser.client.elements.values() if isinstance(e, ui.switch) and e.text == text]
    with browser:
        found.value = value


async def test_the_mailbox_is_guessed_from_the_preset_and_saved_with_the_sender(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    await user.should_not_see("Mailbox host")
    type_in(user, Provider="hostinger")
    switch(user, "Read bounces from a mailbox", True)
    await user.should_see("Mailbox host")
    assert (field(user, "Mailbox host").value, field(user, "Mailbox port", ui.number).value) == (
        "imap.hostinger.com",
        993,
    )
    type_in(user, Name="News", Username="anna", Password="canary-pw", From_address="anna@example.com")
    press(user, "Save")
    await eventually(kept)
    [row] = kept()
    assert (row.host, row.security, row.same_sign_in, row.password_sealed) == ("imap.hostinger.com", "tls", True, "")
    await user.should_see("Bounces: not checked yet")
    with db.reading() as session:
        assert list(bounce_mailbox.list_all(session, user_id)) == [row.sender_id]


async def test_a_provider_that_only_sends_says_where_its_bounces_arrive(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, Provider="ses")
    switch(user, "Read bounces from a mailbox", True)
    await user.should_see("This provider only sends.")
    press(user, "Save")
    await eventually(lambda: field(user, "Mailbox host").error)
    assert field(user, "Mailbox username").error and not kept()
    type_in(user, Provider="microsoft365")
    await user.should_see("lets no program read a mailbox with a password")


async def test_the_mailbox_is_tried_with_what_is_typed_and_says_what_is_wrong(
    user: Browser, sign_in: SignIn, box: Mailbox
) -> None:
    user_id = sign_in(user)
    stored(user_id)
    await user.open("/senders")
    press(user, "Edit")
    await user.should_see("Test connection")
    switch(user, "Read bounces from a mailbox", True)
    switch(user, "Same sign-in as for sending", False)
    type_mailbox(user, "127.0.0.1", box.port)
    type_in(user, Mailbox_username=USER, Mailbox_password="canary wrong")
    press(user, "Test mailbox")
    await eventually(lambda: "refused the username or the password" in texts(user), 10)
    await user.should_see("AUTHENTICATIONFAILED")
    type_in(user, Mailbox_password=PASSWORD)
    press(user, "Test mailbox")
    await eventually(lambda: "Signed in to 127.0.0.1. INBOX has 0 mails." in texts(user), 10)
    assert not kept()  # tried, not saved
    press(user, "Save")
    await eventually(lambda: "Bounces: not checked yet" in texts(user), 10)
    press(user, "Check the mailbox INBOX on 127.0.0.1 for bounces now")
    await eventually(lambda: "Bounces: last checked " in texts(user), 10)
    await user.should_see("Checked: no new bounces in no new mails.")
    assert PASSWORD not in texts(user) and "canary" not in texts(user)


async def test_a_mailbox_that_cannot_be_read_tells_why_on_the_card(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    sender_id = stored(user_id)
    with db.session() as session:
        values = Values("imap.example.com", same_sign_in=False, username="anna", password="canary-pw")
        bounce_mailbox.save(session, user_id, sender_id, values)
        row = session.get_one(BounceMailbox, sender_id)
        row.checked_at = db.now(session) - timedelta(minutes=6)
        row.bounced_count, row.complained_count = 1200, 1
        row.error, row.error_reply = "imap.example.com stopped answering. We try again.", "BYE <b>later</b>"
        row.next_check_at = db.now(session) + timedelta(minutes=10)
        shown = f"{clock.to_zone(row.checked_at, 'Asia/Kolkata'):%H:%M} IST"
    await user.open("/senders")
    await user.should_see("imap.example.com stopped answering. We try again.")
    await user.should_see("BYE <b>later</b>")
    await user.should_see("Next try ")
    assert f"{shown}, 1,200 bounces, 1 complaint" in texts(user)


async def test_the_campaigns_page_tells_how_many_bounced_and_complained(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    with db.session() as session:
        campaign_id, (first, second) = rows.sent_campaign(session, user_id, [MessageState.sent] * 2)
        dead = Failure(frozenset({"r0@example.com"}), "5.1.1", "550 5.1.1 <b>No such user</b> here")
        bounces.record(session, user_id, Returned(BOUNCE, first, (dead,)))
        bounces.record(session, user_id, Returned(COMPLAINT, second))
    await user.open(f"/campaigns/{campaign_id}")
    await eventually(lambda: "1 bounced · 1 reported as spam" in texts(user))
    await eventually(lambda: "5.1.1 <b>No such user</b> here" in texts(user))


async def test_a_stranger_sees_no_mailbox_and_switching_it_off_forgets_it(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    sender_id = stored(user_id)
    with db.session() as session:
        values = Values("imap.example.com", same_sign_in=False, username="anna", password="canary-pw")
        bounce_mailbox.save(session, user_id, sender_id, values)
    sign_in(user, "charlie@example.com")
    await user.open("/senders")
    await user.should_not_see("Bounces:")
    sign_in(user)
    await user.open("/senders")
    await user.should_see("Bounces: not checked yet")
    press(user, "Edit")
    await user.should_see("Mailbox host")
    switch(user, "Read bounces from a mailbox", False)
    press(user, "Save")
    await eventually(lambda: not kept())
    await user.should_not_see("Bounces:")
    with db.reading() as session:
        assert senders.get(session, user_id, sender_id).name == "News"
