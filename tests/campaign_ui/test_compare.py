"""Two campaigns side by side: figures, opens since the start, failures; never those of somebody else."""

from datetime import timedelta

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy import delete, update
from sqlmodel import Session, col

from campaign_ui.parts import comparison
from core import db, live, stats
from core.models import Campaign, CampaignLink, Reading
from core.stats.report import report
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually
from tests.conftest import Stack


def sent(session: Session, user_id: int, name: str, opened: int, hours_ago: float, failed: int = 0) -> int:
    """100 sent so long ago; all opens in the first quarter of an hour."""
    start = (db.now(session) - timedelta(hours=hours_ago)).replace(minute=0, second=0, microsecond=0)
    values = {"status": "sent", "started_at": start, "finished_at": start + timedelta(minutes=40)}
    counts = {"sent_count": 100, "recipients_count": 100 + failed, "failed_count": failed, "opened_count": opened}
    campaign_id = rows.campaign(session, user_id, name=name, **values, **counts)
    session.add(Reading(campaign_id=campaign_id, quarter_at=start, opened_count=opened))
    session.add(CampaignLink(campaign_id=campaign_id, url="https://shop.example/"))
    campaign, now = session.get_one(Campaign, campaign_id), db.now(session)
    for number in range(failed):
        rows.message(session, campaign, f"{name}{number}@x.io", "failed", now, kind="bad_recipient", rule_id="no-user")
    session.flush()
    return campaign_id


def cells(browser: Browser) -> list[list[str]]:
    assert browser.client is not None
    tables = [e for e in browser.client.elements.values() if isinstance(e, ui.table) and e.visible]
    return [[*row.values()] for table in tables for row in table.rows]


