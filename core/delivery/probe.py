"""Try a mail server once, as the user typed it: connect, encrypt, sign in, leave; and say what is wrong."""

import base64
import hmac
import smtplib
import socket
import ssl
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from core import db
from core.delivery import consequence, guests, hosts, presets, replies, senders, tls
from core.delivery.sender_values import Values
from core.errors import RuleError
from core.models import Security, Sender

TIMEOUT = 15.0  # seconds for each answer
DEADLINE = 45.0  # seconds for all: a server may drip its answer without end
_REPLY_CHARS = 500

_MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")


@dataclass(frozen=True)
class ProbeResult:
    """``sentence``: for the user. ``reply``: the server's own words, without secrets. ``steps``: what worked.

    ``passes``: it was busy, which says nothing of the account.
    """

    ok: bool
    sentence: str
    reply: str = ""
    steps: tuple[str, ...] = ()
    passes: bool = False


class _Wrong(Exception):
    def __init__(self, sentence: str, reply: str = "", passes: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.reply, self.passes = sentence, reply, passes


def probe(
    host: str,
    port: int,
    security: str,
    username: str,
    password: str,
    preset: str = "other",
    context: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT,
) -> ProbeResult:
    """Connect, sign in and leave, in at most DEADLINE seconds. Blocks: call it off the event loop. Never raises.

    ``context``: whom to trust (default: the system's authorities, TLS 1.2 and newer).
    """
    visit = _Visit(host.strip(), port, security, username, password, preset, context or tls.context(), timeout)
    try:
        sentence = visit.go()
        return ProbeResult(True, sentence, "", tuple(visit.steps))
    except _Wrong as wrong:
        return ProbeResult(False, wrong.sentence, visit.clean(wrong.reply), tuple(visit.steps), wrong.passes)
    except RuleError as error:
        return ProbeResult(False, str(error), "", tuple(visit.steps))
    finally:
        visit.leave()


def probe_typed(user_id: int, sender_id: int | None, values: Values) -> ProbeResult:
    """Probe what was typed for a sender, a new one (None) or one that is kept. Blocks; never raises.

    Where it is the account of the kept one, whoever sends through that ends its connections first, if it does soon: to
    its provider this one is one more, by whatever port or password.
    """
    try:
        values, kept = _with_kept(user_id, sender_id, values)
    except RuleError as error:
        return ProbeResult(False, str(error))
    assert values.port is not None
    with guests.alone(kept) if kept else nullcontext("") as why_not:
        if why_not:
            return ProbeResult(False, f"{why_not} Try again in a minute.", passes=True)
        username, password = values.username.strip(), values.password or ""
        return probe(values.host, values.port, values.security, username, password, values.preset)


def _with_kept(user_id: int, sender_id: int | None, values: Values) -> tuple[Values, Sender | None]:
    """With the password that is kept where none was typed; and the sender, where this is its account."""
    if sender_id is None:
        return values, None
    with db.reading() as session:
        kept = senders.get(session, user_id, sender_id)
    if values.password is None:
        if not senders.may_use_kept_password(kept, values):
            raise RuleError("Enter the password again: it was given for another host or username.")
        values = replace(values, password=senders.password(kept))
    return values, kept if senders.is_at_provider(kept, values) else None


@dataclass
class _Visit:
    host: str
    port: int
    security: str
    username: str
    password: str
    preset: str
    context: ssl.SSLContext
    timeout: float
    steps: list[str] = field(default_factory=list)
    smtp: smtplib.SMTP | None = None
    late: bool = False
    _alarm: threading.Timer | None = None

    def go(self) -> str:
        if self.username and not self.password:
            raise _Wrong("Enter the password of this account.")
        ip = hosts.resolve(self.host, self.port)
        self.steps.append(f"Found {self.host}")
        raw = self._connect(ip)
        try:
            self._greet(raw, ip)
            self._hello()
            if self.security == Security.starttls:
                self._start_tls()
                self._hello()
            if not self.username:
                return f"Connected to {self.host}. No username is set, so no sign-in was tried."
            self._sign_in()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise self._cut_off(error) from None
        self.steps.append("Signed in")
        return f"Signed in to {self.host}."

    def leave(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if self.smtp is not None and self.smtp.sock is not None:
            try:
                self.smtp.sock.settimeout(min(2, self.timeout))
                self.smtp.quit()
            except (smtplib.SMTPException, OSError, ValueError):
                pass
            self.smtp.close()

    def clean(self, reply: str) -> str:
        """The server's words without control characters and without what the user typed."""
        text = "".join(char if char.isprintable() else " " for char in reply)
        for secret in (self.password, self.username):
            for form in (secret, base64.b64encode(secret.encode()).decode()):
                text = text.replace(form, "…") if len(form) > 2 else text
        return " ".join(text.split())[:_REPLY_CHARS]

    def _connect(self, ip: str) -> socket.socket:
        try:
            raw = socket.create_connection((ip, self.port), self.timeout)
        except OSError as error:
            raise _Wrong(hosts.why_not(error, self.host, self.port)) from None
        self._alarm = threading.Timer(DEADLINE, self._too_late, (raw,))
        self._alarm.daemon = True
        self._alarm.start()
        return self._encrypt(raw) if self.security == Security.tls else raw

    def _too_late(self, raw: socket.socket) -> None:
        self.late = True
        try:
            (self.smtp.sock if self.smtp and self.smtp.sock else raw).shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _encrypt(self, raw: socket.socket) -> ssl.SSLSocket:
        try:
            secured = self.context.wrap_socket(raw, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            raw.close()
            raise _Wrong(self._why_no_tls(error), error.verify_message) from None
        except (OSError, ValueError) as error:
            raw.close()
            raise _Wrong(self._why_no_tls(error)) from None
        self.steps.append(f"Encrypted with {(secured.version() or 'TLS').replace('v', ' ')}")
        return secured

    def _why_no_tls(self, error: Exception) -> str:
        return tls.why_not(error, self.host, self.port, self.security)

    def _greet(self, connected: socket.socket, ip: str) -> None:
        own = connected.getsockname()[0]
        literal = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
        self.smtp = smtplib.SMTP(local_hostname=literal, timeout=self.timeout)
        self.smtp.sock = connected
        try:
            code, said = self.smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            if self.security != Security.tls and (self.port == 465 or self._speaks_tls(ip)):
                raise _Wrong(f"Port {self.port} of {self.host} begins with TLS. Set Security to TLS.") from None
            if isinstance(error, smtplib.SMTPServerDisconnected) and not self._waited_in_vain(error):
                raise _Wrong(
                    f"{self.host} closed the connection on port {self.port} at once. Check the port."
                ) from None
            raise _Wrong(f"{self.host} accepted the connection on port {self.port} but said nothing.") from None
        if not 200 <= code < 600:
            raise _Wrong(f"What answers on port {self.port} of {self.host} is not a mail server.")
        if not replies.is_success("connect", code):
            raise self._refused("connect", code, said)
        self.steps.append(f"Connected to port {self.port}")

    def _speaks_tls(self, ip: str) -> bool:
        try:
            with (
                socket.create_connection((ip, self.port), min(3, self.timeout)) as raw,
                self.context.wrap_socket(raw, server_hostname=self.host),
            ):
                return True
        except ssl.SSLCertVerificationError:
            return True
        except (OSError, ValueError):
            return False

    def _hello(self) -> None:
        assert self.smtp is not None
        code, said = self.smtp.ehlo()
        if not 200 <= code < 300:
            code, said = self.smtp.helo()
        if not 200 <= code < 300:
            raise self._refused("ehlo", code, said)

    def _start_tls(self) -> None:
        smtp = self.smtp
        assert smtp is not None and smtp.sock is not None
        if not smtp.has_extn("starttls"):
            hint = "Port 465 with TLS may work." if self.port != 465 else "Set Security to TLS."
            raise _Wrong(f"{self.host} does not offer STARTTLS on port {self.port}. {hint}")
        code, said = smtp.docmd("STARTTLS")
        if code != 220:
            raise _Wrong(f"{self.host} refused to start encryption.", _line(code, said))
        # What came before the encryption must not count after it (RFC 3207 section 6): a new reader, a new EHLO.
        smtp.sock, smtp.file = self._encrypt(smtp.sock), None
        smtp.helo_resp = smtp.ehlo_resp = None
        smtp.esmtp_features, smtp.does_esmtp = {}, False

    def _sign_in(self) -> None:
        assert self.smtp is not None
        offered = self.smtp.esmtp_features.get("auth", "").upper().split()
        mechanism = next((name for name in _MECHANISMS if name in offered), None)
        if mechanism is None:
            raise _Wrong(self._why_no_sign_in(offered))
        code, said = getattr(self, "_" + mechanism.lower().replace("-", "_"))(self.smtp)
        if code != 235:
            raise self._refused("auth", code, said)

    def _why_no_sign_in(self, offered: list[str]) -> str:
        if offered:
            return f"{self.host} offers only sign-ins without a password ({', '.join(sorted(offered))})."
        if self.security == Security.none:
            return f"{self.host} offers no sign-in without encryption. Set Security to STARTTLS or TLS."
        return f"{self.host} offers no sign-in on port {self.port}. Try port 587, or leave the username empty."

    def _plain(self, smtp: smtplib.SMTP) -> tuple[int, bytes]:
        return smtp.docmd("AUTH PLAIN", _b64(f"\0{self.username}\0{self.password}".encode()))

    def _login(self, smtp: smtplib.SMTP) -> tuple[int, bytes]:
        code, said = smtp.docmd("AUTH LOGIN")
        for secret in (self.username, self.password):
            if code == 334:
                code, said = smtp.docmd(_b64(secret.encode()))
        return code, said

    def _cram_md5(self, smtp: smtplib.SMTP) -> tuple[int, bytes]:
        code, said = smtp.docmd("AUTH CRAM-MD5")
        if code != 334:
            return code, said
        digest = hmac.new(self.password.encode(), base64.b64decode(said), "md5").hexdigest()
        return smtp.docmd(_b64(f"{self.username} {digest}".encode()))

    def _refused(self, phase: str, code: int, said: bytes) -> _Wrong:
        reply = _line(code, said)
        verdict = replies.classify(phase, code, "", reply)
        provider = presets.provider(self.preset, self.host) or self.host
        sentence = replies.explain(verdict.rule_id, verdict.kind, provider)
        return _Wrong(sentence, reply, consequence.passes(verdict))

    def _cut_off(self, error: Exception) -> _Wrong:
        if self._waited_in_vain(error):
            return _Wrong(f"{self.host} stopped answering. Try again later.")
        return _Wrong(f"{self.host} closed the connection before the test was done. Try again later.")

    def _waited_in_vain(self, error: Exception) -> bool:
        # smtplib hides the timeout in the context of its own error
        return self.late or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _line(code: int, said: bytes) -> str:
    return f"{code} {said.decode('utf-8', 'replace')}"
