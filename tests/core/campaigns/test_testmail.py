"""A test mail goes through the real sender to a real server."""

import email
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlmodel import select

from core import campaigns, crypto, db
from core.campaigns import testmail
from core.delivery.smtp import Connection
from core.errors import NotFound, RuleError
from core.models import Message, Sender
from tests.core.campaigns.rows import read, user
from tests.jobs.receiver import Receiver

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS", "ignore:Session.login_data")


@dataclass
class Provider:
    """Wants a password; refuses the recipient nobody@…"""

    received: list[tuple[str, bytes]] = field(default_factory=list)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 User unknown here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.received.append((envelope.rcpt_tos[0], envelope.content))
        return "250 2.0.0 queued as 4711"


@pytest.fixture
def provider(alice: int) -> Iterator[Provider]:
    handler = Provider()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        authenticator=lambda _s, _n, _e, _m, data: AuthResult(
            success=isinstance(data, LoginPassword) and data.password == b"right", handled=False
        ),
        auth_required=True,
        auth_require_tls=False,
        decode_data=False,
    )
    controller.start()
    with db.session() as session:
        sender = session.exec(select(Sender)).one()
        sender.host, sender.port, sender.security, sender.username = "127.0.0.1", port, "none", "news"
        sender.password_sealed, sender.per_minute = crypto.seal("right", f"sender:{sender.id}"), None
    try:
        yield handler
    finally:
        controller.stop()


def test_a_test_mail_arrives_as_the_draft_is_and_leaves_no_trace(alice: int, draft: int, provider: Provider) -> None:
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="Hi {{ first_name }}", body="<p>Dear {{ email }}</p>")
    fields = {"first_name": "Anna"}
    result = campaigns.send_test(alice, draft, " Me <me@example.net> ", fields)
    assert result.accepted and "accepted the test mail to me@example.net" in result.sentence
    assert result.words == "250 2.0.0 queued as 4711"
    ((to, raw),) = provider.received
    got = email.message_from_bytes(raw)
    assert (to, got["To"], got["Subject"]) == ("me@example.net", "me@example.net", "[Test] Hi Anna")
    assert "test mail to me@müller.de." in campaigns.send_test(alice, draft, "me@xn--mller-kva.de", fields).sentence
    assert b"Dear me@example.net" in got.get_payload(1).get_payload(decode=True)
    campaigns.send_test(alice, draft, "me@example.net")
    assert email.message_from_bytes(provider.received[1][1])["Message-ID"] != got["Message-ID"]
    assert read(draft).status == "draft" and read(draft).recipients_count == 0
    with db.reading() as session:
        assert session.exec(select(Message)).all() == []


def test_a_refusal_is_explained_with_the_servers_own_words(alice: int, draft: int, provider: Provider) -> None:
    result = campaigns.send_test(alice, draft, "nobody@example.net")
    assert not result.accepted and result.words == "550 5.1.1 User unknown here" and result.sentence
    assert result.is_about_address
    with db.session() as session:
        sender = session.exec(select(Sender)).one()
        sender.password_sealed = crypto.seal("wrong", f"sender:{sender.id}")
    result = campaigns.send_test(alice, draft, "me@example.net")
    assert not result.accepted and result.words.startswith("535 ") and not result.is_about_address


def test_a_test_mail_tells_whether_its_sender_works(alice: int, draft: int, provider: Provider) -> None:
    for password, known in (("wrong", "refused the sign-in."), ("right", "")):
        with db.session() as session:
            sender = session.exec(select(Sender)).one()
            sender.password_sealed, sender.test_problem = crypto.seal(password, f"sender:{sender.id}"), None
        campaigns.send_test(alice, draft, "me@example.net")
        with db.reading() as session:
            problem = session.exec(select(Sender)).one().test_problem
        assert problem is not None and (known in problem if known else problem == "")
    campaigns.send_test(alice, draft, "nobody@example.net")  # the fault of the address
    with db.reading() as session:
        assert session.exec(select(Sender)).one().test_problem == ""


