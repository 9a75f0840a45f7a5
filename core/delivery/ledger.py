"""The ledger: a message's way from pending to its end, each step one conditional UPDATE under the owner's epoch."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, case, exists, func, insert, select, text, update
from sqlmodel import Session, col

from core import db, hot
from core.audience import suppression
from core.delivery import holds, left_out
from core.delivery.tally import Tally
from core.errors import RuleError
from core.models import (
    Attempt,
    Campaign,
    CampaignStatus,
    Message,
    MessageState,
    Suppression,
    SuppressionReason,
)

log = logging.getLogger(__name__)

REPLY_CHARS = 2_000

_message: Any = Message.__table__  # type: ignore[attr-defined]
_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
is_suppressed = exists().where(
    col(Suppression.user_id) == _campaign.c.user_id, col(Suppression.email) == _message.c.email
)

# Not EXISTS: PostgreSQL would make a join of it, and begin that join at the campaign.
NOT_SUPPRESSED = """
    ((select suppression.id from suppression join campaign on campaign.user_id = suppression.user_id
      where campaign.id = message.campaign_id and suppression.email = message.email) is null)
"""


# Which claim it is: epochs count the owners of one sender, and another sender may have claimed the message since.
HELD = "message.id = given.message_id and message.epoch = given.held and message.sender_id = given.sender_id"
CLAIM = {"message_id": "bigint", "held": "int", "sender_id": "int"}  # the columns that ``given`` tells
SENT = CLAIM | {"code": "int", "reply": "text"}


@dataclass(slots=True, eq=False)
class Claimed:
    """A message in the hands of the owner of its sender."""

    id: int
    campaign_id: int
    user_id: int
    email: str
    fields: dict[str, str]
    attempts: int
    sender_id: int
    epoch: int
    marked: bool = False  # committed as ``sending``
    made: tuple[object, bytes] | None = None  # by whom, and the mail: where it was made ahead of its turn


@dataclass(slots=True, eq=False)
class Outcome:
    """What became of a claimed message. ``state``: sent, failed, pending or unknown. Not changed once it is made."""

    message: Claimed
    state: str
    phase: str = ""
    code: int | None = None
    reply: str = ""
    kind: str = ""
    rule_id: str = ""
    retry_after: float | None = None  # seconds; None: due at once
    counts: bool = True  # as an attempt of this mail
    bounced: bool = False  # the address is dead: suppress it
    alike: int = 0  # refusals of the campaign's content by the same rule with no mail accepted between, this one too


def lock(session: Session, messages: Iterable[Claimed]) -> None:
    """In order of id, as every writer does: what follows may come at them in any order."""
    these = text(f"id in {db.each_in(db.dialect(session), 'ids')}")  # of a journal they may be very many
    rows = select(_message.c.id).where(these).order_by(_message.c.id).with_for_update()
    session.connection().execute(rows, {"ids": json.dumps([message.id for message in messages])}).all()


def mark(session: Session, messages: Sequence[Claimed], tally: Tally) -> set[int]:
    """Commit before the final dot: claimed -> sending, only where still owned and not suppressed, and
    its campaign sends, through this sender.

    Returns the ids that may be sent. The others are no longer wanted and go back (see ``put_back``).
    """
    marked = set()
    dialect = db.dialect(session)
    statement = mark_statement(dialect, db.given_in(dialect, **CLAIM)) + _RETURNING
    values = {"given": given(messages)}
    for message_id, campaign_id in session.connection().execute(text(statement), values):
        marked.add(message_id)
        tally.moved(campaign_id, "claimed", "sending")
    # A commit whose answer was lost is tried again: what is ``sending`` under our epoch was marked by it.
    if refused := [message for message in messages if message.id not in marked]:
        marked |= _marked_before(session, refused)
        put_back(session, [message for message in refused if message.id not in marked], tally)
    return marked


@cache
def mark_statement(dialect: str, given: str) -> str:
    """``given``: SQL of a FROM item of this name with the columns of CLAIM."""
    return f"""
        update message set state = 'sending' from {given}
        where {HELD} and {db.by_key(dialect, "message.state")} = 'claimed'
          and (select campaign.sender_id from campaign
               where campaign.id = message.campaign_id and campaign.status = 'sending') = given.sender_id
          and {NOT_SUPPRESSED}
    """


_RETURNING = " returning id, campaign_id"


def _marked_before(session: Session, messages: Sequence[Claimed]) -> set[int]:
    return _in_state(session, messages, _message.c.state == MessageState.sending)


def still_wanted(session: Session, messages: Sequence[Claimed], tally: Tally) -> set[int]:
    """Which of the claimed ones may still be sent; the others go back (see ``put_back``)."""
    if not messages:
        return set()
    wanted = (
        _message.c.state == MessageState.claimed,
        _campaign.c.id == _message.c.campaign_id,
        _campaign.c.status == CampaignStatus.sending,
        _campaign.c.sender_id == _message.c.sender_id,
        holds.not_held(db.now(session)),
        ~is_suppressed,
        text(f"{left_out.REASON} is null"),
    )
    kept = _in_state(session, messages, *wanted)
    put_back(session, [message for message in messages if message.id not in kept], tally)
    return kept


def _in_state(session: Session, messages: Sequence[Claimed], *conditions: Any) -> set[int]:
    """Those for which ``conditions`` hold and that are still under their claim."""
    claims = {message.id: (message.epoch, message.sender_id) for message in messages}
    columns = (_message.c.id, _message.c.epoch, _message.c.sender_id)
    found = select(*columns).where(_message.c.id.in_(sorted(claims)), *conditions)
    return {message_id for message_id, *claim in session.connection().execute(found) if claims[message_id] == (*claim,)}


def put_back(session: Session, messages: Sequence[Claimed], tally: Tally) -> None:
    """Claimed messages that will not be sent now: suppressed where the address is, failed where their domain is left
    out, else pending again."""
    if not messages:
        return
    on = hot.within(session)
    for state in (MessageState.suppressed, MessageState.failed, MessageState.pending):
        statement = _back_statement(on.dialect, state)
        for (campaign_id,) in on.rows(statement, given=given(messages), now=on.now()):
            tally.moved(campaign_id, "claimed", state)


@cache
def _back_statement(dialect: str, state: MessageState) -> str:
    values, only = f"state = '{state}', epoch = null", ""
    if state == MessageState.suppressed:
        values, only = f"state = '{state}'", f"and not {NOT_SUPPRESSED}"
    elif state == MessageState.failed:
        values, only = left_out.FAILED, f"and {left_out.REASON} is not null"
    return f"""
        update message set {values}
        from {db.given_in(dialect, **CLAIM)}
        where {HELD} and {db.by_key(dialect, "message.state")} = 'claimed' {only}
        returning campaign_id
    """


def put_off(session: Session, messages: Sequence[tuple[Claimed, float]], now: datetime, tally: Tally) -> None:
    """Claimed messages that are to wait: (message, seconds). No attempt is counted."""
    on = hot.within(session)
    rows = [
        _claim(message) | {"retry_at": on.stored(now + timedelta(seconds=seconds))}
        for message, seconds in sorted(messages, key=lambda pair: pair[0].id)
    ]
    for (campaign_id,) in on.rows(_off_statement(on.dialect), given=json.dumps(rows)):
        tally.moved(campaign_id, "claimed", "pending")


@cache
def _off_statement(dialect: str) -> str:
    return f"""
        update message set state = 'pending', epoch = null, retry_at = given.retry_at
        from {db.given_in(dialect, **CLAIM, retry_at="timestamptz")}
        where {HELD} and message.state = 'claimed'
        returning campaign_id
    """


def settle(session: Session, outcomes: Sequence[Outcome], now: datetime, tally: Tally) -> None:
    """Write down what became of messages; each counts once however often it is told."""
    _settle_sent(session, [outcome for outcome in outcomes if outcome.state == MessageState.sent], now, tally)
    for outcome in outcomes:
        if outcome.state != MessageState.sent:
            _settle_refused(session, outcome, now, tally)


def _settle_sent(session: Session, outcomes: Sequence[Outcome], now: datetime, tally: Tally) -> None:
    # A late 250 of a former owner settles what the takeover had to leave unknown.
    for before in (MessageState.sending, MessageState.unknown):
        if not outcomes:
            return
        done = set()
        dialect = db.dialect(session)
        sql = sent_statement(dialect, db.given_in(dialect, **SENT), before) + _RETURNING
        statement = text(sql).bindparams(bindparam("now", type_=db.UtcDateTime()))
        values = {"given": given_sent(outcomes), "now": now}
        for message_id, campaign_id in session.connection().execute(statement, values):
            done.add(message_id)
            tally.moved(campaign_id, before, "sent")
        outcomes = [outcome for outcome in outcomes if outcome.message.id not in done]


@cache
def sent_statement(dialect: str, given: str, before: str) -> str:
    """``given``: SQL of a FROM item of this name with the columns of SENT; the time is bound as ``:now``."""
    return f"""
        update message set state = 'sent', attempts = attempts + 1, sent_at = :now, phase = 'dot',
               reply_code = given.code, reply = given.reply, kind = '', rule_id = ''
        from {given}
        where {HELD} and {db.by_key(dialect, "message.state")} = '{before}'
    """


def _settle_refused(session: Session, outcome: Outcome, now: datetime, tally: Tally) -> None:
    message = outcome.message
    words = {
        "phase": outcome.phase,
        "reply_code": outcome.code,
        "reply": outcome.reply,
        "kind": outcome.kind,
        "rule_id": outcome.rule_id,
    }
    values: dict[str, Any] = {"state": outcome.state, **words}
    if outcome.counts:
        values["attempts"] = _message.c.attempts + 1
    if outcome.state == MessageState.pending:
        values["epoch"] = None
        if outcome.retry_after is not None:
            values["retry_at"] = now + timedelta(seconds=outcome.retry_after)
    if outcome.bounced:
        values["bounced_at"] = case((_message.c.bounced_at.is_(None), now), else_=_message.c.bounced_at)
    for before in _states_before(outcome):
        statement = update(_message).where(_under_claim(message), _message.c.state == before).values(values)
        if session.connection().execute(statement).rowcount:
            break
    else:
        return
    tally.moved(message.campaign_id, before, outcome.state)
    if outcome.state == MessageState.unknown:
        settle_proven(session, [message.id], tally)
    if outcome.reply or outcome.code:
        row = {"message_id": message.id, "campaign_id": message.campaign_id, "at": now, **words}
        session.connection().execute(insert(Attempt).values(row))
    if outcome.bounced:
        tally.add(message.campaign_id, "bounced_count")
        _suppress(session, message, outcome.reply)


def _states_before(outcome: Outcome) -> tuple[MessageState, ...]:
    if not outcome.message.marked:
        return (MessageState.claimed,)
    if outcome.state == MessageState.unknown:
        return (MessageState.sending,)
    # A late refusal, too, settles what the takeover had to leave unknown.
    return (MessageState.sending, MessageState.unknown)


def settle_proven(session: Session, message_ids: Iterable[int], tally: Tally) -> None:
    """Those that are ``unknown`` although they were opened or clicked meanwhile were delivered: they are ``sent``."""
    proof = func.coalesce(_message.c.opened_at, _message.c.clicked_at)
    proven = (_message.c.id.in_(sorted(message_ids)), _message.c.state == MessageState.unknown, proof.is_not(None))
    statement = update(_message).where(*proven).values(state=MessageState.sent, sent_at=proof, kind="", reply="")
    for campaign_id in session.connection().execute(statement.returning(_message.c.campaign_id)).scalars():
        tally.moved(campaign_id, "unknown", "sent")


def _suppress(session: Session, message: Claimed, reply: str) -> None:
    try:
        suppression.suppress(session, message.user_id, message.email, SuppressionReason.bounced, message.id, reply)
    except RuleError:  # not even an address: it failed, and cannot come again
        log.info("message %s: its address cannot be suppressed", message.id)


def _under_claim(message: Claimed) -> Any:
    mine = (_message.c.epoch == message.epoch) & (_message.c.sender_id == message.sender_id)
    return (_message.c.id == message.id) & mine


def given(messages: Iterable[Claimed]) -> str:
    """JSON for a statement about these."""
    # In order of id: the order in which every writer locks messages.
    return json.dumps([_claim(message) for message in sorted(messages, key=attrgetter("id"))])


def given_sent(outcomes: Iterable[Outcome]) -> str:
    """JSON for a statement about these mails that were accepted."""
    told = sorted(outcomes, key=attrgetter("message.id"))
    return json.dumps([_claim(o.message) | {"code": o.code, "reply": o.reply} for o in told])


def _claim(message: Claimed) -> dict[str, Any]:
    return {"message_id": message.id, "held": message.epoch, "sender_id": message.sender_id}
