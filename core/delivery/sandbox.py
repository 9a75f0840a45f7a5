"""The sandbox inbox: mails that went nowhere, kept so that a newcomer can look at them."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from typing import Any

from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from core import crypto, db, live
from core.delivery import senders
from core.errors import NotFound
from core.models import Meta, SandboxMail, Sender

KEEP = 500  # mails per user
_SHOWN_CHARS = 1_000_000
_LIKE = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


@dataclass(frozen=True)
class Received:
    """A mail as it came in."""

    user_id: int
    mail_from: str
    rcpt_to: str
    raw: bytes


@dataclass(frozen=True)
class Line:
    """A mail in the list."""

    id: int
    received_at: datetime
    rcpt_to: str
    subject: str
    size: int


@dataclass(frozen=True)
class Opened:
    """A mail to look at; ``headers`` as they came, ``html`` and ``text`` "" where there is no such part."""

    line: Line
    mail_from: str
    headers: tuple[tuple[str, str], ...]
    html: str
    text: str
    attachments: tuple[str, ...]


def owner(session: Session, username: str, password: str) -> int | None:
    """Whose sandbox sender signs in with these; None for anybody else."""
    statement = select(Sender).where(col(Sender.is_sandbox), col(Sender.username) == username)
    sender = session.exec(statement.where(col(Sender.deleted_at).is_(None))).first()
    if sender is None:
        return None
    try:
        kept = senders.password(sender)
    except crypto.SealBroken:
        return None
    return sender.user_id if hmac.compare_digest(kept.encode(), password.encode()) else None


def store(session: Session, mails: Sequence[Received]) -> None:
    """Keep ``mails`` in one transaction, and of each user the newest KEEP."""
    now = db.now(session)
    table: Any = SandboxMail.__table__  # type: ignore[attr-defined]
    rows = [
        {
            "user_id": mail.user_id,
            "received_at": now,
            "mail_from": mail.mail_from[:320],
            "rcpt_to": mail.rcpt_to[:320],
            "subject": subject(mail.raw),
            "size": len(mail.raw),
            "raw": mail.raw,
        }
        for mail in mails
    ]
    db.insert_ignore(session, table, rows)
    for user_id in {mail.user_id for mail in mails}:
        _forget_oldest(session, user_id)
        db.after_commit(session, lambda user_id=user_id: live.publish(user_id, "sandbox"))  # type: ignore[misc]


def listed(session: Session, user_id: int, search: str = "", limit: int = 50, before: int | None = None) -> list[Line]:
    """The newest mails first; ``search``: part of an address or subject; ``before``: only older ones than this id."""
    columns = (SandboxMail.id, SandboxMail.received_at, SandboxMail.rcpt_to, SandboxMail.subject, SandboxMail.size)
    statement = select(*columns).where(col(SandboxMail.user_id) == user_id)  # type: ignore[call-overload]
    if words := search.strip():
        like = f"%{words.translate(_LIKE)}%"
        fields = (col(SandboxMail.rcpt_to), col(SandboxMail.subject))
        statement = statement.where(or_(*(field.ilike(like, escape="\\") for field in fields)))
    if before is not None:
        statement = statement.where(col(SandboxMail.id) < before)
    rows = session.exec(statement.order_by(col(SandboxMail.id).desc()).limit(limit)).all()
    return [Line(*row) for row in rows]


def opened(session: Session, user_id: int, mail_id: int) -> Opened:
    """One mail, taken apart whatever is in it. Raises NotFound."""
    mail = session.exec(
        select(SandboxMail).where(col(SandboxMail.user_id) == user_id, col(SandboxMail.id) == mail_id)
    ).first()
    if mail is None or mail.id is None:
        raise NotFound("There is no such mail in your sandbox.")
    line = Line(mail.id, mail.received_at, mail.rcpt_to, mail.subject, mail.size)
    parsed = _parsed(mail.raw)
    return Opened(line, mail.mail_from, _headers(mail.raw), *_parts(parsed))


def delete_all(session: Session, user_id: int) -> int:
    """Empty the user's sandbox; returns how many mails there were."""
    gone = session.execute(delete(SandboxMail).where(col(SandboxMail.user_id) == user_id))
    db.after_commit(session, lambda: live.publish(user_id, "sandbox"))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def announce(session: Session, inbox: str, web_url: str) -> None:
    """Tell every process where the inbox listens (``127.0.0.1:40123``) and where the web is reached from here."""
    table: Any = Meta.__table__  # type: ignore[attr-defined]
    for key, value in ((senders.SANDBOX_KEY, inbox), (senders.WEB_KEY, web_url)):
        db.upsert(session, table, {"key": key, "value": value}, ["key"])


def withdraw(session: Session, inbox: str) -> None:
    """The inbox at ``inbox`` is gone; another process's stays announced."""
    session.execute(delete(Meta).where(col(Meta.key) == senders.SANDBOX_KEY, col(Meta.value) == inbox))


def subject(raw: bytes) -> str:
    """The decoded Subject of a mail, "" where there is none that can be read."""
    try:
        return _clean(str(BytesParser(policy=policy.default).parsebytes(raw, headersonly=True)["subject"] or ""))[:998]
    except (MessageError, ValueError, LookupError, TypeError, IndexError, AttributeError):
        return ""


def _forget_oldest(session: Session, user_id: int) -> None:
    ids = select(SandboxMail.id).where(col(SandboxMail.user_id) == user_id).order_by(col(SandboxMail.id).desc())
    last_kept = session.exec(ids.offset(KEEP - 1).limit(1)).first()
    if last_kept is not None:
        session.execute(delete(SandboxMail).where(col(SandboxMail.user_id) == user_id, col(SandboxMail.id) < last_kept))


def _parsed(raw: bytes) -> EmailMessage | None:
    try:
        parsed = BytesParser(policy=policy.default).parsebytes(raw)
        return parsed if isinstance(parsed, EmailMessage) else None
    except (MessageError, ValueError, LookupError, TypeError, IndexError, AttributeError, RecursionError):
        return None


def _parts(parsed: EmailMessage | None) -> tuple[str, str, tuple[str, ...]]:
    html, text, attachments = "", "", []
    for part in _leaves(parsed):
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
            attachments.append(_clean(part.get_filename() or kind))
        elif kind == "text/html":
            html = html or _content(part)
        else:
            text = text or _content(part)
    return html, text, tuple(attachments)


def _leaves(parsed: EmailMessage | None) -> list[MIMEPart]:
    try:
        return [part for part in parsed.walk() if not part.is_multipart()] if parsed is not None else []
    except RecursionError:
        return []


def _content(part: MIMEPart) -> str:
    try:
        content = part.get_content()
        return content[:_SHOWN_CHARS] if isinstance(content, str) else ""
    except (MessageError, ValueError, LookupError, TypeError, KeyError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace")[:_SHOWN_CHARS] if isinstance(payload, bytes) else ""


def _headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Names and values as they stand in the mail, folds kept; what is no header is left out."""
    head = re.split(rb"\r?\n\r?\n", raw[:100_000], maxsplit=1)[0].decode("utf-8", "replace")
    lines: list[tuple[str, str]] = []
    for line in head.splitlines():
        if line[:1] in (" ", "\t") and lines:
            name, value = lines[-1]
            lines[-1] = (name, f"{value}\n{_clean(line)}")
        elif ":" in line:
            name, value = line.split(":", 1)
            lines.append((_clean(name), _clean(value.strip())))
    return tuple(lines[:200])


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else " " for char in text)