@pytest.mark.parametrize(
    ("greeting", "known"),
    [
        ("421 4.3.2 Too many concurrent connections", ""),
        ("451 4.7.1 Ratelimit exceeded", ""),
        ("421 4.3.0 Try again later", ""),
        ("554 5.7.1 Service unavailable; client blocked using dnsbl", "block list"),
    ],
)
def test_a_server_that_is_busy_says_nothing_of_its_sender(alice: int, draft: int, greeting: str, known: str) -> None:
    with Receiver(lambda phase, _: greeting if phase == "connect" else None) as busy:
        with db.session() as session:
            sender = session.exec(select(Sender)).one()
            sender.host, sender.port, sender.security = "127.0.0.1", busy.port, "none"
        assert not campaigns.send_test(alice, draft, "me@example.net").accepted
    with db.reading() as session:
        problem = session.exec(select(Sender)).one().test_problem
    assert problem is not None and (known in problem if known else problem == "")


def test_a_test_mail_proves_a_server_without_a_sign_in(alice: int, draft: int) -> None:
    with Receiver() as receiver:
        with db.session() as session:
            sender = session.exec(select(Sender)).one()
            sender.host, sender.port, sender.security, sender.test_problem = "127.0.0.1", receiver.port, "none", None
            [before] = [each.text for each in campaigns.findings(session, alice, draft) if each.step == "senders"]
        assert before.startswith("News was never tested with this account: send a test mail first.")
        assert campaigns.send_test(alice, draft, "me@example.net").accepted
    with db.reading() as session:
        assert session.exec(select(Sender)).one().test_problem == ""
        assert not [each for each in campaigns.findings(session, alice, draft) if each.step == "senders"]


def test_a_server_that_takes_neither_its_address_nor_its_size_is_said(
    alice: int, draft: int, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = campaigns.send_test(alice, draft, "jörg@example.net")
    assert result.accepted and provider.received[-1][0] == "jörg@example.net"
    assert "\r\nTo: jörg@example.net\r\n".encode() in provider.received.pop()[1]
    offers = Connection.offers
    monkeypatch.setattr(Connection, "offers", lambda self, said: offers(self, said | {"SIZE": "100"}))
    result = campaigns.send_test(alice, draft, "me@example.net")
    assert (
        not result.accepted
        and "the server takes 100." in result.words
        and "larger than the server accepts" in result.sentence
    )
    monkeypatch.setattr(Connection, "offers", lambda self, said: offers(self, {"SIZE": "0"}))
    result = campaigns.send_test(alice, draft, "jörg@example.net")
    assert not result.accepted and "does not take such addresses" in result.sentence
    assert provider.received == []


def test_a_server_that_is_not_there_is_said(alice: int, draft: int, provider: Provider) -> None:
    with db.session() as session:
        session.exec(select(Sender)).one().port = 1
    result = campaigns.send_test(alice, draft, "me@example.net")
    assert not result.accepted and "did not answer as a mail server on port 1" in result.sentence


def test_several_addresses_are_read_however_they_are_separated() -> None:
    typed = "Me <me@example.net>, you@example.net;ME@example.net\nthem@example.net"
    assert testmail.addresses_in(typed) == ["me@example.net", "you@example.net", "them@example.net"]
    for text, words in (("", "Enter an address"), ("me@example.net, nobody", "nobody is not an email address")):
        with pytest.raises(RuleError, match=words):
            testmail.addresses_in(text)
    with pytest.raises(RuleError, match="at most 10"):
        testmail.addresses_in(" ".join(f"a{n}@example.net" for n in range(11)))


def test_what_cannot_be_sent_is_said_before_anything_is_tried(alice: int, draft: int, provider: Provider) -> None:
    for to in ("", "nobody", "a@b@c"):
        with pytest.raises(RuleError, match="not an email address"):
            campaigns.send_test(alice, draft, to)
    with db.session() as session:
        charlie = user(session, "charlie@example.com")
        campaigns.save_draft(session, alice, draft, 2, sender_id=None)
    with pytest.raises(RuleError, match="No sender"):
        campaigns.send_test(alice, draft, "me@example.net")
    with pytest.raises(NotFound):
        campaigns.send_test(charlie, draft, "charlie@example.com")
    assert provider.received == []
