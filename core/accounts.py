"""People: sign up, sign in, sessions. Passwords are argon2id; sessions are random tokens of which we keep the hash."""

import functools
import threading
from datetime import timedelta

import email_validator
from passlib.hash import argon2
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from core import clock, config, crypto, db, live
from core.errors import RuleError
from core.models import LoginSession, User

SESSION_DAYS = 14
_MIN_PASSWORD, _MAX_PASSWORD = 8, 200
_WRONG = "The email address or the password is wrong."
WRONG_CURRENT = "The current password is wrong."
# Each hash takes 64 MB and 50 ms: without a cap a crowd of strangers signing in would be an outage.
_hashing = threading.Semaphore(4)
_hasher = argon2.using(type="ID")
_hasher.get_backend()  # loads it now: left to the first two who sign in, passlib fails when it happens at once


class Blocked(RuleError):
    """The administrator closed this account."""


def signup_open(session: Session) -> bool:
    """Whether a stranger may sign up: SIGNUP, else yes where this machine alone is reached or nobody has."""
    if config.settings.signup:
        return config.settings.signup == "open"
    return config.settings.is_local or session.exec(select(User.id).limit(1)).first() is None


def sign_up(session: Session, email: str, password: str, time_zone: str | None = None) -> User:
    """Make an account; the first one is the administrator. Raises RuleError with the sentence to show."""
    db.one_at_a_time(session, "meta")  # two first sign-ups must not both become administrator
    if not signup_open(session):
        raise RuleError("Sign-up is closed here. Ask the administrator for an account.")
    return _add(session, email, password, time_zone)


def add_user(session: Session, email: str) -> User:
    """An account without a password. Raises RuleError for what is no address or has an account."""
    db.one_at_a_time(session, "meta")
    return _add(session, email)


def _add(session: Session, email: str, password: str | None = None, time_zone: str | None = None) -> User:
    address = _address(email)
    if session.exec(select(User.id).where(col(User.email) == address)).first() is not None:
        raise RuleError("There is an account with this email address already.")
    user = User(
        email=address,
        password_hash=new_hash(password) if password is not None else "",
        is_admin=session.exec(select(User.id).limit(1)).first() is None,
        time_zone=clock.zone_or_default(time_zone),
        created_at=db.now(session),
    )
    session.add(user)
    session.flush()
    return user


def new_hash(password: str) -> str:
    """What is kept of a password; takes 50 ms. Raises RuleError for one that is too short or too long."""
    check_password(password)
    return _hash(password)


def identify(session: Session, email: str, password: str) -> User | None:
    """The user, or None for a wrong address or password; both take the same time. Writes nothing.

    Raises Blocked with the right password of a blocked account. Hashing takes 50 ms: call it in a reading transaction,
    so that it holds up no writer, between ``tries.begin`` and ``tries.passed``.
    """
    user = session.exec(select(User).where(col(User.email) == as_kept(email))).first()
    if not _matches(password, user.password_hash if user else None):
        return None
    if user is not None and user.blocked_at is not None:
        raise Blocked("This account is blocked. Ask the administrator.")
    return user


def wrong_sign_in() -> str:
    """The one sentence for every refused sign-in."""
    return _WRONG


def sign_in(session: Session, user_id: int, password_hash: str) -> str | None:
    """``start_session`` for who showed the password that this was kept of; None where it does not count any more.

    Who changes the password or blocks the account at the same time waits for the row, or this waits for them: the
    session is there when they end the user's sessions, or it is not made.
    """
    here = (col(User.id) == user_id, col(User.password_hash) == password_hash, col(User.blocked_at).is_(None))
    counts = session.exec(select(User.id).where(*here).with_for_update()).first() is not None
    return start_session(session, user_id) if counts else None


def start_session(session: Session, user_id: int) -> str:
    """A new random token for the cookie; only its hash is kept."""
    token, now = crypto.new_token(), db.now(session)
    session.execute(delete(LoginSession).where(col(LoginSession.expires_at) < now))
    session.execute(update(User).where(col(User.id) == user_id).values(signed_in_at=now))
    session.add(
        LoginSession(
            token_hash=crypto.token_hash(token),
            user_id=user_id,
            created_at=now,
            expires_at=now + timedelta(days=SESSION_DAYS),
        )
    )
    return token


