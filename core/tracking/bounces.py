"""A mail came back, its reader complained or wants no more: a fact with a time, and what follows from it.

A hard bounce, a complaint and a wish to unsubscribe put the address on the owner's suppression list; any other bounce
is only noted. A bounce proves that the provider had taken the mail, so one that nobody knew of counts as sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from core import db, live
from core.audience import addresses, suppression
from core.delivery import replies
from core.delivery.ledger import REPLY_CHARS
from core.delivery.tally import Tally, Touched
from core.errors import RuleError
from core.models import Attempt, Campaign, Message, MessageState, SuppressionReason
from core.tracking import opens, unsubscribe
from core.tracking.returned import BOUNCE, UNSUBSCRIBE, Failure, Returned

PHASE = "bounce"  # of an Attempt that tells the words of a bounce
FORWARDED = "forwarded"  # its rule: see replies

_message: Any = Message.__table__  # type: ignore[attr-defined]
_LEFT = (MessageState.sent, MessageState.unknown, MessageState.pending)  # pending: to be sent a second time
_IN_HAND = (MessageState.claimed, MessageState.sending)


@dataclass(frozen=True)
class Noted:
    """What a report changed. ``in_hand``: nothing yet, a worker has this mail now: tell it again later."""

    bounced: bool = False
    complained: bool = False
    unsubscribed: bool = False
    in_hand: bool = False


def record(session: Session, user_id: int, returned: Returned, arrived_at: datetime | None = None) -> Noted:
    """Note what came back, where the mail is one of this user's; safe to call twice with the same.

    ``arrived_at``: when the report did (default: now); the fact has that time, but none before the mail was sent.
    """
    return record_all(session, user_id, [(returned, arrived_at)])[0]


def record_all(session: Session, user_id: int, reports: Sequence[tuple[Returned, datetime | None]]) -> list[Noted]:
    """The same for several of one transaction, in their order: one of a mail that is in hand is the last one looked at.

    Messages are locked before campaigns, each by id, as where opens are recorded: neither waits for the other for ever.
    """
    if not reports:
        return []
    opens.lock(session, {returned.message_id for returned, _ in reports})
    tally, noted = Tally(), list[Noted]()
    for returned, arrived_at in reports:
        noted.append(_record(session, user_id, returned, arrived_at, tally))
        if noted[-1].in_hand:
            break
    touched = tally.store(session, db.now(session))
    db.after_commit(session, lambda: _tell(touched))
    return noted


def _record(session: Session, user_id: int, returned: Returned, arrived_at: datetime | None, tally: Tally) -> Noted:
    found = session.execute(
        select(_message.c.id, _message.c.email, _message.c.state, _message.c.sent_at, _message.c.campaign_id)
        .join(Campaign, col(Campaign.id) == _message.c.campaign_id)
        .where(_message.c.id == returned.message_id, col(Campaign.user_id) == user_id)
    ).first()
    if found is None:
        return Noted()
    now = db.now(session)
    at = min(arrived_at or now, now).replace(microsecond=0)
    at = max(at, found.sent_at or at)
    if returned.what == UNSUBSCRIBE:
        wish = (user_id, found.id, found.campaign_id, found.email)
        return Noted(unsubscribed=unsubscribe.note(session, *wish, at, tally))
    if found.state in _IN_HAND:
        return Noted(in_hand=True)
    if found.state not in _LEFT:
        return Noted()
    if returned.what == BOUNCE:
        noted = Noted(bounced=_bounced(session, user_id, found, returned.failures, at, tally))
    else:
        noted = Noted(complained=_mark(session, found, "complained_at", at, tally))
        suppression.suppress(session, user_id, found.email, SuppressionReason.complained, found.id)
    opens.prove_delivered(session, [found.id], at, tally)
    return noted


def words(session: Session, message_ids: list[int]) -> dict[int, Attempt]:
    """What the servers said in the bounces of these messages: message id -> the attempt that tells it."""
    if not message_ids:
        return {}
    told = select(Attempt).where(col(Attempt.message_id).in_(message_ids), col(Attempt.phase) == PHASE)
    return {attempt.message_id: attempt for attempt in session.scalars(told.order_by(col(Attempt.id)))}


def _bounced(
    session: Session, user_id: int, message: Any, failures: tuple[Failure, ...], at: datetime, tally: Tally
) -> bool:
    failure, is_its_own = _of(failures, message.email)
    code, verdict = _verdict(failure)
    kind, rule_id = verdict.kind, verdict.rule_id
    if kind == "bad_recipient" and not is_its_own:  # where the recipient forwards mail to, not the recipient
        kind, rule_id = "permanent", FORWARDED
    is_new = _mark(session, message, "bounced_at", at, tally)
    reply = failure.words[4 if code else 0 :][:REPLY_CHARS]  # the code has a column of its own
    if is_new:
        told = {"message_id": message.id, "campaign_id": message.campaign_id, "at": at, "phase": PHASE}
        row = {**told, "reply_code": code, "reply": reply, "kind": kind, "rule_id": rule_id}
        session.execute(insert(Attempt).values(row))
    if kind == "bad_recipient":
        _suppress(session, user_id, message, reply)
    return is_new


def _of(failures: tuple[Failure, ...], email: str) -> tuple[Failure, bool]:
    """The failure that names the address, and whether one does."""
    names = {email.lower(), _wire(email)}
    own = next((failure for failure in failures if failure.addresses & names), None)
    return own or failures[0], own is not None


def _wire(email: str) -> str:
    try:
        return addresses.wire(email).lower()
    except ValueError:
        return email.lower()


def _verdict(failure: Failure) -> tuple[int | None, replies.Verdict]:
    """By the rules for what servers say; RFC 3464 has the status apart from the words."""
    said = failure.words
    code = int(said[:3]) if said[:3].isascii() and said[:3].isdigit() and said[0] in "45" else 0
    status = "" if failure.status.endswith(".0.0") else failure.status
    presumed = {"4": 450, "5": 550}.get(failure.status[:1], 0)
    return code or None, replies.classify("rcpt", code or presumed, status if code == 0 else "", said)


def _mark(session: Session, message: Any, fact: str, at: datetime, tally: Tally) -> bool:
    marked = session.connection().execute(
        update(_message).where(_message.c.id == message.id, _message.c[fact].is_(None)).values({fact: at})
    )
    if marked.rowcount:
        tally.add(message.campaign_id, fact.replace("_at", "_count"))
    return bool(marked.rowcount)


def _tell(touched: Touched) -> None:
    for user_id, campaign_id in touched:
        live.publish(user_id, "campaign", campaign_id)


def _suppress(session: Session, user_id: int, message: Any, reply: str) -> None:
    try:
        suppression.suppress(session, user_id, message.email, SuppressionReason.bounced, message.id, reply)
    except RuleError:  # not even an address
        pass
