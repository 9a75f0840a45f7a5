"""How far campaigns are, from the counters in their rows."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, case, cast, exists, func
from sqlmodel import Session, col, select

from core.campaigns.drafts import touched
from core.campaigns.title import title
from core.errors import NotFound
from core.models import Campaign, CampaignLink, CampaignStatus, MessageState, PauseReason
from core.stats.counted import Counted, counted, within
from core.stats.going import BLOCKED, MENDED, STOPPED, WAITING, is_blocked, is_mended, waiting
from core.stats.titled import by_title, called

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_RUNNING = (CampaignStatus.sending, CampaignStatus.paused)
_OVER = (CampaignStatus.sent, CampaignStatus.cancelled)
NOT_YET = "Nothing was sent yet"


@dataclass(frozen=True)
class Counts:
    """``waiting``: state pending alone; ``pending``: what people call pending, with claimed and sending.

    ``uncounted``: of ``sent``, mails whose readers cannot be counted; they are in no rate.
    """

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
    uncounted: int = 0

    @property
    def countable(self) -> int:
        """Mails sent whose readers can be counted: what opens and clicks are a share of."""
        return self.sent - self.uncounted

    @property
    def is_counted(self) -> bool:
        """Whether the opens and clicks of any of its mails can be counted."""
        return not self.uncounted or self.countable > 0

    @property
    def knows_unsubscribed(self) -> bool:
        """Whether somebody could unsubscribe by a link of its mails, or did so by mail."""
        return self.is_counted or self.unsubscribed > 0

    @property
    def pending(self) -> int:
        return self.waiting + self.claimed + self.sending

    @property
    def done(self) -> int:
        """What no longer waits; what was cancelled is not done."""
        return self.recipients - self.pending - self.cancelled

    @property
    def progress(self) -> float:
        """0 to 1."""
        return self.done / self.recipients if self.recipients else 0.0

    @property
    def open_rate(self) -> float | None:
        """Per cent of what was sent and can be counted; None where that is nothing."""
        return self.share(self.opened, self.countable)

    @property
    def click_rate(self) -> float | None:
        """As ``open_rate``."""
        return self.share(self.clicked, self.countable)

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
    readers_counted: bool | None
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    hold_until: datetime | None
    sending_window: dict[str, Any] | None
    warmup: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    counts: Counts
    has_links: bool = False  # at which clicks are counted
    is_mended: bool = False  # it was stopped by its sender, which would send again
    is_blocked: bool = False  # it is sending, and its sender cannot before its user mends it
    waits: bool = False  # it is sending, and nothing of it goes out now

    @property
    def title(self) -> str:
        """What to call it on screen."""
        return title(self.name, self.subject)

    @property
    def shown_status(self) -> str:
        """Its status, WAITING, BLOCKED, MENDED or STOPPED."""
        if self.is_mended or self.is_blocked:
            return MENDED if self.is_mended else BLOCKED
        return WAITING if self.waits else STOPPED if self.is_stopped else self.status

    @property
    def is_stopped(self) -> bool:
        """Whether it was paused by what happened and not by its user."""
        return self.status == CampaignStatus.paused and self.pause_reason not in ("", PauseReason.user)

    @property
    def has_begun(self) -> bool:
        """Whether its recipients were written down, or are now."""
        waits_for_it = self.status in (CampaignStatus.draft, CampaignStatus.scheduled)
        return not waits_for_it and (self.started_at is not None or self.counts.recipients > 0)

    @property
    def is_counted(self) -> bool:
        """Whether its opens and clicks can be counted, as far as is known."""
        return self.readers_counted is not False

    @property
    def knows_clicks(self) -> bool:
        """Whether its clicks can be counted, as far as is known."""
        return self.is_counted and (self.has_links or self.counts.clicked > 0 or not self.counts.sent)

    @property
    def nothing_sent(self) -> str:
        """What is said where nothing was sent: with a yet while a worker has a mail or one is in doubt, too."""
        open_end = self.counts.pending or self.counts.unknown
        return "Nothing was sent" if self.status in _OVER and not open_end else NOT_YET


@dataclass(frozen=True)
class Overview:
    """The dashboard of one user: all that was ever mailed, what runs now, what comes next; ``counted`` says what
    ``total`` is of."""

    total: Counts
    running: list[Summary]
    recent: list[Summary]
    scheduled: list[Summary]
    by_status: dict[str, int]
    counted: Counted = Counted.everything

    @property
    def campaign_count(self) -> int:
        return sum(self.by_status.values())


# Field of Counts -> column: every counter has the field's name, but for these.
_NAMES = {"waiting": "pending", "batches": "batch"}
_COUNTERS: dict[str, Any] = {
    field.name: _campaign.c[f"{_NAMES.get(field.name, field.name)}_count"]
    for field in fields(Counts)
    if field.name != "uncounted"
}
_uncounted = _campaign.c.readers_counted.is_(False)
_COUNTERS["uncounted"] = case((_uncounted, _campaign.c.sent_count), else_=0)
# What is added up: opens of a campaign that were counted in part are in no rate.
_SUMMED = _COUNTERS | {name: case((_uncounted, 0), else_=_COUNTERS[name]) for name in ("opened", "clicked")}
_MADE = ("counts", "has_links", "is_mended", "is_blocked", "waits")
_WORDS: list[Any] = [_campaign.c[field.name] for field in fields(Summary) if field.name not in _MADE]
_has_links = exists().where(col(CampaignLink.campaign_id) == _campaign.c.id)
_WORDS += [_has_links.label("has_links"), is_mended().label("is_mended"), is_blocked().label("is_blocked")]
_SUMMARY: Any = select(*_WORDS, *(column.label(f"n_{name}") for name, column in _COUNTERS.items()))


_rate = cast(_campaign.c.opened_count, Float) / func.nullif(case((_uncounted, 0), else_=_campaign.c.sent_count), 0)
ORDERS: dict[str, tuple[Any, ...]] = {
    "newest": (),
    "oldest": (_campaign.c.id,),
    "opened": (func.coalesce(_rate, -1.0).desc(),),
}


def overview(session: Session, user_id: int) -> Overview:
    """Everything the dashboard shows, in a few queries over the user's campaigns."""
    which = counted(session, user_id)
    sums = [func.coalesce(func.sum(column), 0).label(name) for name, column in _SUMMED.items()]
    added = select(*sums).where(*_owned(user_id), *within(which, user_id))
    row = session.execute(added).mappings().one()
    total = Counts(**{name: int(row[name]) for name in _COUNTERS})
    return Overview(
        total=total,
        running=[c for status in _RUNNING for c in summaries(session, user_id, statuses=(status,), limit=10)],
        recent=_recent(session, user_id),
        scheduled=_next_scheduled(session, user_id),
        by_status=count_by_status(session, user_id),
        counted=which,
    )


