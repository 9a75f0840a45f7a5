"""The rest of a campaign through another sender: where it is offered, what is said before, and that it is undone."""

from datetime import timedelta

import openpyxl
import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import select

from core import campaigns, db
from core.models import Campaign, Message, Sender
from core.stats import workbook
from core.stats.report import report
from tests import rows
from tests.campaign_ui.campaign import make
from tests.campaign_ui.conftest import SignIn, eventually, everything, press, undo


def add(user_id: int, name: str, **values: object) -> int:
    with db.session() as session:
        return (
            rows.sender(session, user_id, **{"name": name, "from_address": f"{name.lower()}@example.net"} | values).id
            or 0
        )


def refuse_sign_in() -> None:
    with db.session() as session:
        sender = session.exec(select(Sender).where(Sender.name == "Hostinger")).one()
        sender.state, sender.state_kind = "blocked", "auth"


def row(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


PAUSED = {"status": "paused", "pause_reason": "auth", "pause_detail": "535 5.7.8 Bad credentials"}


async def test_a_campaign_whose_sender_broke_goes_on_through_another_and_back(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, **PAUSED)
    was = row(campaign_id).sender_id
    refuse_sign_in()
    new = add(alice, "Backup", reply_to="answers@example.net", test_problem="535 no")
    add(alice, "Broken", state="blocked", state_kind="auth")
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Change sender")
    await user.should_see("30 went through Hostinger; nobody gets it twice.")
    for words in (
        "Readers see it from backup@example.net instead of news@example.com. Answers go to answers@example.net.",
        "The last test of Backup failed: 535 no",
        "1 recipient waits. Sent now, it finishes ",
        "The sender Broken is blocked.",
    ):
        assert words in everything(user)
    assert "Broken cannot be chosen" not in everything(user)
    press(user, "Change sender")
    await eventually(lambda: user.notify.contains("The rest goes through Backup. Resume sends it."))
    assert (row(campaign_id).sender_id, row(campaign_id).status) == (new, "paused")
    await user.should_see("30 went through Hostinger; the rest goes through Backup.")
    await undo(user, "The rest goes through Backup")
    await eventually(lambda: row(campaign_id).sender_id == was)
    assert (row(campaign_id).pause_reason, row(campaign_id).pause_detail) == ("auth", "535 5.7.8 Bad credentials")
    await user.should_see("refused the sign-in")


def offers(browser: Browser) -> list[ui.button]:
    """The buttons that are seen."""
    found = browser.find(kind=ui.button, content="Change sender").elements
    return [each for each in found if all(box.visible for box in (each, *each.ancestors()))]


@pytest.mark.parametrize("reason", ["auth", "sender", "throttled", "content", "user"])
async def test_it_is_offered_once(user: Browser, sign_in: SignIn, reason: str) -> None:
    campaign_id = make(sign_in(user), **PAUSED | {"pause_reason": reason})
    refuse_sign_in()
    await user.open(f"/campaigns/{campaign_id}")
    assert len(offers(user)) == 1


async def test_it_is_offered_where_the_sender_waits_and_not_while_all_is_well(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    new = add(alice, "Backup")
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_not_see("Change sender")
    with db.session() as session:
        sender = session.get_one(Sender, row(campaign_id).sender_id)
        sender.state, sender.state_kind, sender.state_reply = "cooling", "quota_day", "452 monthly quota is used up"
        sender.cooling_until = db.now(session) + timedelta(days=9)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Change sender")
    await user.should_see("Readers see it from backup@")
    press(user, "Change sender")
    await eventually(lambda: user.notify.contains("The rest goes through Backup from now on."))
    assert (row(campaign_id).sender_id, row(campaign_id).status) == (new, "sending")
    await user.should_not_see("Change sender")


async def test_another_choice_tells_what_follows_from_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, **PAUSED)
    add(alice, "Backup")
    slow = add(alice, "Slow", per_minute=1, test_problem=None)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Change sender")
    await user.should_see("Readers see it from backup@")
    [chooser] = [each for each in user.find(ui.select).elements if each.props.get("label") == "Send the rest through"]
    chooser.set_value(slow)
    await user.should_see("Readers see it from slow@")
    await user.should_see("Slow was never tested with this account")
    press(user, "Keep it")
    await user.should_not_see("Readers see it from slow@")
    assert row(campaign_id).sender_id != slow


async def test_where_there_is_no_other_the_dialog_says_so_and_why_the_sandbox_is_none(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, **PAUSED)
    add(alice, "Sandbox", is_sandbox=True)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Change sender")
    await user.should_see("You have no other sender that could send the rest.")
    await user.should_see("Sandbox cannot be chosen. A campaign stays in the sandbox, or out of it")
    await user.should_see("Add sender")


async def test_a_strangers_senders_are_not_offered(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, **PAUSED)
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
    add(charlie, "His")
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Change sender")
    await user.should_see("You have no other sender")
    assert "His" not in everything(user)


async def test_page_report_workbook_and_timeline_name_both_senders(
    user: Browser, sign_in: SignIn, tmp_path: object
) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, **PAUSED)
    evil = '=HYPERLINK("http://evil.test")<b>'
    new = add(alice, "=Backup<b>", from_name=evil, from_address="backup@example.net")
    await user.open(f"/campaigns/{campaign_id}/report")
    await user.should_see("From: news@example.com")
    with db.session() as session:
        campaigns.change_sender(session, alice, campaign_id, new)
        session.expire_all()
        rows.message(session, session.get_one(Campaign, campaign_id), "last@example.com", "sent", db.now(session))
    told = f"news@example.com (30 sent), {evil} <backup@example.net> (1 sent)"
    await user.open(f"/campaigns/{campaign_id}/report")
    await user.should_see(f"From: {told}")
    with db.reading() as session, open(f"{tmp_path}/report.xlsx", "wb") as file:
        workbook.write(session, report(session, alice, campaign_id, "Asia/Kolkata"), file)
        first = session.exec(select(Message.id).where(Message.email == "person00@example.com")).one()
        session.get_one(Sender, new).from_address = "news@example.com"
        session.get_one(Sender, new).from_name = ""
        alike = "news@example.com through Hostinger (30 sent), news@example.com through =Backup<b> (1 sent)"
        assert report(session, alice, campaign_id, "Asia/Kolkata").sender == alike
    sheet = openpyxl.load_workbook(f"{tmp_path}/report.xlsx")["Summary"]
    assert [line[1].value for line in sheet.iter_rows() if line[0].value == "From"] == [told]
    recipients = [list(line) for line in openpyxl.load_workbook(f"{tmp_path}/report.xlsx")["Recipients"].values]
    assert recipients[0][-2:] == ["Its code", "Sender"]
    through = {line[0]: line[-1] for line in recipients[1:]}
    assert (through["person00@example.com"], through["last@example.com"]) == ("Hostinger", "'=Backup<b>")
    assert through["carl@example.net"] == "Hostinger" and through["dan@example.com"] is None  # it waits
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("30 went through Hostinger, 1 through =Backup<b>; the rest goes through =Backup<b>.")
    user.find(ui.table).trigger("open", first)
    await user.should_see("through Hostinger")