def session_user(session: Session, token: str) -> tuple[User, LoginSession] | None:
    """The signed-in user and the session, or None for an unknown or expired token."""
    found = session.exec(
        select(User, LoginSession)
        .join(LoginSession, col(LoginSession.user_id) == col(User.id))
        .where(col(LoginSession.token_hash) == crypto.token_hash(token))
        .where(col(LoginSession.expires_at) > db.now(session), col(User.blocked_at).is_(None))
    ).first()
    return (found[0], found[1]) if found else None


def end_session(session: Session, token: str) -> None:
    """Sign this browser out; its open tabs hear of it."""
    found = session_user(session, token)
    session.execute(delete(LoginSession).where(col(LoginSession.token_hash) == crypto.token_hash(token)))
    if found and found[0].id is not None:
        user_id = found[0].id
        db.after_commit(session, lambda: live.publish(user_id, "session"))


def end_other_sessions(session: Session, user_id: int, keep_hash: str) -> int:
    """Sign out every other browser of the user; returns how many."""
    ended = session.execute(
        delete(LoginSession).where(col(LoginSession.user_id) == user_id, col(LoginSession.token_hash) != keep_hash)
    )
    db.after_commit(session, lambda: live.publish(user_id, "session"))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def sessions_alive(session: Session, user_id: int) -> set[str]:
    """The hashes of the user's sessions that still count."""
    alive = select(LoginSession.token_hash).where(
        col(LoginSession.user_id) == user_id, col(LoginSession.expires_at) > db.now(session)
    )
    return set(session.exec(alive).all())


def change_password(session: Session, user_id: int, current_hash: str, hashed: str) -> None:
    """From what was kept of the password that the user showed (``identify``) to that of the new one (``new_hash``).

    Raises RuleError where the password was changed meanwhile.
    """
    here = (col(User.id) == user_id, col(User.password_hash) == current_hash)
    done = session.execute(update(User).where(*here).values(password_hash=hashed))
    if not done.rowcount:  # type: ignore[attr-defined]
        raise RuleError(WRONG_CURRENT)


def save_preferences(session: Session, user_id: int, *, time_zone: str | None = None, theme: str | None = None) -> None:
    """Raises RuleError for a zone pytz does not know or a theme other than auto, light, dark."""
    user = session.get_one(User, user_id)
    if time_zone is not None:
        clock.check_zone(time_zone)
        user.time_zone = time_zone
    if theme is not None:
        if theme not in ("auto", "light", "dark"):
            raise RuleError("The theme is auto, light or dark.")
        user.theme = theme


def check_password(password: str) -> None:
    """Raises RuleError where it is too short or too long (passlib itself fails above 4,096 characters)."""
    if len(password) < _MIN_PASSWORD:
        raise RuleError(f"The password needs at least {_MIN_PASSWORD} characters.")
    if len(password) > _MAX_PASSWORD:
        raise RuleError(f"The password may have at most {_MAX_PASSWORD} characters.")


def _address(email: str) -> str:
    try:
        return email_validator.validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except email_validator.EmailNotValidError as error:
        raise RuleError(f"This is not an email address: {error}") from None


def _hash(password: str) -> str:
    with _hashing:
        return str(_hasher.hash(password))


def _matches(password: str, kept: str | None) -> bool:
    with _hashing:
        if not kept or len(password) > _MAX_PASSWORD:
            _hasher.verify("", _nobodys_hash())
            return False
        return bool(_hasher.verify(password, kept))


@functools.cache
def _nobodys_hash() -> str:
    """What an unknown address is checked against, so that it takes as long as a known one."""
    return str(_hasher.hash("nobody"))


def as_kept(email: str) -> str:
    """An address as accounts are kept, however a browser spells its domain; without what PostgreSQL cannot look for."""
    typed = email.replace("\0", "").strip()
    try:
        return _address(typed)
    except RuleError:
        return typed.lower()
