import html
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction
from sqlmodel import select

from campaign_ui.endpoints import templates as endpoint
from campaign_ui.guard import SecurityHeaders
from core import accounts, db
from core.content import starters, templates
from core.models import Campaign
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, undo
from tests.campaign_ui.templates import BODY, fill, frames, menu_item, names, shown, stored
from tests.conftest import Stack


def campaigns() -> list[Campaign]:
    with db.reading() as session:
        return list(session.exec(select(Campaign)))


async def test_a_newcomer_sees_the_starters_and_how_to_begin(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/templates")
    await user.should_see("No templates of your own yet")
    for starter in starters.all():
        await user.should_see(starter.name)
    assert len(frames(user)) == len(starters.all())


async def test_every_mail_is_shown_in_a_frame_that_can_do_nothing(user: Browser, sign_in: SignIn) -> None:
    template = stored(sign_in(user))
    for path in ("/templates", f"/templates/{template}"):
        await user.open(path)
        assert frames(user)
        for frame in frames(user):
            assert "allow-scripts" not in frame.props["sandbox"]
            assert (
                "/picture?v=" in frame.props["src"]
                if path == "/templates"
                else "default-src 'none'" in frame.props["srcdoc"]
            )
    assert "Hi Anna" in shown(user).props["data-mail"]


async def test_using_a_template_begins_a_campaign_with_its_words(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, preheader="Soon")
    await user.open("/templates")
    press(user, "Use Monthly")
    await eventually(campaigns)
    (campaign,) = campaigns()
    assert (campaign.user_id, campaign.subject, campaign.preheader) == (alice, "Hello", "Soon")
    assert (campaign.body, campaign.body_kind, campaign.status) == (BODY, "html", "draft")
    await eventually(lambda: user.back_history[-1] == f"/campaigns/{campaign.id}/edit")


async def test_a_starter_is_edited_as_a_new_template(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/templates/new?start=welcome")
    await user.should_see("HTML · Not saved yet")
    fill(user, "Name", "Hello there")
    press(user, "Save")
    await eventually(lambda: names(alice) == ["Hello there"])
    await user.should_see("HTML · Saved")
    with db.reading() as session:
        assert templates.list_all(session, alice)[0].body == starters.get("welcome").body


async def test_a_copy_appears_at_once_in_an_open_page(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice)
    await user.open("/templates")
    UserInteraction(user, {menu_item(user, "Duplicate")}, None).click()
    await user.should_see("Monthly (copy)")
    assert sorted(names(alice)) == ["Monthly", "Monthly (copy)"]


async def test_a_deleted_template_can_be_brought_back(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice)
    await user.open("/templates")
    UserInteraction(user, {menu_item(user, "Delete")}, None).click()
    await user.should_see("Monthly was deleted.")
    await user.should_see("No templates of your own yet")
    assert names(alice) == []
    await undo(user, "Monthly was deleted.")
    await eventually(lambda: names(alice) == ["Monthly"])


async def test_a_stranger_sees_nothing_of_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    template = stored(alice, "Secret plans", body="<p>secret words</p>")
    sign_in(user, "charlie@example.com")
    await user.open("/templates")
    await user.should_see("No templates of your own yet")
    await user.should_not_see("Secret plans")
    assert all(str(frame.props["src"]).startswith("/templates/starters/") for frame in frames(user))
    response = await user.http_client.get(f"/templates/{template}")
    assert response.status_code == 404 and "secret words" not in html.unescape(response.text)


async def test_an_unknown_starter_or_template_is_a_404(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    for path in ("/templates/new?start=nothing", "/templates/99"):
        assert (await user.http_client.get(path)).status_code == 404


async def test_many_templates_are_shown_by_and_by(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    for number in range(30):
        db.clock_offset += timedelta(seconds=1)
        stored(alice, f"Number {number}")
    await user.open("/templates")
    await user.should_see("Number 29")
    await user.should_not_see("Number 0")
    press(user, "Show more")
    await user.should_see("Number 0")


@pytest.fixture
async def web(sqlite_stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    endpoint.register(app)
    app.add_middleware(SecurityHeaders)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here.test") as client:
        yield client


def _enter(web: httpx.AsyncClient, email: str) -> int:
    with db.session() as session:
        user_id = rows.user(session, email)
        web.cookies.set("session", accounts.start_session(session, user_id))
    return user_id


async def test_the_picture_of_a_template_is_the_mail_for_its_owner_alone(web: httpx.AsyncClient) -> None:
    alice = _enter(web, "alice@example.com")
    template = stored(alice, body="<script>alert(1)</script><p>Hi {{ first_name }}</p>")
    shown = await web.get(f"/templates/{template}/picture?v=1")
    assert shown.status_code == 200 and "<p>Hi Anna</p>" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "; sandbox;" in policy and "frame-ancestors 'self'" in policy
    assert shown.headers["x-frame-options"] == "SAMEORIGIN" and "private" in shown.headers["cache-control"]
    _enter(web, "charlie@example.com")
    assert (await web.get(f"/templates/{template}/picture")).status_code == 404
    assert (await web.get(f"/templates/{10**30}/picture")).status_code == 404
    web.cookies.clear()
    assert (await web.get(f"/templates/{template}/picture")).status_code == 401
    for starter in starters.all():
        assert "Anna" in (await web.get(f"/templates/starters/{starter.key}/picture")).text
    assert (await web.get("/templates/starters/..%2Fletter/picture")).status_code == 404
