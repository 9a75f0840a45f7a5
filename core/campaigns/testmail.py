"""One mail to one address, now: how a draft really arrives. It is no message of the ledger."""

import asyncio
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic

from sqlmodel import Session

from core import clock, crypto, db
from core.audience import addresses, pasted
from core.campaigns import attachments
from core.campaigns.checks import sender_problem
from core.campaigns.content import content
from core.campaigns.drafts import get
from core.content import mail
from core.delivery import consequence, guests, hosts, replies, senders, smtp, standing, starts, tls
from core.delivery.smtp import Refused, Reply, Server
from core.delivery.starts import Full
from core.errors import RuleError
from core.models import Sender, User

# Seconds: somebody waits for the answer.
_TIMES = smtp.Timeouts(connect=20, banner=20, tls=20, command=20, data=20, block=20, dot=60, quit=2)
_LONGEST = 170.0  # seconds for all: a campaign may wait
# Tokens in a test mail belong to no message: such numbers are never given to a row.
_NO_MESSAGE = 1 << 62
MOST_ADDRESSES = 10


@dataclass(frozen=True)
class TestResult:
    """``sentence`` is for the user, ``words`` are the mail server's own (they may be empty).

    ``is_about_address``: another address may well be accepted; ``is_about_sender``: its account or server is at fault.
    """

    __test__ = False  # pytest: this is no test class

    accepted: bool
    sentence: str
    words: str = ""
    is_about_address: bool = False
    is_about_sender: bool = False


def addresses_in(text: str) -> list[str]:
    """The addresses in ``text``, however they are separated, each once. Raises RuleError with what is wrong."""
    found: dict[str, None] = {}
    for _, (typed, *_) in pasted.rows(text):
        address = addresses.read(typed)
        if not address.email:
            raise RuleError(f"{typed[:80]} is not an email address: {address.reason}.")
        found[address.email] = None
    if not found:
        raise RuleError("Enter an address to send the test to.")
    if len(found) > MOST_ADDRESSES:
        raise RuleError(f"A test goes to at most {MOST_ADDRESSES} addresses at once.")
    return list(found)


def send_test(user_id: int, campaign_id: int, to: str, fields: Mapping[str, object] | None = None) -> TestResult:
    """Send the draft as it is kept to ``to``, its subject marked [Test], filled with the ``fields`` of an example.

    It takes its turn within the sender's limits, the connections included; where that is not soon, it is not sent.
    Blocks for that and while it talks to the mail server (at most some 20 s a step); opens its own short transactions.
    Raises RuleError with what is missing, NotFound.
    """
    address = addresses.one(to)
    with db.reading() as session:
        sender, server, raw = _prepare(session, user_id, campaign_id, address, fields or {})
        full, zone = starts.look(session, sender, address), session.get_one(User, user_id).time_zone
    result = full or _alone(server, sender, address, raw)
    if isinstance(result, Full):
        room = f"There is room for a test again at {clock.of_day(result.until, zone)}. Nothing was sent."
        return TestResult(False, f"{result.why} {room}", is_about_address=result.is_of_domain)
    if result.accepted or result.is_about_sender:
        with db.session() as session:
            standing.tested(session, sender, "" if result.accepted else result.sentence)
    return result


def _alone(server: Server, sender: Sender, address: str, raw: bytes) -> TestResult | Full:
    with guests.alone(sender) as why_not:
        if not why_not:
            return _try(server, sender, address, raw)
    return TestResult(False, f"{why_not} Nothing was sent. Try again in a minute.")


def _try(server: Server, sender: Sender, address: str, raw: bytes) -> TestResult | Full:
    try:
        reply = asyncio.run(asyncio.wait_for(_deliver(server, sender, address, raw), _LONGEST))
    except Refused as refused:
        verdict = replies.classify(refused.phase, refused.reply.code, "", refused.reply.text)
        at, words = refused.phase, _words(refused.reply)
        is_about_sender = at in ("connect", "ehlo", "auth") and not consequence.passes(verdict)
        return TestResult(False, verdict.explanation, words, at == "rcpt", is_about_sender)
    except smtp.BadAddress as error:
        return TestResult(False, str(error), is_about_address=True)
    except ssl.SSLError as error:
        sentence = tls.why_not(error, server.name, server.port, server.security)
        words = getattr(error, "verify_message", "")
        return TestResult(False, f"{sentence} Nothing was sent.", words, is_about_sender=True)
    except (OSError, smtp.Dropped) as error:
        sentence = f"{server.name} did not answer as a mail server on port {server.port}. Test the sender's connection."
        why = hosts.why_not(error, server.name, server.port) if isinstance(error, OSError) else str(error)
        return TestResult(False, sentence, why, is_about_sender=True)
    if isinstance(reply, Full):
        return reply
    return TestResult(True, f"The mail server accepted the test mail to {addresses.shown(address)}.", _words(reply))


def _prepare(
    session: Session, user_id: int, campaign_id: int, to: str, fields: Mapping[str, object]
) -> tuple[Sender, Server, bytes]:
    campaign = get(session, user_id, campaign_id)
    if sentence := sender_problem(session, campaign):
        raise RuleError(sentence)
    sender = session.get_one(Sender, campaign.sender_id)
    draft = content(session, campaign)
    try:
        files = attachments.data(session, campaign_id, draft.attachments)
        compiled = mail.compile_mail(replace(draft, subject=f"[Test] {draft.subject}"), files)
        number = _NO_MESSAGE | secrets.randbits(60)  # a new Message-ID each time: mailboxes hide doubles
        raw = compiled.render(mail.Recipient(number, to, fields), db.now(session)) + compiled.tail
    except mail.BadMail as error:
        raise RuleError(f"No mail can be made of this draft. {error}") from None
    host, port = senders.address(sender)
    try:
        password = senders.password(sender)
    except crypto.SealBroken as error:
        raise RuleError(str(error)) from None
    reachable = host if sender.is_sandbox else senders.resolve(host, port)
    username = sender.username if password else ""
    server = Server(reachable, port, sender.security, username, password, name=host, timeouts=_TIMES)
    return sender, server, raw


async def _deliver(server: Server, sender: Sender, to: str, raw: bytes) -> Reply | Full:
    """The server's yes, once it was its turn. Raises Refused, BadAddress, Dropped, OSError, ssl.SSLError."""
    connection = await smtp.connect(server)
    try:
        envelope = smtp.envelope(connection, sender.from_address, to, len(raw))
        if (refusal := smtp.too_big(connection, len(raw))) is not None:
            raise Refused("mail", refusal)
        if (full := await _turn(sender, to)) is not None:
            return full
        if connection.pipelining:
            connection.begin(envelope)
        if (refused := await connection.offered(envelope)) is not None:
            raise Refused(*refused)
        await connection.send(raw)
        connection.finish(b"", None)
        reply = await connection.read(_TIMES.dot)
        if not replies.is_success("dot", reply.code):
            raise Refused("dot", reply)
        return reply
    finally:
        await connection.quit()


async def _turn(sender: Sender, to: str) -> Full | None:
    """Wait for it; a turn that was lost on a busy machine counts, and the next one is taken."""
    assert sender.id is not None
    while True:
        with db.session() as session:
            turn = starts.take(session, sender.id, to)
        if isinstance(turn, Full):
            return turn
        await asyncio.sleep(turn.at - monotonic())
        if monotonic() <= turn.until:
            return None


def _words(reply: Reply) -> str:
    return f"{reply.code or ''} {reply.text}".strip()
