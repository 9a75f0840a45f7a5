"""The bounce mailbox of a sender: what its user types, and whose turn it is to be read.

Its password goes in sealed and never comes out to a page, like that of the sender.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, or_, select, update
from sqlmodel import Session, col

from core import crypto, db, live
from core.delivery import sender_values, senders
from core.delivery.imap import Account, Trouble
from core.delivery.sender_values import Invalid
from core.errors import NotFound, RuleError
from core.models import BounceMailbox, Security, Sender

EVERY = timedelta(minutes=5)
_LATEST = timedelta(hours=1)  # after many checks that failed
_READING = timedelta(minutes=2)  # longer than a visit may take: whoever reads longer has died

_mailbox: Any = BounceMailbox.__table__  # type: ignore[attr-defined]
_TEXTS = {"host": 255, "username": 320, "folder": 200}
_PREFIX = "mailbox_"  # of a field's name among those of its sender

# SMTP host -> where the same account is read. The providers' own pages: see the presets.
_HOSTS = {
    "smtp.gmail.com": "imap.gmail.com",
    "smtp.office365.com": "outlook.office365.com",
    "smtp.hostinger.com": "imap.hostinger.com",
    "smtp.zoho.com": "imap.zoho.com",
    "smtp.zoho.eu": "imap.zoho.eu",
    "smtp.zoho.in": "imap.zoho.in",
    "smtppro.zoho.com": "imappro.zoho.com",
    "smtp.mail.yahoo.com": "imap.mail.yahoo.com",
    "smtp.mail.me.com": "imap.mail.me.com",
    "smtp.fastmail.com": "imap.fastmail.com",
    "ssl0.ovh.net": "ssl0.ovh.net",
}
# These only send: a bounce goes to the mailbox of the From address, which is somewhere else, or stays with them.
_ONLY_SEND = ("amazonaws.com", "sendgrid.net", "mailgun.org", "brevo.com", "postmarkapp.com")


@dataclass(frozen=True)
class Values:
    """What the user types. ``same_sign_in``: the sender's own sign-in; ``password`` None = the one that is kept."""

    host: str = ""
    port: int | None = 993
    security: str = Security.tls
    same_sign_in: bool = True
    username: str = ""
    password: str | None = None
    folder: str = "INBOX"


@dataclass(frozen=True)
class Turn:
    """A mailbox to be read now, as it is set at this moment. ``broken``: why it cannot be, as a sentence."""

    sender_id: int
    user_id: int
    account: Account
    version: int
    uid_validity: int | None
    last_uid: int
    now: datetime
    broken: str = ""


def guess(smtp_host: str) -> Values:
    """What fits an account for sending; the host "" where it has no mailbox."""
    host = smtp_host.strip().lower().rstrip(".")
    if not host or host.endswith(_ONLY_SEND):
        return Values(same_sign_in=False)
    first, _, rest = host.partition(".")
    return Values(host=_HOSTS.get(host, f"imap.{rest}" if first == "smtp" and "." in rest else host))


def problems(values: Values) -> dict[str, str]:
    """Field name (as ``mailbox_host``) -> sentence for everything that cannot work."""
    found = {}
    for name, limit in _TEXTS.items():
        text = getattr(values, name)
        if len(text) > limit or not text.isprintable():
            found[name] = f"This may have at most {limit} characters, without line breaks."
    host = values.host.strip()
    if not host or any(char in host for char in " /@\\") or host.count(":") == 1:
        found["host"] = "Enter the name of the mailbox server, as imap.example.com."
    if values.port is None or not 1 <= values.port <= 65535:
        found["port"] = "The port is a number from 1 to 65,535; common are 993 and 143."
    if values.security not in set(Security):
        found["security"] = "Choose STARTTLS, TLS or none."
    if not values.folder.strip() or not values.folder.isascii():
        found["folder"] = "Enter the name of the folder, as INBOX."
    if not values.same_sign_in and not values.username.strip():
        found["username"] = "Enter the username of the mailbox, or use the sender’s sign-in."
    if values.password and len(values.password) > 1000:
        found["password"] = "The password may have at most 1,000 characters."
    return {_PREFIX + name: sentence for name, sentence in found.items()}