def summaries(
    session: Session,
    user_id: int,
    *,
    statuses: tuple[str, ...] = (),
    search: str = "",
    order: str = "newest",
    limit: int = 500,
    offset: int = 0,
) -> list[Summary]:
    """The user's campaigns after ``offset`` of them; ``statuses``: only those (empty: all); ``search``: a part of the
    name, the subject or what it is called; ``order``: name, or one of ORDERS."""
    conditions = [*_owned(user_id), touched(), *([_campaign.c.status.in_(statuses)] if statuses else [])]
    if words := search.strip().replace("\0", ""):
        conditions.append(called(session, user_id, words))
    if order == "name":
        return _listed(session, by_title(session, conditions)[offset : offset + limit])
    statement = _SUMMARY.where(*conditions).order_by(*ORDERS[order], _campaign.c.id.desc())
    return _read(session, statement.limit(limit).offset(offset))


BEST_LEAST = 20  # mails: the rate of fewer says little


def best(session: Session, user_id: int, limit: int = 5, among: Counted = Counted.everything) -> list[Summary]:
    """The user's campaigns with the highest open rate, of those that sent at least BEST_LEAST mails and count it."""
    enough = (_campaign.c.sent_count >= BEST_LEAST, _campaign.c.opened_count > 0, ~_uncounted)
    statement = _SUMMARY.where(*_owned(user_id), *within(among, user_id), *enough)
    return _read(session, statement.order_by(_rate.desc(), _campaign.c.id.desc()).limit(limit))


def summary(session: Session, user_id: int, campaign_id: int) -> Summary:
    """One campaign. Raises NotFound, for a stranger's too."""
    found = _read(session, _SUMMARY.where(*_owned(user_id), _campaign.c.id == campaign_id))
    if not found:
        raise NotFound.of("campaign")
    return found[0]


def count_by_status(session: Session, user_id: int) -> dict[str, int]:
    """How many campaigns the user has in each status; statuses without any are missing."""
    statement = select(_campaign.c.status, func.count()).where(*_owned(user_id), touched()).group_by(_campaign.c.status)
    return {status: int(count) for status, count in session.execute(statement)}


def _recent(session: Session, user_id: int) -> list[Summary]:
    changed = (_campaign.c.updated_at.desc(), _campaign.c.id.desc())
    return _read(session, _SUMMARY.where(*_owned(user_id), touched()).order_by(*changed).limit(6))


def _next_scheduled(session: Session, user_id: int) -> list[Summary]:
    statement = _SUMMARY.where(*_owned(user_id), _campaign.c.status == CampaignStatus.scheduled)
    return _read(session, statement.order_by(_campaign.c.scheduled_at, _campaign.c.id).limit(4))


def _read(session: Session, statement: Any) -> list[Summary]:
    """What ``statement``, made of ``_SUMMARY``, finds. Only for campaigns that are sending it is asked whether they
    wait: most pages show none, and the question costs more than all their counters."""
    rows = session.execute(statement).mappings().all()
    waits = waiting(session, [row["id"] for row in rows if row["status"] == CampaignStatus.sending])
    return [_summary(row, row["id"] in waits) for row in rows]


def _listed(session: Session, ids: list[int]) -> list[Summary]:
    found = {each.id: each for each in _read(session, _SUMMARY.where(_campaign.c.id.in_(ids)))}
    return [found[id] for id in ids if id in found]


def _summary(row: Any, waits: bool) -> Summary:
    counts = Counts(**{name: row[f"n_{name}"] for name in _COUNTERS})
    return Summary(counts=counts, waits=waits, **{column.name: row[column.name] for column in _WORDS})


def _owned(user_id: int) -> list[ColumnElement[bool]]:
    return [_campaign.c.user_id == user_id, _campaign.c.deleted_at.is_(None)]


assert set(MessageState) - {"pending"} <= set(_COUNTERS)
