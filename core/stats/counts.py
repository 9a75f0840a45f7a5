"""How far campaigns are, from the counters in their rows."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import Session, col, select

from core import db
from core.delivery import holds
from core.errors import NotFound
from core.models import Campaign, CampaignStatus, MessageState, Sender

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_RUNNING = (CampaignStatus.sending, CampaignStatus.paused)


@dataclass(frozen=True)
class Counts:
    """``waiting``: state pending alone; ``pending``: what people call pending, with claimed and sending."""

    recipients: int = 0
    waiting: int = 0
    claimed: int = 0
    sending: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    cancelled: int = 0
    unknown: int = 0
    opened: int = 0
    clicked: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    batches: int = 0

    @property
    def pending(self) -> int:
        return self.waiting + self.claimed + self.sending

    @property
    def done(self) -> int:
        """What no longer waits, for whatever reason."""
        return self.recipients - self.pending

    @property
    def progress(self) -> float:
        """0 to 1."""
        return self.done / self.recipients if self.recipients else 0.0

    @property
    def open_rate(self) -> float | None:
        """Per cent of sent; None before anything was sent."""
        return self.share(self.opened, self.sent)

    def share(self, part: int, whole: int | None = None) -> float | None:
        """``part`` in per cent of ``whole`` (default: recipients); None where there is no whole."""
        of = self.recipients if whole is None else whole
        return 100 * part / of if of else None

    def in_state(self, state: str) -> int:
        """The counter of a message state, ``pending`` meaning all three that wait, or of everything for ""."""
        if not state:
            return self.recipients
        value: int = getattr(self, state)
        return value


@dataclass(frozen=True)
class Summary:
    """A campaign without its body."""

    id: int
    name: str
    subject: str
    status: str
    pause_reason: str
    pause_detail: str
    time_zone: str
    sender_id: int | None
    snapshot_done: bool
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    hold_until: datetime | None
    sending_window: dict[str, Any] | None
    warmup: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    counts: Counts

    @property
    def title(self) -> str:
        """What to call it on screen."""
        return self.name or self.subject or "Untitled campaign"


@dataclass(frozen=True)
class Overview:
    """The dashboard of one user: all that was ever mailed, what runs now, what comes next."""

    total: Counts
    running: list[Summary]
    recent: list[Summary]
    scheduled: list[Summary]
    campaign_count: int

    @property
    def is_sending(self) -> bool:
        return any(_goes_out(campaign) for campaign in self.running)


# Field of Counts -> column: every counter has the field's name, but for these.
_NAMES = {"waiting": "pending", "batches": "batch"}
_COUNTERS = {field.name: _campaign.c[f"{_NAMES.get(field.name, field.name)}_count"] for field in fields(Counts)}
_WORDS = [_campaign.c[field.name] for field in fields(Summary) if field.name != "counts"]


def overview(session: Session, user_id: int) -> Overview:
    """Everything the dashboard shows, in a few queries over the user's campaigns."""
    sums = [func.coalesce(func.sum(column), 0).label(name) for name, column in _COUNTERS.items()]
    row = session.execute(select(func.count().label("campaigns"), *sums).where(*_owned(user_id))).mappings().one()
    total = Counts(**{name: int(row[name]) for name in _COUNTERS})
    return Overview(
        total=total,
        running=[c for status in _RUNNING for c in summaries(session, user_id, statuses=(status,), limit=10)],
        recent=_recent(session, user_id),
        scheduled=_next_scheduled(session, user_id),
        campaign_count=int(row["campaigns"]),
    )


def summaries(
    session: Session, user_id: int, *, statuses: tuple[str, ...] = (), limit: int = 500, offset: int = 0
) -> list[Summary]:
    """The user's campaigns, newest first, after ``offset`` of them; ``statuses``: only those (empty: all)."""
    conditions = [*_owned(user_id), *([_campaign.c.status.in_(statuses)] if statuses else [])]
    statement = _summary_select().where(*conditions).order_by(_campaign.c.id.desc()).limit(limit).offset(offset)
    return [_summary(row) for row in session.execute(statement).mappings()]


def summary(session: Session, user_id: int, campaign_id: int) -> Summary:
    """One campaign. Raises NotFound, for a stranger's too."""
    statement = _summary_select().where(*_owned(user_id), _campaign.c.id == campaign_id)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise NotFound("There is no such campaign.")
    return _summary(row)


def count_by_status(session: Session, user_id: int) -> dict[str, int]:
    """How many campaigns the user has in each status; statuses without any are missing."""
    statement = select(_campaign.c.status, func.count()).where(*_owned(user_id)).group_by(_campaign.c.status)
    return {status: int(count) for status, count in session.execute(statement)}


def is_sending(session: Session, user_id: int) -> bool:
    """Whether mail of this user goes out now; not while it waits for hours, or for a limit for more than a minute."""
    now = db.now(session)
    waits = exists().where(
        col(Sender.id) == col(Campaign.sender_id), col(Sender.next_start_at) > now + timedelta(minutes=1)
    )
    waiting = col(Campaign.pending_count) + col(Campaign.claimed_count) + col(Campaign.sending_count)
    running = select(Campaign.id).where(
        *_owned(user_id),
        col(Campaign.status) == CampaignStatus.sending,
        (waiting > 0) | ~col(Campaign.snapshot_done),
        holds.not_held(now),
        ~waits,
    )
    return session.exec(running.limit(1)).first() is not None


def _goes_out(campaign: Summary) -> bool:
    return campaign.status == CampaignStatus.sending and (campaign.counts.pending > 0 or not campaign.snapshot_done)


def _recent(session: Session, user_id: int) -> list[Summary]:
    changed = (_campaign.c.updated_at.desc(), _campaign.c.id.desc())
    rows = session.execute(_summary_select().where(*_owned(user_id)).order_by(*changed).limit(6)).mappings()
    return [_summary(row) for row in rows]


def _next_scheduled(session: Session, user_id: int) -> list[Summary]:
    statement = _summary_select().where(*_owned(user_id), _campaign.c.status == CampaignStatus.scheduled)
    rows = session.execute(statement.order_by(_campaign.c.scheduled_at, _campaign.c.id).limit(4)).mappings()
    return [_summary(row) for row in rows]


def _summary_select() -> Any:
    return select(*_WORDS, *(column.label(f"n_{name}") for name, column in _COUNTERS.items()))


def _summary(row: Any) -> Summary:
    counts = Counts(**{name: row[f"n_{name}"] for name in _COUNTERS})
    return Summary(counts=counts, **{column.name: row[column.name] for column in _WORDS})


def _owned(user_id: int) -> list[ColumnElement[bool]]:
    return [_campaign.c.user_id == user_id, _campaign.c.deleted_at.is_(None)]


assert set(MessageState) - {"pending"} <= set(_COUNTERS)
