import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.delivery import smtp
from core.delivery.replies import classify
from core.delivery.smtp import BadAddress, Connection, Dropped, Refused, Server, Timeouts
from tests.jobs.certificates import certificate, server_context, trust
from tests.jobs.receiver import Receiver

BODY = b"Subject: hello\r\n\r\nHello.\r\n"
PATIENT = Timeouts()
QUICK = Timeouts(connect=2, banner=0.3, tls=2, command=0.3, data=0.3, block=2, dot=0.3, quit=0.3)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context whose certificate this machine trusts."""
    return trust(certificate(tmp_path, 10), monkeypatch)


def server(port: int, security: str = "none", **more: str) -> Server:
    return Server("127.0.0.1", port, security, name="localhost", **more)


async def send(connection: Connection, recipient: str, body: bytes = BODY) -> smtp.Reply:
    envelope = smtp.envelope(connection, "me@example.com", recipient, len(body))
    if connection.pipelining:
        connection.begin(envelope)
    assert await connection.offered(envelope) is None
    connection.write(body)
    await connection.drained(60)
    connection.finish(b"", None)
    return await connection.read(60)


@asynccontextmanager
async def scripted(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]],
    timeouts: Timeouts = PATIENT,
) -> AsyncIterator[Server]:
    """A server that does exactly this, and how long we wait for it."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(once, "127.0.0.1", 0)
    async with listening:
        yield replace(server(listening.sockets[0].getsockname()[1]), timeouts=timeouts)


async def test_a_large_mail_arrives_whole_over_every_security(trusted: ssl.SSLContext) -> None:
    body = b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 11_000
    for security, options in (("none", {}), ("starttls", {"starttls": trusted}), ("tls", {"tls": trusted})):
        with Receiver(**options) as receiver:  # type: ignore[arg-type]
            connection = await smtp.connect(server(receiver.port, security))
            assert connection.encrypted == (security != "none")
            assert (await send(connection, "you@example.org", body)).code == 250
            assert (await send(connection, "two@example.org")).code == 250
            await connection.quit()
        assert receiver.bodies == {"you@example.org": body, "two@example.org": BODY}
        assert receiver.commands[-1] == "QUIT"


async def test_commands_injected_before_tls_are_dropped(trusted: ssl.SSLContext) -> None:
    with Receiver(starttls=trusted, inject=b"250-evil\r\n250 AUTH PLAIN\r\n") as receiver:
        connection = await smtp.connect(server(receiver.port, "starttls"))
        assert "SIZE" in connection.extensions and "AUTH" not in connection.extensions
        assert (await send(connection, "you@example.org")).code == 250
        connection.abort()


async def test_starttls_that_is_not_offered_is_never_skipped() -> None:
    with Receiver(password="x") as receiver:
        with pytest.raises(Refused, match="does not offer STARTTLS") as error:
            await smtp.connect(server(receiver.port, "starttls", username="me", password="secret"))
        assert error.value.phase == "ehlo"
    assert not [line for line in receiver.commands if line.startswith(("AUTH", "MAIL"))]


async def test_a_certificate_that_nobody_trusts_or_that_expired_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: ssl.SSLContext
) -> None:
    expired = certificate(tmp_path, -1)
    for path in (certificate(tmp_path, 11), expired):
        if path == expired:
            trust(expired, monkeypatch)
        with Receiver(tls=server_context(path)) as receiver, pytest.raises(ssl.SSLCertVerificationError):
            await smtp.connect(server(receiver.port, "tls"))


