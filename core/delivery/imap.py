"""Read new mails of an IMAP folder (RFC 3501) and change nothing in it: EXAMINE and PEEK only.

The standard library's client, told to connect to the one address that was looked up (the name is a user's), and with
bounds on what a server may make us read and on how long it may take.
"""

import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import mktime
from typing import Any

from core.delivery import hosts, tls
from core.errors import RuleError
from core.models import Security

TIMEOUT = 20.0  # seconds for each answer
DEADLINE = 60.0  # seconds for a visit
MOST_BYTES = 256 * 1024  # of one mail: a report and the head of what was returned come first
_MOST_READ = 64 * 1024 * 1024  # in one visit
_REPLY_CHARS = 500
_HEADS = 100  # mails whose heads are asked for together
_FIELDS = "CONTENT-TYPE FROM RETURN-PATH SUBJECT X-FAILED-RECIPIENTS"

_UID = re.compile(rb"\bUID (\d{1,10})\b")
_WHEN = re.compile(rb'INTERNALDATE "[^"]{1,40}"')
# The server's trouble, not a wrong password or folder (RFC 5530).
_LATER = ("UNAVAILABLE", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "TRY AGAIN", "TOO MANY", "TEMPORAR")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True)
class Account:
    """``security``: a models.Security. ``folder``: as INBOX."""

    host: str
    port: int
    security: str
    username: str
    password: str = field(repr=False)
    folder: str = "INBOX"


class Trouble(RuleError):
    """Why a mailbox cannot be read, as a sentence. ``reply``: the server's own words. ``lasting``: until its user
    mends it, as a password that was refused, which is not to be tried again and again."""

    def __init__(self, sentence: str, reply: str = "", lasting: bool = False) -> None:
        super().__init__(sentence)
        self.reply, self.lasting = reply, lasting


@dataclass(frozen=True)
class Head:
    """Some header fields of a mail, and when it arrived (aware; None where the server does not say)."""

    uid: int
    fields: bytes
    at: datetime | None


class Folder:
    """An open folder. ``uid_validity``: UIDs are kept while it is the same. ``count``: mails in it."""

    def __init__(self, client: "_Client", count: int) -> None:
        self._client, self.count = client, count
        said = client.response("UIDVALIDITY")[1]
        self.uid_validity = int(said[-1]) if said and said[-1] and said[-1].isdigit() else 0

    def newer(self, uid: int, since: date | None = None) -> list[int]:
        """The UIDs above ``uid`` in ascending order; ``since``: only of mails that arrived on that day or later."""
        terms = [f"UID {uid + 1}:*"]
        if since is not None:
            terms.append(f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}")
        found: set[int] = set()
        for line in self._asked("SEARCH", *terms):
            found.update(int(word) for word in line.split() if word.isdigit())
        return sorted(number for number in found if number > uid)  # "*" means the last one even where it is older

    def heads(self, uids: Sequence[int]) -> Iterator[Head]:
        """Of those that are still there, in no order."""
        for start in range(0, len(uids), _HEADS):
            some = ",".join(map(str, uids[start : start + _HEADS]))
            wanted = f"(UID INTERNALDATE BODY.PEEK[HEADER.FIELDS ({_FIELDS})])"
            for described, content in self._fetched(some, wanted):
                if found := _UID.search(described):
                    yield Head(int(found[1]), content, _arrived(described))

    def mail(self, uid: int) -> bytes:
        """The first MOST_BYTES of a mail; nothing where it is gone."""
        wanted = f"(UID BODY.PEEK[]<0.{MOST_BYTES}>)"
        return next((content for _, content in self._fetched(str(uid), wanted)), b"")

    def has_room(self, mails: int) -> bool:
        """Whether so many more may be read in this visit, however long they are."""
        return self._client.bytes_read + mails * MOST_BYTES < _MOST_READ

    def _fetched(self, uids: str, wanted: str) -> Iterator[tuple[bytes, bytes]]:
        """What describes each literal, before and behind it, and the literal."""
        lines: list[Any] = [*self._asked("FETCH", uids, wanted), b""]
        for place, line in enumerate(lines):
            if isinstance(line, tuple):
                behind = lines[place + 1]
                yield line[0] + b" " + (behind if isinstance(behind, bytes) else b""), line[1]

    def _asked(self, command: str, *words: str) -> Iterable[Any]:
        status, lines = self._client.uid(command, *words)
        if status != "OK":
            said = lines[0] if lines and isinstance(lines[0], bytes) else b""
            raise Trouble("The mailbox could not be read. We try again.", _clean(said.decode("utf-8", "replace")))
        return [line for line in lines if line is not None]


