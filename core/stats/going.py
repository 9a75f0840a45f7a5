"""What goes out now, and how a campaign ended that went out before."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlmodel import Session, col

from core import db
from core.delivery import holds
from core.models import Campaign, CampaignStatus, PauseReason, Sender

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_WAITING = _campaign.c.pending_count + _campaign.c.claimed_count + _campaign.c.sending_count


@dataclass(frozen=True)
class Going:
    """``done`` of ``recipients`` no longer wait."""

    id: int
    title: str
    done: int
    recipients: int


@dataclass(frozen=True)
class Ended:
    """``status``: sent, or paused for a reason that needs the user."""

    id: int
    title: str
    status: str
    sent: int
    failed: int


def going(session: Session, user_id: int) -> list[Going]:
    """The campaigns whose mail goes out now; not those that wait for hours, or for a limit for more than a minute."""
    columns = (_campaign.c.id, _campaign.c.name, _campaign.c.subject, _campaign.c.recipients_count, _WAITING)
    rows = session.execute(select(*columns).where(*_goes_out(session, user_id)).order_by(_campaign.c.id))
    return [
        Going(id, name or subject or "Untitled campaign", recipients - waiting, recipients)
        for id, name, subject, recipients, waiting in rows
    ]


def is_sending(session: Session, user_id: int) -> bool:
    """Whether mail of this user goes out now, in the sense of ``going``."""
    return session.execute(select(_campaign.c.id).where(*_goes_out(session, user_id)).limit(1)).first() is not None


def ended(session: Session, user_id: int, ids: Collection[int]) -> list[Ended]:
    """Of these campaigns the ones that are sent, or paused by what happened and not by their user."""
    paused = and_(_campaign.c.status == CampaignStatus.paused, _campaign.c.pause_reason != PauseReason.user)
    columns = (_campaign.c.id, _campaign.c.name, _campaign.c.subject, _campaign.c.status)
    wanted = select(*columns, _campaign.c.sent_count, _campaign.c.failed_count).where(
        *_own(user_id), _campaign.c.id.in_(ids), or_(_campaign.c.status == CampaignStatus.sent, paused)
    )
    return [
        Ended(id, name or subject or "Untitled campaign", status, sent, failed)
        for id, name, subject, status, sent, failed in session.execute(wanted)
    ]


def _goes_out(session: Session, user_id: int) -> list[ColumnElement[bool]]:
    now = db.now(session)
    waits = exists().where(
        col(Sender.id) == _campaign.c.sender_id, col(Sender.next_start_at) > now + timedelta(minutes=1)
    )
    sending = _campaign.c.status == CampaignStatus.sending
    return [*_own(user_id), sending, (_WAITING > 0) | ~_campaign.c.snapshot_done, holds.not_held(now), ~waits]


def _own(user_id: int) -> list[ColumnElement[bool]]:
    return [_campaign.c.user_id == user_id, _campaign.c.deleted_at.is_(None)]
