"""An SMTP client that sends DATA in steps: the final dot goes out only after its mark is committed (RFC 5321)."""

import asyncio
import base64
import functools
import hmac
import re
from dataclasses import dataclass

from core.audience import addresses
from core.delivery import failpoints, tls
from core.delivery.replies import is_success
from core.delivery.wire import Dropped, Reply, Wire
from core.models import Security

__all__ = ["Connection", "Dropped", "Envelope", "Refused", "Reply", "Server", "Timeouts", "connect", "envelope"]

DOT = b".\r\n"
_BLOCK = 262_144  # bytes


@dataclass(frozen=True)
class Timeouts:
    """Seconds per phase: RFC 5321 section 4.5.3.2."""

    connect: float = 30
    banner: float = 300
    tls: float = 60
    command: float = 300  # EHLO, AUTH, MAIL, RCPT
    data: float = 120
    block: float = 180
    dot: float = 600
    quit: float = 5


@dataclass(frozen=True)
class Server:
    """Where and how to connect. ``name`` is what the certificate must say; ``host`` may be its resolved address."""

    host: str
    port: int
    security: str = Security.starttls
    username: str = ""
    password: str = ""
    name: str = ""
    timeouts: Timeouts = Timeouts()


@dataclass(frozen=True, slots=True)
class Envelope:
    """The commands before the body. ``size`` in bytes of the mail."""

    mail: bytes
    rcpt: bytes
    size: int


class Refused(Exception):
    """The server said no before any mail: ``phase`` is connect, ehlo or auth."""

    def __init__(self, phase: str, reply: Reply) -> None:
        super().__init__(f"{reply.code} {reply.text}".strip())
        self.phase, self.reply = phase, reply


class BadAddress(Exception):
    """This address cannot be written to this server; ``str(error)`` says why."""


class Connection(Wire):
    """A connection that is signed in. ``extensions``: what EHLO offered, name -> its parameters.

    Of these, ``pipelining``; ``size_limit``: bytes of the largest mail it takes, 0 = not told (RFC 1870);
    ``takes_utf8``: whether addresses and headers may have letters beyond ASCII (RFC 6531).
    """

    def __init__(self, timeouts: Timeouts) -> None:
        super().__init__()
        self.timeouts = timeouts
        self.mail_count = 0  # for refresh_after
        self.offers({})

    def offers(self, extensions: dict[str, str]) -> None:
        """Take over what EHLO offered: looked at for every mail."""
        self.extensions = extensions
        self.pipelining, self.takes_utf8 = "PIPELINING" in extensions, "SMTPUTF8" in extensions
        size = extensions.get("SIZE", "")
        self.size_limit = int(size) if size.isdigit() else 0

    def begin(self, envelope: Envelope) -> None:
        """With PIPELINING: the whole envelope in one piece, DATA at its end (RFC 2920)."""
        self.mail_count += 1
        self.write(envelope.mail + envelope.rcpt + b"DATA\r\n")

    def finish(self, body: bytes, follower: Envelope | None) -> None:
        """What is left of the body, the final dot and, in the same piece, the next envelope.

        Raises Dropped: then the dot was not written.
        """
        if follower is None:
            self.write(body + DOT)
        else:
            self.mail_count += 1
            self.write(b"".join((body, DOT, follower.mail, follower.rcpt, b"DATA\r\n")))

    async def send(self, body: bytes) -> None:
        """A body, or a piece of it: until the operating system has it, or the server answers before its time.

        In blocks, each with its own deadline (RFC 5321 section 4.5.3.2.5), so that a large one is not copied at once.
        """
        for start in range(0, len(body), _BLOCK):
            if self.ready:
                return
            self.write(body[start : start + _BLOCK])
            await self.drained(self.timeouts.block)

    async def offered(self, envelope: Envelope) -> tuple[str, Reply] | None:
        """Read (and without PIPELINING write) the envelope. None: the body may come; else (phase, its refusal)."""
        refusal: tuple[str, Reply] | None = None
        steps = (("mail", envelope.mail), ("rcpt", envelope.rcpt), ("data", b"DATA\r\n"))
        if not self.pipelining:
            self.mail_count += 1
        for phase, command in steps:
            if not self.pipelining:
                self.write(command)
            reply = await self.read(self.timeouts.data if phase == "data" else self.timeouts.command)
            if failpoints.ARMED:
                await failpoints.reach(f"after_{phase}")
            if reply.code == 421:
                return refusal or (phase, reply)
            if not is_success(phase, reply.code):
                refusal = refusal or (phase, reply)
                if not self.pipelining:
                    return refusal
            elif phase == "data" and refusal is not None:
                self.write(DOT)  # a server that takes DATA without a recipient: end it empty
                await self.read(self.timeouts.dot)
        return refusal

    async def reset(self) -> None:
        """Forget the mail that was refused. Raises Dropped."""
        self.write(b"RSET\r\n")
        if (await self.read(self.timeouts.command)).code == 421:
            raise Dropped("The server is closing the connection.")

    async def quit(self) -> None:
        """Say good-bye, without waiting long."""
        try:
            self.write(b"QUIT\r\n")
            await self.read(self.timeouts.quit)
        except Dropped:
            pass
        self.close()


