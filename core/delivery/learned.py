"""What a sender's provider taught (``adapt``), kept in the sender's row; pinned, it stays as it is."""

from typing import Any

from sqlalchemy import func, or_, select, update
from sqlmodel import Session

from core import db, live
from core.errors import NotFound, RuleError
from core.models import Sender

_sender: Any = Sender.__table__  # type: ignore[attr-defined]
_NOTHING = {"learned_per_minute": None, "learned_connections": None, "learned_rule": "", "learned_at": None}


def learn(
    session: Session, sender_id: int, epoch: int, per_minute: float | None, connections: int | None, rule_id: str
) -> bool:
    """Keep the pace (mails a minute) and connections that a reply taught, unless they are pinned or ``epoch`` owns the
    sender no more. ``rule_id``: of the reply. Returns whether kept."""
    values = {"learned_per_minute": per_minute, "learned_connections": connections}
    return _keep(session, sender_id, epoch, values | {"learned_rule": rule_id, "learned_at": db.now(session)})


def grow(
    session: Session,
    sender_id: int,
    epoch: int,
    per_minute: float | None,
    connections: int | None,
    was: tuple[float | None, int | None],
) -> bool:
    """As ``learn`` in the place of what ``was`` learned, as mails are accepted; None of both: it is recovered.

    Not where the user forgot that meanwhile, or the sender has another provider. Returns whether kept.
    """
    values: dict[str, Any] = {"learned_per_minute": per_minute, "learned_connections": connections}
    if per_minute is None and connections is None:
        values = dict(_NOTHING)
    columns = (_sender.c.learned_per_minute, _sender.c.learned_connections)
    still = [column.is_not_distinct_from(value) for column, value in zip(columns, was, strict=True)]
    return _keep(session, sender_id, epoch, values, *still)


def pin(session: Session, user_id: int, sender_id: int) -> None:
    """What was learned stays as it is. Raises NotFound, and RuleError where nothing was."""
    learnt = or_(_sender.c.learned_per_minute.is_not(None), _sender.c.learned_connections.is_not(None))
    if not _change(session, user_id, sender_id, {"learned_pinned": True}, learnt):
        mine = (_sender.c.id == sender_id, _sender.c.user_id == user_id, _sender.c.deleted_at.is_(None))
        if session.connection().execute(select(_sender.c.id).where(*mine)).first() is None:
            raise NotFound.of("sender")
        raise RuleError("There is no pace to keep: its mail provider did not slow this sender down.")


def unpin(session: Session, user_id: int, sender_id: int) -> None:
    """What was learned follows the provider's replies again. Raises NotFound."""
    if not _change(session, user_id, sender_id, {"learned_pinned": False}):
        raise NotFound.of("sender")


def forget(session: Session, user_id: int, sender_id: int) -> None:
    """Nothing was learned: the user's own limits alone count. Raises NotFound."""
    if not _change(session, user_id, sender_id, _NOTHING | {"learned_pinned": False}):
        raise NotFound.of("sender")


def of_host(session: Session, user_id: int, host: str, besides: int | None = None) -> dict[str, Any]:
    """Columns of a sender that begins with what the user's others with this ``host`` learned last; ``besides``: its id.
    All empty where they learned nothing."""
    columns = [_sender.c[name] for name in _NOTHING]
    latest = (
        select(*columns)
        .where(
            _sender.c.user_id == user_id,
            _sender.c.deleted_at.is_(None),
            _sender.c.id != (besides or 0),
            _sender.c.learned_at.is_not(None),
            func.lower(_sender.c.host) == host.strip().lower(),
        )
        .order_by(_sender.c.learned_at.desc(), _sender.c.id)
        .limit(1)
    )
    row = session.connection().execute(latest).mappings().first()
    return dict(row) if row is not None else dict(_NOTHING)


def _keep(session: Session, sender_id: int, epoch: int, values: dict[str, Any], *conditions: Any) -> bool:
    statement = (
        update(_sender)
        .where(_sender.c.id == sender_id, _sender.c.epoch == epoch, _sender.c.learned_pinned.is_(False), *conditions)
        .values(values)
        .returning(_sender.c.user_id)
    )
    user_id = session.connection().execute(statement).scalar()
    if user_id is not None:
        _hint(session, user_id, sender_id)
    return user_id is not None


def _change(session: Session, user_id: int, sender_id: int, values: dict[str, Any], *conditions: Any) -> bool:
    mine = (_sender.c.id == sender_id, _sender.c.user_id == user_id, _sender.c.deleted_at.is_(None))
    done = session.connection().execute(update(_sender).where(*mine, *conditions).values(values)).rowcount
    if done:
        session.expire_all()
        _hint(session, user_id, sender_id)
    return bool(done)


def _hint(session: Session, user_id: int, sender_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "sender", sender_id))
