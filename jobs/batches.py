"""What a lane asks of the database. Runs in the writer's thread; ``claim`` in the one of ``beside``."""

from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from sqlmodel import Session

from core import campaigns, db
from core.campaigns.content import content
from core.campaigns.drafts import hint
from core.content.mail import Content
from core.delivery import batch, holds, lease, ledger, senders, usage, windows
from core.delivery.holds import Openings
from core.delivery.ledger import Claimed
from core.delivery.tally import Tally
from core.models import Campaign, PauseReason, Sender


@dataclass
class Batch:
    """What a claim brings along: the sender as it is at ``at`` (now), and what its campaigns say."""

    messages: list[Claimed] | None
    sender: Sender
    at: datetime
    openings: Openings
    contents: dict[int, Content] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """A sender that is ours: what it started in the last day, and which recipient domains still wait, until when.

    ``clock``: what ``time.monotonic`` said when the lease began. The loop hears of it later, on a busy machine much.
    """

    lease: lease.Lease
    clock: float
    used: list[tuple[datetime, int]]
    domains: dict[str, datetime]


def take(session: Session, sender_id: int, owner: str) -> Taken | None:
    """Own the sender; None where that is not possible now."""
    clock = monotonic()
    held = lease.take(session, sender_id, owner)
    if held is None:
        return None
    used = usage.recent(session, sender_id, held.taken_at)
    return Taken(held, clock, used, usage.domains(session, sender_id, held.taken_at))


def address(session: Session, sender_id: int) -> tuple[Sender, str, int]:
    """The sender as it is now, with the host and port to connect to."""
    sender = session.get_one(Sender, sender_id)
    return sender, *senders.address(sender)


def look(session: Session, sender_id: int, held: list[Claimed]) -> tuple[set[int], Sender, datetime]:
    """Which of ``held`` may still be sent (the others go back), and the sender as it is now."""
    tally, now = Tally(), db.now(session)
    kept = ledger.still_wanted(session, held, tally)
    _store(session, tally)
    return kept, session.get_one(Sender, sender_id), now


def claim(session: Session, sender_id: int, epoch: int, size: int) -> Batch:
    """Up to ``size`` due messages; ``messages`` is None where this epoch owns the sender no more."""
    now = db.now(session)
    openings = holds.look(session, sender_id, now)
    messages = batch.claim(session, sender_id, epoch, size, openings)
    got = Batch(messages, session.get_one(Sender, sender_id), now, openings)
    for campaign_id in {message.campaign_id for message in messages or ()}:
        got.contents[campaign_id] = content(session, session.get_one(Campaign, campaign_id))
    return got


def put_back(session: Session, held: list[Claimed]) -> None:
    """Messages that we hold wait again, where they are wanted."""
    tally = Tally()
    ledger.put_back(session, held, tally)
    _store(session, tally)


def put_off(session: Session, held: list[tuple[Claimed, float]]) -> None:
    """Messages that we hold wait so many seconds, without an attempt."""
    tally, now = Tally(), db.now(session)
    ledger.put_off(session, held, now, tally)
    tally.store(session, now)


def give_back(
    session: Session, sender_id: int, owner: str, epoch: int, next_at: datetime | None
) -> tuple[bool, float | None, float | None]:
    """Give the sender back until ``next_at`` or, where that is later, until its window opens.

    Returns whether it has due mail; in how many seconds its window opens, and the first of its campaigns that wait for
    theirs goes on (None: they are open).
    """
    now = db.now(session)
    opening = windows.starts_at(windows.from_json(session.get_one(Sender, sender_id).sending_window), now)
    if opening > now:
        next_at = max(next_at or opening, opening)
    due = lease.give_back(session, sender_id, owner, epoch, next_at)
    if not due:
        campaigns.finish_done(session)
    held = holds.held_until(session, sender_id, now)
    return due, (opening - now).total_seconds() or None, (held - now).total_seconds() if held else None


def refuse(session: Session, campaign_id: int, why: str, held: list[Claimed]) -> None:
    """A campaign whose content makes no mail is paused, and what we hold of it goes back."""
    put_back(session, held)
    campaigns.pause_for(session, campaign_id, PauseReason.content, why)


def _store(session: Session, tally: Tally) -> None:
    for user_id, campaign_id in tally.store(session, db.now(session)):
        hint(session, user_id, campaign_id)
