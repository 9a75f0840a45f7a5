"""A reader opened a mail or clicked in it: a fact with a time, and proof that the mail was delivered."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import db, live
from core.delivery.tally import Tally, Touched
from core.models import Activity, Message, MessageState

Hits = Iterable[tuple[int, datetime]]


def record(session: Session, opened: Hits, clicked: Hits = ()) -> int:
    """Note the first open and the first click of each message, as (message id, when); a click is an open too.

    Kept to the second. Safe to call twice with the same hits. An ``unknown`` message becomes ``sent``: only a
    delivered mail is opened. Returns how many were first opens.
    """
    clicked = list(clicked)
    opens, clicks = _earliest([*opened, *clicked]), _earliest(clicked)
    if not opens:
        return 0
    _lock(session, opens)
    tally, hours = Tally(), Counter[tuple[int, datetime]]()
    for campaign_id, at in _mark_first(session, col(Message.opened_at), opens):
        tally.add(campaign_id, "opened_count")
        hours[campaign_id, at.replace(minute=0, second=0)] += 1
    for campaign_id, _ in _mark_first(session, col(Message.clicked_at), clicks):
        tally.add(campaign_id, "clicked_count")
    latest = max(opens.values())
    prove_delivered(session, list(opens), latest, tally)
    touched = tally.store(session, latest)
    _count_hours(session, hours)
    db.after_commit(session, lambda: _tell(touched))
    return hours.total()


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


def _earliest(hits: Hits) -> dict[int, datetime]:
    earliest: dict[int, datetime] = {}
    for message_id, at in hits:
        at = at.replace(microsecond=0)
        earliest[message_id] = min(at, earliest.get(message_id, at))
    return earliest


def _mark_first(session: Session, fact: Any, times: dict[int, datetime]) -> Iterator[tuple[int, datetime]]:
    """Set the column ``fact`` where it is empty; the campaign and the time of each message that this changed."""
    for at in set(times.values()):
        ids = [message_id for message_id, happened_at in times.items() if happened_at == at]
        marked = session.connection().execute(
            update(Message)
            .where(col(Message.id).in_(ids), fact.is_(None))
            .values({fact: at})
            .returning(col(Message.campaign_id))
        )
        yield from ((campaign_id, at) for campaign_id in marked.scalars())


def _count_hours(session: Session, opened: Counter[tuple[int, datetime]]) -> None:
    table = Activity.__table__  # type: ignore[attr-defined]
    counters = ["sent_count", "failed_count", "opened_count"]
    for (campaign_id, hour_at), count in sorted(opened.items()):
        row = {"campaign_id": campaign_id, "hour_at": hour_at, "sent_count": 0, "failed_count": 0}
        db.upsert(session, table, {**row, "opened_count": count}, ["campaign_id", "hour_at"], add=counters)


def _tell(touched: Touched) -> None:
    for user_id, campaign_id in touched:
        live.publish(user_id, "campaign", campaign_id)
