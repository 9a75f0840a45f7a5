"""One mail to one address, now: how a draft really arrives. It is no message of the ledger and counts nowhere."""

import secrets
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session

from core import crypto, db
from core.audience import addresses
from core.campaigns.checks import sender_problem
from core.campaigns.content import content
from core.campaigns.drafts import get
from core.content import mail
from core.delivery import replies, senders
from core.errors import RuleError
from core.models import Security, Sender

_EHLO = "[127.0.0.1]"  # smtplib would ask the name server for this machine's name, and wait for it
_SECONDS = 20
# Tokens in a test mail belong to no message: such numbers are never given to a row.
_NO_MESSAGE = 1 << 62


@dataclass(frozen=True)
class TestResult:
    """``sentence`` is for the user, ``words`` are the mail server's own (they may be empty)."""

    __test__ = False  # pytest: this is no test class

    accepted: bool
    sentence: str
    words: str = ""


@dataclass(frozen=True)
class _Account:
    host: str
    connect_to: str
    port: int
    security: str
    username: str
    password: str


class _Refused(Exception):
    def __init__(self, phase: str, code: int, text: bytes) -> None:
        self.phase, self.code, self.text = phase, code, text.decode("utf-8", "replace")


def send_test(user_id: int, campaign_id: int, to: str, fields: Mapping[str, object] | None = None) -> TestResult:
    """Send the draft as it is kept to ``to``, its subject marked [Test], filled with the ``fields`` of an example.

    Blocks while it talks to the mail server (at most some 20 s a step); opens its own short transaction. Raises
    RuleError with what is missing, NotFound.
    """
    address = addresses.read(to)
    if not address.email:
        raise RuleError(f"This is not an email address: {address.reason}.")
    with db.reading() as session:
        account, from_address, raw = _prepare(session, user_id, campaign_id, address.email, fields or {})
    try:
        words = _deliver(account, from_address, address.email, raw)
    except _Refused as refused:
        verdict = replies.classify(refused.phase, refused.code, "", refused.text)
        return TestResult(False, verdict.explanation, f"{refused.code} {refused.text}".strip())
    except ssl.SSLCertVerificationError as error:
        sentence = f"The certificate of {account.host} cannot be trusted, so nothing was sent."
        return TestResult(False, sentence, error.verify_message)
    except (OSError, smtplib.SMTPException) as error:
        sentence = (
            f"{account.host} did not answer as a mail server on port {account.port}. Test the sender's connection."
        )
        return TestResult(False, sentence, str(error))
    return TestResult(True, f"The mail server accepted the test mail to {address.email}.", words)


def _prepare(
    session: Session, user_id: int, campaign_id: int, to: str, fields: Mapping[str, object]
) -> tuple[_Account, str, bytes]:
    campaign = get(session, user_id, campaign_id)
    if sentence := sender_problem(session, campaign):
        raise RuleError(sentence)
    sender = session.get_one(Sender, campaign.sender_id)
    draft = content(session, campaign)
    try:
        compiled = mail.compile_mail(replace(draft, subject=f"[Test] {draft.subject}"))
        number = _NO_MESSAGE | secrets.randbits(60)  # a new Message-ID each time: mailboxes hide doubles
        raw = compiled.render(mail.Recipient(number, to, fields), db.now(session))
    except mail.BadMail as error:
        raise RuleError(f"No mail can be made of this draft. {error}") from None
    host, port = senders.address(session, sender)
    try:
        password = senders.password(sender)
    except crypto.SealBroken as error:
        raise RuleError(str(error)) from None
    reachable = host if sender.is_sandbox else senders.resolve(host, port)
    return _Account(host, reachable, port, sender.security, sender.username, password), sender.from_address, raw


def _deliver(account: _Account, from_address: str, to: str, raw: bytes) -> str:
    with _connection(account) as smtp:
        _check("connect", *smtp.connect(account.connect_to, account.port))
        _check("ehlo", *smtp.ehlo())
        if account.security == Security.starttls:
            _check("ehlo", *smtp.starttls(context=ssl.create_default_context()))
            _check("ehlo", *smtp.ehlo())
        if account.password:
            try:
                smtp.login(account.username, account.password)
            except smtplib.SMTPAuthenticationError as error:
                raise _Refused("auth", error.smtp_code, _bytes(error.smtp_error)) from None
        _check("mail", *smtp.mail(from_address))
        _check("rcpt", *smtp.rcpt(to))
        try:
            code, words = smtp.data(raw)
        except smtplib.SMTPDataError as error:
            raise _Refused("data", error.smtp_code, _bytes(error.smtp_error)) from None
        _check("dot", code, words)
        return f"{code} {words.decode('utf-8', 'replace')}"


def _connection(account: _Account) -> smtplib.SMTP:
    smtp: smtplib.SMTP
    if account.security == Security.tls:
        context = ssl.create_default_context()
        smtp = smtplib.SMTP_SSL(local_hostname=_EHLO, timeout=_SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(local_hostname=_EHLO, timeout=_SECONDS)
    # The name was looked up once; certificates are checked against the name all the same.
    smtp._host = account.host  # type: ignore[attr-defined]
    return smtp


def _check(phase: str, code: int, text: bytes) -> None:
    if not replies.is_success(phase, code) and not (phase == "ehlo" and code == 220):
        raise _Refused(phase, code, text)


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")
