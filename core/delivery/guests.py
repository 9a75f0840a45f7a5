"""A connection that is none of a sender's owner, as of a test: while it stands nobody owns the sender, so it is the
only one, whatever number of connections the sender may have."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import or_, select, update
from sqlmodel import Session

from core import db, live
from core.models import Sender

LONGEST = timedelta(seconds=200)  # who died as a guest is waited for no longer
STAYS = 170.0  # seconds: a guest has left by then
_PATIENCE = 20.0  # seconds until the owner has ended its mails under way
_LOOK = 0.25  # seconds, where no hint tells of it

_sender: Any = Sender.__table__  # type: ignore[attr-defined]


@contextmanager
def alone(sender_id: int) -> Iterator[bool]:
    """While this lasts (at most STAYS) nobody else has a connection of the sender. False: that is not to be had soon.

    Blocks until its owner has given it back; opens its own short transactions.
    """
    changed = threading.Event()
    forget = live.subscribe(lambda hint: changed.set())
    until: datetime | None = None
    try:
        deadline, is_alone = monotonic() + _PATIENCE, False
        while not is_alone and monotonic() < deadline:
            changed.clear()
            until = until or _ask(sender_id)
            is_alone = until is not None and _is_given_back(sender_id)
            if not is_alone:
                changed.wait(_LOOK)
        yield is_alone
    finally:
        forget()
        if until is not None:
            _leave(sender_id, until)


def asked(session: Session, sender_ids: Iterable[int]) -> set[int]:
    """Those of these senders that a guest waits for: give them back."""
    waited = select(_sender.c.id).where(_sender.c.id.in_(sorted(sender_ids)), _sender.c.guest_until > db.now(session))
    return set(session.connection().execute(waited).scalars())


def nobody(now: datetime) -> Any:
    """The condition that a sender may be taken: there is no guest."""
    return or_(_sender.c.guest_until.is_(None), _sender.c.guest_until <= now)


def _ask(sender_id: int) -> datetime | None:
    """From now on no worker takes the sender, and its owner gives it back; None: another guest is there."""
    with db.session() as session:
        now = db.now(session)
        statement = update(_sender).where(_sender.c.id == sender_id, nobody(now)).values(guest_until=now + LONGEST)
        db.after_commit(session, live.wake)
        return now + LONGEST if session.connection().execute(statement).rowcount else None


def _is_given_back(sender_id: int) -> bool:
    with db.reading() as session:
        free = or_(_sender.c.owner == "", _sender.c.lease_until.is_(None), _sender.c.lease_until < db.now(session))
        wanted = select(_sender.c.id).where(_sender.c.id == sender_id, free)
        return session.connection().execute(wanted).first() is not None


def _leave(sender_id: int, until: datetime) -> None:
    with db.session() as session:
        mine = (_sender.c.id == sender_id, _sender.c.guest_until == until)
        statement = update(_sender).where(*mine).values(guest_until=None).returning(_sender.c.user_id)
        user_id = session.connection().execute(statement).scalar()
        if user_id is not None:
            db.after_commit(session, lambda: live.publish(user_id, "sender", sender_id))
            db.after_commit(session, live.wake)
