"""Who owns a sender. One worker process at a time, by the database's clock; the epoch fences off a former owner."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, insert, or_, select, text, update
from sqlmodel import Session, col

from core import db, live
from core.delivery import holds, ledger, replies
from core.delivery.tally import Tally
from core.models import Attempt, Campaign, CampaignStatus, Message, MessageState, Sender, SenderState

LEASE = timedelta(seconds=30)  # a dead owner is noticed after that
SOON = timedelta(seconds=10)  # who takes a sender so much too early waits for the moment itself
HEARTBEATS = 4  # in the time of one lease
SILENT = LEASE * 2 / HEARTBEATS  # without a heartbeat: two are missing

_sender: Any = Sender.__table__  # type: ignore[attr-defined]
_message: Any = Message.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Lease:
    """The sender as it was when taken, the epoch under which it is held, and the database's time then."""

    sender: Sender
    epoch: int
    taken_at: datetime


def take(session: Session, sender_id: int, owner: str) -> Lease | None:
    """Become the owner unless somebody living is, or a guest, or the sender is blocked, cooling or deleted (then None).

    What a dead owner left is put right in the same transaction: its claimed messages are pending again
    (surely not sent), its sending ones are unknown (nobody knows).
    """
    now = db.now(session)
    statement = (
        update(_sender)
        .where(
            _sender.c.id == sender_id,
            _sender.c.deleted_at.is_(None),
            _sender.c.state != SenderState.blocked,
            or_(_sender.c.cooling_until.is_(None), _sender.c.cooling_until <= now),
            or_(_sender.c.owner.in_(("", owner)), _lapsed(now)),
            no_guest(now),
        )
        .values(
            owner=owner,
            epoch=_sender.c.epoch + 1,
            lease_until=now + LEASE,
            state=SenderState.ready,
            cooling_until=None,
        )
        .returning(_sender.c.epoch)
    )
    epoch = session.connection().execute(statement).scalar()
    if epoch is None:
        return None
    return_held(session, sender_id, epoch - 1)
    sender = session.get_one(Sender, sender_id, populate_existing=True)
    _hint(session, sender.user_id, sender_id)
    return Lease(sender, epoch, now)


def heartbeat(session: Session, owner: str, sender_ids: Iterable[int]) -> set[tuple[int, int]]:
    """Prolong the leases of ``owner`` on these senders, and no others: what it forgot must lapse.

    Returns (sender id, epoch) of each; what is missing was taken away.
    """
    mine = (_sender.c.owner == owner, _sender.c.id.in_(sorted(sender_ids)))
    statement = update(_sender).where(*mine).values(lease_until=db.now(session) + LEASE)
    rows = session.connection().execute(statement.returning(_sender.c.id, _sender.c.epoch))
    return {(sender_id, epoch) for sender_id, epoch in rows}


def give_back(session: Session, sender_id: int, owner: str, epoch: int, next_start_at: datetime | None) -> bool:
    """End the ownership; what is still claimed is pending again. Returns whether this sender has due mail."""
    statement = (
        update(_sender)
        .where(_sender.c.id == sender_id, _sender.c.owner == owner, _sender.c.epoch == epoch)
        .values(owner="", lease_until=None, next_start_at=next_start_at)
        .returning(_sender.c.user_id)
    )
    user_id = session.connection().execute(statement).scalar()
    if user_id is None:
        return False
    _hint(session, user_id, sender_id)
    return_held(session, sender_id, epoch)
    return sender_id in due(session, [sender_id])


def recover(session: Session) -> list[int]:
    """Put right what time has ended: cooldowns that are over, owners that died. Returns the senders concerned."""
    now = db.now(session)
    cooled = (
        update(_sender)
        .where(
            _sender.c.state == SenderState.cooling,
            or_(_sender.c.cooling_until.is_(None), _sender.c.cooling_until <= now),
        )
        .values(state=SenderState.ready, cooling_until=None)
        .returning(_sender.c.id, _sender.c.user_id)
    )
    dead = (
        update(_sender)
        .where(_sender.c.owner != "", _lapsed(now))
        .values(owner="", lease_until=None, epoch=_sender.c.epoch + 1)
        .returning(_sender.c.id, _sender.c.user_id, _sender.c.epoch)
    )
    ready = session.connection().execute(cooled).all()
    orphans = session.connection().execute(dead).all()
    for sender_id, _, epoch in orphans:
        return_held(session, sender_id, epoch - 1)
    concerned = {row.id: row.user_id for row in (*ready, *orphans)}
    for sender_id, user_id in concerned.items():
        _hint(session, user_id, sender_id)
    return sorted(concerned)


def end_of_dead(session: Session, has_ended: Callable[[str], bool]) -> None:
    """Who comes next need not wait for the leases of owners that are known to have ended."""
    owners = session.connection().execute(select(_sender.c.owner).where(_sender.c.owner != "").distinct()).scalars()
    dead = [owner for owner in owners if has_ended(owner)]
    if dead:
        session.connection().execute(update(_sender).where(_sender.c.owner.in_(dead)).values(lease_until=None))
        db.after_commit(session, live.wake)


def is_silent(sender: Sender, now: datetime) -> bool:
    """Whether its owner gave no heartbeat for SILENT: it is probably dead, though its lease may last on."""
    until = sender.lease_until
    return sender.owner != "" and until is not None and until < now + LEASE - SILENT


def silent(now: datetime) -> Any:
    """The condition ``is_silent`` for the rows of senders."""
    return (_sender.c.owner != "") & (_sender.c.lease_until < now + LEASE - SILENT)


