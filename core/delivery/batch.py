"""A batch: due messages claimed together, fairly shared between the campaigns of a sender."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from core import db
from core.delivery import holds
from core.delivery.ledger import Claimed, is_suppressed
from core.delivery.tally import Tally
from core.models import Campaign, Message, MessageState, Sender

_message: Any = Message.__table__  # type: ignore[attr-defined]
_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]


def claim(
    session: Session, sender_id: int, epoch: int, size: int, rooms: dict[int, int | None] | None = None
) -> list[Claimed] | None:
    """Take up to ``size`` due messages of the sender's sending campaigns, shared fairly between these.

    ``rooms``: which campaigns, and how many of each at most; None: what ``holds`` says. Suppressed addresses among
    them become ``suppressed`` on the way. Returns None where this epoch owns the sender no more, an empty list where
    nothing is due.
    """
    now = db.now(session)
    owned = update(Sender).where(col(Sender.id) == sender_id, col(Sender.epoch) == epoch).values(epoch=epoch)
    if not session.connection().execute(owned).rowcount:
        return None
    if rooms is None:
        rooms = holds.look(session, sender_id, now).rooms
    while due := _due(session, rooms, now, size):
        tally = Tally()
        due -= _suppress_due(session, due, tally)
        claimed = _claim(session, sender_id, epoch, due, tally)
        tally.store(session, now)
        if claimed:
            return claimed
    return []


def _due(session: Session, rooms: dict[int, int | None], now: datetime, size: int) -> set[int]:
    """Due messages: an equal share of each campaign first, then whoever has more. Few batches so far go first."""
    waiting = list(rooms)[:size]
    found: set[int] = set()
    after: dict[int, set[int]] = {campaign_id: set() for campaign_id in waiting}
    while waiting and len(found) < size:
        share = -(-(size - len(found)) // len(waiting))
        hungry = []
        for campaign_id in waiting:
            room = rooms[campaign_id]
            want = min(share, size - len(found), size if room is None else room - len(after[campaign_id]))
            if want <= 0:
                continue
            got = set(_due_of(session, campaign_id, now, want, after[campaign_id]))
            after[campaign_id] |= got
            found |= got
            if len(got) == want:
                hungry.append(campaign_id)
        waiting = hungry
    return found


def _due_of(session: Session, campaign_id: int, now: datetime, want: int, taken: set[int]) -> Iterable[int]:
    wanted = (
        select(_message.c.id)
        .where(
            _message.c.campaign_id == campaign_id,
            _message.c.state == MessageState.pending,
            _message.c.retry_at <= now,
            *([_message.c.id.not_in(sorted(taken))] if taken else []),
        )
        .order_by(_message.c.retry_at, _message.c.id)
        .limit(want)
    )
    return list(session.connection().execute(db.skip_locked(wanted)).scalars())


def _suppress_due(session: Session, ids: set[int], tally: Tally) -> set[int]:
    """The due messages whose address was suppressed meanwhile are done with; returns their ids."""
    statement = (
        update(_message)
        .where(_message.c.id.in_(sorted(ids)), _message.c.state == MessageState.pending)
        .where(_message.c.campaign_id == _campaign.c.id, is_suppressed)
        .values(state=MessageState.suppressed)
        .returning(_message.c.id, _message.c.campaign_id)
    )
    done = session.connection().execute(statement).all()
    for _, campaign_id in done:
        tally.moved(campaign_id, "pending", "suppressed")
    return {message_id for message_id, _ in done}


def _claim(session: Session, sender_id: int, epoch: int, ids: set[int], tally: Tally) -> list[Claimed]:
    if not ids:
        return []
    columns = (_message.c.id, _message.c.campaign_id, _message.c.email, _message.c.fields, _message.c.attempts)
    statement = (
        update(_message)
        .where(_message.c.id.in_(sorted(ids)), _message.c.state == MessageState.pending)
        .values(state=MessageState.claimed, epoch=epoch, sender_id=sender_id)
        .returning(*columns)
    )
    rows = sorted(session.connection().execute(statement).all())
    owners = _users_of(session, {row.campaign_id for row in rows})
    by_campaign: dict[int, list[Claimed]] = {}
    for row in rows:
        user_id, fields = owners[row.campaign_id], row.fields or {}
        made = Claimed(row.id, row.campaign_id, user_id, row.email, fields, row.attempts, sender_id, epoch)
        by_campaign.setdefault(row.campaign_id, []).append(made)
    for campaign_id, messages in by_campaign.items():
        tally.moved(campaign_id, "pending", "claimed", len(messages))
        tally.add(campaign_id, "batch_count")
    return _in_turns(list(by_campaign.values()))


def _in_turns(groups: list[list[Claimed]]) -> list[Claimed]:
    """One of each campaign after the other, so that a small one does not wait behind a large one."""
    if len(groups) == 1:
        return groups[0]
    places = [(place / len(group), message) for group in groups for place, message in enumerate(group)]
    return [message for _, message in sorted(places, key=lambda pair: (pair[0], pair[1].id))]


def _users_of(session: Session, campaign_ids: set[int]) -> dict[int, int]:
    wanted = select(_campaign.c.id, _campaign.c.user_id).where(_campaign.c.id.in_(sorted(campaign_ids)))
    return {campaign_id: user_id for campaign_id, user_id in session.connection().execute(wanted)}