@contextmanager
def opened(account: Account, deadline: float = DEADLINE) -> Iterator[Folder]:
    """Connect, sign in and open the folder read-only; leave at the end of the block.

    The server has ``deadline`` seconds, from the connection until we have left. Certificates are verified as for SMTP.
    Blocks: call it off the event loop. Raises Trouble.
    """
    if account.username and not account.password:
        raise Trouble("The password of the mailbox is missing. Enter it.", lasting=True)
    with ExitStack() as ends:
        alarm = _Alarm(deadline, ends)
        client = _connect(account, alarm)
        try:
            yield _enter(client, account)
        except Trouble as trouble:
            trouble.reply = _without(trouble.reply, account)
            raise
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            raise _interrupted(error, account, alarm.late) from None
        finally:
            client.leave()


class _Alarm:
    """Cuts a connection after so many seconds: whoever waits for the server waits no longer. ``late``: it did."""

    def __init__(self, seconds: float, ends: ExitStack) -> None:
        self.late, self._seconds, self._ends = False, seconds, ends

    def begin(self, connection: socket.socket) -> None:
        line = self._ends.enter_context(connection.dup())  # the same connection when TLS has taken the socket over
        timer = threading.Timer(self._seconds, self._cut, [line])
        timer.daemon = True
        timer.start()
        self._ends.callback(timer.join)
        self._ends.callback(timer.cancel)

    def _cut(self, line: socket.socket) -> None:
        self.late = True
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


class _Client(imaplib.IMAP4):
    """``ip``: where ``host`` was found; with ``context`` the connection begins with TLS."""

    def __init__(self, ip: str, account: Account, context: ssl.SSLContext | None, alarm: _Alarm) -> None:
        self._ip, self._context, self._alarm, self.bytes_read = ip, context, alarm, 0
        super().__init__(account.host, account.port, TIMEOUT)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        raw = socket.create_connection((self._ip, self.port), timeout)
        try:
            self._alarm.begin(raw)
            if self._context is None:
                return raw
            return self._context.wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self.bytes_read += size
        if size > 2 * MOST_BYTES + 1_000_000 or self.bytes_read > _MOST_READ:
            raise self.abort("it sends more than it was asked for")

    def leave(self) -> None:
        with suppress(imaplib.IMAP4.error, OSError, ValueError):
            self.sock.settimeout(2)
            self.logout()
        with suppress(OSError):
            self.shutdown()


def _connect(account: Account, alarm: _Alarm) -> _Client:
    try:
        ip = hosts.resolve(account.host, account.port, hosts.MAILBOX_PORTS)
        return _Client(ip, account, tls.context() if account.security == Security.tls else None, alarm)
    except RuleError as error:
        raise Trouble(str(error)) from None
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        raise (_interrupted(error, account, True) if alarm.late else _unreached(error, account)) from None


def _unreached(error: Exception, account: Account) -> Trouble:
    host, port = account.host, account.port
    if isinstance(error, ConnectionRefusedError):
        return Trouble(f"Nothing answers on port {port} of {host}. Check the port: 993 with TLS is common.")
    if isinstance(error, ssl.SSLError):
        return _untrusted(error, account)
    if isinstance(error, TimeoutError):
        return Trouble(f"{host} did not answer on port {port}. Check the port and the security.")
    if isinstance(error, OSError):
        return Trouble(f"{host} cannot be reached from here: {error.strerror or error}.")
    hint = " Port 993 begins with TLS." if account.security != Security.tls and port == 993 else ""
    return Trouble(f"What answers on port {port} of {host} is not a mailbox server (IMAP).{hint}")


