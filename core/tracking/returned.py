"""What a mail in a bounce mailbox says about one of our mails: that it came back, that its reader complained, or wants
no more.

Standards: RFC 3462 and 3464 (bounces), 6533 (the same in UTF-8), 5965 (complaints), 3834 (automatic answers are no
bounces). In 535 real bounces the Message-ID of the mail is somewhere in 89 %, in a part of its own in 53 %.

Which mail it is about is only believed by a token that this program signed and that nobody saw but the recipient and
the servers on the way: the Message-ID, or the link to unsubscribe in List-Unsubscribe (some providers replace the
Message-ID). So a forged bounce can say no more than its recipient could: that mails to this one address come back.
"""

import base64
import email
import logging
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import Any

from flufl.bounce import all_failures

from core import crypto
from core.delivery import imap

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs each of its detectors for each mail

BOUNCE, COMPLAINT, UNSUBSCRIBE = "bounce", "complaint", "unsubscribe"

MOST_BYTES = imap.MOST_BYTES
_MOST_PARTS = 60
_MOST_LINES_OF_PARTS = 2_000
_MOST_TOKENS = 50
_TEXT_CHARS = 64_000
_WORDS_CHARS = 1_500
_LINE_CHARS = 2_000

_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_STATUS = ("message/delivery-status", "message/global-delivery-status")
_COMPLAINTS = ("abuse", "fraud")  # not: auth-failure, not-spam, other, virus

_TOKEN = r"[A-Za-z0-9_-]{32}"
_MESSAGE_ID = re.compile(rf"(?<![A-Za-z0-9_-])({_TOKEN})@")
_UNSUBSCRIBE = re.compile(rf"(?:/u/|\?subject=unsubscribe%20)({_TOKEN})(?![A-Za-z0-9_-])")  # a page, or headers.mailto
_WANTS_NO_MORE = re.compile(rf"\bunsubscribe\W{{1,4}}({_TOKEN})(?![A-Za-z0-9_-])", re.I)  # headers.mailto's subject
_FROM_A_SERVER = re.compile(
    r"\b(mailer-daemon|mail-daemon|postmaster|mailerdaemon|mail delivery|microsoftexchange)", re.I
)
_SUBJECT = re.compile(
    r"undeliver|delivery (status|fail|notification|report)|not delivered|returned (mail|to sender)|failure notice|"
    r"unsubscribe|mail delivery|unzustellbar|non remis|no entregado|complaint|abuse report",
    re.I,
)
_DELAYED = re.compile(r"\b(delayed|delay\b|still trying|will (be )?retr|will keep trying|not yet been delivered)", re.I)
_DIAGNOSIS = re.compile(r"(?<![\d.])(?:[45]\d\d[ -]|[45]\.\d{1,3}\.\d{1,3}(?![\d.]))")
_NAMED = re.compile(r"[^\s<>;,\"']{1,64}@[^\s<>;,\"']{1,255}")


@dataclass(frozen=True)
class Failure:
    """One recipient in a bounce. ``addresses``: what it is called there, lower case. ``status``: as 5.1.1, or "".

    ``words``: the server's own, beginning with its code where it told one.
    """

    addresses: frozenset[str]
    status: str
    words: str


@dataclass(frozen=True)
class Returned:
    """``what``: BOUNCE, COMPLAINT or UNSUBSCRIBE. ``message_id``: which of our messages, signed by us.

    ``failures``: of a bounce.
    """

    what: str
    message_id: int
    failures: tuple[Failure, ...] = ()


def may_be_one(fields: bytes) -> bool:
    """Whether the mail with these header fields (content-type, from, return-path, subject, x-failed-recipients) is
    worth reading: other people's letters are not."""
    head = email.message_from_bytes(fields[:20_000])
    kind = _line(head, "Content-Type").lower()
    return (
        "report" in kind
        or kind.startswith("message/")
        or _line(head, "Return-Path") == "<>"
        or head["X-Failed-Recipients"] is not None
        or _FROM_A_SERVER.search(_line(head, "From")) is not None
        or _SUBJECT.search(_line(head, "Subject")) is not None
    )


