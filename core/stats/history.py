"""Everything that happened to one recipient's mail: each try, what the server said, what it means, and what is next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func
from sqlmodel import Session, col, select

from core.delivery import replies, senders
from core.errors import NotFound
from core.models import (
    NOT_TRIED,
    Attempt,
    Campaign,
    CampaignLink,
    CampaignSender,
    LinkClick,
    Message,
    MessageState,
    Sender,
)
from core.tracking import bounces

MOST = 100  # tries shown, the latest; a mail of a throttled sender may have many more

_FACTS = (
    ("opened_at", "Opened", "brand"),
    ("clicked_at", "Clicked", "brand"),
    ("bounced_at", "Bounced: the address is on the suppression list", "failed"),
    ("complained_at", "Reported as spam", "failed"),
    ("unsubscribed_at", "Unsubscribed", "quiet"),
)
_TITLES = {
    "throttle_connections": "The sender was asked for fewer connections",
    "throttle_rate": "The sender was asked to slow down",
    "quota_hour": "A limit of the sender was reached",
    "quota_day": "The daily limit of the sender was reached",
    "auth": "The sign-in was refused",
    "auth_temporary": "The sign-in could not be checked",
    "sender_not_allowed": "The From address was refused",
    "greylist": "Asked to come back later",
    "temporary": "Not accepted yet",
    "recipient_rate": "The recipient gets too much mail",
    "recipient_full": "The mailbox is full",
    "bad_recipient": "The mailbox does not exist",
    "suppressed_by_provider": "On the provider's own list",
    "policy": "Refused by the server's rules",
    "content": "The content was refused",
    "too_big": "The mail is too large",
    "protocol": "The server did not understand",
    "unknown": "Nobody knows whether it arrived",
}
_PROVEN = "An open, a click, an answer of its reader, a bounce or you said that the server had taken it."
_NO_FAULT = replies.KINDS - replies.FINAL_KINDS


@dataclass(frozen=True)
class Event:
    """``phase``, ``code``, ``words``: where and what the server said. ``sentence``: what it means. ``rule_id``: why so.

    ``url``: the link that was followed.

    ``tone``: sent, failed, pending, brand or quiet.
    """

    at: datetime
    title: str
    tone: str
    phase: str = ""
    code: int | None = None
    words: str = ""
    sentence: str = ""
    rule_id: str = ""
    url: str = ""


@dataclass(frozen=True)
class Timeline:
    """``events`` in order of time. ``hidden``: earlier tries that are left out. ``next_at``: of a mail that waits.

    ``through``: the name of the sender that had it, where the campaign has another one now.
    """

    message_id: int
    email: str
    state: str
    attempts: int
    next_at: datetime | None
    hidden: int
    events: list[Event]
    through: str = ""


def timeline(session: Session, user_id: int, campaign_id: int, message_id: int) -> Timeline:
    """What happened to one mail of a campaign. Raises NotFound where it is not this user's."""
    changed = col(CampaignSender.campaign_id) == col(Campaign.id)
    statement: Any = (
        select(Message, Sender, col(Campaign.sender_id), exists().where(changed))
        .join(Campaign, col(Campaign.id) == col(Message.campaign_id))
        .outerjoin(Sender, col(Sender.id) == col(Message.sender_id))
        .where(
            col(Message.id) == message_id,
            col(Message.campaign_id) == campaign_id,
            col(Campaign.user_id) == user_id,
            col(Campaign.deleted_at).is_(None),
        )
    )
    found = session.exec(statement).first()
    if found is None:
        raise NotFound.of("mail")
    message, sender, sender_id_now, was_changed = found
    known = sender is not None and not was_changed  # else an earlier try may have been through another provider
    provider = senders.called(sender) if known else ""
    tries = _tries(session, message_id)
    number = session.exec(select(func.count()).where(col(Attempt.message_id) == message_id)).one()
    events = [_tried(attempt, provider) for attempt in tries]
    told = {"bounced_at"} if any(attempt.phase == bounces.PHASE for attempt in tries) else set()
    if clicks := _clicks(session, campaign_id, message_id):
        events += clicks
        told.add("clicked_at")
    facts = [fact for fact in _FACTS if getattr(message, fact[0]) and fact[0] not in told]
    events += [Event(getattr(message, name), title, tone) for name, title, tone in facts]
    if message.state == MessageState.sent and message.sent_at is not None:
        events.append(_sent(message))
    is_left_out = message.state == MessageState.failed and message.rule_id == replies.LEFT_OUT
    if is_left_out or (message.kind and not tries):  # without a server's words, or rows older than the attempts
        events.append(_told(message, provider))
    waits = message.state == MessageState.pending and message.attempts > 0
    former = sender is not None and sender.id != sender_id_now and message.state not in NOT_TRIED
    return Timeline(
        message_id=message_id,
        email=message.email,
        state=message.state,
        attempts=message.attempts,
        next_at=message.retry_at if waits else None,
        hidden=int(number) - len(tries),
        events=sorted(events, key=lambda event: (event.at, event.phase == bounces.PHASE)),
        through=sender.name if former else "",
    )


def _clicks(session: Session, campaign_id: int, message_id: int) -> list[Event]:
    """The first click on each link."""
    statement: Any = (
        select(col(LinkClick.at), col(CampaignLink.url))
        .join(CampaignLink, col(CampaignLink.id) == col(LinkClick.link_id))
        .where(col(CampaignLink.campaign_id) == campaign_id, col(LinkClick.message_id) == message_id)
    )
    return [Event(at, "Clicked", "brand", url=url) for at, url in session.execute(statement)]


def _tries(session: Session, message_id: int) -> list[Attempt]:
    latest = select(Attempt).where(col(Attempt.message_id) == message_id).order_by(col(Attempt.id).desc()).limit(MOST)
    return list(reversed(session.exec(latest).all()))


def _tried(attempt: Attempt, provider: str) -> Event:
    if attempt.phase == bounces.PHASE:
        return _came_back(attempt, provider)
    sentence = replies.explain(attempt.rule_id, attempt.kind, provider)
    tone = "pending" if attempt.kind in _NO_FAULT or attempt.kind == "unknown" else "failed"
    title = _TITLES.get(attempt.kind, "Refused")
    words = attempt.reply
    return Event(attempt.at, title, tone, attempt.phase, attempt.reply_code, words, sentence, attempt.rule_id)


def _came_back(attempt: Attempt, provider: str) -> Event:
    hard = attempt.kind == "bad_recipient"
    title = "Bounced: the address is on the suppression list" if hard else "Bounced"
    sentence = replies.explain(attempt.rule_id, attempt.kind, provider)
    words = (attempt.phase, attempt.reply_code, attempt.reply)
    return Event(attempt.at, title, "failed", *words, sentence, attempt.rule_id)


def _told(message: Message, provider: str) -> Event:
    sentence = replies.explain(message.rule_id, message.kind, provider)
    at, title = message.sent_at or message.retry_at, _TITLES.get(message.kind, "Not sent")
    title = "Its domain is left out" if message.rule_id == replies.LEFT_OUT else title
    words = message.reply
    return Event(at, title, "failed", message.phase, message.reply_code, words, sentence, message.rule_id)


def _sent(message: Message) -> Event:
    assert message.sent_at is not None
    by_server = message.reply_code is not None and 200 <= message.reply_code < 300
    if by_server:
        words = (message.phase, message.reply_code, message.reply)
        return Event(message.sent_at, "Accepted by the server", "sent", *words)
    return Event(message.sent_at, "Counted as sent", "sent", sentence=_PROVEN)
