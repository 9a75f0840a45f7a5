"""Test connection against real servers: each thing that people get wrong has its own sentence."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core import clock
from core.delivery import probe
from core.delivery.probe import ProbeResult
from tests.conftest import Stack

USER, PASSWORD = "anna@example.com", "canary-Wört"


class Certificates:
    """An authority and what it issues."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.authority = self._sign("authority", self.key, ca=True)
        self.trusting = ssl.create_default_context(cadata=self.authority.public_bytes(Encoding.PEM).decode())

    def server(self, host: str = "localhost", days: tuple[int, int] = (-1, 30), issued: bool = True) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(host, key, days=days, issuer=self.key if issued else key)
        path = self.folder / f"{host}{days}{issued}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + made.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self, name: str, key: Any, ca: bool = False, days: tuple[int, int] = (-1, 30), issuer: Any = None
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = key is issuer or ca
        parent = subject if signed else self.authority.subject
        now = clock.utcnow()
        draft = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(parent)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=min(days) - 1))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        return draft.sign(issuer or key, SHA256())


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


class Server(Controller):
    """aiosmtpd on a free port of this machine."""

    def __init__(self, tls: ssl.SSLContext | None = None, whole: ssl.SSLContext | None = None, **options: Any) -> None:
        self.implicit, self.refusal = whole, options.pop("refusal", None)
        super().__init__(
            object(),
            hostname="127.0.0.1",
            port=0,
            ssl_context=whole,
            tls_context=tls,
            authenticator=self.check,
            **options,
        )

    def check(self, server: SMTP, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
        right = not self.refusal and data.login == USER.encode() and data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False, message=None if right else self.refusal)

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # else it would connect to port 0
        super()._trigger_server()


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    running: list[Server] = []

    def start(**options: Any) -> int:
        server = Server(**options)
        running.append(server)
        server.start()
        return int(server.port)

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def scripted() -> Iterator[Callable[..., int]]:
    """A server that says these lines, one after each command, and then stays or goes."""
    listening: list[socket.socket] = []

    def start(*lines: str, stays: bool = False) -> int:
        door = socket.create_server(("127.0.0.1", 0))
        listening.append(door)

        def talk() -> None:
            try:
                guest, _ = door.accept()
                with guest, guest.makefile("rb") as heard:
                    for number, line in enumerate(lines):
                        if number:
                            heard.readline()
                        guest.sendall(line.encode() + b"\r\n")
                    while stays and heard.readline():
                        pass
            except OSError:
                pass

        threading.Thread(target=talk, daemon=True).start()
        return int(door.getsockname()[1])

    yield start
    for door in listening:
        door.close()


@pytest.fixture
def try_it(sqlite_stack: Stack, certificates: Certificates) -> Callable[..., ProbeResult]:
    def run(port: int, security: str = "starttls", host: str = "localhost", **changes: Any) -> ProbeResult:
        values = {"username": USER, "password": PASSWORD, "context": certificates.trusting, "timeout": 1.0, **changes}
        result = probe.probe(host, port, security, **values)
        assert PASSWORD not in repr(result) and USER not in result.reply
        assert result.sentence.endswith(".")
        return result

    return run


Try = Callable[..., ProbeResult]
Serve = Callable[..., int]


def test_a_good_account_signs_in_over_starttls_and_tls(try_it: Try, serve: Serve, certificates: Certificates) -> None:
    result = try_it(serve(tls=certificates.server(), require_starttls=True))
    assert result.ok and "Signed in to localhost" in result.sentence
    assert [step.split()[0] for step in result.steps] == ["Found", "Connected", "Encrypted", "Signed"]
    whole = serve(whole=certificates.server(), auth_require_tls=False)
    assert try_it(whole, "tls").ok


def test_without_a_username_the_connection_alone_is_tried(try_it: Try, serve: Serve) -> None:
    result = try_it(serve(), "none", username="", password="")
    assert result.ok and "no sign-in was tried" in result.sentence


def test_a_wrong_password_is_refused_in_the_servers_own_words(
    try_it: Try, serve: Serve, certificates: Certificates
) -> None:
    port = serve(tls=certificates.server(), refusal=f"535 5.7.8 Username and Password not accepted for {USER}")
    result = try_it(port)
    assert not result.ok and "refused the sign-in" in result.sentence
    assert result.reply == "535 5.7.8 Username and Password not accepted for …"


