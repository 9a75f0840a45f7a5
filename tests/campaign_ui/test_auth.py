from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from nicegui.testing import User as Browser
from sqlalchemy import update

from campaign_ui import auth, layout
from campaign_ui.endpoints import account
from campaign_ui.guard import Guard, SecurityHeaders
from core import accounts, clock, config, db, members
from core.delivery import senders
from core.models import LoginSession
from tests.campaign_ui.conftest import SignIn, eventually
from tests.conftest import Stack


@pytest.fixture
def web(sqlite_stack: Stack) -> httpx.AsyncClient:
    app = FastAPI()
    account.register(app)
    app.add_middleware(Guard)
    app.add_middleware(SecurityHeaders)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


FORM = {"email": "Alice@Example.com", "password": "correct horse", "time_zone": "Europe/Paris"}


async def test_the_first_to_sign_up_is_the_administrator_and_is_told(web: httpx.AsyncClient) -> None:
    assert "administrator" in (await web.get("/signup")).text
    response = await web.post("/signup", data=FORM)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("session=") and "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert "Secure" not in cookie
    user = auth.find(web.cookies["session"])
    assert user is not None and user.is_admin and user.time_zone == "Europe/Paris" and user.email == "alice@example.com"
    assert "administrator" not in (await web.get("/signup")).text
    with db.reading() as session:
        [sender] = senders.list_all(session, user.id)
    assert sender.is_sandbox and sender.is_default


async def test_the_cookie_is_secure_on_https(web: httpx.AsyncClient) -> None:
    response = await web.post("https://test/signup", data=FORM)
    assert "Secure" in response.headers["set-cookie"]
    assert "max-age" in response.headers["strict-transport-security"]


async def test_behind_a_proxy_that_does_not_say_https_the_address_of_the_program_does(
    web: httpx.AsyncClient, sqlite_stack: Stack
) -> None:
    config.use(config.load({**sqlite_stack.env, "BASE_URL": "https://mail.example.com"}))
    response = await web.post("http://mail.example.com/signup", data=FORM)
    cookies = response.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["session", "device"]
    assert all("Secure" in cookie and "HttpOnly" in cookie for cookie in cookies)
    assert "strict-transport-security" in response.headers
    beside = await web.post("http://10.0.0.7:8080/login", data=FORM)  # in the house, without the proxy
    assert beside.status_code == 303 and "Secure" not in beside.headers["set-cookie"]
    assert "strict-transport-security" not in beside.headers


async def test_a_browser_that_was_signed_in_before_is_not_kept_out_by_strangers(web: httpx.AsyncClient) -> None:
    await web.post("/signup", data=FORM)
    await web.post("/logout")
    device = web.cookies["device"]
    web.cookies.clear()
    guesses = [await web.post("/login", data={**FORM, "password": "a guess"}) for _ in range(6)]
    assert [guess.status_code for guess in guesses] == [401] * 5 + [429]
    assert (await web.post("/login", data=FORM)).status_code == 429
    web.cookies.set("device", device)
    assert (await web.post("/login", data=FORM)).status_code == 303


async def test_each_browser_is_known_by_itself_and_only_where_people_sign_in(web: httpx.AsyncClient) -> None:
    await web.post("/signup", data=FORM)
    devices = []
    for _ in range(2):
        web.cookies.clear()
        response = await web.post("/login", data=FORM)
        assert "Path=/login" in response.headers.get_list("set-cookie")[1]
        devices.append(web.cookies["device"])
    assert devices[0] != devices[1]
    answers = []
    for device, tries in ((devices[0], 6), (devices[1], 1)):  # who guesses in one holds up nobody in the other
        web.cookies.clear()
        web.cookies.set("device", device)
        answers += [await web.post("/login", data={**FORM, "password": "a guess"}) for _ in range(tries)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429, 401]


async def test_a_wrong_password_keeps_the_address_and_says_nothing_about_who_exists(web: httpx.AsyncClient) -> None:
    await web.post("/signup", data=FORM)
    web.cookies.clear()
    pages = []
    for email in ("alice@example.com", "nobody@example.com"):
        response = await web.post("/login", data={"email": email, "password": "wrong horse", "next": "/campaigns"})
        assert response.status_code == 401 and "set-cookie" not in response.headers
        assert f'value="{email}"' in response.text and 'value="/campaigns"' in response.text
        pages.append(response.text.replace(email, ""))
    assert pages[0] == pages[1]


