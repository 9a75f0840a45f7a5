"""How senders are: what of each limit is used, what holds them up, and what to do about it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from core import clock, db
from core.delivery import replies, senders, standing, usage, warmup
from core.delivery.replies import UNREACHED
from core.models import Activity, Campaign, CampaignSender, Message, MessageState, Sender, SenderState, SenderUsage

_BUSY = 0.9
_MINUTE, _TICK = timedelta(minutes=1), timedelta(seconds=1)
_WHAT_TO_DO = {
    "auth": "Enter its username and password again and save it.",
    "sender_not_allowed": "Change its From address, or have it allowed at the provider, then save it.",
    "auth_temporary": "Nothing to do. If it stays so for hours, test the connection.",
    "quota_day": "Nothing to do. A limit per day here would spread the mails better.",
    "quota_hour": "Nothing to do. A limit per hour here would spread the mails better.",
    "throttle_rate": "Nothing to do. If it happens often, lower its mails per minute.",
    "throttle_connections": "Nothing to do. If it happens often, lower its connections.",
}


@dataclass(frozen=True)
class Use:
    """``used`` of ``limit`` mails in the last ``span``: minute, hour, day, or warm-up (a day of it)."""

    span: str
    used: int
    limit: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.used / self.limit)

    @property
    def is_tight(self) -> bool:
        return self.share >= _BUSY


@dataclass(frozen=True)
class Health:
    """``state``: see sender_state. ``why`` and ``todo``: empty where all is well.

    ``sent_day``: mails of the last 24 hours, by the hour. ``changes_at``: when ``uses`` differ though no mail starts.
    ``test_problem``: as the sender has it.
    """

    id: int
    name: str
    is_sandbox: bool
    state: str
    until: datetime | None
    why: str
    reply: str
    todo: str
    uses: tuple[Use, ...]
    sent_day: int
    changes_at: datetime | None = None
    test_problem: str | None = ""


def changes_in(senders: Iterable[Health], now: datetime) -> float | None:
    """In how many seconds the use of a limit is another one though no mail starts; None: there is none."""
    moments = [sender.changes_at for sender in senders if sender.changes_at is not None]
    return max(_TICK, min(moments) - now).total_seconds() if moments else None


def health(session: Session, user_id: int) -> list[Health]:
    """All senders of a user, by their id."""
    now = db.now(session)
    mine = select(Sender).where(col(Sender.user_id) == user_id, col(Sender.deleted_at).is_(None))
    found = session.exec(mine.order_by(col(Sender.id))).all()
    ids = [sender.id or 0 for sender in found]
    used, sent = _used(session, ids, now), _sent(session, user_id, now)
    return [_health(sender, now, used.get(sender.id or 0, _Used()), sent.get(sender.id or 0, 0)) for sender in found]


def sender_state(sender: Sender, now: datetime) -> str:
    """ready, cooling, blocked or UNREACHED; a cooldown that is over is none."""
    if standing.is_unreached(sender, now):
        return UNREACHED
    if sender.state == SenderState.cooling and (sender.cooling_until is None or sender.cooling_until <= now):
        return SenderState.ready.value
    return sender.state


def held_up(sender: Sender, now: datetime, zone: str) -> str:
    """Until when a sender does not send though its server would take mail, and why, in sentences; empty: it sends."""
    state, until = sender_state(sender, now), sender.cooling_until
    if state == SenderState.ready:
        return ""
    why = replies.explain(sender.state_rule, sender.state_kind, senders.called(sender))
    if state == UNREACHED and (until is None or until <= now):
        return ""
    if state != SenderState.blocked and until is not None:
        return f"This sender waits until {clock.say(until, zone)}: {why}"
    return f"This sender sends nothing until you save it: {why}"


def _health(sender: Sender, now: datetime, used: "_Used", sent: int) -> Health:
    state = sender_state(sender, now)
    ill = state != SenderState.ready
    return Health(
        id=sender.id or 0,
        name=sender.name,
        is_sandbox=sender.is_sandbox,
        state=state,
        until=sender.cooling_until if state in (SenderState.cooling, UNREACHED) else None,
        why=replies.explain(sender.state_rule, sender.state_kind, senders.called(sender)) if ill else "",
        reply=sender.state_reply if ill else "",
        todo=todo(sender, state) if ill else "",
        uses=(uses := _uses(sender, now, used.counts)),
        sent_day=sent,
        changes_at=_changes_at(uses, used, now),
        test_problem=sender.test_problem,
    )


def _changes_at(uses: tuple[Use, ...], used: "_Used", now: datetime) -> datetime | None:
    """The use of the last minute shrinks all the while; those of more when the oldest of their minutes leaves them."""
    if any(use.span == "minute" and use.used for use in uses):
        return now + _TICK
    windows = {"hour" if use.span == "hour" else "day" for use in uses if use.span != "minute"}
    return min((leaves for window, leaves in used.leave_at.items() if window in windows), default=None)


def todo(sender: Sender, state: str) -> str:
    """What its user can do about a sender that is not ready."""
    if state == UNREACHED and not sender.is_sandbox:
        return "Correct its host, port or security where they are wrong, and test the connection."
    if state == SenderState.blocked and sender.state_kind not in _WHAT_TO_DO:
        return "Correct what the server names, test the connection and save it."
    return _WHAT_TO_DO.get(sender.state_kind, "Nothing to do: it goes on by itself.")


def _uses(sender: Sender, now: datetime, used: dict[str, int]) -> tuple[Use, ...]:
    per_minute = sender.per_minute
    if sender.learned_per_minute is not None:
        per_minute = min(per_minute or 10**9, max(1, round(sender.learned_per_minute)))
    if per_minute and (slowed := usage.slowed_by_delay(sender)) is not None:
        per_minute = max(1, round(slowed[0]))
    uses = [Use("minute", _last_minute(sender, now, used, per_minute), per_minute)] if per_minute else []
    limits = [("hour", sender.per_hour), ("day", sender.per_day)]
    uses += [Use(span, used.get(span, 0), limit) for span, limit in limits if limit]
    cap = warmup.cap(warmup.from_json(sender.warmup), now)
    return (*uses, Use("warm-up", used.get("day", 0), cap)) if cap else tuple(uses)


def _last_minute(sender: Sender, now: datetime, used: dict[str, int], limit: int) -> int:
    """Mails started in the last 60 s. Starts are counted by the clock's minute: those of the minute before are taken
    to be even until it ended, or until the next mail might have gone out, where that was earlier."""
    running, before = used.get("running", 0), used.get("before", 0)
    minute = now.replace(second=0, microsecond=0)
    ended, since = min(minute, sender.next_start_at or minute), now - _MINUTE
    if ended <= since:
        return running
    share = (ended - since) / (ended - (minute - _MINUTE))
    return min(running + round(before * share), max(limit, running, before))  # no guess says more than was allowed


@dataclass(frozen=True)
class _Used:
    """``counts``: mails started in the running minute of the clock, in the one before, in the last hour and day.
    ``leave_at``: when the oldest minute of the hour and of the day is no longer in it."""

    counts: dict[str, int] = field(default_factory=dict)
    leave_at: dict[str, datetime] = field(default_factory=dict)


def _used(session: Session, ids: Iterable[int], now: datetime) -> dict[int, _Used]:
    """By sender."""
    minute = now.replace(second=0, microsecond=0)
    at = col(SenderUsage.minute_at)
    spans: dict[str, Any] = {
        "running": at == minute,
        "before": at == minute - _MINUTE,
        "hour": at > now - usage.HOUR,
        "day": at > now - usage.DAY,
    }
    sums = [func.sum(case((within, col(SenderUsage.started_count)), else_=0)) for within in spans.values()]
    windows = {"hour": usage.HOUR, "day": usage.DAY}
    oldest = [func.min(case((spans[window], at))) for window in windows]
    statement: Any = (
        select(col(SenderUsage.sender_id), *sums, *oldest)
        .where(col(SenderUsage.sender_id).in_(list(ids)), at > now - usage.DAY)
        .group_by(col(SenderUsage.sender_id))
    )
    found = {}
    for sender_id, *row in session.execute(statement):
        counts = {span: int(count) for span, count in zip(spans, row[: len(spans)], strict=True)}
        first = zip(windows.items(), row[len(spans) :], strict=True)
        found[sender_id] = _Used(counts, {name: at + width for (name, width), at in first if at is not None})
    return found


def _sent(session: Session, user_id: int, now: datetime) -> dict[int, int]:
    """By the counters of campaigns; of those that went through more than one sender each mail tells."""
    since, changed = now - timedelta(hours=24), col(Campaign.id).in_(select(CampaignSender.campaign_id))
    mine = (col(Campaign.user_id) == user_id, col(Campaign.sender_id).is_not(None))
    counted: Any = (
        select(col(Campaign.sender_id), func.sum(col(Activity.sent_count)))
        .join(Campaign, col(Campaign.id) == col(Activity.campaign_id))
        .where(*mine, ~changed, col(Activity.hour_at) > since)
        .group_by(col(Campaign.sender_id))
    )
    told: Any = (
        select(col(Message.sender_id), func.count())
        .join(Campaign, col(Campaign.id) == col(Message.campaign_id))
        .where(*mine, changed, col(Campaign.id).in_(select(Activity.campaign_id).where(col(Activity.hour_at) > since)))
        .where(col(Message.state) == MessageState.sent, col(Message.sent_at) > since)
        .group_by(col(Message.sender_id))
    )
    found: Counter[int] = Counter()
    for sender_id, count in (*session.execute(counted), *session.execute(told)):
        found[sender_id] += int(count)
    return found
