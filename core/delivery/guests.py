"""A connection that is none of a sender's owner, as of a test: while it stands nobody owns the sender, so it is the
only one, whatever number of connections the sender may have."""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session

from core import db, live
from core.delivery import lease
from core.live import Hint
from core.models import Sender

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)  # who died as a guest is waited for no longer
_RENEWED = 5.0  # seconds
_PATIENCE = 20.0  # seconds until the owner has ended its mails under way
_LOOK = 0.25  # seconds, where no hint tells of it

_sender: Any = Sender.__table__  # type: ignore[attr-defined]


@contextmanager
def alone(sender: Sender) -> Iterator[str]:
    """While this lasts nobody else has a connection of the sender. Gives the empty string, or a sentence that says why
    that is not to be had soon.

    Blocks until its owner has given it back; opens its own short transactions.
    """
    guest = _Guest(sender)
    try:
        yield guest.come()
    finally:
        guest.leave()


def asked(session: Session, sender_ids: Iterable[int]) -> set[int]:
    """Those of these senders that a guest waits for: give them back."""
    waited = select(_sender.c.id).where(_sender.c.id.in_(sorted(sender_ids)), ~lease.no_guest(db.now(session)))
    return set(session.connection().execute(waited).scalars())


class _Guest:
    """``until``: what it wrote into the sender's row last, and nobody else did; None: it is no guest yet."""

    def __init__(self, sender: Sender) -> None:
        self.until: datetime | None = None
        self._name, self._id, self._user_id = sender.name, sender.id, sender.user_id
        self._own = (_sender.c.id == sender.id, _sender.c.user_id == sender.user_id)
        self._over = threading.Event()
        self._staying = threading.Thread(target=self._stay, name="guest", daemon=True)

    def come(self) -> str:
        """Why it cannot; empty: it is alone now."""
        changed = threading.Event()

        def hear(hint: Hint) -> None:
            if hint.user_id is None or (hint.topic, hint.id) == ("sender", self._id):
                changed.set()

        forget, deadline = live.subscribe(hear), monotonic() + _PATIENCE
        try:
            while monotonic() < deadline:
                changed.clear()
                if (self.until or self._ask()) and self._is_alone():
                    return ""
                changed.wait(_LOOK)
        finally:
            forget()
        return self._why_not()

    def leave(self) -> None:
        self._over.set()
        if self.until is None:
            return
        self._staying.join()
        with db.session() as session:
            if self._write(session, None):
                db.after_commit(session, lambda: live.publish(self._user_id, "sender", self._id))
                db.after_commit(session, live.wake)

    def _ask(self) -> bool:
        """From now on no worker takes the sender, and its owner gives it back. False: another guest is there."""
        with db.session() as session:
            now = db.now(session)
            until = now + LEASE
            statement = update(_sender).where(*self._own, lease.no_guest(now)).values(guest_until=until)
            if not session.connection().execute(statement).rowcount:
                return False
            db.after_commit(session, live.wake)
        self.until = until
        self._staying.start()
        return True

    def _stay(self) -> None:
        while not self._over.wait(_RENEWED):
            try:
                with db.session() as session:
                    until = db.now(session) + LEASE
                    if not self._write(session, until):
                        return
                self.until = until
            except Exception:
                log.exception("sender %s: its guest could not say that it stays; the next time it may", self._id)

    def _write(self, session: Session, until: datetime | None) -> bool:
        """False: it was away for so long that another guest came."""
        mine = (*self._own, _sender.c.guest_until == self.until)
        return session.connection().execute(update(_sender).where(*mine).values(guest_until=until)).rowcount > 0

    def _is_alone(self) -> bool:
        with db.reading() as session:
            wanted = select(_sender.c.id).where(*self._own, lease.nobody(db.now(session)))
            return session.connection().execute(wanted).first() is not None

    def _why_not(self) -> str:
        if self.until is None:
            return f"{self._name} is busy with another test."
        with db.reading() as session:
            silent = select(_sender.c.id).where(*self._own, lease.silent(db.now(session)))
            if session.connection().execute(silent).first() is not None:
                return f"The part of the program that sends through {self._name} does not answer."
        return f"{self._name} is busy with mails that take long."