def nobody(now: datetime) -> Any:
    """The condition that no living worker owns a sender."""
    return or_(_sender.c.owner == "", _lapsed(now))


def has_guest(sender: Sender, now: datetime) -> bool:
    """Whether nobody may take it for the moment, nor go on with it (``guests``)."""
    return sender.guest_until is not None and sender.guest_until > now


def no_guest(now: datetime) -> Any:
    """The condition that is not so for the rows of senders."""
    return or_(_sender.c.guest_until.is_(None), _sender.c.guest_until <= now)


def silences(session: Session) -> set[tuple[int, int, bool]]:
    """(user, sender, whether its lease is over) of each owner that is silent."""
    now = db.now(session)
    rows = select(_sender.c.user_id, _sender.c.id, _sender.c.lease_until).where(silent(now))
    return {(user_id, sender_id, until < now) for user_id, sender_id, until in session.connection().execute(rows)}


def due(session: Session, among: Iterable[int] | None = None) -> list[int]:
    """Senders that have mail to send now or within SOON, and nobody sending it; ``among`` these only."""
    now = db.now(session)
    soon = now + SOON
    wanted = (
        select(_sender.c.id)
        .where(
            exists().where(
                col(Campaign.sender_id) == _sender.c.id,
                col(Campaign.status) == CampaignStatus.sending,
                holds.not_held(soon),
                holds.has_due_mail(now),
            ),
            _sender.c.deleted_at.is_(None),
            _sender.c.state == SenderState.ready,
            nobody(now),
            no_guest(now),
            or_(_sender.c.next_start_at.is_(None), _sender.c.next_start_at <= soon),
        )
        .order_by(_sender.c.id)
    )
    if among is not None:
        wanted = wanted.where(_sender.c.id.in_(list(among)))
    return list(session.connection().execute(wanted).scalars())


def epoch(session: Session, sender_id: int) -> int:
    """Which ownership of the sender is the last one: another number means that somebody took it meanwhile. 0: none."""
    return session.connection().execute(select(_sender.c.epoch).where(_sender.c.id == sender_id)).scalar() or 0


def return_held(session: Session, sender_id: int, epoch: int) -> None:
    """What owners up to ``epoch`` still hold: claimed -> pending, no attempt counted; sending -> unknown."""
    tally, ids = Tally(), _held(session, sender_id, _message.c.epoch <= epoch)
    for before, after in ((MessageState.claimed, MessageState.pending), (MessageState.sending, MessageState.unknown)):
        returned = _moved(session, ids, before, _WAITING if after == MessageState.pending else _UNDECIDED)
        for _, campaign_id in returned:
            tally.moved(campaign_id, before, after)
        if after == MessageState.unknown:
            _tell_undecided(session, returned)
            ledger.settle_proven(session, [message_id for message_id, _ in returned], tally)
    for user_id, campaign_id in tally.store(session, db.now(session)):
        _hint(session, user_id, campaign_id, "campaign")


def call_back(session: Session, sender_id: int) -> None:
    """What the owner of a sender, whose row is locked, holds and has not marked is pending again: so its next mark or
    start is refused, and it looks at the sender anew."""
    tally = Tally()
    ids = _held(session, sender_id, _message.c.state == MessageState.claimed)
    for _, campaign_id in _moved(session, ids, MessageState.claimed, _WAITING):
        tally.moved(campaign_id, MessageState.claimed, MessageState.pending)
    tally.store(session, db.now(session))


def _held(session: Session, sender_id: int, condition: Any) -> Sequence[int]:
    """The ids of the messages that its owners hold, locked in their order, as by every writer."""
    states = text("state in ('claimed', 'sending')")  # in the text, as in the condition of the partial index
    wanted = select(_message.c.id).where(_message.c.sender_id == sender_id, states, condition)
    return session.connection().execute(wanted.order_by(_message.c.id).with_for_update()).scalars().all()


def _moved(session: Session, ids: Sequence[int], state: MessageState, values: dict[str, Any]) -> Sequence[Any]:
    """(id, campaign) of those in this state, which get ``values``."""
    if not ids:
        return ()
    statement = update(_message).where(_message.c.id.in_(ids), _message.c.state == state).values(values)
    return session.connection().execute(statement.returning(_message.c.id, _message.c.campaign_id)).all()


def _tell_undecided(session: Session, messages: Sequence[Any]) -> None:
    """For their timelines, and for the campaign's cap of the day."""
    now = db.now(session)
    told = {"at": now, **_DOUBT}
    rows = [{"message_id": message_id, "campaign_id": campaign_id, **told} for message_id, campaign_id in messages]
    if rows:
        session.connection().execute(insert(Attempt), rows)


_WAITING = {"state": MessageState.pending, "epoch": None}
_DOUBT = {
    "phase": "dot",
    "reply_code": None,
    "kind": "unknown",
    "rule_id": replies.STOPPED,
    "reply": "",
}
_UNDECIDED = {"state": MessageState.unknown, **_DOUBT}


def _lapsed(now: datetime) -> Any:
    # Nobody gives a lease so far ahead: it is from a clock that was wrong, and would hold the sender for hours.
    until = _sender.c.lease_until
    return or_(until.is_(None), until < now, until > now + 2 * LEASE)


def _hint(session: Session, user_id: int, id: int, topic: str = "sender") -> None:
    db.after_commit(session, lambda: live.publish(user_id, topic, id))
