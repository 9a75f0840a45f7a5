"""The sandbox: an inbox that signs people in, keeps up, and a page that shows what came, to its owner only."""

import smtplib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction

from campaign_ui import sandbox_inbox
from core import config, db
from core.delivery import sandbox, senders
from core.models import Meta, Sender
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, texts
from tests.conftest import Stack

MAIL = (
    "From: Anna <anna@example.com>\r\nTo: ben@example.com\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
    "Hello Ben in text\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    '<p>Hello <b>Ben</b></p><script>alert(1)</script><img src="http://127.0.0.1:8080/t/o/token.gif">\r\n--b--\r\n'
)


@pytest.fixture
def inbox(sqlite_stack: Stack) -> Iterator[None]:
    sandbox_inbox.start()
    yield
    sandbox_inbox.stop()


def sandbox_of(email: str) -> Sender:
    with db.session() as session:
        return senders.add_sandbox(session, rows.user(session, email))


def connection(sender: Sender, password: str | None = None) -> smtplib.SMTP:
    with db.reading() as session:
        host, port = senders.address(session, sender)
    smtp = smtplib.SMTP(host, port, local_hostname="test", timeout=10)
    try:
        if password != "":
            smtp.login(sender.username, password or senders.password(sender))
    except smtplib.SMTPAuthenticationError:
        smtp.close()
        raise
    return smtp


def send(smtp: smtplib.SMTP, subject: str = "Hello", to: str = "ben@example.com") -> None:
    smtp.sendmail("anna@example.com", to, MAIL.format(subject=subject).encode())


def subjects(user_id: int) -> list[str]:
    with db.reading() as session:
        return [line.subject for line in sandbox.listed(session, user_id, limit=1000)]


def test_an_address_beyond_ascii_is_taken(inbox: None) -> None:
    anna = sandbox_of("anna@example.com")
    with connection(anna) as smtp:
        smtp.sendmail("anna@example.com", "jörg@example.com", MAIL.encode(), mail_options=["SMTPUTF8"])
    sandbox_inbox.stop()
    with db.reading() as session:
        assert [line.rcpt_to for line in sandbox.listed(session, anna.user_id)] == ["jörg@example.com"]


def test_a_mail_lands_in_the_inbox_of_the_account_that_signed_in(inbox: None) -> None:
    anna, charlie = sandbox_of("anna@example.com"), sandbox_of("charlie@example.com")
    with connection(anna) as smtp:
        send(smtp, "First")
        send(smtp, "Second")
    sandbox_inbox.stop()
    assert subjects(anna.user_id) == ["Second", "First"] and subjects(charlie.user_id) == []


def test_nobody_hands_in_mail_without_the_right_password(inbox: None) -> None:
    anna, charlie = sandbox_of("anna@example.com"), sandbox_of("charlie@example.com")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        connection(anna, senders.password(charlie))
    with connection(anna, "") as smtp, pytest.raises(smtplib.SMTPSenderRefused, match="own senders"):
        send(smtp)


def test_the_inbox_is_announced_while_it_runs(sqlite_stack: Stack) -> None:
    config.use(config.load({**sqlite_stack.env, "HOST": "0.0.0.0", "PORT": "9123"}))
    sandbox_inbox.start()
    with db.reading() as session:
        assert session.get_one(Meta, "sandbox").value.startswith("127.0.0.1:")
        assert session.get_one(Meta, "web_url").value == "http://127.0.0.1:9123"
    sandbox_inbox.stop()
    sandbox_inbox.stop()
    with db.reading() as session:
        assert session.get(Meta, "sandbox") is None


def test_it_keeps_up_with_some_hundred_mails_a_second_and_loses_none(inbox: None) -> None:
    anna = sandbox_of("anna@example.com")

    def many(_: int) -> None:
        with connection(anna) as smtp:
            for number in range(100):
                send(smtp, f"Mail {number}")

    begun = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(many, range(4)))
    took = time.monotonic() - begun
    sandbox_inbox.stop()
    assert len(subjects(anna.user_id)) == 400
    assert took < 8, f"{400 / took:.0f} mails a second"


