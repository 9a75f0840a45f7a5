"""Tries to sign in: who fails again and again waits, by account and by network address.

A browser that was signed in to an account before has a count of its own there, so that strangers who guess at the
account cannot keep its owner out (OWASP's "device cookies").
"""

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import case
from sqlmodel import Session, col, delete, select, update

from core import db
from core.accounts import as_kept
from core.errors import RuleError
from core.models import LoginFailure, User

_USER_BITS = 32  # of the number of a browser
_FREE = 5  # failures without a wait
_LONGEST = 300  # seconds
_FORGOTTEN = timedelta(hours=1)  # without a try
_failure: Any = LoginFailure.__table__  # type: ignore[attr-defined]


def device(user_id: int) -> int:
    """A number by which a browser that is signed in to this account is known there; another one gets another."""
    return secrets.randbits(_USER_BITS) << _USER_BITS | user_id


def signed_in(user_id: int, session_hash: str) -> int:
    """The number of a browser by its session: who guesses elsewhere does not keep it from changing the password."""
    return int(session_hash[:8], 16) << _USER_BITS | user_id


def begin(session: Session, email: str, client: str, known: int | None = None) -> None:
    """Count this try as one that failed, until ``passed``; so of many at once no more come through than one by one.

    ``client``: the caller's network address. ``known``: the number (of ``device``) that this browser was given, if
    any. Raises RuleError while one has to wait.
    """
    for key in _keys(session, email, client, known):
        _count(session, key)


def passed(session: Session, email: str, client: str, known: int | None = None) -> None:
    """The try was good: the account's failures are forgotten, the client's own at other accounts are not."""
    now = db.now(session)
    own, *clients = _keys(session, email, client, known)  # locked in the order of ``begin``
    counts = select(LoginFailure.failure_count).where(col(LoginFailure.key) == own).with_for_update()
    count = session.exec(counts).first() or 0
    rest = case((_failure.c.failure_count > count, _failure.c.failure_count - count), else_=0)
    for key, left in ((own, 0), *((each, rest) for each in clients)):
        session.execute(update(_failure).where(_failure.c.key == key).values(failure_count=left, wait_until=now))
    # None that another transaction has: two that wait for each other would end in an error.
    old = select(LoginFailure.key).where(col(LoginFailure.wait_until) < now - timedelta(days=1))
    session.execute(delete(_failure).where(_failure.c.key.in_(old.with_for_update(skip_locked=True))))


def forget(session: Session, email: str) -> None:
    """Failures at this account make nobody wait any longer."""
    session.execute(delete(LoginFailure).where(col(LoginFailure.key) == _account(email)))


def _keys(session: Session, email: str, client: str, known: int | None) -> list[str]:
    if known is not None:
        user_id = known & (1 << _USER_BITS) - 1
        its = select(User.id).where(col(User.id) == user_id, col(User.email) == as_kept(email))
        if session.exec(its).first() is not None:
            return [f"device:{known}"]
    return [_account(email), f"client:{client}"]


def _account(email: str) -> str:
    return f"account:{as_kept(email)[:320]}"


def _count(session: Session, key: str) -> None:
    now, count, until = db.now(session), _failure.c.failure_count, _failure.c.wait_until
    db.insert_ignore(session, _failure, [{"key": key, "failure_count": 0, "wait_until": now}])
    mine = update(_failure).where(_failure.c.key == key)
    fresh = case((until < now - _FORGOTTEN, 1), else_=count + 1)
    counted = mine.where((count < _FREE) | (until <= now)).values(failure_count=fresh, wait_until=now)
    failures = session.execute(counted.returning(count)).scalar()
    if failures is None:
        kept = session.exec(select(LoginFailure.wait_until).where(col(LoginFailure.key) == key)).first()
        seconds = int(((kept or now) - now).total_seconds()) + 1
        left = "a second" if seconds == 1 else f"{seconds:,} seconds"
        raise RuleError(f"Too many tries. Wait {left} and try again.")
    if failures >= _FREE:
        wait = timedelta(seconds=min(_LONGEST, 2 ** (failures - _FREE)))
        session.execute(mine.values(wait_until=now + wait))
