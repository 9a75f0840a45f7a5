"""What goes out now or waits to, and how a campaign ended that went out before."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlmodel import Session, col

from core import db
from core.campaigns.title import title
from core.delivery import holds, lease, standing, workers
from core.models import Campaign, CampaignStatus, PauseReason, Sender, SenderState

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
WAITING = "waiting"  # what is shown instead of sending: nothing goes out now
STOPPED = "stopped"  # what is shown instead of paused: not by its user
BLOCKED = "sender blocked"  # what is shown instead of either: nothing goes out before its user mends the sender
MENDED = "mended"  # what is shown instead of that: what stopped it is mended, so it can be resumed
_BLOCKED = (PauseReason.auth, PauseReason.sender)
_AT_SENDER = (*_BLOCKED, PauseReason.throttled)
_LEFT = _campaign.c.pending_count + _campaign.c.claimed_count + _campaign.c.sending_count


class Pulse(StrEnum):
    """Of a user: mail goes out; all that should go waits; nothing is to go."""

    sending = "sending"
    waiting = "waiting"
    idle = "idle"


@dataclass(frozen=True)
class Going:
    """``done`` of ``recipients`` no longer wait; ``waits``: nothing of it goes out now."""

    id: int
    title: str
    done: int
    recipients: int
    waits: bool = False


@dataclass(frozen=True)
class Stopped:
    """It does not go on before its user acts, who did not pause it."""

    id: int
    title: str


@dataclass(frozen=True)
class Outgoing:
    """Of a user. ``mended``: what stopped them is, and they can be resumed."""

    going: tuple[Going, ...] = ()
    stopped: tuple[Stopped, ...] = ()
    mended: tuple[Stopped, ...] = ()


@dataclass(frozen=True)
class Ended:
    """``status``: sent, or paused for a reason that needs the user."""

    id: int
    title: str
    status: str
    sent: int
    failed: int
    in_doubt: int = 0


def going(session: Session, user_id: int) -> list[Going]:
    """The campaigns that are sending and have mail left, those that wait too."""
    columns = (_campaign.c.id, _campaign.c.name, _campaign.c.subject, _campaign.c.recipients_count, _LEFT)
    sending = _campaign.c.status == CampaignStatus.sending
    has_left = (_LEFT > 0) | ~_campaign.c.snapshot_done
    found = select(*columns).where(*_own(user_id), sending, has_left).order_by(_campaign.c.id)
    rows = session.execute(found).all()
    waits = waiting(session, [row.id for row in rows])
    return [
        Going(id, title(name, subject), recipients - left, recipients, id in waits)
        for id, name, subject, recipients, left in rows
    ]


def stopped(session: Session, user_id: int) -> tuple[list[Stopped], list[Stopped]]:
    """The campaigns that were paused by what happened and not by their user, or whose sender is blocked: those that
    still have to be mended, and those that are."""
    columns = (_campaign.c.id, _campaign.c.name, _campaign.c.subject, is_mended())
    found = select(*columns).where(*_own(user_id), or_(_paused_by_itself(), is_blocked())).order_by(_campaign.c.id)
    which: tuple[list[Stopped], list[Stopped]] = ([], [])
    for id, name, subject, mended in session.execute(found):
        which[mended].append(Stopped(id, title(name, subject)))
    return which


def is_blocked() -> ColumnElement[bool]:
    """The condition that a campaign is sending and its sender is blocked."""
    blocked = exists().where(col(Sender.id) == _campaign.c.sender_id, col(Sender.state) == SenderState.blocked)
    return and_(_campaign.c.status == CampaignStatus.sending, blocked)


def is_mended() -> ColumnElement[bool]:
    """The condition that a campaign was paused because its sender was blocked, which only its user's saving it ends."""
    paused = and_(_campaign.c.status == CampaignStatus.paused, _campaign.c.pause_reason.in_(_BLOCKED))
    return and_(
        paused, exists().where(col(Sender.id) == _campaign.c.sender_id, col(Sender.state) != SenderState.blocked)
    )


def to_resume(session: Session, user_id: int, sender_id: int) -> list[Stopped]:
    """The campaigns that were paused because of this sender."""
    columns = (_campaign.c.id, _campaign.c.name, _campaign.c.subject)
    because = (_campaign.c.sender_id == sender_id, _campaign.c.pause_reason.in_(_AT_SENDER))
    paused = _campaign.c.status == CampaignStatus.paused
    found = select(*columns).where(*_own(user_id), paused, *because).order_by(_campaign.c.id)
    return [Stopped(id, title(name, subject)) for id, name, subject in session.execute(found)]


def outgoing(session: Session, user_id: int) -> Outgoing:
    """What goes out or waits to, and what stopped by itself."""
    return Outgoing(tuple(going(session, user_id)), *map(tuple, stopped(session, user_id)))


def pulse(going: Collection[Going]) -> Pulse:
    """What they come to together."""
    if any(not each.waits for each in going):
        return Pulse.sending
    return Pulse.waiting if going else Pulse.idle


def waiting(session: Session, sending: Collection[int]) -> set[int]:
    """Those of these ``sending`` campaigns, which its caller was allowed to read, of which nothing goes out now."""
    if not sending:
        return set()
    found = select(_campaign.c.id).where(_campaign.c.id.in_(sending), _waits(db.now(session)))
    return set(session.execute(found).scalars())


def _waits(now: datetime) -> ColumnElement[bool]:
    """The condition that nothing of a sending campaign goes out now: its hours or its sender hold it up for more than
    a minute, its sender's worker does not answer, or all that is left is tried again later."""
    soon = now + standing.PACED
    held_up = exists().where(
        col(Sender.id) == _campaign.c.sender_id,
        or_(
            col(Sender.next_start_at) > soon,
            col(Sender.cooling_until) > now,
            col(Sender.state) == SenderState.blocked,
            lease.silent(now),
            standing.unreached(now),
            and_(col(Sender.owner) == "", workers.missing(now)),
        ),
    )
    put_off = and_(
        _campaign.c.snapshot_done,
        _campaign.c.pending_count > 0,
        _campaign.c.claimed_count + _campaign.c.sending_count == 0,
        ~holds.has_due_mail(now + lease.SOON),
    )
    condition: ColumnElement[bool] = or_(~holds.not_held(now), held_up, put_off)
    return condition


def ended(session: Session, user_id: int, ids: Collection[int]) -> list[Ended]:
    """Of these campaigns the ones that are sent, or paused by what happened and not by their user."""
    columns = (_campaign.c.id, _campaign.c.name, _campaign.c.subject, _campaign.c.status)
    counts = (_campaign.c.sent_count, _campaign.c.failed_count, _campaign.c.unknown_count)
    wanted = select(*columns, *counts).where(
        *_own(user_id), _campaign.c.id.in_(ids), or_(_campaign.c.status == CampaignStatus.sent, _paused_by_itself())
    )
    return [
        Ended(id, title(name, subject), status, *numbers)
        for id, name, subject, status, *numbers in session.execute(wanted)
    ]


def _paused_by_itself() -> ColumnElement[bool]:
    by_user = _campaign.c.pause_reason.in_(("", PauseReason.user))
    return and_(_campaign.c.status == CampaignStatus.paused, ~by_user)


def _own(user_id: int) -> list[ColumnElement[bool]]:
    return [_campaign.c.user_id == user_id, _campaign.c.deleted_at.is_(None)]
