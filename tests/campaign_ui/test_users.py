"""The administrator's page: users are invited, reset, blocked; for others it does not exist."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI
from nicegui import ui
from nicegui.testing import User as Browser

from campaign_ui.endpoints import account, welcome
from core import accounts, db
from core.models import User
from tests.campaign_ui.conftest import SignIn, eventually, press


def shown(browser: Browser) -> list[tuple[str, str]]:
    return [(row["email"], row["state"]) for row in browser.find(ui.table).elements.pop().rows]


def link(browser: Browser) -> str:
    assert browser.client is not None
    (field,) = [e for e in browser.client.elements.values() if isinstance(e, ui.input) and e.props["label"] == "Link"]
    return str(field.value)


async def test_a_user_is_invited_reset_and_blocked(user: Browser, sign_in: SignIn) -> None:
    sign_in(user, "admin@example.com", is_admin=True)
    await user.open("/settings")
    await user.should_see("Users")
    await user.open("/users")
    press(user, "Invite user")
    await user.should_see("Nothing is mailed.")
    user.find("Email").type("bob@example.com")
    press(user, "Make link")
    await user.should_see("It is shown only now.")
    path = re.sub(r"^https?://[^/]+", "", link(user))
    press(user, "Done")
    await eventually(lambda: ("bob@example.com", "Link not used yet") in shown(user))
    outer = FastAPI()
    for endpoint in (welcome, account):
        endpoint.register(outer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://here.test") as web:
        page = await web.get(path)
        assert page.status_code == 200 and "bob@example.com" in page.text and "readonly" in page.text
        assert (await web.post(path, data={"password": "short"})).status_code == 422
        entered = await web.post(path, data={"password": "correct horse", "time_zone": "Europe/Paris"})
        assert entered.status_code == 303 and "session=" in entered.headers["set-cookie"]
        assert (await web.get(path)).status_code == 404
        cookie = web.cookies["session"]
        with db.reading() as session:
            bob = accounts.session_user(session, cookie)
            assert bob is not None and bob[0].email == "bob@example.com"
        await user.open("/users")
        assert ("bob@example.com", "") in shown(user)
        user.find(ui.table).trigger("block", bob[0].id)
        await user.should_see("Block bob@example.com?")
        await user.should_see("Not now")
        press(user, "Block")
        await eventually(lambda: ("bob@example.com", "Blocked") in shown(user))
        with db.reading() as session:
            assert accounts.session_user(session, cookie) is None
        form = {"email": "bob@example.com", "password": "correct horse"}
        refused = await web.post("/login", data=form)
        assert refused.status_code == 403 and "This account is blocked." in refused.text
        user.find(ui.table).trigger("block", bob[0].id)
        await eventually(lambda: ("bob@example.com", "") in shown(user))
        user.find(ui.table).trigger("reset", bob[0].id)
        await user.should_see("Reset the password of bob@example.com?")
        press(user, "Reset")
        await user.should_see("It is shown only now.")
        assert (await web.post("/login", data=form)).status_code == 401
        assert (await web.get(re.sub(r"^https?://[^/]+", "", link(user)))).status_code == 200


async def test_a_link_that_is_none_is_refused_before_a_password_is_hashed(sign_in: SignIn) -> None:
    outer = FastAPI()
    welcome.register(outer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://here.test") as web:
        with accounts._hashing, accounts._hashing, accounts._hashing, accounts._hashing:  # nobody can hash now
            form = {"password": "correct horse", "time_zone": "Europe/Paris"}
            refused = await asyncio.wait_for(web.post("/welcome/nonsense", data=form), 5)
    assert refused.status_code == 404 and "used already or is too old" in refused.text


async def test_an_address_that_has_an_account_is_not_invited(user: Browser, sign_in: SignIn) -> None:
    sign_in(user, "admin@example.com", is_admin=True)
    await user.open("/users")
    press(user, "Invite user")
    await user.should_see("Nothing is mailed.")
    user.find("Email").type("Admin@example.com")
    press(user, "Make link")
    await eventually(lambda: user.notify.messages)
    assert user.notify.messages == ["There is an account with this email address already."]


@pytest.mark.parametrize("changes", [{}, {"is_admin": True}])
async def test_for_others_the_page_does_not_exist(user: Browser, sign_in: SignIn, changes: dict[str, bool]) -> None:
    bob = sign_in(user, "bob@example.com", **changes)
    if changes:  # an administrator no more, as the database has it
        with db.session() as session:
            session.get_one(User, bob).is_admin = False
    response = await user.http_client.get("/users")
    assert response.status_code == 404 and "This page does not exist" in response.text
    await user.open("/settings")
    await user.should_not_see("Users")
    user.http_client.cookies.clear()
    assert (await user.http_client.get("/users", follow_redirects=False)).status_code == 303


async def test_who_is_no_administrator_any_more_can_do_nothing_on_a_page_that_is_open(
    user: Browser, sign_in: SignIn
) -> None:
    admin = sign_in(user, "admin@example.com", is_admin=True)
    with db.session() as session:
        session.add(User(email="bob@example.com", password_hash="none", created_at=db.now(session)))
    await user.open("/users")
    with db.session() as session:
        session.get_one(User, admin).is_admin = False
    row = user.find(ui.table).elements.pop().rows[1]
    user.find(ui.table).trigger("block", row["id"])
    await user.should_see("Block bob@example.com?")
    press(user, "Block")
    await user.should_see("There is no such page.")
    with db.reading() as session:
        assert session.get_one(User, row["id"]).blocked_at is None
