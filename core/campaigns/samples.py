"""Counters of running campaigns: the rate comes from their differences. Every ten seconds, which are kept for some
minutes, so that what went out in the last one is told rightly also after the pace changed; else once a minute."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select
from sqlmodel import Session

from core import db, live
from core.models import Campaign, CampaignSample, CampaignStatus

_KEPT, _MINUTE = timedelta(hours=3), timedelta(minutes=1)
_EVERY = 10  # seconds
_AFTER_PAUSE = timedelta(minutes=3)  # so long a paused one is looked at too: its line ends where it stopped

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_sample: Any = CampaignSample.__table__  # type: ignore[attr-defined]


def take(session: Session) -> bool:
    """Keep the counters of a chunk of campaigns that have none of this moment. Returns whether there may be more.

    Their pages are told after the commit: time without any mail changes the rate too.
    """
    now, limit = db.now(session), db.chunk_rows(session)
    found = session.execute(_without_one(now).limit(limit)).all()
    rows = [
        {"campaign_id": row.id, "minute_at": _began(now), "at": now, "sent_count": row.sent_count}
        | {"failed_count": row.failed_count}
        for row in found
    ]
    db.insert_ignore(session, _sample, rows)  # another worker may have been faster
    for row in found:
        db.after_commit(session, partial(live.publish, row.user_id, "campaign", row.id))
    return len(found) == limit


def forget_old(session: Session) -> int:
    """Delete what no line shows any more; returns how many rows."""
    now = db.now(session)
    minute = now.replace(second=0, microsecond=0)
    whole = [minute - _MINUTE * back for back in range(_KEPT // _MINUTE + 1)]
    at = _sample.c.minute_at
    old = or_(at < now - _KEPT, and_(at < whole[3], at.not_in(whole)))
    return int(session.connection().execute(delete(_sample).where(old)).rowcount)


def _without_one(now: datetime) -> Any:
    stopped = and_(_campaign.c.status == CampaignStatus.paused, _campaign.c.updated_at > now - _AFTER_PAUSE)
    has = exists().where(_sample.c.campaign_id == _campaign.c.id, _sample.c.minute_at == _began(now))
    columns = ("id", "user_id", "sent_count", "failed_count")
    wanted = select(*(_campaign.c[name] for name in columns)).where(
        or_(_campaign.c.status == CampaignStatus.sending, stopped), _campaign.c.deleted_at.is_(None), ~has
    )
    return wanted.order_by(_campaign.c.id)


def _began(now: datetime) -> datetime:
    return now.replace(second=now.second // _EVERY * _EVERY, microsecond=0)