async def test_figures_stand_side_by_side_and_move(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        a, b = sent(session, alice, "Diwali", 40, 30), sent(session, alice, "Winter", 25, 3, failed=2)
    await user.open(f"/campaigns/compare?a={a}&b={b}")
    await user.should_see("Opened since the start")
    shown = cells(user)
    assert ["Opened, of sent", "40.0 %", "25.0 %", "−15.0 points"] in shown
    assert ["Clicked, of sent", "0.0 %", "0.0 %", "equal"] in shown
    assert ["Opened after 24 h, of sent", "40.0 %", "–", ""] in shown
    assert ["Failed, of recipients", "0.0 %", "2.0 %", "+2.0 points"] in shown
    assert ["Took", "about 40 min", "about 40 min", ""] in shown
    assert ["This mailbox does not exist. We do not mail it again.", "0", "2", "+2"] in shown
    with db.session() as session:
        session.execute(update(Campaign).where(col(Campaign.id) == b).values(opened_count=60))
        db.after_commit(session, lambda: live.publish(alice, "campaign", b))
    await eventually(lambda: ["Opened, of sent", "40.0 %", "60.0 %", "+20.0 points"] in cells(user))


async def test_what_is_not_counted_is_compared_with_nothing(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        a, b = sent(session, alice, "Diwali", 40, 30), sent(session, alice, "Winter", 0, 30)
        session.get_one(Campaign, b).readers_counted = False
    await user.open(f"/campaigns/compare?a={a}&b={b}")
    await user.should_see("Opened since the start")
    shown = cells(user)
    assert ["Opened, of sent", "40.0 %", "not counted", ""] in shown
    assert ["Clicked, of sent", "0.0 %", "not counted", ""] in shown
    assert ["Opened after 24 h, of sent", "40.0 %", "not counted", ""] in shown
    await user.should_see("Opens, clicks and unsubscribes of B are not counted: BASE_URL was not set")


async def test_clicks_of_a_mail_without_links_are_no_zero(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        a, b = sent(session, alice, "Diwali", 40, 30), sent(session, alice, "Winter", 25, 30)
        session.execute(delete(CampaignLink).where(col(CampaignLink.campaign_id) == b))
    await user.open(f"/campaigns/compare?a={a}&b={b}")
    await user.should_see("Opened since the start")
    assert ["Clicked, of sent", "0.0 %", "no counted links", ""] in cells(user)
    assert ["Opened, of sent", "40.0 %", "25.0 %", "−15.0 points"] in cells(user)


async def test_what_went_to_the_sandbox_is_said_to_be_no_real_reading(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        a, b = sent(session, alice, "Diwali", 40, 30), sent(session, alice, "Played", 60, 30)
        session.get_one(Campaign, a).sender_id = rows.sender(session, alice).id
        session.get_one(Campaign, b).sender_id = rows.sender(session, alice, is_sandbox=True).id
    await user.open(f"/campaigns/compare?a={a}&b={b}")
    await user.should_see("B went to the sandbox: to nobody, and opens may be simulated.")
    await user.should_not_see("BASE_URL")


async def test_a_chart_without_lines_says_why(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        now = db.now(session)
        values = {"status": "sending", "sent_count": 10, "recipients_count": 10}
        a = rows.campaign(session, alice, name="Young", started_at=now - timedelta(minutes=5), **values)
        b = rows.campaign(session, alice, name="Not counted", started_at=now, readers_counted=False, **values)
        c = rows.campaign(session, alice, name="Waits", started_at=now, status="sending")
    await user.open(f"/campaigns/compare?a={a}&b={b}")
    await user.should_see("A: Young: its line begins 15 minutes after its start.")
    await user.should_see("B: Not counted: opens were not counted.")
    await user.open(f"/campaigns/compare?a={a}&b={c}")
    await user.should_see("B: Waits: nothing was sent yet.")
    with db.session() as session:
        session.get_one(Campaign, c).status = "cancelled"
    await user.open(f"/campaigns/compare?a={a}&b={c}")
    await user.should_see("B: Waits: nothing was sent.")


async def test_choosing_the_second_one_shows_both(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        a, b = sent(session, alice, "Diwali", 40, 30), sent(session, alice, "Winter", 25, 3)
        rows.campaign(session, alice, status="draft", name="A draft")
    await user.open(f"/campaigns/compare?a={a}")
    await user.should_see("Which two?")
    assert user.client is not None
    choices = [e for e in user.client.elements.values() if isinstance(e, ui.select)]
    assert [choice.value for choice in choices] == [a, None]
    assert sorted(name.partition(" ·")[0] for name in choices[1].options.values()) == ["Diwali", "Winter"]
    choices[1].set_value(b)
    await user.should_see("Opened since the start")
    await user.should_not_see("Which two?")


@pytest.mark.parametrize("query", ["a={0}", "b={0}", "a={1}&b={0}", "a=99999&b={1}", "a=9{0}999999999999999999"])
async def test_charlie_gets_404_for_alices_campaign_or_an_empty_page(
    user: Browser, sign_in: SignIn, query: str
) -> None:
    with db.session() as session:
        secret = sent(session, rows.user(session), "Secret plans", 40, 30)
    charlie = sign_in(user, "charlie@example.com")
    with db.session() as session:
        own = sent(session, charlie, "Own", 10, 5)
    response = await user.http_client.get("/campaigns/compare?" + query.format(secret, own))
    assert response.status_code == (404 if len(query) < 20 else 200)
    assert "Secret plans" not in response.text
    await user.open("/campaigns/compare")
    assert user.client is not None
    offered = [list(e.options.values()) for e in user.client.elements.values() if isinstance(e, ui.select)]
    assert offered and all(len(names) == 1 and names[0].startswith("Own") for names in offered)


def test_the_course_of_opens_ends_where_time_is(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        number = sent(session, alice, "Winter", 25, 3)
        with pytest.raises(stats.counts.NotFound):
            report(session, charlie, number, "UTC")
        of = report(session, alice, number, "Asia/Kolkata")
    shares = comparison.course("Winter", of).shares
    assert shares[:6] == (0, 25, 25, 25, 25, 25) and shares[-1] is None
