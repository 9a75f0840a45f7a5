from datetime import timedelta
from typing import Any

import pytest
from nicegui import app, background_tasks, ui
from nicegui.testing import User as Browser

from core import db, stats
from tests import rows
from tests.campaign_ui.conftest import Held, SignIn, eventually, press, texts, undo


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
    await user.should_see("Next")
    row = user.find(ui.table).elements.pop().rows[0]
    assert (row["status"], row["done"], row["open_rate"]) == ("Sent", "2 of 2 done · 100 %", "50 %")
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
    await user.should_see("Delete the campaign “Autumn sale”?")
    press(user, "Keep it")
    await user.should_not_see("Delete the campaign “Autumn sale”?")
    assert len(shown(user)) == 2
    user.find(ui.table).trigger("remove", campaign_id)
    await user.should_see("Delete the campaign “Autumn sale”?")
    press(user, "Delete")
    await eventually(lambda: shown(user) == ["Copy of Autumn sale"])
    await undo(user, "The campaign was deleted.")
    await eventually(lambda: shown(user) == ["Copy of Autumn sale", "Autumn sale"])


async def test_a_copy_can_be_opened_and_a_draft_is_named_when_it_is_deleted(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, told = sign_in(user), []
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, status="sent", name="Autumn sale")
    await user.open("/campaigns")
    kind = type(user.notify)
    say = kind.__call__

    def note(self: Any, words: str, **options: Any) -> None:
        told.append((words, options.get("href")))
        say(self, words, **options)

    monkeypatch.setattr(kind, "__call__", note)
    user.find(ui.table).trigger("duplicate", campaign_id)
    await eventually(lambda: told == [("A copy is among your drafts.", f"/campaigns/{campaign_id + 1}/edit")])
    await eventually(lambda: shown(user) == ["Copy of Autumn sale", "Autumn sale"])
    user.find(ui.table).trigger("remove", campaign_id + 1)
    await user.should_see("Delete the draft “Copy of Autumn sale”?")
    await user.should_see("Nothing of it was sent.")


async def test_a_scheduled_campaign_comes_back_as_a_draft_and_the_page_says_so(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        rows.campaign(session, alice, status="sent", name="Spring sale")
        at = db.now(session) + timedelta(hours=2)
        campaign_id = rows.campaign(session, alice, status="scheduled", name="Autumn sale", scheduled_at=at)
    await user.open("/campaigns")
    user.find(ui.table).trigger("remove", campaign_id)
    await user.should_see("Delete the campaign “Autumn sale”?")
    press(user, "Delete")
    await eventually(lambda: shown(user) == ["Spring sale"])
    await undo(user, "The campaign was deleted.")
    said = "It is back as a draft. Nothing is sent before you schedule it."
    await eventually(lambda: said in user.notify.messages)
    await eventually(lambda: [row["status"] for row in user.find(ui.table).elements.pop().rows] == ["Draft", "Sent"])


async def test_the_list_is_searched_and_sorted_by_its_address(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        for name, opened in (("Beta 100%", 0), ("alpha", 1), ("Gamma", 2)):
            rows.campaign(session, alice, {"sent": ["a@x.io", "b@x.io"]}, opened=opened, status="sent", name=name)
    for query, names in (
        ("", ["Gamma", "alpha", "Beta 100%"]),
        ("?sort=name", ["alpha", "Beta 100%", "Gamma"]),
        ("?sort=opened", ["Gamma", "alpha", "Beta 100%"]),
        ("?sort=oldest&q=A", ["Beta 100%", "alpha", "Gamma"]),
        ("?q=00%25", ["Beta 100%"]),
        ("?sort=drop+table", ["Gamma", "alpha", "Beta 100%"]),
    ):
        await user.open(f"/campaigns{query}")
        assert shown(user) == names, query
    await user.open("/campaigns?q=nothing")
    await user.should_see("No campaign has these words in its name or subject.")
    await user.open("/campaigns")
    user.find("Search campaigns").type("gam")
    await eventually(lambda: shown(user) == ["Gamma"])


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


async def test_a_tab_that_is_closed_during_a_search_is_left_alone(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        rows.campaign(session, alice)
    await user.open("/campaigns")
    assert user.client is not None
    told: list[Exception] = []
    monkeypatch.setattr(app, "handle_exception", told.append)
    searching = Held(monkeypatch, stats, "summaries")
    before = set(background_tasks.running_tasks)
    user.find("Search campaigns").type("November")
    await eventually(searching.begun.is_set)
    user.client.delete()
    searching.go_on.set()
    await eventually(lambda: background_tasks.running_tasks <= before)
    assert told == []
