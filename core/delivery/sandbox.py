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

from sqlalchemy import delete, func, or_, update
from sqlmodel import Session, col, select

from core import crypto, db, live
from core.audience import search as spelling
from core.delivery import scenarios, senders
from core.errors import NotFound
from core.models import Campaign, Meta, SandboxMail, SandboxSetting, Sender, SenderState

KEEP, KEEP_BYTES = 500, 100_000_000  # mails per user, and what they take together: there may be large files in them
SOURCE = 200_000  # bytes of a mail's source that are shown
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
    source: str  # as it came, its beginning where it is long


@dataclass(frozen=True)
class Setting:
    """``readers``: simulated ones open the mails that come in."""

    scenario: str = scenarios.NORMAL
    readers: bool = False


def setting(session: Session, user_id: int) -> Setting:
    """How the sandbox of this user behaves."""
    kept = session.get(SandboxSetting, user_id)
    if kept is None:
        return Setting()
    return Setting(kept.scenario if kept.scenario in scenarios.ALL else scenarios.NORMAL, kept.readers)


def play(session: Session, user_id: int, scenario: str) -> None:
    """Let the sandbox play this provider from now on. Raises RuleError for none of ours.

    It is another provider: what the last one taught the sandbox sender, and the wait it asked for, are over.
    """
    _keep(session, user_id, scenario=scenarios.get(scenario).key)
    provider = ("state_kind", "state_rule", "state_reply", "learned_rule")
    afresh: dict[str, Any] = dict.fromkeys(provider, "") | {"state": SenderState.ready, "cooldown_step": 0}
    nothing = (
        "cooling_until",
        "next_start_at",
        "paced_until",
        "learned_per_minute",
        "learned_connections",
        "learned_at",
    )
    mine = (col(Sender.user_id) == user_id, col(Sender.is_sandbox), col(Sender.deleted_at).is_(None))
    session.execute(update(Sender).where(*mine).values(**afresh, **dict.fromkeys(nothing), learned_pinned=False))
    db.after_commit(session, lambda: live.publish(user_id, "sender"))
    db.after_commit(session, live.wake)


def set_readers(session: Session, user_id: int, on: bool) -> None:
    """Whether simulated readers open the mails that come in from now on."""
    _keep(session, user_id, readers=on)


def how_far(session: Session, user_id: int, campaign_id: int) -> tuple[str, int]:
    """The status and the opens of this campaign of the user where it goes to the sandbox, ("", 0) for any other."""
    told = select(Campaign.status, Campaign.opened_count).join(Sender, col(Sender.id) == col(Campaign.sender_id))
    mine = (col(Campaign.id) == campaign_id, col(Campaign.user_id) == user_id)
    return session.exec(told.where(*mine, col(Sender.is_sandbox))).first() or ("", 0)


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
    """Keep ``mails`` in one transaction, and of each user the newest KEEP that fit into KEEP_BYTES."""
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
    statement = select(*columns).where(*_found(user_id, search))  # type: ignore[call-overload]
    if before is not None:
        statement = statement.where(col(SandboxMail.id) < before)
    rows = session.exec(statement.order_by(col(SandboxMail.id).desc()).limit(limit)).all()
    return [Line(*row) for row in rows]


def count(session: Session, user_id: int, search: str = "") -> int:
    """How many mails ``listed`` would give without a limit."""
    return session.exec(select(func.count()).select_from(SandboxMail).where(*_found(user_id, search))).one()


def raw(session: Session, user_id: int, mail_id: int) -> bytes:
    """The mail as it came, byte by byte. Raises NotFound."""
    return _get(session, user_id, mail_id).raw


def opened(session: Session, user_id: int, mail_id: int) -> Opened:
    """One mail, taken apart whatever is in it. Raises NotFound."""
    mail = _get(session, user_id, mail_id)
    line = Line(mail_id, mail.received_at, mail.rcpt_to, mail.subject, mail.size)
    parsed = _parsed(mail.raw)
    return Opened(line, mail.mail_from, _headers(mail.raw), *_parts(parsed), _source(mail.raw))


def html(raw: bytes) -> str:
    """The HTML part of a mail; "" where it has none."""
    return _parts(_parsed(raw))[0]


def delete_all(session: Session, user_id: int) -> int:
    """Empty the user's sandbox; returns how many mails there were."""
    gone = session.execute(delete(SandboxMail).where(col(SandboxMail.user_id) == user_id))
    db.after_commit(session, lambda: live.publish(user_id, "sandbox"))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def announce(session: Session, web_url: str) -> None:
    """Tell every process where the web is reached from this machine, for the pixels and images of sandbox mails."""
    table: Any = Meta.__table__  # type: ignore[attr-defined]
    db.upsert(session, table, {"key": senders.WEB_KEY, "value": web_url}, ["key"])


def subject(raw: bytes) -> str:
    """The decoded Subject of a mail, "" where there is none that can be read."""
    try:
        return _clean(str(BytesParser(policy=policy.default).parsebytes(raw, headersonly=True)["subject"] or ""))[:998]
    except (MessageError, ValueError, LookupError, TypeError, IndexError, AttributeError):
        return ""


def _keep(session: Session, user_id: int, **changes: Any) -> None:
    table: Any = SandboxSetting.__table__  # type: ignore[attr-defined]
    db.insert_ignore(session, table, [{"user_id": user_id, "scenario": scenarios.NORMAL, "readers": False}])
    session.execute(update(SandboxSetting).where(col(SandboxSetting.user_id) == user_id).values(**changes))
    db.after_commit(session, lambda: live.publish(user_id, "sandbox"))


def _found(user_id: int, search: str) -> list[Any]:
    conditions: list[Any] = [col(SandboxMail.user_id) == user_id]
    if words := search.strip().replace("\0", ""):
        kept = spelling.term(words)  # a domain as it is kept, which is shown with its letters
        wanted = [(col(SandboxMail.rcpt_to), each) for each in {words, kept, spelling.as_domain(kept)} if each]
        wanted.append((col(SandboxMail.subject), words))
        conditions.append(or_(*(field.ilike(f"%{each.translate(_LIKE)}%", escape="\\") for field, each in wanted)))
    return conditions


def _get(session: Session, user_id: int, mail_id: int) -> SandboxMail:
    mine = (col(SandboxMail.user_id) == user_id, col(SandboxMail.id) == mail_id)
    mail = session.exec(select(SandboxMail).where(*mine)).first() if 0 < mail_id < 1 << 63 else None
    if mail is None:
        raise NotFound("There is no such mail in your sandbox.")
    return mail


def _forget_oldest(session: Session, user_id: int) -> None:
    newest = select(SandboxMail.id, SandboxMail.size).where(col(SandboxMail.user_id) == user_id)
    last_kept, total = 0, 0
    for number, size in session.exec(newest.order_by(col(SandboxMail.id).desc()).limit(KEEP)):
        total += size
        if last_kept and total > KEEP_BYTES:
            break
        last_kept = number or 0
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


def _source(raw: bytes) -> str:
    lines = raw[:SOURCE].decode("utf-8", "replace").split("\n")
    return "\n".join(_clean(line.rstrip("\r")) for line in lines)


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else " " for char in text)
