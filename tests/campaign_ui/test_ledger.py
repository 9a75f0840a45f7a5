from datetime import UTC, datetime

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import col, select

from core import db
from core.models import Attempt, Message
from tests import rows
from tests.campaign_ui.campaign import addresses, make, tables
from tests.campaign_ui.conftest import SignIn, eventually, press, texts


async def test_the_ledger_can_be_searched_filtered_and_paged(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    assert len(addresses(user)) == 25
    await user.should_see("1–25 of 33")
    press(user, "Next page")
    await user.should_see("26–33 of 33")
    assert addresses(user)[-1] == "gus@example.com"
    press(user, "First page")
    await user.should_see("1–25 of 33")
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


async def test_an_international_domain_is_shown_and_found_by_its_letters(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        people = ["anna@example.com", "kunde@xn--mller-kva.de"]
        campaign_id = rows.campaign(session, alice, {"failed": people}, sender_id=rows.sender(session, alice).id)
    await user.open(f"/campaigns/{campaign_id}")
    assert addresses(user) == ["anna@example.com", "kunde@müller.de"]
    user.find(ui.input).type("müller")
    await eventually(lambda: addresses(user) == ["kunde@müller.de"])
    open_mail(user, "kunde@müller.de")
    await eventually(lambda: texts(user).count("kunde@müller.de") == 1)


async def test_what_the_ledger_shows_stands_in_the_address(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    with db.reading() as session:
        ids = session.exec(select(Message.id).order_by(col(Message.id))).all()
    everybody = [f"person{number:02d}@example.com" for number in range(25)]
    for query, first, count in (
        ("?state=unknown", "gus@example.com", 1),
        ("?q=person07", "person07@example.com", 1),
        ("?q=example.net", "carl@example.net", 1),
        (f"?state=sent&q=exa&at=%3E%5B%22example.com%22,{ids[24]}%5D&row=26", "person25@example.com", 5),
        ("?state=sent&q=person07@&at=%3E%5B%22example.com%22,1%5D&row=26", "person07@example.com", 1),
        (f"?state=sent&at=%3E%5B{ids[24]}%5D&row=26", "person25@example.com", 5),
        ("?state=nobody&at=%3E%5B%22x%22%5D&row=-4", everybody[0], 25),
        ("?at=%3E%5B99999999999999999999%5D", everybody[0], 25),
        ("?q=person&at=%3E%5B7%5D", everybody[0], 25),
        ("?at=nonsense", everybody[0], 25),
        ("?at=%3E%7B%7D", everybody[0], 25),
    ):
        await user.open(f"/campaigns/{campaign_id}{query}")
        assert (addresses(user)[0], len(addresses(user))) == (first, count), query
    await user.open(f"/campaigns/{campaign_id}?at=%3E%5B{ids[24]}%5D&row=26")
    await user.should_see("26–33 of 33")


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
        failed.reply_code, failed.reply = 554, "5.7.1 Refused"
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Failed")
    await eventually(lambda: addresses(user) == ["carl@example.net"])
    assert tables(user)[0].rows[0]["reply"] == "554 5.7.1 Refused"
    open_mail(user, "carl@example.net")
    await user.should_see("Asked to come back later")
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
    await user.should_see(button)
    press(user, button)
    if asks:
        await user.should_see("If it arrived, it is received twice.")
        user.find(marker="confirm").click()
    await eventually(lambda: addresses(user) == [])
    with db.reading() as session:
        message = session.exec(select(Message).where(col(Message.email) == "gus@example.com")).one()
    assert message.state == state
