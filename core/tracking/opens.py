"""A reader's mail client fetched the pixel: a fact with a time, and proof that the mail was delivered."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import db, live
from core.delivery.tally import Tally, Touched
from core.models import Activity, Message, MessageState


def record(session: Session, hits: Iterable[tuple[int, datetime]]) -> int:
    """Note the first open of each message. ``hits``: (message id, when). Returns how many were first opens.

    Kept to the second. Safe to call twice with the same hits. An ``unknown`` message becomes ``sent``: only a
    delivered mail is opened.
    """
    earliest: dict[int, datetime] = {}
    for message_id, at in hits:
        at = at.replace(microsecond=0)
        earliest[message_id] = min(at, earliest.get(message_id, at))
    if not earliest:
        return 0
    _lock(session, earliest)
    tally, opened = Tally(), Counter[tuple[int, datetime]]()
    for at in set(earliest.values()):
        ids = [message_id for message_id, opened_at in earliest.items() if opened_at == at]
        for campaign_id in _first_opens(session, ids, at):
            tally.add(campaign_id, "opened_count")
            opened[campaign_id, at.replace(minute=0, second=0)] += 1
    latest = max(earliest.values())
    prove_delivered(session, list(earliest), latest, tally)
    touched = tally.store(session, latest)
    _count_hours(session, opened)
    db.after_commit(session, lambda: _tell(touched))
    return opened.total()


def prove_delivered(session: Session, message_ids: list[int], at: datetime, tally: Tally) -> None:
    """Those of ``message_ids`` that are ``unknown`` become ``sent``."""
    settled = session.connection().execute(
        update(Message)
        .where(col(Message.id).in_(message_ids), col(Message.state) == MessageState.unknown)
        .values(state=MessageState.sent, sent_at=at)
        .returning(col(Message.campaign_id))
    )
    for campaign_id in settled.scalars():
        tally.moved(campaign_id, "unknown", "sent")


def _lock(session: Session, message_ids: Iterable[int]) -> None:
    """By id, as every writer of messages does: two of them never wait for each other in a circle."""
    rows = select(Message.id).where(col(Message.id).in_(list(message_ids))).order_by(col(Message.id))
    session.exec(rows.with_for_update()).all()


def _first_opens(session: Session, message_ids: list[int], at: datetime) -> list[int]:
    marked = session.connection().execute(
        update(Message)
        .where(col(Message.id).in_(message_ids), col(Message.opened_at).is_(None))
        .values(opened_at=at)
        .returning(col(Message.campaign_id))
    )
    return list(marked.scalars())


def _count_hours(session: Session, opened: Counter[tuple[int, datetime]]) -> None:
    table = Activity.__table__  # type: ignore[attr-defined]
    counters = ["sent_count", "failed_count", "opened_count"]
    for (campaign_id, hour_at), count in sorted(opened.items()):
        row = {"campaign_id": campaign_id, "hour_at": hour_at, "sent_count": 0, "failed_count": 0}
        db.upsert(session, table, {**row, "opened_count": count}, ["campaign_id", "hour_at"], add=counters)


def _tell(touched: Touched) -> None:
    for user_id, campaign_id in touched:
        live.publish(user_id, "campaign", campaign_id)