def _untrusted(error: Exception, account: Account) -> Trouble:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message
        return Trouble(tls.why_not(error, account.host, account.port, account.security), said)
    if account.security == Security.tls and account.port != 993:
        return Trouble(f"Port {account.port} of {account.host} does not begin with TLS. Try STARTTLS, or port 993.")
    return Trouble(tls.why_not(error, account.host, account.port, account.security))


def _enter(client: _Client, account: Account) -> Folder:
    if account.security == Security.starttls:
        _start_tls(client, account)
    if account.username:
        _sign_in(client, account)
    quoted = _quoted(account.folder)
    status, said = client.select(quoted, readonly=True)
    if status != "OK":
        reply = _clean(said[0].decode("utf-8", "replace")) if said and isinstance(said[0], bytes) else ""
        if _is_for_now(reply):
            raise Trouble(f"{account.host} cannot open {account.folder} now. We try again.", reply)
        raise Trouble(f"There is no folder {account.folder} in this mailbox.", reply, lasting=True)
    return Folder(client, int(said[0]) if said and said[0] and said[0].isdigit() else 0)


def _start_tls(client: _Client, account: Account) -> None:
    if "STARTTLS" not in client.capabilities:
        raise Trouble(f"{account.host} does not offer STARTTLS on port {account.port}. Port 993 with TLS may work.")
    try:
        client.starttls(tls.context())
    except ssl.SSLError as error:
        raise _untrusted(error, account) from None
    client.untagged_responses.clear()  # what came before the encryption must not count after it


def _sign_in(client: _Client, account: Account) -> None:
    if "LOGINDISABLED" in client.capabilities:
        raise Trouble(f"{account.host} takes no password without encryption. Set Security to TLS.", lasting=True)
    try:
        if "AUTH=PLAIN" in client.capabilities:
            secret = f"\0{account.username}\0{account.password}".encode()
            client.authenticate("PLAIN", lambda _: secret)
        else:
            client.login(_quoted(account.username), account.password)
    except imaplib.IMAP4.abort:
        raise
    except UnicodeEncodeError:
        raise Trouble(f"{account.host} takes no letters beyond ASCII in a password.", lasting=True) from None
    except imaplib.IMAP4.error as error:
        reply = _clean(str(error))
        if _is_for_now(reply):
            raise Trouble(f"{account.host} cannot check the sign-in now. We try again.", reply) from None
        words = f"{account.host} refused the username or the password. Enter them again."
        raise Trouble(words, reply, lasting=True) from None


def _is_for_now(reply: str) -> bool:
    return any(sign in reply.upper() for sign in _LATER)


def _interrupted(error: Exception, account: Account, late: bool) -> Trouble:
    if late or isinstance(error, TimeoutError):
        return Trouble(f"{account.host} stopped answering. We try again.")
    if isinstance(error, ssl.SSLError):
        return _untrusted(error, account)
    reply = _without(_clean(str(error)), account)
    return Trouble(f"{account.host} closed the connection before the mailbox was read. We try again.", reply)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _clean(text: str) -> str:
    text = "".join(char if char.isprintable() else " " for char in text[:4_000])
    return " ".join(text.split())[:_REPLY_CHARS]


def _without(text: str, account: Account) -> str:
    """What the user typed is not shown again."""
    for secret in (account.password, account.username):
        text = text.replace(secret, "…") if len(secret) > 2 else text
    return text


def _arrived(described: bytes) -> datetime | None:
    found = _WHEN.search(described)
    parsed = imaplib.Internaldate2tuple(found[0]) if found else None
    try:
        return datetime.fromtimestamp(mktime(parsed), UTC) if parsed else None
    except (OverflowError, ValueError, OSError):
        return None
