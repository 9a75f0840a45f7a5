"""A mail that is none of a campaign, as a test, takes a start of its sender as any mail does, whoever owns that."""

from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from core import db
from core.delivery import holds, usage, warmup
from core.delivery.domains import ALL, Domains, group_of
from core.delivery.pace import Pace
from core.models import DomainPace, Sender

PATIENCE = 5.0  # seconds: what has its turn later does not wait for it
_LATE = 1.0  # seconds after its slot

_domain: Any = DomainPace.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Turn:
    """Start ``at`` (``time.monotonic``), and not after ``until``: then the turn is lost."""

    at: float
    until: float


@dataclass(frozen=True)
class Full:
    """Which limit has no room, in a sentence, and when it has again; ``is_of_domain``: for one recipient domain."""

    why: str
    until: datetime
    is_of_domain: bool = False


def look(session: Session, sender: Sender, email: str) -> Full | None:
    """What keeps a mail to ``email`` from starting soon."""
    found = _find(session, sender, email, db.now(session).timestamp())
    return found if isinstance(found, Full) else None


def take(session: Session, sender_id: int, email: str) -> Turn | Full:
    """The next start for a mail to ``email``: it counts once this is committed, and the sender's owner, if it has one,
    starts nothing more before it has looked at the sender anew."""
    usage.lock(session, [sender_id])
    sender, clock = session.get_one(Sender, sender_id, populate_existing=True), monotonic()
    now = db.now(session).timestamp()
    found = _find(session, sender, email, now)
    if isinstance(found, Full):
        return found
    usage.record(session, sender_id, _moment(found.at), 1)
    if found.pace.limited:
        values = {"paced_until": _moment(found.pace.after(found.at)), "pace_version": sender.pace_version + 1}
        session.execute(update(Sender).where(col(Sender.id) == sender_id).values(values))
    if found.domains is not None:
        group = group_of(email)
        found.domains.reserve(group, found.at)
        next_at = _moment(found.domains.started(group, found.at))
        row = {"sender_id": sender_id, "domain": group, "next_at": next_at}
        db.upsert(session, DomainPace.__table__, row, ("sender_id", "domain"))  # type: ignore[attr-defined]
    return Turn(clock + found.at - now, clock + found.until - now)


@dataclass(frozen=True)
class _Found:
    at: float
    until: float
    pace: Pace
    domains: Domains | None


def _find(session: Session, sender: Sender, email: str, now: float) -> _Found | Full:
    assert sender.id is not None
    limits = usage.limits_of(sender, _moment(now))
    paced_until = sender.paced_until.timestamp() if sender.paced_until else None
    pace = Pace(limits, now, paced_until, sender.learned_per_minute)
    pace.remember((at.timestamp(), count) for at, count in usage.recent(session, sender.id, _moment(now)))
    if pace.free_at(now) > now + PATIENCE:
        return Full(usage.full(session, sender, _moment(now)), _room_at(pace, now))
    domains = _domains(session, sender, email)
    clear_at = max(now, domains.free_at(group_of(email))) if domains is not None else now
    if domains is not None and clear_at > now + PATIENCE:
        return Full(usage.at_most(sender, domains.limit, "a minute to one domain"), _moment(clear_at), True)
    slot = pace.reserve(clear_at)
    # Where a campaign goes out meanwhile, its next turn is taken: later there would be none free either.
    is_busy = sender.owner != "" or holds.has_work(session, sender.id)
    patience = max(PATIENCE, pace.gap + _LATE) if is_busy else PATIENCE
    if slot.at > clear_at + patience:
        return Full(_pace_of(sender), _moment(slot.at))
    until = min(slot.until, slot.at + _LATE) if pace.limited else float("inf")
    return _Found(slot.at, until, pace, domains)


def _domains(session: Session, sender: Sender, email: str) -> Domains | None:
    if not sender.domain_per_minute:
        return None
    known = select(_domain.c.domain, _domain.c.next_at)
    known = known.where(_domain.c.sender_id == sender.id, _domain.c.domain.in_((group_of(email), ALL)))
    left = {domain: next_at.timestamp() for domain, next_at in session.connection().execute(known)}
    return Domains(sender.domain_per_minute, left)


def _room_at(pace: Pace, now: float) -> datetime:
    """When the hour and the day have room: a warm-up may have more on its next day."""
    free_at, ramp = _moment(pace.free_at(now)), pace.limits.warmup
    midnight = warmup.changes_at(ramp, _moment(now))
    if midnight is None or midnight > free_at or warmup.cap(ramp, midnight) == pace.limits.day_cap:
        return free_at
    return midnight


def _pace_of(sender: Sender) -> str:
    learned, paces = sender.learned_per_minute, usage.paces(sender)
    if learned is not None and all(learned < pace for pace, _, _ in paces):
        return usage.at_most(sender, learned, "a minute, as its provider wants")
    _, number, window = min(paces)
    return usage.at_most(sender, number, window)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
