"""The rest of a campaign through another sender: one broke for good, or is used up for the month.

Who has the mail already had it from the sender before: a message tells who sent it. Nothing waits for the worker of
that sender. What it claimed waits again, in the same transaction, and can no more be marked under it (``ledger.mark``);
what is before the answer to its dot stays its own, however late that comes.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, exists, func, or_
from sqlmodel import Session, col, select

from core import db
from core.campaigns import checks
from core.campaigns.drafts import get, owned
from core.campaigns.findings import Finding
from core.campaigns.states import locked, move, moved, update_messages
from core.delivery import senders, usage
from core.errors import RuleError
from core.models import (
    NOT_TRIED,
    Campaign,
    CampaignSender,
    CampaignStatus,
    Message,
    MessageState,
    PauseReason,
    Sender,
    SenderState,
)

_OPEN = [CampaignStatus.sending, CampaignStatus.paused]
_KIND = (
    "A campaign stays in the sandbox, or out of it: its mails would reach people, or nobody, and its numbers would "
    "mix both. Send a copy of it instead."
)


@dataclass(frozen=True)
class Before:
    """What ``change_back`` gives back."""

    sender_id: int
    pause_reason: str
    pause_detail: str


@dataclass(frozen=True)
class Choice:
    """A sender that may take over. ``problem``: why it cannot, else empty. ``findings``: what to know of it before."""

    sender: Sender
    problem: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Rest:
    """``was``: the sender that the campaign has. ``had``: who sent how many so far. ``choices``: the user's others."""

    was: Sender | None
    had: list[tuple[Sender, int]]
    choices: list[Choice]


def rest(session: Session, user_id: int, campaign_id: int) -> Rest:
    """What to know before the sender is changed. Raises NotFound."""
    campaign = get(session, user_id, campaign_id)
    was, had = sender_of(session, campaign), sent_by(session, user_id, campaign_id)
    if not had and was is not None and campaign.sent_count:
        had = [(was, campaign.sent_count)]
    return Rest(was, had, _choices(session, campaign))


def sender_of(session: Session, campaign: Campaign) -> Sender | None:
    """The one that it has, deleted or not."""
    own = (col(Sender.id) == campaign.sender_id, col(Sender.user_id) == campaign.user_id)
    return session.exec(select(Sender).where(*own)).first()


def _choices(session: Session, campaign: Campaign) -> list[Choice]:
    """First those that can take over, of these those with nothing to say."""
    user_id = campaign.user_id
    others = [each for each in senders.list_all(session, user_id) if each.id != campaign.sender_id]
    found = [Choice(each, _problem(session, campaign, each), tuple(checks.doubts(session, each))) for each in others]
    return sorted(found, key=lambda choice: (choice.problem != "", len(choice.findings)))


def change_sender(session: Session, user_id: int, campaign_id: int, sender_id: int) -> Before:
    """What still waits goes through this sender from now on; a paused campaign stays paused, a sending one goes on.

    Returns what was. Raises RuleError where the campaign is neither, or the sender cannot send it; NotFound.
    """
    campaign, chosen = get(session, user_id, campaign_id), senders.get(session, user_id, sender_id)
    if campaign.sender_id == sender_id:
        raise RuleError(f"This campaign goes through {chosen.name} already.")
    if campaign.status in _OPEN and (problem := _problem(session, campaign, chosen)):
        raise RuleError(problem)
    before = Before(campaign.sender_id or 0, campaign.pause_reason, campaign.pause_detail)
    reason = case((col(Campaign.status) == CampaignStatus.paused, PauseReason.user.value), else_="")
    values = {"pause_reason": reason, "pause_detail": ""}
    _change(session, campaign, sender_id, values, col(Sender.state) != SenderState.blocked)
    return before


def change_back(session: Session, user_id: int, campaign_id: int, before: Before) -> None:
    """As it was before ``change_sender``, though that sender be blocked where the campaign is paused.

    Raises RuleError where that is not possible any more; NotFound.
    """
    campaign = get(session, user_id, campaign_id)
    senders.get(session, user_id, before.sender_id)
    paused = col(Campaign.status) == CampaignStatus.paused
    values = {
        "pause_reason": case((paused, before.pause_reason or PauseReason.user), else_=""),
        "pause_detail": case((paused, before.pause_detail), else_=""),
    }
    _change(session, campaign, before.sender_id, values, or_(paused, col(Sender.state) != SenderState.blocked))


def sent_by(session: Session, user_id: int, campaign_id: int) -> list[tuple[Sender, int]]:
    """Who sent how many mails of a campaign, the first first; nothing where that is the sender that it has, alone."""
    changed = select(Campaign.sender_id).join(CampaignSender, col(CampaignSender.campaign_id) == col(Campaign.id))
    now_id = session.exec(changed.where(*owned(user_id, campaign_id)).limit(1)).first()
    if now_id is None:
        return []
    counted: Any = (
        select(Sender, func.count())
        .join(Message, col(Message.sender_id) == col(Sender.id))
        .where(col(Sender.user_id) == user_id, col(Message.campaign_id) == campaign_id)
        .where(col(Message.state) == MessageState.sent)
        .group_by(col(Sender.id))
    )
    rows = session.execute(counted.order_by(func.min(col(Message.sent_at)))).all()
    return [] if [sender.id for sender, _ in rows] == [now_id] else [(sender, count) for sender, count in rows]


def tried_by(session: Session, user_id: int, campaign_id: int) -> dict[int, str]:
    """The names of the senders that tried mails of a campaign, by their ids; nothing where that was one alone."""
    changed = select(Campaign.id).join(CampaignSender, col(CampaignSender.campaign_id) == col(Campaign.id))
    if session.exec(changed.where(*owned(user_id, campaign_id)).limit(1)).first() is None:
        return {}
    mails = (col(Message.campaign_id) == campaign_id, col(Message.state).not_in(NOT_TRIED))
    named = select(Sender.id, Sender.name).where(col(Sender.user_id) == user_id)
    rows = session.exec(named.where(col(Sender.id).in_(select(Message.sender_id).where(*mails)))).all()
    return {number or 0: name for number, name in rows} if len(rows) > 1 else {}


def _problem(session: Session, campaign: Campaign, sender: Sender) -> str:
    was = sender_of(session, campaign)
    if was is not None and was.is_sandbox != sender.is_sandbox:
        return _KIND
    return checks.problem_of(sender) or checks.hours_problem(session, campaign, sender)


def _change(session: Session, campaign: Campaign, sender_id: int, values: dict[str, Any], usable: Any) -> None:
    assert campaign.id is not None
    user_id, was = campaign.user_id, campaign.sender_id or 0
    kind = select(Sender.is_sandbox).where(col(Sender.id) == was).scalar_subquery()
    own = (col(Sender.id) == sender_id, col(Sender.user_id) == user_id, col(Sender.deleted_at).is_(None))
    conditions = (col(Campaign.sender_id) == was, exists().where(*own, col(Sender.is_sandbox) == kind, usable))
    usage.lock(session, {was, sender_id})
    claimed = locked(user_id, campaign.id, _OPEN, MessageState.claimed)
    count = update_messages(session, claimed, MessageState.claimed, {"state": MessageState.pending, "epoch": None})
    values = {"sender_id": sender_id, **values} | moved("claimed_count", "pending_count", count)
    move(session, user_id, campaign.id, _OPEN, values, *conditions)
    rows = [{"campaign_id": campaign.id, "sender_id": was}]
    db.insert_ignore(session, CampaignSender.__table__, rows)  # type: ignore[attr-defined]
