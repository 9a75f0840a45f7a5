"""How a sender stands with its mail server: ready, cooling until a moment, or blocked until its user acts."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from core import db, live
from core.delivery.ledger import REPLY_CHARS
from core.models import Sender, SenderState

_sender: Any = Sender.__table__  # type: ignore[attr-defined]


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


def _reason(kind: str, rule_id: str, reply: str) -> dict[str, Any]:
    return {"state_kind": kind, "state_rule": rule_id, "state_reply": reply[:REPLY_CHARS]}


def _change(session: Session, sender_id: int, epoch: int, values: dict[str, Any]) -> bool:
    statement = update(_sender).where(_sender.c.id == sender_id, _sender.c.epoch == epoch).values(values)
    user_id = session.connection().execute(statement.returning(_sender.c.user_id)).scalar()
    if user_id is not None:
        db.after_commit(session, lambda: live.publish(user_id, "sender", sender_id))
    return user_id is not None
