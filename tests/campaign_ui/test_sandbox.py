"""The page of the sandbox shows what came, to its owner only."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from nicegui import ElementFilter, background_tasks, ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction
from sqlalchemy import update

from campaign_ui.endpoints import sandbox as endpoint
from core import accounts, db
from core.delivery import sandbox, senders
from core.models import Campaign
from tests import rows
from tests.campaign_ui.conftest import Held, SignIn, eventually, press, texts
from tests.campaign_ui.sandbox import MAIL, subjects
from tests.conftest import Stack

# --- the page


def stored(user_id: int, *names: str) -> None:
    with db.session() as session:
        for name in names:
            raw = MAIL.format(subject=f"For {name}").encode()
            sandbox.store(session, [sandbox.Received(user_id, "anna@example.com", f"{name}@example.com", raw)])


def click_line(browser: Browser, to: str) -> None:
    with browser:
        (label,) = [each for each in ElementFilter(kind=ui.label) if each.text == to]
        (line,) = [each for each in label.ancestors() if each.tag == "button"]
    UserInteraction(browser, {line}, None).trigger("click")


async def open_mail(browser: Browser, to: str) -> None:
    click_line(browser, to)
    await browser.should_see(f"From anna@example.com to {to}")


def frame(browser: Browser) -> str:
    with browser:
        (found,) = [each for each in ElementFilter() if each.tag == "iframe"]
    assert found.props["sandbox"] == ""
    return str(found.props["srcdoc"])


async def test_a_newcomer_is_told_what_this_is(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/sandbox")
    await user.should_see("Mails here reach nobody.")
    await user.should_see("No mails yet")


async def test_mails_appear_by_themselves_newest_first(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await user.open("/sandbox")
    stored(user_id, "ben")
    await user.should_see("ben@example.com")
    stored(user_id, "carla")
    await user.should_see("carla@example.com")
    shown = texts(user)
    with user:
        (listing,) = [each for each in ElementFilter() if each.tag == "ul"]
    firsts = [next(e for e in row.descendants() if isinstance(e, ui.label)).text for row in listing]
    assert firsts == ["carla@example.com", "ben@example.com"] and "No mail fits." not in shown


async def test_a_mail_is_shown_in_a_frame_that_can_do_nothing(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    with db.session() as session:
        sandbox.announce(session, "http://127.0.0.1:8080")
    stored(user_id, "ben")
    await user.open("/sandbox")
    await open_mail(user, "ben@example.com")
    assert "default-src 'none'" in frame(user) and '<img data-src="' in frame(user)
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">" in frame(user)
    press(user, "Load images as a reader would")
    assert "img-src data: http: https:" in frame(user)
    assert "/t/o/token.gif" in frame(user) and "127.0.0.1:8080" not in frame(user)
    assert '<img src="' in frame(user)
    await user.should_not_see("Hello Ben in text")
    show(user, "text")
    await user.should_see("Hello Ben in text")
    show(user, "headers")
    await user.should_see("Content-Type: ")
    show(user, "source")
    await user.should_see("--b--")
    show(user, "phone")
    await user.should_not_see("--b--")


def show(browser: Browser, tab: str) -> None:
    with browser:
        (tabs,) = ElementFilter(kind=ui.tabs)
    tabs.value = tab


async def test_search_and_delete_all(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id, "ben", "carla")
    await user.open("/sandbox")
    user.find("Search").type("carl")
    await eventually(lambda: "ben@example.com" not in texts(user))
    user.find("Search").clear().type("nobody")
    await user.should_see("No mail fits.")
    press(user, "Delete all")
    await user.should_see("Delete all mails?")
    press(user, "Keep it")
    await user.should_not_see("Delete all mails?")
    assert len(subjects(user_id)) == 2
    press(user, "Delete all")
    await user.should_see("Delete all mails?")
    press(user, "Delete all")
    await user.should_see("No mails yet")
    assert subjects(user_id) == []


async def test_international_domains_are_shown_and_found_with_their_letters(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id, "ben")
    with db.session() as session:
        raw = MAIL.format(subject="Hallo").encode()
        mail = sandbox.Received(user_id, "post@xn--bcher-kva.de", "kunde@xn--mller-kva.de", raw)
        sandbox.store(session, [mail])
    await user.open("/sandbox")
    user.find("Search").type("müller.de")
    await eventually(lambda: "ben@example.com" not in texts(user))
    click_line(user, "kunde@müller.de")
    await user.should_see("From post@bücher.de to kunde@müller.de")
    assert "xn--" not in str(texts(user))


async def test_charlie_sees_nothing_of_alice(create_user: Callable[[], Browser], sign_in: SignIn) -> None:
    alice, charlie = create_user(), create_user()
    alice_id = sign_in(alice, "alice@example.com")
    stored(alice_id, "ben")
    sign_in(charlie, "charlie@example.com")
    await charlie.open("/sandbox")
    await charlie.should_see("No mails yet")
    stored(alice_id, "carla")
    assert "@example.com" not in texts(charlie).replace("charlie@example.com", "")
    with db.reading() as session:
        (theirs, _) = sandbox.listed(session, alice_id)
    await charlie.open(f"/sandbox?mail={theirs.id}")
    await charlie.should_see("There is no such mail in your sandbox.")
    await charlie.should_see("No mails yet")


async def test_a_mail_and_a_search_can_be_reached_by_their_address(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id, "ben", "carla")
    with db.reading() as session:
        mail_id = sandbox.listed(session, user_id, "ben")[0].id
    await user.open(f"/sandbox?q=carla&mail={mail_id}")
    await user.should_see("From anna@example.com to ben@example.com")
    await user.should_see("1–1 of 1")
    assert "carla@example.com" in texts(user)


async def test_the_list_has_pages(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id, *(f"r{number:02}" for number in range(60)))
    await user.open("/sandbox")
    await user.should_see("1–25 of 60")
    press(user, "Older mails")
    await user.should_see("26–50 of 60")
    press(user, "Older mails")
    await user.should_see("51–60 of 60")
    assert "r00@example.com" in texts(user) and "r10@example.com" not in texts(user)
    press(user, "Newer mails")
    await user.should_see("26–50 of 60")


async def test_a_provider_is_chosen_and_kept(create_user: Callable[[], Browser], sign_in: SignIn) -> None:
    alice, charlie = create_user(), create_user()
    alice_id, charlie_id = sign_in(alice), sign_in(charlie, "charlie@example.com")
    await alice.open("/sandbox")
    await alice.should_see("Takes every mail at once.")
    press_chip(alice, "Greylisting")
    await alice.should_see("Every mail waits once, then all of them are sent")
    alice.find("Simulated readers").click()
    await eventually(lambda: setting(alice_id).readers)
    assert setting(alice_id) == sandbox.Setting("greylisting", True)
    assert setting(charlie_id) == sandbox.Setting("normal", False)
    await charlie.open("/sandbox")
    await charlie.should_see("Takes every mail at once.")
    await alice.open("/sandbox")
    await alice.should_see("Every mail waits once, then all of them are sent")


def press_chip(browser: Browser, name: str) -> None:
    with browser:
        (chip,) = [each for each in ElementFilter(kind=ui.label) if each.text == name]
    UserInteraction(browser, {chip.parent_slot.parent}, None).trigger("click")  # type: ignore[union-attr]


def setting(user_id: int) -> sandbox.Setting:
    with db.reading() as session:
        return sandbox.setting(session, user_id)


async def test_a_campaign_that_goes_to_the_sandbox_says_so(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    with db.session() as session:
        mine = senders.add_sandbox(session, user_id)
        played = rows.campaign(session, user_id, {"pending": ["ben@example.com"]}, sender_id=mine.id)
        real = rows.campaign(
            session, user_id, {"pending": ["ben@example.com"]}, sender_id=rows.sender(session, user_id).id
        )
    await user.open(f"/campaigns/{played}")
    await user.should_see("Sent to the sandbox: nobody receives these mails. It plays: All is well.")
    with db.session() as session:
        sandbox.play(session, user_id, "quota")
    await user.should_see("It plays: Daily quota reached.")
    await user.open(f"/campaigns/{played}/report")
    await user.should_see("Simulated readers are off: only what you open yourself is counted.")
    with db.session() as session:
        sandbox.set_readers(session, user_id, True)
    await user.should_see("Opens and clicks are simulated, or your own.")
    with db.session() as session:
        session.execute(update(Campaign).values(opened_count=1))
        sandbox.set_readers(session, user_id, False)
    await user.should_see("Simulated readers are off now: what was opened before may be theirs")
    for path in (f"/campaigns/{real}", f"/campaigns/{real}/report"):
        await user.open(path)
        await user.should_not_see("Sent to the sandbox")


async def test_the_file_of_a_mail_is_its_owners(sqlite_stack: Stack) -> None:
    app, cookies = FastAPI(), {}
    endpoint.register(app)
    for email in ("alice@example.com", "charlie@example.com"):
        with db.session() as session:
            user_id = rows.user(session, email)
            cookies[email] = {"session": accounts.start_session(session, user_id)}
        if email.startswith("alice"):
            stored(user_id, "ben")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web.test") as web:
        alone = await web.get("/sandbox/1.eml")
        web.cookies.update(cookies["alice@example.com"])
        got, none = await web.get("/sandbox/1.eml"), await web.get("/sandbox/99999999999999999999.eml")
        web.cookies.update(cookies["charlie@example.com"])
        strangers = await web.get("/sandbox/1.eml")
    assert got.content == MAIL.format(subject="For ben").encode()
    assert got.headers["content-type"] == "message/rfc822" and "attachment" in got.headers["content-disposition"]
    assert none.status_code == strangers.status_code == 404
    assert alone.headers["location"] == "/login"


async def test_readers_switched_on_and_off_at_once_are_off(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    await user.open("/sandbox")
    switching = Held(monkeypatch, sandbox, "set_readers")
    user.find("Simulated readers").click()
    await eventually(switching.begun.is_set)
    user.find("Simulated readers").click()
    switching.go_on.set()
    await user.should_see("Nobody opens what comes in.")
    assert setting(alice).readers is False


async def test_the_mail_that_was_clicked_last_is_shown(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(sign_in(user), "ben", "carla")
    await user.open("/sandbox")
    await user.should_see("carla@example.com")
    opening = Held(monkeypatch, sandbox, "opened")
    before = set(background_tasks.running_tasks)
    click_line(user, "ben@example.com")
    await eventually(opening.begun.is_set)
    await open_mail(user, "carla@example.com")
    opening.go_on.set()
    await eventually(lambda: background_tasks.running_tasks <= before)
    await user.should_see("From anna@example.com to carla@example.com")
    await user.should_not_see("From anna@example.com to ben@example.com")
