"""The whole installation for who keeps it running: counts of everybody's mails, and nothing of anybody.

The only numbers that are not of one user. No message is counted: counters of campaigns are added up, and of each
campaign that sends the first due mail is looked up by its index.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, literal_column, select
from sqlmodel import Session

from core import db
from core.delivery import holds, lease, workers
from core.models import Campaign, CampaignStatus, Message, MessageState, Sender, SenderState, SenderUsage

EVENTS = ("opened", "clicked", "bounced", "complained", "unsubscribed")
_RATE_MINUTES = 5

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_message: Any = Message.__table__  # type: ignore[attr-defined]
_sender: Any = Sender.__table__  # type: ignore[attr-defined]
_usage: Any = SenderUsage.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Operation:
    """``mails`` by state; ``events``: what readers and their servers told; ``campaigns`` by status, without deleted
    ones; ``senders`` by state.

    ``per_minute``: mails started, the mean of the last full minutes. ``queued``: mails of campaigns that send now,
    ``held`` those that wait for their hours. ``oldest_due``: seconds since the first of them was due.
    ``owned``: senders in the hands of a worker; ``unattended``: those with due mail that should be and are not.
    """

    mails: dict[str, int]
    events: dict[str, int]
    campaigns: dict[str, int]
    senders: dict[str, int]
    per_minute: float
    queued: int
    held: int
    oldest_due: float
    owned: int
    unattended: int
    workers: list[workers.Seen]


def operation(session: Session) -> Operation:
    """Everything, in a few short queries."""
    now = db.now(session)
    queued, held = _queue(session, now)
    return Operation(
        mails=_sums(session, [state.value for state in MessageState]),
        events=_sums(session, list(EVENTS)),
        campaigns=_campaigns(session),
        senders=_senders(session, now),
        per_minute=_per_minute(session, now),
        queued=queued,
        held=held,
        oldest_due=_oldest_due(session, now),
        owned=_count(session, select(func.count()).where(_sender.c.owner != "", _sender.c.lease_until > now)),
        unattended=len(lease.due(session)),
        workers=workers.seen(session),
    )


def _sums(session: Session, names: list[str]) -> dict[str, int]:
    sums = [func.coalesce(func.sum(_campaign.c[f"{name}_count"]), 0).label(name) for name in names]
    return {name: int(count) for name, count in session.execute(select(*sums)).mappings().one().items()}


def _campaigns(session: Session) -> dict[str, int]:
    by_status = select(_campaign.c.status, func.count()).where(_campaign.c.deleted_at.is_(None))
    found = {status: int(count) for status, count in session.execute(by_status.group_by(_campaign.c.status))}
    return {status.value: found.get(status, 0) for status in CampaignStatus}


def _senders(session: Session, now: datetime) -> dict[str, int]:
    over = (_sender.c.state == SenderState.cooling) & (_sender.c.cooling_until <= now)
    state = case((over, SenderState.ready.value), else_=_sender.c.state)
    by_state = select(state, func.count()).where(_sender.c.deleted_at.is_(None)).group_by(state)
    found = {name: int(count) for name, count in session.execute(by_state)}
    return {name.value: found.get(name, 0) for name in SenderState}


def _per_minute(session: Session, now: datetime) -> float:
    minute = now.replace(second=0, microsecond=0)
    started = select(func.sum(_usage.c.started_count)).where(
        _usage.c.sender_id.in_(select(_sender.c.id)),  # by the key, which begins with the sender
        _usage.c.minute_at >= minute - timedelta(minutes=_RATE_MINUTES),
        _usage.c.minute_at < minute,
    )
    return _count(session, started) / _RATE_MINUTES


def _queue(session: Session, now: datetime) -> tuple[int, int]:
    waiting = _campaign.c.pending_count + _campaign.c.claimed_count + _campaign.c.sending_count
    free = holds.not_held(now)
    sums = select(func.sum(case((free, waiting), else_=0)), func.sum(case((free, 0), else_=waiting)))
    row = session.execute(sums.where(_campaign.c.status == CampaignStatus.sending)).one()
    return int(row[0] or 0), int(row[1] or 0)


def _oldest_due(session: Session, now: datetime) -> float:
    first = (
        select(_message.c.retry_at)
        .where(_message.c.campaign_id == _campaign.c.id, _message.c.state == literal_column("'pending'"))
        .order_by(_message.c.retry_at)
        .limit(1)
        .scalar_subquery()
    )
    sending = select(func.min(first)).where(_campaign.c.status == CampaignStatus.sending, holds.not_held(now))
    due_at: datetime | None = session.execute(sending).scalar()
    return max(0.0, (now - due_at).total_seconds()) if due_at is not None else 0.0


def _count(session: Session, statement: Any) -> int:
    return int(session.execute(statement).scalar() or 0)
