"""The way of a campaign: draft ⇄ scheduled → sending ⇄ paused → sent, or cancelled. Each step is one UPDATE."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, update
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from core import clock, db, live
from core.campaigns import readers
from core.campaigns.checks import errors, sender_problem
from core.campaigns.content import content
from core.campaigns.drafts import NAME_LENGTH, get, hint, owned
from core.campaigns.title import title
from core.content import links, mail
from core.errors import RuleError
from core.models import Campaign, CampaignStatus, Message, MessageState, PauseReason
from core.tracking import links as tracking

_MISSED_AFTER = timedelta(hours=1)
# So many messages are cancelled in one transaction at most, so that no other writer waits long;
# the rest of a larger campaign goes on in ``finish_done``.
_AT_ONCE = 20_000

ALREADY = {
    CampaignStatus.draft: "This campaign is a draft.",
    CampaignStatus.scheduled: "This campaign is already scheduled.",
    CampaignStatus.sending: "This campaign is already sending.",
    CampaignStatus.paused: "This campaign is paused.",
    CampaignStatus.sent: "This campaign was sent already.",
    CampaignStatus.cancelled: "This campaign was cancelled.",
}


class InThePast(RuleError):
    """The time chosen is over: the user is asked, never guessed for."""


def schedule(session: Session, user_id: int, campaign_id: int, at: datetime, time_zone: str | None = None) -> None:
    """Let a draft go out at ``at`` (aware), chosen in ``time_zone`` (default: the draft's).

    Raises InThePast, RuleError with what is missing, or that it is no draft any more; NotFound.
    """
    campaign = get(session, user_id, campaign_id)
    zone = clock.zone_or_default(time_zone or campaign.time_zone)
    if at < db.now(session):
        raise InThePast(f"{clock.show(at, zone)} is in the past. Choose a later time, or send now.")
    _schedule(session, campaign, at, zone)


def send_now(session: Session, user_id: int, campaign_id: int) -> None:
    """The same as scheduling for this moment. Raises RuleError with what is missing; NotFound."""
    campaign = get(session, user_id, campaign_id)
    _schedule(session, campaign, db.now(session), campaign.time_zone)


def unschedule(session: Session, user_id: int, campaign_id: int) -> None:
    """Back to a draft, the time kept as a suggestion. Raises RuleError once it has started."""
    move(session, user_id, campaign_id, [CampaignStatus.scheduled], {"status": CampaignStatus.draft})


def pause(session: Session, user_id: int, campaign_id: int) -> None:
    """Stop before the next mail, until the user resumes."""
    move(session, user_id, campaign_id, [CampaignStatus.sending], _paused(PauseReason.user))


def resume(session: Session, user_id: int, campaign_id: int) -> None:
    """Go on sending after any pause, a missed start included. Raises RuleError when the sender cannot send."""
    campaign = get(session, user_id, campaign_id)
    if campaign.status == CampaignStatus.paused and (sentence := sender_problem(session, campaign)):
        raise RuleError(sentence)
    values = {
        "status": CampaignStatus.sending,
        "pause_reason": "",
        "pause_detail": "",
        "started_at": func.coalesce(col(Campaign.started_at), db.now(session)),
    }
    move(session, user_id, campaign_id, [CampaignStatus.paused], values)


def cancel(session: Session, user_id: int, campaign_id: int) -> None:
    """Send nothing more, for ever: what was pending becomes cancelled. What a worker holds, it decides."""
    before = [CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused]
    count = _cancel_pending(session, user_id, campaign_id, before)
    values = moved("pending_count", "cancelled_count", count) | {
        "status": CampaignStatus.cancelled,
        "pause_reason": "",
        "pause_detail": "",
        "finished_at": db.now(session),
    }
    move(session, user_id, campaign_id, before, values)


def start_due(session: Session) -> list[int]:
    """Start every scheduled campaign whose time has come; returns their ids.

    One that was due more than an hour ago, while nothing ran, is paused as missed: it asks instead of surprising.
    """
    now = db.now(session)
    waiting = (col(Campaign.status) == CampaignStatus.scheduled, col(Campaign.deleted_at).is_(None))
    missed = col(Campaign.scheduled_at) < now - _MISSED_AFTER
    _move_all(session, [*waiting, missed], _paused(PauseReason.missed))
    started = {"status": CampaignStatus.sending, "started_at": now}
    ids = _move_all(session, [*waiting, col(Campaign.scheduled_at) <= now], started)
    readers.note(session)
    return ids


def pause_for(session: Session, campaign_id: int, reason: PauseReason, detail: str = "") -> bool:
    """Pause a sending campaign for a reason that the mail server gave in its own words (``detail``)."""
    sending = [col(Campaign.id) == campaign_id, col(Campaign.status) == CampaignStatus.sending]
    return bool(_move_all(session, sending, _paused(reason, detail)))


def finish_done(session: Session) -> list[int]:
    """Sending campaigns with nothing left to do become sent; returns their ids.

    Also cancels what came back to a cancelled campaign (a claim given back, the rest of a very large one).
    """
    _sweep_cancelled(session)
    done = [
        col(Campaign.status) == CampaignStatus.sending,
        col(Campaign.snapshot_done).is_(True),
        col(Campaign.pending_count) == 0,
        col(Campaign.claimed_count) == 0,
        col(Campaign.sending_count) == 0,
    ]
    return _move_all(session, done, {"status": CampaignStatus.sent, "finished_at": db.now(session)})


def _schedule(session: Session, campaign: Campaign, at: datetime, zone: str) -> None:
    assert campaign.id is not None
    if campaign.status == CampaignStatus.draft and (missing := errors(session, campaign)):
        raise RuleError(" ".join(finding.text for finding in missing))
    values: dict[str, Any] = {"status": CampaignStatus.scheduled, "scheduled_at": at, "time_zone": zone}
    if not campaign.name.strip():
        values["name"] = title("", campaign.subject)[:NAME_LENGTH]  # lists show it by a name
    same = col(Campaign.version) == campaign.version  # what goes out is what was checked
    move(session, campaign.user_id, campaign.id, [CampaignStatus.draft], values, same)
    tracking.keep(session, campaign.id, links.addresses(mail.whole_html(content(session, campaign))))


def _noun(campaign: Campaign) -> str:
    return "draft" if campaign.status == CampaignStatus.draft else "campaign"


def _paused(reason: PauseReason, detail: str = "") -> dict[str, Any]:
    return {"status": CampaignStatus.paused, "pause_reason": reason, "pause_detail": detail}


def move(
    session: Session,
    user_id: int,
    campaign_id: int,
    before: list[CampaignStatus],
    values: dict[str, Any],
    *conditions: Any,
) -> None:
    """Change the campaign's row where its status is one of ``before`` and what the user saw of it still holds
    (``conditions``). Raises RuleError with why not; NotFound.
    """
    if not _move_all(session, [*owned(user_id, campaign_id), col(Campaign.status).in_(before), *conditions], values):
        campaign = get(session, user_id, campaign_id)
        if campaign.status in before:
            raise RuleError(f"This {_noun(campaign)} was just changed in another tab. Look at it and try again.")
        raise RuleError(ALREADY[CampaignStatus(campaign.status)])
    db.after_commit(session, live.wake)


def _move_all(session: Session, conditions: Iterable[Any], values: dict[str, Any]) -> list[int]:
    statement = update(Campaign).where(*conditions).values(**values, updated_at=db.now(session))
    rows = session.execute(
        statement.returning(col(Campaign.id), col(Campaign.user_id)),
        execution_options={"synchronize_session": False},
    ).all()
    for campaign_id, user_id in rows:
        hint(session, user_id, campaign_id)
    return [campaign_id for campaign_id, _ in rows]


def moved(source: str, target: str, count: int) -> dict[str, Any]:
    """Values that count ``count`` messages from one state's counter to the other's."""
    table = Campaign.__table__  # type: ignore[attr-defined]
    return {source: table.c[source] - count, target: table.c[target] + count}


def _cancel_pending(session: Session, user_id: int, campaign_id: int, statuses: list[CampaignStatus]) -> int:
    wanted = locked(user_id, campaign_id, statuses, MessageState.pending).limit(_AT_ONCE)
    return update_messages(session, wanted, MessageState.pending, {"state": MessageState.cancelled})


def locked(user_id: int, campaign_id: int, statuses: list[CampaignStatus], state: MessageState) -> Any:
    """Messages first and by id, then the campaign's row: the order in which every writer locks (no deadlock)."""
    allowed = select_rows(col(Campaign.id)).where(*owned(user_id, campaign_id), col(Campaign.status).in_(statuses))
    wanted = select_rows(col(Message.id)).where(
        col(Message.campaign_id) == allowed.scalar_subquery(), col(Message.state) == state
    )
    return wanted.order_by(col(Message.id)).with_for_update()


def update_messages(session: Session, wanted: Any, state: MessageState, values: dict[str, Any]) -> int:
    """Change those of the ``wanted``, as ``locked`` gives them, that are still in this state; returns how many."""
    # PostgreSQL runs a plain subquery again and again, past its limit; a CTE before UPDATE hides SQLite's row count.
    rows = wanted.cte("wanted", nesting=True)
    chosen = (col(Message.id).in_(select_rows(rows.c.id)), col(Message.state) == state)
    changed = session.execute(
        update(Message).where(*chosen).values(**values), execution_options={"synchronize_session": False}
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]


def _sweep_cancelled(session: Session) -> None:
    cancelled = [col(Campaign.status) == CampaignStatus.cancelled, col(Campaign.pending_count) > 0]
    left = select_rows(col(Campaign.id), col(Campaign.user_id)).where(*cancelled)
    for campaign_id, user_id in session.execute(left).all():
        if count := _cancel_pending(session, user_id, campaign_id, [CampaignStatus.cancelled]):
            values = moved("pending_count", "cancelled_count", count)
            _move_all(session, [col(Campaign.id) == campaign_id], values)
            db.after_commit(session, live.wake)  # perhaps there are more
