"""A reader opened a mail or clicked in it: a fact with a time, and proof that the mail was delivered."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import db, live
from core.delivery.tally import Tally, Touched
from core.models import Activity, Message, MessageState, Reading

Hits = Iterable[tuple[int, datetime]]
Moments = Counter[tuple[int, datetime]]  # (campaign id, when) -> how many


def record(session: Session, opened: Hits, clicked: Hits = ()) -> int:
    """Note the first open and the first click of each message, as (message id, when); a click is an open too.

    Kept to the second. Safe to call twice with the same hits. An ``unknown`` message becomes ``sent``: only a
    delivered mail is opened. Returns how many were first opens.
    """
    clicked = list(clicked)
    opens, clicks = _earliest([*opened, *clicked]), _earliest(clicked)
    if not opens:
        return 0
    lock(session, opens)
    tally, first_opens, first_clicks = Tally(), Moments(), Moments()
    for campaign_id, at in _mark_first(session, col(Message.opened_at), opens):
        tally.add(campaign_id, "opened_count")
        first_opens[campaign_id, at] += 1
    for campaign_id, at in _mark_first(session, col(Message.clicked_at), clicks):
        tally.add(campaign_id, "clicked_count")
        first_clicks[campaign_id, at] += 1
    latest = max(opens.values())
    prove_delivered(session, list(opens), latest, tally)
    touched = tally.store(session, latest)
    _count_hours(session, first_opens)
    _count_quarters(session, first_opens, first_clicks)
    db.after_commit(session, lambda: _tell(touched))
    return first_opens.total()


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


def lock(session: Session, message_ids: Iterable[int]) -> None:
    """Hold these messages until the transaction ends, before any campaign that counts them.

    By id, as every writer of messages does: two of them never wait for each other in a circle.
    """
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


def _count_hours(session: Session, opened: Moments) -> None:
    table = Activity.__table__  # type: ignore[attr-defined]
    counters = ["sent_count", "failed_count", "opened_count"]
    for (campaign_id, hour_at), count in _grouped(opened, 60):
        row = {"campaign_id": campaign_id, "hour_at": hour_at, "sent_count": 0, "failed_count": 0}
        db.upsert(session, table, {**row, "opened_count": count}, ["campaign_id", "hour_at"], add=counters)


def _count_quarters(session: Session, opened: Moments, clicked: Moments) -> None:
    table = Reading.__table__  # type: ignore[attr-defined]
    opens, clicks = dict(_grouped(opened, 15)), dict(_grouped(clicked, 15))
    counters = ["opened_count", "clicked_count"]
    for key in sorted(opens.keys() | clicks.keys()):
        row = {"campaign_id": key[0], "quarter_at": key[1]}
        row |= {"opened_count": opens.get(key, 0), "clicked_count": clicks.get(key, 0)}
        db.upsert(session, table, row, ["campaign_id", "quarter_at"], add=counters)


def _grouped(moments: Moments, minutes: int) -> list[tuple[tuple[int, datetime], int]]:
    """By campaign and by the start of each ``minutes`` minutes, in order."""
    found = Moments()
    for (campaign_id, at), count in moments.items():
        found[campaign_id, at.replace(minute=at.minute // minutes * minutes, second=0)] += count
    return sorted(found.items())


def _tell(touched: Touched) -> None:
    for user_id, campaign_id in touched:
        live.publish(user_id, "campaign", campaign_id)