async def test_signing_in_by_plain_and_by_login() -> None:
    with Receiver(password="x") as receiver:
        connection = await smtp.connect(server(receiver.port, username="me", password="sécret"))
        connection.abort()
    assert "AUTH PLAIN AG1lAHPDqWNyZXQ=" in receiver.commands

    heard: list[bytes] = []

    async def login_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        answers = [b"250-x\r\n250 AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"235 ok\r\n"]
        for answer in answers:
            heard.append(await reader.readline())
            writer.write(answer)

    async with scripted(login_only) as where:
        connection = await smtp.connect(Server(where.host, where.port, "none", "me", "secret"))
        connection.abort()
    assert heard[1:] == [b"AUTH LOGIN\r\n", b"bWU=\r\n", b"c2VjcmV0\r\n"]


async def test_signing_in_by_cram_md5_as_the_standard_shows() -> None:
    heard: list[bytes] = []

    async def cram_md5_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        challenge = base64.b64encode(b"<1896.697170952@postoffice.reston.mci.net>")
        for answer in (b"250-x\r\n250 AUTH CRAM-MD5\r\n", b"334 " + challenge + b"\r\n", b"235 ok\r\n"):
            heard.append(await reader.readline())
            writer.write(answer)

    async with scripted(cram_md5_only) as where:
        account = ("none", "tim", "tanstaaftanstaaf")  # RFC 2195 section 2
        connection = await smtp.connect(Server(where.host, where.port, *account))
        connection.abort()
    assert base64.b64decode(heard[2]) == b"tim b913a602c7eda7a495b4e6e7334d3890"


async def test_a_refused_sign_in_keeps_the_servers_words() -> None:
    with (
        Receiver(lambda phase, _: "535 5.7.8 no such user" if phase == "auth" else None, password="x") as receiver,
        pytest.raises(Refused) as error,
    ):
        await smtp.connect(server(receiver.port, username="me", password="x"))
    assert (error.value.phase, error.value.reply.code, error.value.reply.text) == ("auth", 535, "5.7.8 no such user")


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_refused_recipient_is_told_and_the_connection_goes_on(pipelining: bool) -> None:
    refusal = "550 5.1.1 unknown"
    script = lambda phase, rcpt: refusal if phase == "rcpt" and rcpt.startswith("bad") else None  # noqa: E731
    with Receiver(script, pipelining=pipelining) as receiver:
        connection = await smtp.connect(server(receiver.port))
        envelope = smtp.envelope(connection, "me@example.com", "bad@example.org", 10)
        if pipelining:
            connection.begin(envelope)
        told = await connection.offered(envelope)
        assert told == ("rcpt", smtp.Reply(550, ("5.1.1 unknown",)))
        await connection.reset()
        assert (await send(connection, "good@example.org")).code == 250
        await connection.quit()
    assert receiver.accepted == ["good@example.org"]


@pytest.mark.parametrize(
    ("banner", "why"),
    [
        (b"220 " + b"x" * 100_000 + b"\r\n", "without end"),
        (b"220-again\r\n" * 20_000, "without end"),
        (b"220-" + b"x" * 9_000, "line without end"),
        (b"HTTP/1.1 200 OK\r\n", "does not speak SMTP"),
        (b"\x00\xff\xfe\r\n", "does not speak SMTP"),
        (b"", "did not answer in time"),
        (b"220-slow\r\n220-slower\r\n", "did not answer in time"),
    ],
)
async def test_a_server_that_misbehaves_is_left(banner: bytes, why: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(banner)
        await writer.drain()

    async with scripted(talk, QUICK if why.endswith("in time") else PATIENT) as where:
        with pytest.raises(Dropped, match=why):
            await smtp.connect(where)


async def test_a_trickling_server_does_not_hold_us_longer_than_the_deadline() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            writer.write(b"2")
            await asyncio.sleep(0.05)

    async with scripted(talk, QUICK) as where:
        begin = asyncio.get_running_loop().time()
        with pytest.raises(Dropped):
            await smtp.connect(where)
        assert asyncio.get_running_loop().time() - begin < 60


async def test_an_old_server_gets_helo() -> None:
    script = lambda phase, _: "502 5.5.1 not here" if phase == "ehlo" else None  # noqa: E731
    with Receiver(script) as receiver:
        connection = await smtp.connect(server(receiver.port))
        assert connection.extensions == {}
        assert (await send(connection, "you@example.org")).code == 250
        await connection.quit()
    assert receiver.commands[1].startswith("HELO")


async def test_strange_bytes_in_a_reply_become_text() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554-\x00\xff caf\xc3\xa9\n554 no\r\n")

    async with scripted(talk) as where:
        with pytest.raises(Refused) as error:
            await smtp.connect(where)
    assert error.value.reply.text == "\ufffd\ufffd café no"


async def test_addresses_that_must_not_reach_the_wire() -> None:
    with Receiver() as receiver:
        connection = await smtp.connect(server(receiver.port))
        for bad in (
            "a@b.c>\r\nRCPT TO:<d@e.f",
            "a b@c.d",
            "a@b\u2028.c",
            "ü\x85@c.d",
            "ü\u2028@c.d",
            "no-at",
            "@x.y",
            "a@",
        ):
            with pytest.raises(BadAddress):
                smtp.envelope(connection, "me@example.com", bad, 10)
        wire = smtp.envelope(connection, "me@example.com", "info@bücher.example", 1234)
        assert wire.rcpt == b"RCPT TO:<info@xn--bcher-kva.example>\r\n"
        assert wire.mail == b"MAIL FROM:<me@example.com> SIZE=1234\r\n"
        connection.abort()


async def test_smtputf8_is_asked_for_only_where_it_is_offered_and_needed() -> None:
    with Receiver(more=("SMTPUTF8",)) as receiver:
        connection = await smtp.connect(server(receiver.port))
        plain = smtp.envelope(connection, "me@bücher.example", "you@faß.example", 10)
        assert plain.mail == b"MAIL FROM:<me@xn--bcher-kva.example> SIZE=10\r\n"
        assert plain.rcpt == b"RCPT TO:<you@xn--fa-hia.example>\r\n"
        needed = smtp.envelope(connection, "me@example.com", "jo\u0308rg@bücher.example", 10)
        assert needed.mail == b"MAIL FROM:<me@example.com> SIZE=10 SMTPUTF8\r\n"
        assert needed.rcpt == "RCPT TO:<jörg@xn--bcher-kva.example>\r\n".encode()
        assert (await send(connection, "jörg@example.org")).code == 250
        await connection.quit()
    assert receiver.accepted == ["jörg@example.org"]
    with Receiver() as receiver:
        connection = await smtp.connect(server(receiver.port))
        with pytest.raises(BadAddress, match="does not take such addresses"):
            smtp.envelope(connection, "me@example.com", "jörg@example.org", 10)
        connection.abort()


@pytest.mark.parametrize(("offered", "limit"), [("1000", 1000), ("0", 0), ("", 0), ("no", 0)])
async def test_the_size_that_a_server_takes_is_looked_at_first(offered: str, limit: int) -> None:
    with Receiver() as receiver:
        connection = await smtp.connect(server(receiver.port))
        connection.offers({"SIZE": offered})
        assert connection.size_limit == limit and smtp.too_big(connection, 1000) is None
        told = smtp.too_big(connection, 1001)
        words = "5.3.4 Message too big: The mail has 1,001 bytes, the server takes 1,000."
        assert told == (smtp.Reply(552, (words,)) if limit else None)
        assert told is None or classify("mail", 552, "", words).kind == "too_big"
        connection.abort()


async def test_nobody_there_is_told_at_once() -> None:
    with Receiver() as receiver:
        port = receiver.port
    with pytest.raises(OSError):
        await smtp.connect(server(port))
