"""A mail as Python's own parser reads it: the judge of what we write."""

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage

from core.content import mail

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "List-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "Precedence",
    "MIME-Version",
    "Content-Type",
]


def content(**changes: object) -> mail.Content:
    """A campaign's content; ``changes`` replace its fields."""
    given: dict[str, object] = {
        "subject": "Hello {{ first_name }}",
        "preheader": "",
        "body": "<html><body><p>Hi {{ first_name }}</p></body></html>\n",
        "body_kind": "html",
        "from_name": "Anna at Example",
        "from_address": "news@example.com",
        "reply_to": "",
        "base_url": "",
        "campaign_id": 7,
        "user_id": 3,
    }
    return mail.Content(**{**given, **changes})  # type: ignore[arg-type]


def parse(raw: bytes) -> EmailMessage:
    """``raw`` parsed; fails on any defect of the mail, its parts or its headers, and on broken lines."""
    assert raw.endswith(b"\r\n") and raw.isascii() and b"\0" not in raw
    for line in raw.split(b"\r\n"):
        assert b"\r" not in line and b"\n" not in line
        assert len(line) <= 998 and not line.startswith(b".")
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    for part in parsed.walk():
        assert not part.defects
        for header in part.values():
            assert not header.defects
    return parsed


def body(parsed: EmailMessage, kind: str) -> str:
    """The decoded ``plain`` or ``html`` part, with its line ends as \\n."""
    [part] = [part for part in parsed.walk() if part.get_content_subtype() == kind]
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return raw.decode().replace("\r\n", "\n")


def shown_name(raw: bytes) -> str:
    """The display name in From. Python's newer parser puts a space between encoded words of a phrase, which RFC 2047
    6.2 forbids and its older parser does right, so that one reads encoded names."""
    header = email.message_from_bytes(raw)["From"]
    if "=?" in header:
        return str(make_header(decode_header(header))).rpartition(" <")[0]
    return str(email.message_from_bytes(raw, policy=email.policy.default)["From"].addresses[0].display_name)