def save(session: Session, user_id: int, sender_id: int, values: Values, new_secret: bool = False) -> None:
    """Set the mailbox of a sender, read at once. ``new_secret``: the sender's own password was typed just now.

    Raises Invalid, NotFound.
    """
    sender = _of(session, user_id, sender_id)
    kept = session.get(BounceMailbox, sender_id)
    if found := problems(values) or _secret_problem(sender, kept, values, new_secret):
        raise Invalid(found)
    place: dict[str, Any] = {
        "host": values.host.strip(),
        "username": "" if values.same_sign_in else values.username.strip(),
    }
    place |= {"folder": values.folder.strip(), "port": values.port, "security": values.security}
    place["same_sign_in"] = values.same_sign_in
    row: dict[str, Any] = {**place, "password_sealed": _sealed(kept, sender_id, values), "sender_id": sender_id}
    moved = kept is None or any(getattr(kept, name) != place[name] for name in ("host", "username", "folder"))
    row |= {"next_check_at": db.now(session), "failures": 0, "error": "", "error_reply": ""}
    row |= {"uid_validity": None, "last_uid": 0} if moved else {}
    if kept is None:
        session.add(BounceMailbox(**row))
        session.flush()
    else:
        changed = update(_mailbox).where(_mailbox.c.sender_id == sender_id)
        session.execute(changed.values(**row, version=_mailbox.c.version + 1, checking_until=None))
        session.expire(kept)
    _changed(session, user_id, sender_id)


def remove(session: Session, user_id: int, sender_id: int) -> None:
    """Read no mailbox for this sender any more, if it had one. Raises NotFound."""
    senders.get(session, user_id, sender_id)
    if session.connection().execute(delete(_mailbox).where(_mailbox.c.sender_id == sender_id)).rowcount:
        _changed(session, user_id, sender_id)


def list_all(session: Session, user_id: int) -> dict[int, BounceMailbox]:
    """Sender id -> its mailbox, where it has one."""
    own = select(BounceMailbox).where(_owned(user_id))
    return {mailbox.sender_id: mailbox for mailbox in session.scalars(own)}


def typed_account(sender: sender_values.Values, values: Values) -> Account | None:
    """To try both before they are saved; None where a password that is kept is meant."""
    username, password = (
        (sender.username, sender.password) if values.same_sign_in else (values.username, values.password)
    )
    return _typed(values, username, password) if password else None


def account(session: Session, user_id: int, sender_id: int, values: Values) -> Account:
    """To try ``values`` with the password that is kept, of the sender or of its mailbox.

    Raises RuleError for one that must not go to another server than it was given for; NotFound.
    """
    sender = _of(session, user_id, sender_id)
    kept = session.get(BounceMailbox, sender_id)
    if found := _secret_problem(sender, kept, values, False):
        raise RuleError(next(iter(found.values())))
    if values.same_sign_in:
        return _typed(values, sender.username, senders.password(sender))
    return _typed(values, values.username, _password(kept))


def take_turn(session: Session, user_id: int | None = None, sender_id: int | None = None) -> Turn | None:
    """The mailbox that waits longest, to be read by the caller alone; None where none is due.

    With ``user_id`` and ``sender_id`` that one, due or not; None then: somebody reads it now. Raises NotFound.
    """
    now = db.now(session)
    free = or_(_mailbox.c.checking_until.is_(None), _mailbox.c.checking_until < now)
    if sender_id is None:
        due = (_mailbox.c.next_check_at <= now, free, exists().where(col(Sender.id) == _mailbox.c.sender_id, *_LIVES))
        sender_id = session.execute(
            select(_mailbox.c.sender_id).where(*due).order_by(_mailbox.c.next_check_at).limit(1)
        ).scalar()
        if sender_id is None:
            return None
    elif user_id is not None and session.scalar(select(BounceMailbox).where(_owned(user_id, sender_id))) is None:
        raise NotFound("This sender has no bounce mailbox.")
    taken = update(_mailbox).where(_mailbox.c.sender_id == sender_id, free).values(checking_until=now + _READING)
    if not session.connection().execute(taken).rowcount:
        return None
    mailbox, sender = session.get_one(BounceMailbox, sender_id), session.get_one(Sender, sender_id)
    at, broken = Account(mailbox.host, mailbox.port, mailbox.security, "", ""), ""
    try:
        at = _account(sender, mailbox)
    except crypto.SealBroken as error:
        broken = str(error)
    return Turn(
        sender_id=sender_id,
        user_id=sender.user_id,
        account=at,
        broken=broken,
        version=mailbox.version,
        uid_validity=mailbox.uid_validity,
        last_uid=mailbox.last_uid,
        now=now,
    )