def test_a_password_is_sent_once_only_and_must_be_right(try_it: Try, serve: Serve, certificates: Certificates) -> None:
    result = try_it(serve(tls=certificates.server()), password="canary-Wörd")
    assert not result.ok and "refused the sign-in" in result.sentence and result.reply.startswith("535 5.7.8")


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("534 5.7.9 Application-specific password required. Learn more at https://example.com", "app password"),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            "switched off",
        ),
        ("550 5.7.30 Basic authentication is not supported for Client Submission.", "switched off"),
        ("535 5.7.8 Error: account suspended", "blocked this account"),
        ("454 4.7.0 Too many login attempts, please try again later.", "fewer sign-ins"),
        ("451 Authentication failed: Maximum credits exceeded", "your plan"),
    ],
)
def test_each_refusal_of_a_sign_in_is_explained(
    try_it: Try, serve: Serve, certificates: Certificates, refusal: str, words: str
) -> None:
    result = try_it(serve(tls=certificates.server(), refusal=refusal))
    assert words in result.sentence and result.reply == refusal


def test_a_closed_port_and_a_wrong_name_are_told_apart(try_it: Try) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        closed = door.getsockname()[1]
    assert f"Nothing answers on port {closed}" in try_it(closed).sentence
    assert "no server named" in try_it(587, host="no-such-host.invalid").sentence


def test_a_server_that_never_speaks(try_it: Try) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = try_it(silent.getsockname()[1], timeout=0.2)
    assert "said nothing" in result.sentence


def test_starttls_that_is_not_offered_or_refused_never_goes_on_in_clear_text(
    try_it: Try, serve: Serve, scripted: Serve
) -> None:
    assert "does not offer STARTTLS" in try_it(serve()).sentence
    port = scripted("220 hello", "250-hello\r\n250 STARTTLS", "454 4.7.0 TLS not available", stays=True)
    result = try_it(port)
    assert "refused to start encryption" in result.sentence and result.reply.startswith("454")


def test_tls_and_starttls_mixed_up(try_it: Try, serve: Serve, certificates: Certificates) -> None:
    assert "does not begin with TLS" in try_it(serve(), "tls").sentence
    whole = serve(whole=certificates.server(), auth_require_tls=False)
    assert "Set Security to TLS" in try_it(whole, timeout=0.3).sentence


@pytest.mark.parametrize(
    ("host", "days", "issued", "words"),
    [
        ("localhost", (-9, -2), True, "has expired"),
        ("mail.other.example", (-1, 30), True, "is not for localhost"),
        ("localhost", (-1, 30), False, "nobody"),
    ],
)
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_is_not_valid_is_named(
    try_it: Try, serve: Serve, certificates: Certificates, security: str, host: str, days: Any, issued: bool, words: str
) -> None:
    context = certificates.server(host, days, issued)
    port = serve(whole=context) if security == "tls" else serve(tls=context)
    result = try_it(port, security)
    assert words in result.sentence and not result.ok and "Signed in" not in result.steps


def test_no_sign_in_is_offered_without_encryption(try_it: Try, serve: Serve, certificates: Certificates) -> None:
    assert "Set Security to STARTTLS or TLS" in try_it(serve(tls=certificates.server()), "none").sentence


def test_a_sign_in_needs_its_password(try_it: Try) -> None:
    assert try_it(25, password="").sentence == "Enter the password of this account."


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["554 5.7.1 Service unavailable; client blocked using dnsbl"], "block list"),
        (["421 4.3.2 Too many concurrent connections"], "fewer connections"),
        (["HTTP/1.1 400 Bad Request"], "not a mail server"),
        (["220 hello", "500 what", "500 what"], "did not understand"),
        (["220 hello", "250-hello\r\n250 AUTH XOAUTH2"], "without a password (XOAUTH2)"),
        (["220 hello", "250-hello\r\n250 AUTH PLAIN", "235 welcome\x00\x1b[31m"], "Signed in"),
        (["220 hello", "250-hello\r\n250 AUTH LOGIN", "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 ok"], "Signed in"),
        (["220 hello", "250-hello\r\n250 AUTH CRAM-MD5", "334 PDEuMkBleGFtcGxlPg==", "235 ok"], "Signed in"),
        (["220 hello", "250-hello\r\n250 AUTH CRAM-MD5", "334 not base64 é"], "closed the connection"),
        (["220 hello", "x" * 9000], "before the test was done"),
    ],
)
def test_servers_that_say_odd_things(try_it: Try, scripted: Serve, lines: list[str], words: str) -> None:
    result = try_it(scripted(*lines, stays=len(lines) > 1), "none")
    assert words in result.sentence and result.reply.isprintable()


def test_a_server_that_drips_its_answer_without_end_is_left(
    try_it: Try, scripted: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "DEADLINE", 0.3)
    result = try_it(scripted("220 hello", "250-" + "\r\n250-".join(["x"] * 50), stays=True), "none", timeout=60.0)
    assert "stopped answering" in result.sentence