# --- the page


def stored(user_id: int, *names: str) -> None:
    with db.session() as session:
        for name in names:
            raw = MAIL.format(subject=f"For {name}").encode()
            sandbox.store(session, [sandbox.Received(user_id, "anna@example.com", f"{name}@example.com", raw)])


def press(browser: Browser, name: str) -> None:
    with browser:
        buttons = [each for each in ElementFilter(kind=ui.button) if name in (each.text, each.props.get("aria-label"))]
    UserInteraction(browser, {buttons[-1]}, None).click()


async def open_mail(browser: Browser, to: str) -> None:
    with browser:
        (label,) = [each for each in ElementFilter(kind=ui.label) if each.text == to]
        (line,) = [each for each in label.ancestors() if each.tag == "button"]
    UserInteraction(browser, {line}, None).trigger("click")
    await browser.should_see(f"From anna@example.com to {to}")


def frame(browser: Browser) -> str:
    with browser:
        (found,) = [each for each in ElementFilter() if each.tag == "iframe"]
    assert found.props["sandbox"] == ""
    return str(found.props["srcdoc"])


async def test_a_newcomer_is_told_what_this_is(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/sandbox")
    await user.should_see("These mails went nowhere.")
    await user.should_see("No mails yet")


async def test_mails_appear_by_themselves_newest_first(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await user.open("/sandbox")
    stored(user_id, "ben")
    await user.should_see("ben@example.com", retries=50)
    stored(user_id, "carla")
    await user.should_see("carla@example.com", retries=50)
    shown = texts(user)
    with user:
        (listing,) = [each for each in ElementFilter() if each.tag == "ul"]
    firsts = [next(e for e in row.descendants() if isinstance(e, ui.label)).text for row in listing]
    assert firsts == ["carla@example.com", "ben@example.com"] and "No mail fits." not in shown


async def test_a_mail_is_shown_in_a_frame_that_can_do_nothing(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    with db.session() as session:
        sandbox.announce(session, "127.0.0.1:1", "http://127.0.0.1:8080")
    stored(user_id, "ben")
    await user.open("/sandbox")
    await open_mail(user, "ben@example.com")
    assert "default-src 'none'" in frame(user) and "img-src data:;" not in frame(user)
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">" in frame(user)
    press(user, "Load images as a reader would")
    assert "img-src data: http: https:" in frame(user)
    assert "/t/o/token.gif" in frame(user) and "127.0.0.1:8080" not in frame(user)
    await user.should_see("Hello Ben in text")
    await user.should_see("Content-Type: ")


async def test_search_and_delete_all(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    stored(user_id, "ben", "carla")
    await user.open("/sandbox")
    user.find("Search").type("carl")
    await eventually(lambda: "ben@example.com" not in texts(user))
    user.find("Search").clear().type("nobody")
    await user.should_see("No mail fits.", retries=20)
    press(user, "Delete all")
    await user.should_see("Delete all mails?")
    press(user, "Keep it")
    press(user, "Delete all")
    await user.should_see("Delete all mails?")
    press(user, "Delete all")
    await user.should_see("No mails yet", retries=50)
    assert subjects(user_id) == []


async def test_charlie_sees_nothing_of_alice(create_user: Callable[[], Browser], sign_in: SignIn) -> None:
    alice, charlie = create_user(), create_user()
    alice_id = sign_in(alice, "alice@example.com")
    stored(alice_id, "ben")
    sign_in(charlie, "charlie@example.com")
    await charlie.open("/sandbox")
    await charlie.should_see("No mails yet")
    stored(alice_id, "carla")
    assert "@example.com" not in texts(charlie).replace("charlie@example.com", "")
