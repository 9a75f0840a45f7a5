"""What the administrator does with accounts: sees, invites, blocks them, and lets a new password be set.

A link carries a random token of which only the hash is kept: it is shown once, counts once, and for some days.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from core import accounts, clock, crypto, db, live, tries
from core.errors import NotFound, RuleError
from core.models import AccountLink, Campaign, Contact, LoginSession, User

log = logging.getLogger(__name__)

LINK_DAYS = 7
MOST_SHOWN = 1_000
_USED = "This link was used already or is too old. Ask the administrator for a new one."


@dataclass(frozen=True)
class Member:
    """An account as the administrator sees it; ``is_invited``: it has no password yet."""

    id: int
    email: str
    is_admin: bool
    is_invited: bool
    is_blocked: bool
    created_at: datetime
    signed_in_at: datetime | None
    campaigns: int
    contacts: int
    sent: int


def members(session: Session, admin_id: int) -> list[Member]:
    """The first 1,000 accounts by address. Raises NotFound for who is no administrator."""
    _admin(session, admin_id)
    users = session.exec(select(User).order_by(col(User.email)).limit(MOST_SHOWN)).all()
    shown = [user.id for user in users]
    there = func.count().filter(col(Campaign.deleted_at).is_(None))
    written = select(Campaign.user_id, there, func.sum(Campaign.sent_count)).where(col(Campaign.user_id).in_(shown))
    mails = {who: (count, int(sent or 0)) for who, count, sent in session.exec(written.group_by(col(Campaign.user_id)))}
    kept = select(Contact.user_id, func.count()).where(col(Contact.user_id).in_(shown)).group_by(col(Contact.user_id))
    contacts = dict(session.exec(kept).all())
    return [_member(user, *mails.get(user.id or 0, (0, 0)), contacts.get(user.id or 0, 0)) for user in users]


def invite(session: Session, admin_id: int, email: str) -> tuple[User, str]:
    """A new account without a password, and the token of the link by which its person sets one.

    Raises RuleError for what is no address or has an account; NotFound for who is no administrator.
    """
    _admin(session, admin_id)
    user = accounts.add_user(session, email)
    assert user.id is not None
    token = _new_link(session, user.id)
    _note(session, "user %s invited user %s", admin_id, user.id)
    return user, token


def reset(session: Session, admin_id: int, user_id: int) -> str:
    """Take an account's password away, end its sessions; returns the token of the link to set a new one.

    Raises RuleError for one's own account, NotFound.
    """
    _other(session, admin_id, user_id)
    token = _reset(session, user_id)
    _note(session, "user %s reset the password of user %s", admin_id, user_id)
    return token


def reset_by_hand(session: Session, email: str) -> str:
    """The same for who has the machine itself: also for an administrator, and a block ends. Raises NotFound."""
    user = session.exec(select(User).where(col(User.email) == accounts.as_kept(email))).first()
    if user is None or user.id is None:
        raise NotFound("There is no account with this email address.")
    session.execute(update(User).where(col(User.id) == user.id).values(blocked_at=None))
    token = _reset(session, user.id)
    _note(session, "the password of user %s was reset on the command line", user.id)
    return token


def block(session: Session, admin_id: int, user_id: int) -> None:
    """Nobody signs in to this account any more; its sessions end now. Raises RuleError for one's own; NotFound."""
    _other(session, admin_id, user_id)
    here = (col(User.id) == user_id, col(User.blocked_at).is_(None))
    done = session.execute(update(User).where(*here).values(blocked_at=db.now(session)))
    if not done.rowcount:  # type: ignore[attr-defined]
        raise RuleError("This account is blocked already.")
    session.execute(delete(AccountLink).where(col(AccountLink.user_id) == user_id))
    _end_sessions(session, user_id)
    _note(session, "user %s blocked user %s", admin_id, user_id)


