"""Every 10 s: counters sampled. Once a minute: deleted campaigns purged, old rows forgotten, long throttles paused."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from core import campaigns, db
from core.campaigns import samples
from core.delivery import consequence, usage, workers
from core.models import (
    GONE_AFTER,
    Activity,
    Attempt,
    Campaign,
    CampaignStatus,
    Message,
    MessageState,
    PauseReason,
    Sender,
)
from core.tracking import bounces

log = logging.getLogger(__name__)

_THROTTLED_FOR = timedelta(days=5)
# The links in mails that were sent must work on: readers may unsubscribe for 30 days at least (16 CFR 316.5, CAN-SPAM).
_LINKS_WORK_FOR = timedelta(days=60)
_CHUNKS = 200  # of a purge, in one round

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_message: Any = Message.__table__  # type: ignore[attr-defined]
_attempt: Any = Attempt.__table__  # type: ignore[attr-defined]
_activity: Any = Activity.__table__  # type: ignore[attr-defined]


def upkeep() -> None:
    """One round; safe in several workers at once."""
    works: tuple[tuple[str, Callable[[], object]], ...] = (
        ("usage", lambda: _within(usage.forget_old)),
        ("old samples", lambda: _within(samples.forget_old)),
        ("workers", lambda: _within(workers.forget_old)),
        ("throttled", lambda: _within(pause_throttled)),
    )
    for name, work in works:
        _try(name, work)
    purge()


def sample() -> None:
    """The counters of everything that runs, a chunk in a transaction."""

    def take_all() -> None:
        while _within(samples.take):
            pass

    _try("samples", take_all)


def _try(name: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as error:
        if not db.is_away(error):
            log.exception("upkeep: %s failed", name)


def _within(work: Callable[[Session], Any]) -> Any:
    with db.session() as session:
        return work(session)


def purge() -> None:
    """Delete what belongs to deleted campaigns, a chunk of messages in a transaction, then the campaigns.

    Those that reached anybody only when readers no longer need their links.
    """
    with db.reading() as session:
        reached_nobody = col(Campaign.sent_count) + col(Campaign.sending_count) + col(Campaign.unknown_count) == 0
        now = db.now(session)
        old = col(Campaign.deleted_at) < now - _LINKS_WORK_FOR
        final = col(Campaign.deleted_at) < now - GONE_AFTER
        deleted = select(col(Campaign.id)).where(final, reached_nobody | old)
        ids = list(session.execute(deleted).scalars())
    for campaign_id in ids:
        for _ in range(_CHUNKS):
            with db.session() as session:
                if purge_chunk(session, campaign_id):
                    break


def purge_chunk(session: Session, campaign_id: int) -> bool:
    """Returns whether the campaign is gone."""
    some = select(_message.c.id).where(_message.c.campaign_id == campaign_id, _held_by_nobody())
    ids = list(session.connection().execute(some.order_by(_message.c.id).limit(db.chunk_rows(session))).scalars())
    if ids:
        session.connection().execute(delete(_attempt).where(_attempt.c.message_id.in_(ids)))
        session.connection().execute(delete(_message).where(_message.c.id.in_(ids)))
        return False
    left = select(_message.c.id).where(_message.c.campaign_id == campaign_id).limit(1)
    if session.connection().execute(left).first() is not None:
        return True  # a worker still has some: the next round
    gone = delete(Campaign).where(col(Campaign.id) == campaign_id, col(Campaign.deleted_at).is_not(None))
    session.connection().execute(gone)
    return True


def pause_throttled(session: Session) -> None:
    """A campaign that its provider throttled for five days, without one mail accepted, asks its user.

    From when it last began: it was resumed, or given to another sender.
    """
    limit = db.now(session) - _THROTTLED_FOR
    slow = select(_campaign.c.id, _campaign.c.started_at, _campaign.c.updated_at, col(Sender.state_reply)).where(
        col(Campaign.status) == CampaignStatus.sending,
        col(Campaign.started_at) < limit,
        col(Sender.id) == col(Campaign.sender_id),
        col(Sender.cooldown_step) > 0,
    )
    for campaign_id, started_at, began_at, reply in session.connection().execute(slow).all():
        accepted = select(func.max(_activity.c.hour_at)).where(
            _activity.c.campaign_id == campaign_id, _activity.c.sent_count > 0
        )
        since = max(session.connection().execute(accepted).scalar() or started_at, began_at)
        first = select(func.min(_attempt.c.at)).where(
            _attempt.c.campaign_id == campaign_id,
            _attempt.c.kind.in_(consequence.THROTTLES),
            _attempt.c.at >= since,
            _attempt.c.phase != bounces.PHASE,
        )
        throttled_at = session.connection().execute(first).scalar()
        if throttled_at is not None and throttled_at < limit:
            campaigns.pause_for(session, campaign_id, PauseReason.throttled, reply)


def _held_by_nobody() -> Any:
    return _message.c.state.not_in([MessageState.claimed, MessageState.sending])