def read(raw: bytes) -> Returned | None:
    """What ``raw``, a mail that may be cut off at its end, says about one of our mails; None: nothing.

    Takes time linear in its size, whatever it is; what no mail program would send is not looked at.
    """
    if _is_wild(raw):
        return None
    mail = email.message_from_bytes(raw)
    if (unsubscribed := _verified(_WANTS_NO_MORE, "unsubscribe", _line(mail, "Subject"))) is not None:
        return Returned(UNSUBSCRIBE, unsubscribed)
    parts = list(_parts(mail))
    failures: tuple[Failure, ...] = ()
    if any(part.get_content_type() == "message/feedback-report" for part in parts):
        what = _complaint(parts)
    elif any(part.get_content_type() in _STATUS for part in parts):
        failures = tuple(_standard(parts))
        what = BOUNCE if failures else ""
    else:
        failures = tuple(_other(raw, mail, parts))
        what = BOUNCE if failures else ""
    message_id = _message_id(parts) if what else None
    return Returned(what, message_id, failures) if message_id is not None else None


def _is_wild(raw: bytes) -> bool:
    """Thousands of parts, or parts within parts without end: a parser's time or depth, and no bounce."""
    nested = len(re.findall(rb"multipart/|message/", raw, re.I))
    return nested > _MOST_PARTS or raw.count(b"\n--") > _MOST_LINES_OF_PARTS


def _parts(mail: Message) -> Iterator[Message]:
    """Every part, without looking into a mail that is returned or forwarded."""
    if mail.get_content_maintype() == "multipart" and mail.is_multipart():
        for part in _children(mail):
            yield from _parts(part)
    else:
        yield mail


def _children(part: Message) -> list[Message]:
    payload: Any = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _complaint(parts: list[Message]) -> str:
    report = next(part for part in parts if part.get_content_type() == "message/feedback-report")
    kinds = [_line(block, "Feedback-Type").lower() for block in _blocks(report)]
    return COMPLAINT if any(kind in _COMPLAINTS for kind in kinds) else ""


def _standard(parts: list[Message]) -> Iterator[Failure]:
    """The recipients that failed; who was only delayed, or got it after all, did not."""
    human = ""
    for part in parts:
        if part.get_content_type() in _STATUS:
            for block in _blocks(part):
                action, status = _line(block, "Action").lower(), _status(_line(block, "Status"))
                if action == "failed" or (not action and status.startswith("5")):
                    said = _typed(_line(block, "Diagnostic-Code"))
                    names = (_line(block, name) for name in ("Original-Recipient", "Final-Recipient"))
                    addresses = frozenset(address for name in names if (address := _named(_typed(name))))
                    yield Failure(addresses, status, (said or _diagnosis(human))[:_WORDS_CHARS])
        elif part.get_content_type() == "text/plain" and not human:
            human = _text(part)


def _other(raw: bytes, mail: Message, parts: list[Message]) -> Iterator[Failure]:
    """A bounce in a form of its own: from a mail server, and naming the address that failed."""
    is_answer = _line(mail, "Auto-Submitted").lower().startswith("auto-replied") or mail["X-Autoreply"] is not None
    failed = _line(mail, "X-Failed-Recipients")
    if not failed and (is_answer or not _FROM_A_SERVER.search(_line(mail, "From"))):
        return
    human = next((text for part in parts if part.get_content_maintype() == "text" and (text := _text(part))), "")
    if not failed and (_DELAYED.search(_line(mail, "Subject")) or _DELAYED.search(human[:_WORDS_CHARS])):
        return
    addresses = {address for word in failed.split(",") if (address := _named(word))}
    addresses |= _by_library(raw, human)
    said = _diagnosis(human)
    if addresses or _DIAGNOSIS.match(said):
        yield Failure(frozenset(addresses), "", said)