def keep(session: Session, turn: Turn, uid_validity: int, last_uid: int, bounced: int, complained: int) -> bool:
    """How far the folder was read, with what was found in it, in one transaction; False: it is another mailbox now."""
    values = {
        "uid_validity": uid_validity,
        "last_uid": last_uid,
        "bounced_count": _mailbox.c.bounced_count + bounced,
        "complained_count": _mailbox.c.complained_count + complained,
    }
    return bool(session.connection().execute(update(_mailbox).where(*_same(turn)).values(values)).rowcount)


def end_turn(session: Session, turn: Turn, trouble: Trouble | None = None, at_once: bool = False) -> None:
    """The check is over. ``trouble``: why it failed; one that lasts waits for the user. ``at_once``: there is more."""
    now = db.now(session)
    values: dict[str, Any] = {"checking_until": None, "checked_at": now, "error": "", "error_reply": ""}
    values |= {"failures": 0, "next_check_at": now if at_once else now + EVERY}
    if trouble is not None:
        failed = session.execute(select(_mailbox.c.failures).where(*_same(turn))).scalar() or 0
        wait = min(_LATEST, EVERY * 2 ** min(failed, 10))
        values |= {"failures": failed + 1, "next_check_at": None if trouble.lasting else now + wait}
        values |= {"error": str(trouble), "error_reply": trouble.reply}
        del values["checked_at"]
    if session.connection().execute(update(_mailbox).where(*_same(turn)).values(values)).rowcount:
        db.after_commit(session, lambda: live.publish(turn.user_id, "sender", turn.sender_id))


_LIVES = (col(Sender.deleted_at).is_(None), col(Sender.is_sandbox).is_(False))


def _same(turn: Turn) -> tuple[Any, Any]:
    return _mailbox.c.sender_id == turn.sender_id, _mailbox.c.version == turn.version


def _owned(user_id: int, sender_id: int | None = None) -> Any:
    own = select(col(Sender.id)).where(col(Sender.user_id) == user_id, *_LIVES)
    return _mailbox.c.sender_id.in_(own if sender_id is None else own.where(col(Sender.id) == sender_id))


def _of(session: Session, user_id: int, sender_id: int) -> Sender:
    sender = senders.get(session, user_id, sender_id)
    if sender.is_sandbox:
        raise RuleError("The sandbox gets no bounces: its mails reach nobody.")
    return sender


def _account(sender: Sender, mailbox: BounceMailbox) -> Account:
    place = (mailbox.host, mailbox.port, mailbox.security)
    if mailbox.same_sign_in:
        return Account(*place, sender.username, senders.password(sender), mailbox.folder)
    return Account(*place, mailbox.username, _password(mailbox), mailbox.folder)


def _typed(values: Values, username: str, password: str) -> Account:
    assert values.port is not None
    place = (values.host.strip(), values.port, values.security)
    return Account(*place, username.strip(), password, values.folder.strip())


def _password(mailbox: BounceMailbox | None) -> str:
    if mailbox is None or not mailbox.password_sealed:
        return ""
    return crypto.unseal(mailbox.password_sealed, f"mailbox:{mailbox.sender_id}")


def _sealed(kept: BounceMailbox | None, sender_id: int, values: Values) -> str:
    if values.same_sign_in:
        return ""
    if values.password is None:
        return kept.password_sealed if kept is not None else ""
    return crypto.seal(values.password, f"mailbox:{sender_id}") if values.password else ""


def _secret_problem(sender: Sender, kept: BounceMailbox | None, values: Values, new_secret: bool) -> dict[str, str]:
    """A kept password goes to no other server: whoever gets at a session could have it sent to one of their own."""
    host = values.host.strip().lower()
    if values.same_sign_in:
        own = {sender.host.lower(), guess(sender.host).host}
        if kept is not None and kept.same_sign_in:
            own.add(kept.host.lower())
        if host in own or new_secret or not senders.has_password(sender):
            return {}
        words = "Enter the sender’s password again: it would go to another server than the one it was given for."
        return {_PREFIX + "host": words}
    if values.password is not None:
        return {}
    if kept is None or not kept.password_sealed:
        return {_PREFIX + "password": "Enter the password of the mailbox."}
    if (host, values.username.strip()) != (kept.host.lower(), kept.username):
        return {_PREFIX + "password": "Enter the password again: it was given for another mailbox."}
    return {}


def _changed(session: Session, user_id: int, sender_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "sender", sender_id))
    db.after_commit(session, live.wake)
