"""The sandbox of somebody, and what came to it."""

from core import db
from core.delivery import sandbox, senders
from core.models import Sender
from tests import rows

MAIL = (
    "From: Anna <anna@example.com>\r\nTo: ben@example.com\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
    "Hello Ben in text\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    '<p>Hello <b>Ben</b></p><script>alert(1)</script><img src="http://127.0.0.1:8080/t/o/token.gif">\r\n--b--\r\n'
)


def sandbox_of(email: str) -> Sender:
    with db.session() as session:
        return senders.add_sandbox(session, rows.user(session, email))


def subjects(user_id: int) -> list[str]:
    with db.reading() as session:
        return [line.subject for line in sandbox.listed(session, user_id, limit=1000)]
