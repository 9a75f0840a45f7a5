"""How a sender stands with its mail server: ready, cooling until a moment, or blocked until its user acts."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, update
from sqlmodel import Session

from core import db, live
from core.delivery import consequence, holds, senders, windows
from core.delivery.ledger import REPLY_CHARS
from core.delivery.replies import UNREACHED
from core.errors import RuleError
from core.models import Sender, SenderState

_ACCOUNT = ("host", "port", "security", "username", "password_sealed")
PACED = timedelta(seconds=65)  # between two mails at one a minute it goes on, it does not wait

_sender: Any = Sender.__table__  # type: ignore[attr-defined]


class Tried(StrEnum):
    """What goes out when a wait is ended by hand: one mail that finds out, all that wait, or nothing is due."""

    one = "one"
    all = "all"
    nothing = "nothing"


def cool(session: Session, sender_id: int, epoch: int, seconds: float, kind: str, rule_id: str, reply: str) -> bool:
    """The sender waits ``seconds``; one step up the ladder."""
    until = db.now(session) + timedelta(seconds=seconds)
    values = {"state": SenderState.cooling, "cooling_until": until, "cooldown_step": _sender.c.cooldown_step + 1}
    return _change(session, sender_id, epoch, values | _reason(kind, rule_id, reply))


def block(session: Session, sender_id: int, epoch: int, kind: str, rule_id: str, reply: str) -> bool:
    """The sender waits until its user saves it."""
    values = {"state": SenderState.blocked, "cooling_until": None}
    return _change(session, sender_id, epoch, values | _reason(kind, rule_id, reply))


def recovered(session: Session, sender_id: int, epoch: int) -> bool:
    """A mail was accepted: the next cooldown begins with the first step again."""
    return _change(session, sender_id, epoch, {"cooldown_step": 0} | _reason("", "", ""))


def reached(session: Session, sender_id: int, epoch: int) -> bool:
    """A connection stands; the next cooldown is none the shorter before a mail is accepted."""
    return _change(session, sender_id, epoch, _reason("", "", ""))


def account(sender: Sender) -> tuple[Any, ...]:
    """What connections are opened with: what is known of one says nothing of another."""
    return tuple(getattr(sender, name) for name in _ACCOUNT)


def proven(session: Session, sender_id: int, epoch: int, used: tuple[Any, ...]) -> bool:
    """A mail was accepted, the first one of the account ``used`` as far as anybody knew.

    False where another one was saved meanwhile.
    """
    return _change(session, sender_id, epoch, {"test_problem": ""}, *_has(used))


def tested(session: Session, sender: Sender, problem: str | None) -> bool:
    """Keep what a test of ``sender``, as it was read, found: why it failed, or "" where it works.

    None: its server answers and nothing more was tried, so it is known to work where a mail told that already.
    A server that answered is waited for no longer. False where another account was saved meanwhile.
    """
    found = case((_sender.c.test_problem == "", ""), else_=None) if problem is None else problem
    mine = (_sender.c.id == sender.id, _sender.c.user_id == sender.user_id, _sender.c.deleted_at.is_(None))
    statement = update(_sender).where(*mine, *_has(account(sender))).values(test_problem=found)
    if not session.connection().execute(statement).rowcount:
        return False
    if not problem:
        waits = (_sender.c.id == sender.id, _sender.c.state_rule == UNREACHED)
        ready = {"state": SenderState.ready, "cooling_until": None} | _reason("", "", "")
        session.execute(update(_sender).where(*waits, _sender.c.state == SenderState.cooling).values(ready))
        db.after_commit(session, live.wake)
    db.after_commit(session, lambda: live.publish(sender.user_id, "sender", sender.id))
    return True


def is_unreached(sender: Sender, now: datetime) -> bool:
    """Whether its server could not be reached: it waits for that, or is tried just now."""
    waits = sender.owner != "" or (sender.cooling_until is not None and sender.cooling_until > now)
    return sender.state_rule == UNREACHED and waits


def unreached(now: datetime) -> ColumnElement[bool]:
    """The condition ``is_unreached`` for the rows of senders."""
    return and_(_sender.c.state_rule == UNREACHED, or_(_sender.c.owner != "", _sender.c.cooling_until > now))


def may_try(sender: Sender, now: datetime) -> bool:
    """Whether nothing but what its server said holds the sender up at ``now``: no full limit, no closed window."""
    cools = sender.state == SenderState.cooling and sender.cooling_until is not None and sender.cooling_until > now
    if not cools or (sender.next_start_at is not None and sender.next_start_at > now + PACED):
        return False
    return windows.is_open(windows.from_json(sender.sending_window), now)


def try_now(session: Session, user_id: int, sender_id: int) -> Tried:
    """End the wait that a server's reply caused. Limits, hours and pace hold on; after a quota one mail goes first.

    Refused again, the sender waits as long as the last time: who asks early does not climb the ladder of waits.
    Raises RuleError where it does not wait, or waits for a limit or its hours; NotFound.
    """
    sender, now = senders.get(session, user_id, sender_id), db.now(session)
    still = (_sender.c.state == SenderState.cooling, _sender.c.cooling_until > now)
    unhindered = or_(_sender.c.next_start_at.is_(None), _sender.c.next_start_at <= now + PACED)
    step = _sender.c.cooldown_step
    ended = (
        update(_sender)
        .where(_sender.c.id == sender_id, _sender.c.user_id == user_id, _sender.c.deleted_at.is_(None))
        .where(*still, unhindered)
        # Not below the first: what was learned from this throttle is not learned twice, and a quota is probed.
        .values(state=SenderState.ready, cooling_until=None, cooldown_step=case((step > 1, step - 1), else_=step))
    )
    if not may_try(sender, now) or not session.connection().execute(ended).rowcount:
        waits = sender.state == SenderState.cooling and sender.cooling_until is not None and sender.cooling_until > now
        why = "its limits and hours hold" if waits else "it does not wait for its mail server any more"
        raise RuleError(f"{sender.name} cannot be tried now: {why}.")
    session.expire(sender)
    db.after_commit(session, lambda: live.publish(user_id, "sender", sender_id))
    db.after_commit(session, live.wake)
    if not holds.has_work(session, sender_id):
        return Tried.nothing
    return Tried.one if sender.state_kind in consequence.QUOTAS else Tried.all


def _reason(kind: str, rule_id: str, reply: str) -> dict[str, Any]:
    return {"state_kind": kind, "state_rule": rule_id, "state_reply": reply[:REPLY_CHARS]}


def _has(used: tuple[Any, ...]) -> list[ColumnElement[bool]]:
    return [_sender.c[name] == value for name, value in zip(_ACCOUNT, used, strict=True)]


def _change(session: Session, sender_id: int, epoch: int, values: dict[str, Any], *where: ColumnElement[bool]) -> bool:
    statement = update(_sender).where(_sender.c.id == sender_id, _sender.c.epoch == epoch, *where).values(values)
    user_id = session.connection().execute(statement.returning(_sender.c.user_id)).scalar()
    if user_id is not None:
        db.after_commit(session, lambda: live.publish(user_id, "sender", sender_id))
    return user_id is not None