async def connect(server: Server) -> Connection:
    """Connect, encrypt, sign in. Raises Refused (its words), Dropped (it was reached), OSError (not), ssl.SSLError."""
    loop, times = asyncio.get_running_loop(), server.timeouts
    name = server.name or server.host
    context = tls.context() if server.security == Security.tls else None
    try:
        async with asyncio.timeout(times.connect):
            _, connection = await loop.create_connection(
                lambda: Connection(times),
                server.host,
                server.port,
                ssl=context,
                server_hostname=name if context else None,
            )
    except ConnectionResetError as error:
        raise (tls.Cut() if context else error) from None
    try:
        await _greet(connection, server, name)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _greet(connection: Connection, server: Server, name: str) -> None:
    times = server.timeouts
    banner = await connection.read(times.banner)
    if banner.code != 220:
        raise Refused("connect", banner)
    await _hello(connection)
    if server.security == Security.starttls:
        await _start_tls(connection, name)
        await _hello(connection)
    if server.username:
        await _sign_in(connection, server.username, server.password)


async def _hello(connection: Connection) -> None:
    own = connection.own_address
    literal = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
    reply = await _ask(connection, f"EHLO {literal}")
    connection.offers({})
    if 500 <= reply.code < 600:
        reply = await _ask(connection, f"HELO {literal}")  # an old server, or a firewall that hides ESMTP
    elif reply.code == 250:
        words = [line.replace("=", " ", 1).split(None, 1) for line in reply.lines[1:] if line]
        connection.offers({pair[0].upper(): pair[1] if len(pair) > 1 else "" for pair in words})
    if reply.code != 250:
        raise Refused("ehlo", reply)


async def _start_tls(connection: Connection, name: str) -> None:
    if "STARTTLS" not in connection.extensions:
        raise Refused("ehlo", Reply(0, (f"{name} does not offer STARTTLS, so the sign-in would not be private.",)))
    connection.deaf()
    reply = await _ask(connection, "STARTTLS")
    if reply.code != 220:
        raise Refused("ehlo", reply)
    try:
        await connection.start_tls(tls.context(), name, connection.timeouts.tls)
    except ConnectionError:
        raise tls.Cut() from None


async def _sign_in(connection: Connection, username: str, password: str) -> None:
    offered = connection.extensions.get("AUTH", "").upper().split()
    if "PLAIN" in offered or not offered:
        reply = await _ask(connection, "AUTH PLAIN " + _base64(f"\0{username}\0{password}"))
    elif "LOGIN" in offered:
        reply = await _ask(connection, "AUTH LOGIN")
        for secret in (username, password):
            if reply.code == 334:
                reply = await _ask(connection, _base64(secret))
    elif "CRAM-MD5" in offered:
        reply = await _ask(connection, "AUTH CRAM-MD5")
        if reply.code == 334:
            reply = await _ask(connection, _cram_md5(reply.text, username, password))
    else:
        words = f"The server offers only {', '.join(offered)} to sign in, and we speak PLAIN, LOGIN and CRAM-MD5."
        raise Refused("auth", Reply(504, (words,)))
    if reply.code != 235:
        raise Refused("auth", reply)


def _cram_md5(challenge: str, username: str, password: str) -> str:
    """The answer to ``challenge`` (RFC 2195)."""
    try:
        digest = hmac.new(password.encode(), base64.b64decode(challenge), "md5").hexdigest()
    except ValueError:
        raise Dropped("The server's challenge to the sign-in cannot be read.") from None
    return _base64(f"{username} {digest}")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _ask(connection: Connection, command: str) -> Reply:
    connection.write(command.encode() + b"\r\n")
    return await connection.read(connection.timeouts.command)


_UNSAFE = re.compile(r"[\x00-\x20<>\x7f]")


def envelope(connection: Connection, sender: str, recipient: str, size: int) -> Envelope:
    """The commands for one mail of ``size`` bytes on this connection. Raises BadAddress.

    SMTPUTF8 (RFC 6531) is asked for only where an address cannot be written without it.
    """
    parameters = f" SIZE={size}" if "SIZE" in connection.extensions else ""
    sender, recipient = _sender_on_the_wire(sender), _on_the_wire(recipient)
    if not (sender.isascii() and recipient.isascii()):
        if not connection.takes_utf8:
            raise BadAddress(
                "The address has letters beyond a–z before the @ sign, and the mail server does not take such "
                "addresses (SMTPUTF8)."
            )
        parameters += " SMTPUTF8"
    mail, rcpt = f"MAIL FROM:<{sender}>{parameters}\r\n", f"RCPT TO:<{recipient}>\r\n"
    return Envelope(mail.encode(), rcpt.encode(), size)


def too_big(connection: Connection, size: int) -> Reply | None:
    """The refusal of a mail of ``size`` bytes that the server would give, without asking it (RFC 1870 section 6.1)."""
    if not connection.size_limit or size <= connection.size_limit:
        return None
    words = f"The mail has {size:,} bytes, the server takes {connection.size_limit:,}."
    return Reply(552, (f"5.3.4 Message too big: {words}",))


def _on_the_wire(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or _UNSAFE.search(address) or len(address) > 320:
        raise BadAddress("This is not an address that mail can be sent to.")
    if address.isascii():
        return address
    try:
        return addresses.wire(address)
    except ValueError:
        raise BadAddress("This is not an address that mail can be sent to.") from None


_sender_on_the_wire = functools.lru_cache(maxsize=256)(_on_the_wire)  # the same for many mails
