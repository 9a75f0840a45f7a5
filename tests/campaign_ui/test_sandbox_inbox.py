"""The inbox of the sandbox signs people in, keeps what each was sent, and keeps up."""

import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import db
from core.delivery import sandbox, senders
from core.errors import RuleError
from core.models import Sender
from jobs import sandbox_inbox
from tests.campaign_ui.sandbox import MAIL, sandbox_of, subjects
from tests.conftest import Stack


@pytest.fixture
def inbox(sqlite_stack: Stack) -> Iterator[None]:
    sandbox_inbox.start()
    yield
    sandbox_inbox.stop()


def connection(sender: Sender, password: str | None = None) -> smtplib.SMTP:
    host, port = senders.address(sender)
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


def test_a_process_sends_to_the_inbox_of_its_own_while_that_runs(sqlite_stack: Stack) -> None:
    anna = sandbox_of("anna@example.com")
    sandbox_inbox.start()
    with connection(anna) as smtp:
        send(smtp)
    sandbox_inbox.stop()
    sandbox_inbox.stop()
    with pytest.raises(RuleError, match="not running in this process"):
        connection(anna)


def test_it_loses_none_of_some_hundred_mails_at_once(inbox: None) -> None:
    anna = sandbox_of("anna@example.com")

    def many(_: int) -> None:
        with connection(anna) as smtp:
            for number in range(100):
                send(smtp, f"Mail {number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(many, range(4)))
    sandbox_inbox.stop()
    assert len(subjects(anna.user_id)) == 400
