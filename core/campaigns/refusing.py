"""Domains whose servers refuse a campaign that others take: what is left for them is not tried, the others go on.

Their mails fail, in chunks, with that server's words, and can be retried by that reason.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, exists, func, text, true, update
from sqlmodel import Session, col, select

from core import db, live
from core.campaigns import states
from core.campaigns.drafts import get, hint, owned
from core.delivery import consequence, left_out
from core.delivery.domains import group_of
from core.delivery.replies import LEFT_OUT
from core.delivery.tally import Tally
from core.errors import RuleError
from core.models import Attempt, Campaign, CampaignStatus, Message, MessageState, PauseReason, RefusingDomain
from core.tracking import bounces

_LATEST = 100  # refusals that are looked at for their domain
_MOST = 20  # domains that are to blame themselves, and not the campaign
_OPEN = [CampaignStatus.sending, CampaignStatus.paused]

_refusing: Any = RefusingDomain.__table__  # type: ignore[attr-defined]


class Left(NamedTuple):
    """A domain that is to be left out of a campaign."""

    campaign_id: int
    user_id: int
    domain: str


def look(session: Session, user_id: int, message_id: int, reply: str) -> Left | None:
    """The domain that is to blame for the refusal ``reply`` of this mail's content; None: it may be the content itself.

    From its third refusal on it is left out of the campaign, while others take that. Where nobody was asked but this
    domain, whether it took some or none, others are asked first (``wrong`` tells when they refused, too). What three
    domains refuse alike is their own fault only where that are few of all mails.
    """
    message = session.get_one(Message, message_id, populate_existing=True)
    left = Left(message.campaign_id, user_id, message.domain)
    if session.get(RefusingDomain, (left.campaign_id, left.domain)) is not None:
        return left  # this one was on its way
    campaign = session.get_one(Campaign, left.campaign_id, populate_existing=True)
    # What was refused before it was resumed or retried may be mended.
    refused_at = _refused_at(session, left.campaign_id, message.rule_id, col(Attempt.at) >= campaign.updated_at)
    domains, (count, last_id) = [*refused_at], refused_at[left.domain]
    is_others = campaign.sent_count > 0 and _others_take(session, left.campaign_id, domains)
    if not is_others:
        is_others = domains == [left.domain] and _others_wait(session, left)
        db.after_commit(session, live.wake)  # for what is ``wrong``
    of_all = sum(each for each, _ in refused_at.values()), campaign.sent_count + campaign.failed_count
    providers = len({group_of(f"@{domain}") for domain in domains})
    if not is_others or not consequence.blames_domains(providers, *of_all):
        return None
    refused, decided = _refused_and_decided(session, left, message.rule_id, last_id)
    if consequence.refuses_all(min(refused, count), decided):
        _note(session, left.campaign_id, {left.domain: reply})
        return left
    return left if consequence.waits_for_more(providers, count) else None


def blamed(session: Session, user_id: int, campaign_id: int) -> list[str]:
    """The domains that made a campaign of the user pause, while it has mails for others: one, which alone refused it,
    or several, while others took it."""
    return sorted(_blamed(session, user_id, campaign_id))


def leave_out(session: Session, user_id: int, campaign_id: int, domains: list[str]) -> None:
    """Go on with a campaign that is paused as its mails were refused, without the ``domains`` that did. Raises
    RuleError, NotFound."""
    campaign, found = get(session, user_id, campaign_id), _blamed(session, user_id, campaign_id)
    if campaign.pause_reason != PauseReason.content or not found or sorted(found) != domains:
        raise RuleError("This campaign was just changed. Look at it and try again.")
    # In the order in which every writer locks: messages, the campaign, what it leaves out.
    ids = _next(session, user_id, campaign_id, domains)
    states.resume(session, user_id, campaign_id)
    _note(session, campaign_id, found)
    _leave_out(session, user_id, campaign_id, domains, ids)


def left_out_of(session: Session, user_id: int, campaign_id: int) -> tuple[list[str], int]:
    """The domains that a campaign of the user goes on without, and how many of its mails were not sent for that."""
    named = select(RefusingDomain.domain).join(Campaign, col(Campaign.id) == col(RefusingDomain.campaign_id))
    domains = session.exec(named.where(*owned(user_id, campaign_id)).order_by(col(RefusingDomain.domain))).all()
    if not domains:
        return [], 0
    # In the words of the index, which alone is read.
    failed = (col(Message.campaign_id) == campaign_id, text("state = 'failed'"))
    reason = (col(Message.kind) == left_out.KIND, col(Message.rule_id) == LEFT_OUT)
    return list(domains), session.exec(select(func.count()).select_from(Message).where(*failed, *reason)).one()


def waiting(session: Session) -> list[Left]:
    """What is to be left out now: where the recipients are all written down."""
    wanted = (
        select(RefusingDomain.campaign_id, Campaign.user_id, RefusingDomain.domain)
        .join(Campaign, col(Campaign.id) == col(RefusingDomain.campaign_id))
        .where(col(RefusingDomain.is_done).is_(False))
        .where(col(Campaign.snapshot_done).is_(True), col(Campaign.status).in_(_OPEN))
    )
    return [Left(*row) for row in session.exec(wanted)]


def wrong(session: Session) -> list[tuple[int, int]]:
    """Campaigns (their user, id) that leave out domains and are paused, as then the others refused them, too: none of
    these took a mail. What they left out waits again."""
    refused = (col(Campaign.status) == CampaignStatus.paused, col(Campaign.pause_reason) == PauseReason.content)
    theirs = select(RefusingDomain.domain).where(col(RefusingDomain.campaign_id) == col(Campaign.id))
    sent = (col(Message.campaign_id) == col(Campaign.id), col(Message.state) == MessageState.sent)
    others = exists().where(*sent, col(Message.domain).not_in(theirs))
    found = select(Campaign.user_id, Campaign.id).where(*refused, col(Campaign.deleted_at).is_(None))
    rows = session.exec(found.where(theirs.exists(), ~others).order_by(col(Campaign.id)))
    return [(user_id, campaign_id or 0) for user_id, campaign_id in rows]


def leave_out_chunk(session: Session, left: Left) -> bool:
    """Fail the next mails for a domain that is left out; returns whether there are more."""
    noted = session.get(RefusingDomain, (left.campaign_id, left.domain))
    if noted is None or noted.is_done:
        return False
    ids = _next(session, left.user_id, left.campaign_id, [left.domain])
    return _leave_out(session, left.user_id, left.campaign_id, [left.domain], ids)


def among(session: Session, campaign_id: int, state: MessageState, *conditions: Any) -> list[str]:
    """The domains that are left out of a campaign and have such mails in this state."""
    theirs = (col(Message.campaign_id) == campaign_id, col(Message.domain) == _refusing.c.domain)
    found = select(_refusing.c.domain).where(_refusing.c.campaign_id == campaign_id)
    return list(session.exec(found.where(exists().where(*theirs, col(Message.state) == state, *conditions))))


def try_again(session: Session, campaign_id: int, domains: list[str]) -> None:
    """These domains are left out no more, as their mails were put back. After all else that the transaction locks."""
    session.execute(delete(_refusing).where(_refusing.c.campaign_id == campaign_id, _refusing.c.domain.in_(domains)))


def try_all_again(session: Session, campaign_id: int) -> None:
    """As ``try_again`` for all that are left out."""
    session.execute(delete(_refusing).where(_refusing.c.campaign_id == campaign_id))


def stop(session: Session, campaign_id: int) -> None:
    """No more mails fail for what is left out, but those that are claimed."""
    session.execute(update(_refusing).where(_refusing.c.campaign_id == campaign_id).values(is_done=True))


def _note(session: Session, campaign_id: int, replies: dict[str, str]) -> None:
    rows = [
        {"campaign_id": campaign_id, "domain": domain, "reply": reply, "is_done": False}
        for domain, reply in sorted(replies.items())
    ]
    db.insert_ignore(session, _refusing, rows)
    db.after_commit(session, live.wake)


def _next(session: Session, user_id: int, campaign_id: int, domains: list[str]) -> list[int]:
    """The next pending mails for these domains, locked."""
    wanted = states.locked(user_id, campaign_id, _OPEN, MessageState.pending).where(col(Message.domain).in_(domains))
    return list(session.execute(wanted.limit(db.chunk_rows(session))).scalars())


def _leave_out(session: Session, user_id: int, campaign_id: int, domains: list[str], ids: list[int]) -> bool:
    """Returns whether there are more than these."""
    tally = Tally()
    left_out.fail(session, ids, tally)
    tally.store(session, db.now(session))
    hint(session, user_id, campaign_id)
    if len(ids) == db.chunk_rows(session):
        return True
    these = (_refusing.c.campaign_id == campaign_id, _refusing.c.domain.in_(domains))
    session.execute(update(_refusing).where(*these).values(is_done=True))
    return False


def _blamed(session: Session, user_id: int, campaign_id: int) -> dict[str, str]:
    """See ``blamed``; with what their servers said last."""
    last = select(Attempt.rule_id).join(Campaign, col(Campaign.id) == col(Attempt.campaign_id))
    # What was on the wire may have had another answer since.
    last = last.where(*owned(user_id, campaign_id), col(Attempt.reply) == col(Campaign.pause_detail))
    last = last.where(col(Attempt.phase) != bounces.PHASE)
    rule_id = session.exec(last.order_by(col(Attempt.id).desc()).limit(1)).first()
    refused_at = _refused_at(session, campaign_id, rule_id, true()) if rule_id else {}
    if not rule_id or not refused_at:
        return {}
    left = set(session.exec(select(RefusingDomain.domain).where(col(RefusingDomain.campaign_id) == campaign_id)))
    last_ids = {
        domain: last_id
        for domain, (_, last_id) in refused_at.items()
        if domain not in left
        # Not one that takes most.
        and consequence.may_refuse_all(
            *_refused_and_decided(session, Left(campaign_id, user_id, domain), rule_id, last_id)
        )
    }
    is_alone = len(last_ids) == 1 or _others_take(session, campaign_id, [*last_ids])
    others = exists().where(*_pending(campaign_id), col(Message.domain).not_in([*left, *last_ids]))
    if not 0 < len(last_ids) <= _MOST or not is_alone or not session.execute(select(others)).scalar():
        return {}
    said = select(Message.domain, Message.reply).where(col(Message.id).in_(last_ids.values()))
    return dict(session.exec(said).all())


def _pending(campaign_id: int) -> tuple[Any, ...]:
    return col(Message.campaign_id) == campaign_id, col(Message.state) == MessageState.pending


def _others_take(session: Session, campaign_id: int, domains: list[str]) -> bool:
    sent = (col(Message.campaign_id) == campaign_id, col(Message.state) == MessageState.sent)
    return bool(session.execute(select(exists().where(*sent, col(Message.domain).not_in(domains)))).scalar())


def _others_wait(session: Session, left: Left) -> bool:
    theirs = (col(Message.campaign_id) == left.campaign_id, col(Message.domain) != left.domain)
    under_way = col(Message.state).in_([MessageState.pending, MessageState.claimed, MessageState.sending])
    return bool(session.execute(select(exists().where(*theirs, under_way))).scalar())


def _refused_at(
    session: Session, campaign_id: int, rule_id: str, when: ColumnElement[bool]
) -> dict[str, tuple[int, int]]:
    """The domains of the latest refusals by this rule: of how many mails, and the last id of these."""
    refused = (
        select(Attempt.message_id)
        .where(col(Attempt.campaign_id) == campaign_id, col(Attempt.rule_id) == rule_id)
        .where(col(Attempt.phase) != bounces.PHASE, when)
        .order_by(col(Attempt.id).desc())
        .limit(_LATEST)
    )
    counted = select(Message.domain, func.count(), func.max(col(Message.id))).where(col(Message.id).in_(refused))
    return {
        domain: (count, last_id or 0) for domain, count, last_id in session.exec(counted.group_by(col(Message.domain)))
    }


def _refused_and_decided(session: Session, of: Left, rule_id: str, last_id: int) -> tuple[int, int]:
    """Of the latest mails for a domain that were tried and are decided, up to this id: refused by the rule, and all."""
    near = (
        select(col(Message.state), col(Message.rule_id))
        .where(col(Message.campaign_id) == of.campaign_id, col(Message.domain) == of.domain)
        .where(col(Message.state).in_([MessageState.sent, MessageState.failed]), col(Message.id) <= last_id)
        .where(col(Message.rule_id) != LEFT_OUT)
        .order_by(col(Message.id).desc())
        .limit(consequence.DECIDED_LATELY)
    ).subquery()
    refused = (near.c.state == MessageState.failed) & (near.c.rule_id == rule_id)
    row = session.execute(select(func.count().filter(refused), func.count()).select_from(near)).one()
    return int(row[0]), int(row[1])