async def test_a_sign_in_is_refused_when_the_password_is_reset_while_it_is_looked_at(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await web.post("/signup", data=FORM)
    web.cookies.clear()
    identify = accounts.identify

    def slowly(*args: Any) -> Any:
        found = identify(*args)
        with db.session() as session:
            members.reset_by_hand(session, "alice@example.com")
        return found

    monkeypatch.setattr(accounts, "identify", slowly)
    response = await web.post("/login", data=FORM)
    assert response.status_code == 401 and "set-cookie" not in response.headers
    assert accounts.wrong_sign_in() in response.text


async def test_each_sign_in_gets_a_new_session_and_log_out_ends_only_that(web: httpx.AsyncClient) -> None:
    await web.post("/signup", data=FORM)
    first = web.cookies["session"]
    await web.post("/login", data={**FORM, "next": "/campaigns?status=sent"})
    second = web.cookies["session"]
    assert first != second and auth.find(first) and auth.find(second)
    response = await web.get("/logout")
    assert response.headers["location"] == "/login" and auth.find(second) is None and auth.find(first)


async def test_another_site_cannot_log_people_in_or_out(web: httpx.AsyncClient) -> None:
    await web.post("/signup", data=FORM)
    origins = [{"Origin": origin} for origin in ("https://evil.example", "http://test.x", "file://")]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, *origins):
        assert (await web.post("/logout", headers=headers)).status_code == 403
    asked = await web.get("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert asked.status_code == 200 and "Log out" in asked.text
    assert auth.find(web.cookies["session"])
    ours = {"Origin": "http://test", "Sec-Fetch-Site": "same-origin"}
    assert (await web.post("/logout", headers=ours)).status_code == 303


async def test_what_is_typed_comes_back_escaped(web: httpx.AsyncClient) -> None:
    nasty = '"><script>alert(1)</script>'
    for path in ("/login", "/signup"):
        response = await web.post(path, data={"email": nasty, "password": "correct horse", "next": nasty})
        assert "<script>alert" not in response.text and "&lt;script&gt;" in response.text


async def test_the_first_person_is_led_to_sign_up(web: httpx.AsyncClient) -> None:
    response = await web.get("/login?next=/campaigns")
    assert (response.status_code, response.headers["location"]) == (303, "/signup?next=%2Fcampaigns")
    await web.post("/signup", data=FORM)
    web.cookies.clear()
    assert (await web.get("/login")).status_code == 200


async def test_closed_sign_up_says_so(web: httpx.AsyncClient) -> None:
    config.use(config.load({"SIGNUP": "closed", "SECRET_KEY": "a key for this test"}))
    page = await web.get("/signup")
    assert "Sign-up is closed here" in page.text and "<form" not in page.text
    assert (await web.post("/signup", data=FORM)).status_code == 422
    assert "/signup" not in (await web.get("/login")).text


async def test_a_body_that_is_too_large_is_refused(web: httpx.AsyncClient) -> None:
    assert (await web.post("/login", content=b"x" * 1_000_001)).status_code == 413

    async def unannounced():  # type: ignore[no-untyped-def]
        for _ in range(1100):
            yield b"x" * 1000

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await web.post("/login", content=unannounced(), headers=kind)).status_code == 413


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/campaigns/7?state=failed", "/campaigns/7?state=failed"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\tevil", "/"),
        ("/login?next=/", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_a_sign_in_never_leads_to_another_site(target: str | None, expected: str) -> None:
    assert auth.safe_next(target) == expected


async def test_visitors_are_sent_to_log_in_and_come_back(user: Browser, sqlite_stack: Stack) -> None:
    response = await user.http_client.get("/campaigns?status=sent", follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == "/login?next=%2Fcampaigns%3Fstatus%3Dsent"


async def test_a_page_acts_only_for_the_session_that_loaded_it(user: Browser, sign_in: SignIn) -> None:
    sign_in(user, "alice@example.com")
    client = await user.open("/")
    path = f"/_nicegui/client/{client.id}/upload/1"
    assert (await user.http_client.post(path)).status_code == 404  # no such upload, but the page is hers
    sign_in(user, "charlie@example.com")
    assert (await user.http_client.post(path)).status_code == 403
    user.http_client.cookies.clear()
    assert (await user.http_client.post(path)).status_code == 403


async def test_open_tabs_leave_when_their_session_is_ended_elsewhere(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user, "alice@example.com")
    client = await user.open("/")
    reloaded = []
    user.navigate.reload = lambda: reloaded.append(True)  # type: ignore[method-assign]
    with db.session() as session:
        accounts.end_other_sessions(session, user_id, keep_hash="another browser")
    await eventually(lambda: reloaded)
    assert client.request.scope["state"]["user"] is None
    await eventually(lambda: client.is_deleted)  # whatever its browser does


async def test_open_tabs_leave_when_their_session_is_over(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_GRACE_SECONDS", 0.05)
    sign_in(user, "alice@example.com")
    reloaded = []
    user.navigate.reload = lambda: reloaded.append(True)  # type: ignore[method-assign]
    db.clock_offset = -timedelta(hours=1)  # for the database it is an hour until then
    with db.session() as session:
        session.execute(update(LoginSession).values(expires_at=clock.utcnow()))
    client = await user.open("/")
    assert not client.is_deleted and not reloaded
    db.clock_offset = timedelta()
    await eventually(lambda: reloaded and client.is_deleted)


async def test_an_address_that_does_not_exist_looks_like_ours(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    huge = "9" * 30
    for path in ("/nothing-here", f"/campaigns/{huge}", f"/campaigns/{huge * 200}", f"/templates/{huge}"):
        response = await user.http_client.get(path)
        assert response.status_code == 404 and "This page does not exist" in response.text
    assert (await user.http_client.get(f"/campaigns?page={huge * 200}")).status_code == 200
