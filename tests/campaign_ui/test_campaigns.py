from nicegui import ui
from nicegui.testing import User as Browser

from core import db, stats
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, texts


def shown(browser: Browser) -> list[str]:
    """The names in the table."""
    return [row["name"] for row in browser.find(ui.table).elements.pop().rows]


async def test_somebody_without_campaigns_gets_one_button_to_begin(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/campaigns")
    await user.should_see("No campaigns yet")
    await user.should_see("New campaign")


async def test_the_list_can_be_reached_by_status_and_page(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        for number in range(30):
            rows.campaign(session, alice, status="draft", name=f"Draft {number}")
        rows.campaign(session, alice, {"sent": ["a@x.io", "b@x.io"]}, opened=1, status="sent", name="Autumn sale")
    await user.open("/campaigns")
    assert len(shown(user)) == 25 and shown(user)[0] == "Autumn sale"
    await user.should_see("Older")
    row = user.find(ui.table).elements.pop().rows[0]
    assert (row["status"], row["done"], row["open_rate"]) == ("Sent", "2 of 2", "50.0 %")
    await user.open("/campaigns?page=2")
    assert shown(user)[-1] == "Draft 0" and len(shown(user)) == 6
    await user.open("/campaigns?status=sent")
    assert shown(user) == ["Autumn sale"]
    await user.open("/campaigns?status=nonsense&page=x")
    assert len(shown(user)) == 25


async def test_duplicate_makes_a_draft_and_delete_asks_first(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, status="sent", name="Autumn sale")
    await user.open("/campaigns")
    user.find(ui.table).trigger("duplicate", campaign_id)
    await eventually(lambda: shown(user) == ["Copy of Autumn sale", "Autumn sale"])
    user.find(ui.table).trigger("remove", campaign_id)
    await user.should_see("Delete this campaign?")
    press(user, "Keep it")
    await user.should_not_see("Delete this campaign?")
    assert len(shown(user)) == 2
    user.find(ui.table).trigger("remove", campaign_id)
    await user.should_see("Delete this campaign?")
    press(user, "Delete")
    await eventually(lambda: shown(user) == ["Copy of Autumn sale"])


async def test_charlie_sees_nothing_of_alice_and_cannot_act_on_it(user: Browser, sign_in: SignIn) -> None:
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = rows.campaign(session, alice, status="sent", name="Autumn sale")
    charlie = sign_in(user, "charlie@example.com")
    with db.session() as session:
        rows.campaign(session, charlie, status="draft", name="Charlie's own")
    await user.open("/campaigns")
    assert shown(user) == ["Charlie's own"] and "Autumn sale" not in texts(user)
    user.find(ui.table).trigger("duplicate", campaign_id)
    await user.should_see("There is no such campaign.")
    user.find(ui.table).trigger("remove", campaign_id)
    await user.should_see("Delete this campaign?")
    press(user, "Delete")
    await user.should_not_see("Delete this campaign?")
    with db.reading() as session:
        assert stats.summary(session, alice, campaign_id).title == "Autumn sale"
        assert len(stats.summaries(session, charlie)) == 1
