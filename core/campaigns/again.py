"""The user's side of the ledger: send failed mails again, and decide about those that nobody knows of.

In chunks, each a transaction of its caller: a million mails hold up no other writer, and the counters always agree.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, exists, update
from sqlmodel import Session, col

from core import db, live
from core.campaigns import activity, refusing
from core.campaigns.checks import sender_problem
from core.campaigns.drafts import get, hint
from core.campaigns.states import ALREADY, locked, move, moved
from core.delivery.replies import LEFT_OUT
from core.delivery.tally import Tally
from core.errors import RuleError
from core.models import Campaign, CampaignStatus, Message, MessageState, Suppression

_ALL_SUPPRESSED = "All of them are on the suppression list. They stay failed and are not sent again."
_OPEN = [CampaignStatus.sent, CampaignStatus.sending, CampaignStatus.paused]


@dataclass(frozen=True)
class Chunk:
    """``count``: mails changed. ``last_id``: give it to the next call as ``after``; None when that was all."""

    count: int
    last_id: int | None


def retry_failed(
    session: Session,
    user_id: int,
    campaign_id: int,
    *,
    kind: str | None = None,
    rule_id: str | None = None,
    after: int = 0,
) -> Chunk:
    """Send failed mails again, all or those that failed for one reason; those to suppressed addresses stay failed.

    A sent campaign is sending again; a sending or paused one stays as it is. ``kind``, ``rule_id``: of the reason.
    ``after``: the ``last_id`` of the chunk before; what failed again meanwhile is behind it and is left alone. Raises
    RuleError when none failed that may be sent again, or when the sender cannot send; NotFound.
    """
    _check_sender(session, user_id, campaign_id)
    conditions = [col(Message.kind) == kind] if kind is not None else []
    conditions += [col(Message.rule_id) == rule_id] if rule_id is not None else []
    left_out = [] if after else refusing.among(session, campaign_id, MessageState.failed, *conditions)
    chunk = _retry(session, user_id, campaign_id, conditions, after)
    refusing.try_again(session, campaign_id, left_out)
    return chunk


def bring_back(session: Session, user_id: int, campaign_id: int) -> bool:
    """What was left out of a campaign that nobody else took (``refusing.wrong``) waits again, a chunk of it; returns
    whether there may be more. That it is ``wrong`` is over with the last one: who dies on the way is followed."""
    try:
        _retry(session, user_id, campaign_id, [col(Message.rule_id) == LEFT_OUT])
    except RuleError:  # there is none any more, or they are all suppressed
        refusing.try_all_again(session, campaign_id)
        return False
    refusing.stop(session, campaign_id)
    return True


def settle_unknown(
    session: Session,
    user_id: int,
    campaign_id: int,
    message_id: int | None = None,
    *,
    delivered: bool,
    after: int = 0,
) -> Chunk:
    """Decide about mails that may have arrived, all of the campaign or one.

    Delivered ones are sent; the others wait to be sent again, by which a sent campaign is sending again. ``after``: the
    ``last_id`` of the chunk before. Raises RuleError when none is in doubt (any more), and when sending again is not
    possible; NotFound.
    """
    statuses = [*_OPEN, CampaignStatus.cancelled] if delivered else _OPEN
    if delivered:
        get(session, user_id, campaign_id)
        decided: dict[str, Any] = {"state": MessageState.sent, "sent_at": db.now(session)}
    else:
        _check_sender(session, user_id, campaign_id)
        decided = _again(session)
    conditions = [col(Message.id) == message_id] if message_id is not None else []
    wanted = locked(user_id, campaign_id, statuses, MessageState.unknown).where(*conditions)
    left_out = [] if after else refusing.among(session, campaign_id, MessageState.unknown, *conditions)
    chunk = _change(session, _next(session, wanted, after), MessageState.unknown, decided)
    if not chunk.count and not after:
        raise RuleError("No mail of this campaign is in doubt any more.")
    if delivered:
        tally = Tally()  # counts them in the hour, too
        tally.moved(campaign_id, "unknown", "sent", chunk.count)
        tally.store(session, db.now(session))
        hint(session, user_id, campaign_id)
    else:
        _send_on(session, user_id, campaign_id, "unknown_count", chunk.count)
        refusing.try_again(session, campaign_id, left_out)
    return chunk


def try_again_now(session: Session, user_id: int, campaign_id: int, *, after: int = 0) -> Chunk:
    """Mails of a sending campaign that a server put off are due at once.

    Refused again, each waits as long as the last time: who asks early uses up no attempt. ``after``: the ``last_id`` of
    the chunk before. Raises RuleError when none waits for that any more; NotFound.
    """
    get(session, user_id, campaign_id)
    now, attempts = db.now(session), col(Message.attempts)
    waits = locked(user_id, campaign_id, [CampaignStatus.sending], MessageState.pending)
    put_off = waits.where(col(Message.retry_at) > now, col(Message.reply) != "")
    due = {"retry_at": now, "attempts": case((attempts > 0, attempts - 1), else_=0)}
    chunk = _change(session, _next(session, put_off, after), MessageState.pending, due)
    if not chunk.count and not after:
        raise RuleError("No mail of this campaign waits to be tried again any more.")
    hint(session, user_id, campaign_id)
    db.after_commit(session, live.wake)
    return chunk


def _check_sender(session: Session, user_id: int, campaign_id: int) -> None:
    campaign = get(session, user_id, campaign_id)
    if campaign.status == CampaignStatus.cancelled:
        raise RuleError(ALREADY[CampaignStatus.cancelled])
    if campaign.status == CampaignStatus.sent and (sentence := sender_problem(session, campaign)):
        raise RuleError(sentence)


def _retry(session: Session, user_id: int, campaign_id: int, conditions: list[Any], after: int = 0) -> Chunk:
    failed = locked(user_id, campaign_id, _OPEN, MessageState.failed).where(*conditions)
    ids = _next(session, failed.where(~_is_suppressed(user_id)), after)
    hours = activity.hours_of(session, ids)
    chunk = _change(session, ids, MessageState.failed, _again(session))
    if not chunk.count and not after and get(session, user_id, campaign_id).status in _OPEN:
        if _next(session, failed, 0):
            raise RuleError(_ALL_SUPPRESSED)
        raise RuleError("No mail of this campaign failed" + (" for this reason any more." if conditions else "."))
    _send_on(session, user_id, campaign_id, "failed_count", chunk.count)
    activity.take_back(session, campaign_id, chunk.count, hours)
    return chunk


def _again(session: Session) -> dict[str, Any]:
    return {"state": MessageState.pending, "attempts": 0, "retry_at": db.now(session), "epoch": None}


def _is_suppressed(user_id: int) -> Any:
    return exists().where(col(Suppression.user_id) == user_id, col(Suppression.email) == col(Message.email))


def _next(session: Session, wanted: Any, after: int) -> list[int]:
    """The next of the ``wanted``, which are locked by id."""
    return list(session.execute(wanted.where(col(Message.id) > after).limit(db.chunk_rows(session))).scalars())


def _change(session: Session, ids: list[int], state: MessageState, values: dict[str, Any]) -> Chunk:
    if not ids:
        return Chunk(0, None)
    changed = session.execute(
        update(Message).where(col(Message.id).in_(ids), col(Message.state) == state).values(**values),
        execution_options={"synchronize_session": False},
    )
    more = len(ids) == db.chunk_rows(session)
    return Chunk(int(changed.rowcount), ids[-1] if more else None)  # type: ignore[attr-defined]


def _send_on(session: Session, user_id: int, campaign_id: int, source: str, count: int) -> None:
    status = case((col(Campaign.status) == CampaignStatus.sent, CampaignStatus.sending), else_=col(Campaign.status))
    values = {"status": status, "finished_at": None} | moved(source, "pending_count", count)
    move(session, user_id, campaign_id, _OPEN, values)
