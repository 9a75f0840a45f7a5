"""A server whose encryption cannot be trusted gets no password and no mail, and the user is told why and what to do."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core import campaigns, crypto, db
from core.delivery import probe, smtp, tls
from core.delivery.smtp import Server
from core.models import Sender
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.certificates import certificate, old_server, server_context, trust
from tests.jobs.receiver import Receiver

CASES = {
    "expired": "The certificate of localhost has expired. Its provider must renew it.",
    "another name": "The certificate of the server is not for localhost. Use the host name that your provider gives, "
    "not an alias.",
    "self-signed": "localhost shows a certificate that it signed itself, so nobody vouches for it. Its provider must "
    "install one of a public authority.",
    "TLS 1.1": "localhost offers only TLS versions that are no longer safe. Its provider must update it.",
    "cut": "localhost ended the connection on port {port} when encryption began. It may offer only TLS versions that "
    "are no longer safe: ask its provider.",
}


@dataclass
class Wrong:
    """A server whose encryption is wrong: ``sentence`` is what the user must read."""

    port: int
    sentence: str
    receiver: Receiver | None

    def check(self) -> None:
        """Nothing came that was meant to be private, and no mail."""
        commands = self.receiver.commands if self.receiver else []
        assert not [line for line in commands if line.startswith(("AUTH", "MAIL"))]


Serve = Callable[[str, str], AbstractContextManager[Wrong]]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """``with serve(case, security)``: it is trusted apart from what is wrong."""

    @contextmanager
    def start(case: str, security: str) -> Iterator[Wrong]:
        days, host = -1 if case == "expired" else 10, "x.test" if case == "another name" else "localhost"
        path = certificate(tmp_path, days, host)
        context = trust(certificate(tmp_path, 11) if case == "self-signed" else path, monkeypatch)
        if case == "TLS 1.1":
            with old_server(path, security == "starttls") as port:
                yield Wrong(port, CASES[case], None)
            return
        if case == "self-signed":
            context = server_context(path)
        if case == "cut":  # asyncio ends the line before its alert is out
            context.set_ciphers("AES256-SHA")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        options: dict[str, Any] = {security: context}
        with Receiver(password="x", **options) as receiver:
            yield Wrong(receiver.port, CASES[case].format(port=receiver.port), receiver)

    return start


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("case", CASES)
async def test_the_client_refuses_and_the_reason_is_a_sentence(case: str, security: str, serve: Serve) -> None:
    with serve(case, security) as wrong:
        server = Server("127.0.0.1", wrong.port, security, "me", "secret", name="localhost")
        with pytest.raises(ssl.SSLError) as error:
            await smtp.connect(server)
    assert tls.why_not(error.value, "localhost", wrong.port, security) == wrong.sentence
    wrong.check()


@pytest.mark.parametrize("case", CASES)
def test_the_engine_sends_nothing_and_the_sender_says_why(case: str, serve: Serve, sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    security = "starttls" if case in ("expired", "TLS 1.1") else "tls"
    with serve(case, security) as wrong, world.engine() as engine:
        sender_id = world.add_sender(user_id, wrong.port, host="localhost", security=security, username="me")
        campaign_id = world.add_campaign(user_id, sender_id, world.people(3))
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).state == "cooling")
        world.until(lambda: world.sender(sender_id).owner == "")
    assert world.sender(sender_id).state_reply == wrong.sentence
    assert world.states(campaign_id) == {"pending": 3}
    wrong.check()


@pytest.mark.parametrize("case", CASES)
def test_test_connection_says_why(case: str, serve: Serve, sqlite_stack: Stack) -> None:
    with serve(case, "starttls") as wrong:
        result = probe.probe("localhost", wrong.port, "starttls", "me", "secret", timeout=2)
    assert (result.ok, result.sentence) == (False, wrong.sentence)
    wrong.check()


@pytest.mark.parametrize("case", CASES)
def test_a_test_mail_is_not_sent_and_says_why(case: str, serve: Serve, sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with serve(case, "tls") as wrong:
        sender_id = world.add_sender(user_id, wrong.port, host="localhost", security="tls", username="me")
        with db.session() as session:
            session.get_one(Sender, sender_id).password_sealed = crypto.seal("secret", f"sender:{sender_id}")
        campaign_id = world.add_campaign(user_id, sender_id, world.people(1))
        result = campaigns.send_test(user_id, campaign_id, "me@example.net")
    assert (result.accepted, result.sentence) == (False, f"{wrong.sentence} Nothing was sent.")
    wrong.check()


def test_there_is_one_context_for_all_connections() -> None:
    context = tls.context()
    assert context is tls.context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
