"""Which sending campaigns of a sender may start mails now: their sending windows and warm-up ramps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select, update
from sqlmodel import Session, col

from core import db, live
from core.delivery import replies, warmup, windows
from core.delivery.warmup import Warmup
from core.models import Activity, Attempt, Campaign, CampaignStatus, Message, MessageState, RefusingDomain

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_activity: Any = Activity.__table__  # type: ignore[attr-defined]
_attempt: Any = Attempt.__table__  # type: ignore[attr-defined]
_message: Any = Message.__table__  # type: ignore[attr-defined]
_COLUMNS = (
    *(_campaign.c[name] for name in "id version hold_until sending_window warmup claimed_count sending_count".split()),
    exists().where(col(RefusingDomain.campaign_id) == _campaign.c.id).label("leaves_out"),
)


@dataclass
class Openings:
    """``rooms``: campaigns that may be claimed from, who had the fewest batches first, and how many mails (None: any).

    ``closes``: until when, where a window says so. ``holds``: those that wait from now on: (version, until when).
    ``turns_at``: when any of this is different. ``leaves_out``: one of them leaves out a domain.
    """

    rooms: dict[int, int | None] = field(default_factory=dict)
    closes: dict[int, datetime] = field(default_factory=dict)
    holds: dict[int, tuple[int, datetime]] = field(default_factory=dict)
    turns_at: datetime | None = None
    leaves_out: bool = False

    def turns(self, at: datetime | None) -> None:
        if at is not None and (self.turns_at is None or at < self.turns_at):
            self.turns_at = at


def look(session: Session, sender_id: int, now: datetime) -> Openings:
    """Look at all sending campaigns of the sender."""
    sending = select(*_COLUMNS).where(_campaign.c.sender_id == sender_id, _campaign.c.status == CampaignStatus.sending)
    found = Openings()
    for row in session.connection().execute(sending.order_by(_campaign.c.batch_count, _campaign.c.id)):
        if row.hold_until is not None and row.hold_until > now:
            found.turns(row.hold_until)
        elif row.sending_window is None and row.warmup is None:
            found.rooms[row.id] = None
        else:
            _look_at(session, row, now, found)
        found.leaves_out |= bool(row.leaves_out)
    return found


def hold(session: Session, holds: dict[int, tuple[int, datetime]]) -> None:
    """Write down that these campaigns wait, unless their hours were changed meanwhile (another version).

    In a transaction of its own: what claims and counts locks the rows of campaigns in another order.
    """
    for campaign_id, (version, until) in sorted(holds.items()):
        same = (_campaign.c.id == campaign_id, _campaign.c.version == version)
        statement = (
            update(_campaign)
            .where(*same, _campaign.c.status == CampaignStatus.sending)
            .values(hold_until=until)
            .returning(_campaign.c.user_id)
        )
        user_id = session.connection().execute(statement).scalar()
        if user_id is not None:
            _hint(session, user_id, campaign_id)


def held_until(session: Session, sender_id: int, now: datetime) -> datetime | None:
    """When the first of the sender's campaigns that are held may go on."""
    held = select(func.min(_campaign.c.hold_until)).where(
        _campaign.c.sender_id == sender_id, _campaign.c.status == CampaignStatus.sending, _campaign.c.hold_until > now
    )
    moment: datetime | None = session.connection().execute(held).scalar()
    return moment


def with_campaign_waiting(session: Session, sender_ids: Iterable[int]) -> set[int]:
    """Those senders of which a campaign may send now and has mails due, but none in its owner's hands."""
    now = db.now(session)
    waiting = select(_campaign.c.sender_id).where(
        _campaign.c.sender_id.in_(sorted(sender_ids)),
        _campaign.c.status == CampaignStatus.sending,
        not_held(now),
        has_due_mail(now),
        _campaign.c.claimed_count + _campaign.c.sending_count == 0,
    )
    return set(session.connection().execute(waiting).scalars())


def has_work(session: Session, sender_id: int) -> bool:
    """Whether a campaign of the sender may send now and has mails due."""
    now = db.now(session)
    waiting = select(_campaign.c.id).where(
        _campaign.c.sender_id == sender_id,
        _campaign.c.status == CampaignStatus.sending,
        not_held(now),
        has_due_mail(now),
    )
    return session.connection().execute(waiting.limit(1)).first() is not None


def not_held(now: datetime) -> Any:
    """The condition that a campaign's mails may be claimed."""
    return or_(_campaign.c.hold_until.is_(None), _campaign.c.hold_until <= now)


def has_due_mail(now: datetime) -> Any:
    """The condition that a campaign has a mail whose time has come: one may wait to be tried again."""
    return exists().where(
        _message.c.campaign_id == _campaign.c.id,
        _message.c.state == MessageState.pending,
        _message.c.retry_at <= now,
    )


def done_today(session: Session, campaign_id: int, zone: str, now: datetime) -> int:
    """Mails sent and failed on this day of ``zone``; of the hour in which it began all, so never too few.

    And those in doubt since then: they may have been delivered. A mail counts once, however often it was tried.
    """
    began = warmup.day_began_at(zone, now).replace(minute=0, second=0, microsecond=0)
    counted = select(func.sum(_activity.c.sent_count + _activity.c.failed_count)).where(
        _activity.c.campaign_id == campaign_id, _activity.c.hour_at >= began
    )
    doubted = select(func.count(func.distinct(_attempt.c.message_id))).where(
        _attempt.c.campaign_id == campaign_id,
        _attempt.c.rule_id.in_(("", replies.STOPPED)),
        _attempt.c.kind == "unknown",
        _attempt.c.at >= began,
        _attempt.c.message_id == _message.c.id,
        _message.c.state == MessageState.unknown,
    )
    done, doubts = (session.connection().execute(each).scalar() or 0 for each in (counted, doubted))
    return int(done) + int(doubts)


def _look_at(session: Session, row: Any, now: datetime, found: Openings) -> None:
    window, ramp = windows.from_json(row.sending_window), warmup.from_json(row.warmup)
    if (opening := windows.starts_at(window, now)) > now:
        return _wait(row, opening, found)
    room = _room(session, row, ramp, now)
    midnight = warmup.changes_at(ramp, now)
    if room is not None and room <= 0 and row.claimed_count + row.sending_count == 0 and midnight is not None:
        return _wait(row, windows.starts_at(window, midnight), found)
    found.rooms[row.id] = room
    if (closing := windows.ends_at(window, now)) is not None:
        found.closes[row.id] = closing
        found.turns(closing)


def _wait(row: Any, until: datetime, found: Openings) -> None:
    found.holds[row.id] = (row.version, until)
    found.turns(until)


def _room(session: Session, row: Any, ramp: Warmup | None, now: datetime) -> int | None:
    """What is left of the day's cap; mails under way count."""
    cap = warmup.cap(ramp, now)
    if ramp is None or cap is None:
        return None
    return cap - done_today(session, row.id, ramp.zone, now) - int(row.claimed_count) - int(row.sending_count)


def _hint(session: Session, user_id: int, campaign_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "campaign", campaign_id))