def _by_library(raw: bytes, human: str) -> set[str]:
    """The addresses that failed for good, in one of the forms that flufl.bounce knows."""
    if max(map(len, human.split("\n"))) > _LINE_CHARS:  # its patterns may take the square of a line's length
        return set()
    try:
        # Latin-1: it takes no header with bytes beyond ASCII for one.
        named = all_failures(email.message_from_string(raw.decode("latin-1")))[1]
    except Exception:  # it trips over some mails that are damaged on purpose
        return set()
    return {name.decode("utf-8", "replace").lower() for name in named}


def _diagnosis(human: str) -> str:
    """What a server said, within what a person is told; all of that where no code is in it."""
    found = _DIAGNOSIS.search(human)
    words = human[found.start() :] if found else human
    return " ".join(words[:_WORDS_CHARS].split())


def _message_id(parts: list[Message]) -> int | None:
    """The first token of ours: in the head of the returned mail, else in what a person is told."""
    for part in parts:
        for head in _returned_heads(part):
            for name, pattern, purpose in _SIGNED:
                if (found := _verified(pattern, purpose, _line(head, name))) is not None:
                    return found
    for part in parts:
        text = _text(part) if part.get_content_maintype() == "text" else ""
        for _, pattern, purpose in _SIGNED:
            if (found := _verified(pattern, purpose, text)) is not None:
                return found
    return None


_SIGNED = (("Message-ID", _MESSAGE_ID, "message"), ("List-Unsubscribe", _UNSUBSCRIBE, "unsubscribe"))


def _verified(pattern: re.Pattern[str], purpose: str, text: str) -> int | None:
    for count, found in enumerate(pattern.finditer(text)):
        if count == _MOST_TOKENS:
            return None
        if (number := crypto.verify(purpose, found[1])) is not None:
            return number
    return None


def _returned_heads(part: Message) -> list[Message]:
    kind = part.get_content_type()
    if kind not in _RETURNED:
        return []
    if kind == "text/rfc822-headers" or not part.is_multipart():
        return [HeaderParser().parsestr(_text(part))]
    return _children(part)


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a report, also where it is written in base64 or quoted-printable."""
    children, coding = _children(part), _line(part, "Content-Transfer-Encoding").lower()
    if coding not in ("base64", "quoted-printable") or not children:
        return children
    coded = "\n\n".join(str(child.get_payload()) for child in children if not child.is_multipart())
    plain = _decoded(coded.encode("ascii", "replace"), coding).decode("utf-8", "replace").replace("\r\n", "\n")
    return [HeaderParser().parsestr(group) for group in re.split(r"\n\s*\n", plain) if group.strip()]


def _decoded(coded: bytes, coding: str) -> bytes:
    try:
        return base64.b64decode(coded) if coding == "base64" else quopri.decodestring(coded)
    except ValueError:
        return b""


def _text(part: Message) -> str:
    """What a text part says, its charset right or wrong, without what no database keeps."""
    payload = part.get_payload(decode=True)
    raw = payload[:_TEXT_CHARS] if isinstance(payload, bytes) else b""
    try:
        said = raw.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        said = raw.decode("utf-8", "replace")
    return said.replace("\0", "").encode("utf-8", "replace").decode()  # some charsets tell half a character


def _line(head: Message, name: str) -> str:
    """A field as one line; "" where there is none."""
    value = str(head[name] or "")[:_WORDS_CHARS]
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())


def _typed(value: str) -> str:
    """``rfc822; anna@example.org`` and ``smtp; 550 …`` without the type (RFC 3464 section 2.1.2)."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[\w.+-]{1,40}", kind.strip()) else value


def _status(value: str) -> str:
    found = re.match(r"[245]\.\d{1,3}\.\d{1,3}", value)
    return found[0] if found else ""


def _named(text: str) -> str:
    found = _NAMED.search(text)
    return found[0].strip(".:").lower() if found else ""