def unblock(session: Session, admin_id: int, user_id: int) -> None:
    """The account may be used again, with its old password. Raises RuleError, NotFound."""
    _other(session, admin_id, user_id)
    here = (col(User.id) == user_id, col(User.blocked_at).is_not(None))
    done = session.execute(update(User).where(*here).values(blocked_at=None))
    if not done.rowcount:  # type: ignore[attr-defined]
        raise RuleError("This account is not blocked.")
    _note(session, "user %s unblocked user %s", admin_id, user_id)


def link_email(session: Session, token: str) -> str | None:
    """Whose password a link sets; None for one that does not count (any more). Changes nothing."""
    found = select(User.email).join(AccountLink, col(AccountLink.user_id) == col(User.id))
    return session.exec(found.where(*_counts(session, token), col(User.blocked_at).is_(None))).first()


def accept(session: Session, token: str, password_hash: str, time_zone: str | None = None) -> int:
    """Set the password (``accounts.new_hash``) by a link, which counts no more; returns the user's id.

    ``time_zone``: of an account that had none yet. Raises RuleError for a link that does not count.
    """
    counts = _counts(session, token)
    whose = select(AccountLink.user_id).where(*counts)
    # Locked before the link, as by who resets or blocks: two that wait for each other would end in an error.
    user = session.exec(select(User).where(col(User.id).in_(whose)).with_for_update()).first()
    taken = session.execute(delete(AccountLink).where(*counts).returning(col(AccountLink.user_id))).scalar()
    if user is None or user.id is None or user.id != taken or user.blocked_at is not None:
        raise RuleError(_USED)
    if not user.signed_in_at and time_zone:
        user.time_zone = clock.zone_or_default(time_zone)
    user.password_hash = password_hash
    session.execute(delete(AccountLink).where(col(AccountLink.user_id) == user.id))
    tries.forget(session, user.email)
    _end_sessions(session, user.id)
    _note(session, "user %s set a password by a link", user.id)
    return user.id


def _admin(session: Session, user_id: int) -> None:
    here = (col(User.id) == user_id, col(User.is_admin).is_(True), col(User.blocked_at).is_(None))
    if session.exec(select(User.id).where(*here)).first() is None:
        raise NotFound.of("page")


def _other(session: Session, admin_id: int, user_id: int) -> None:
    _admin(session, admin_id)
    if admin_id == user_id:
        raise RuleError("This is your own account. Change your password in Settings.")
    if session.get(User, user_id) is None:
        raise NotFound.of("account")


def _reset(session: Session, user_id: int) -> str:
    session.execute(update(User).where(col(User.id) == user_id).values(password_hash=""))
    _end_sessions(session, user_id)
    return _new_link(session, user_id)


def _new_link(session: Session, user_id: int) -> str:
    """Older ones of the account count no more."""
    token, now = crypto.new_token(), db.now(session)
    session.execute(delete(AccountLink).where(col(AccountLink.user_id) == user_id))
    until = now + timedelta(days=LINK_DAYS)
    session.add(AccountLink(token_hash=crypto.token_hash(token), user_id=user_id, expires_at=until))
    session.flush()
    return token


def _counts(session: Session, token: str) -> tuple[Any, Any]:
    return col(AccountLink.token_hash) == crypto.token_hash(token), col(AccountLink.expires_at) > db.now(session)


def _end_sessions(session: Session, user_id: int) -> None:
    session.execute(delete(LoginSession).where(col(LoginSession.user_id) == user_id))
    db.after_commit(session, lambda: live.publish(user_id, "session"))


def _member(user: User, campaigns: int, sent: int, contacts: int) -> Member:
    invited, blocked = user.password_hash == "", user.blocked_at is not None
    times = (user.created_at, user.signed_in_at)
    return Member(user.id or 0, user.email, user.is_admin, invited, blocked, *times, campaigns, contacts, sent)


def _note(session: Session, words: str, *ids: int) -> None:
    """For the log, once it is true; never a token or a password."""
    tell: Callable[[], None] = lambda: log.info(words, *ids)  # noqa: E731
    db.after_commit(session, tell)
