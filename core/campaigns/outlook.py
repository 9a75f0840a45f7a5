"""The forecast of a campaign from what the database knows now: its sender, and what else goes through that."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from core import db
from core.campaigns.drafts import get
from core.campaigns.flow import Flow, Road
from core.campaigns.forecast import Forecast, forecast
from core.delivery import consequence, holds, standing, usage, warmup, windows
from core.delivery.domains import group_of
from core.models import (
    Campaign,
    CampaignList,
    CampaignStatus,
    Contact,
    ContactList,
    ListMember,
    Message,
    Sender,
    SenderState,
)

_APART = 1.03  # starts are reserved that much further apart than the limit says (DESIGN 6)
_MOST_OTHERS = 50
_MOST_COUNTED = 10_000  # mails that were put off
_PUT_OFF = "if the mails that are tried again are accepted then"
_QUOTA = "if its quota is over then"

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Outlook:
    """``road``: the sender; ``flow``: the campaign; ``others``: of the same sender, under way or scheduled."""

    road: Road
    flow: Flow
    others: tuple[Flow, ...]
    last_try: datetime | None = None  # of the mails that were put off: it is not finished before
    first_try: datetime | None = None  # of the same
    put_off: int = 0  # so many of the flow's mails
    on_quota: bool = False  # what is waited for is the end of a quota, so far as anybody knows

    def forecast(self, waiting: int | None = None, begins: datetime | None = None, **hours: Any) -> Forecast:
        """With another number of mails, another beginning, another ``window`` or ``ramp`` than is kept."""
        begins = max(begins or self.flow.begins, self.road.now)
        flow = replace(self.flow, waiting=self.flow.waiting if waiting is None else waiting, begins=begins, **hours)
        if waiting is not None:
            return forecast(self.road, flow, self.others)
        found = self._tried_again(flow)
        return replace(found, others=(*found.others, _QUOTA)) if self.on_quota and not found.never else found

    def _tried_again(self, flow: Flow) -> Forecast:
        """Mails that were put off begin at their next try, and take their time then."""
        found = forecast(self.road, flow, self.others)
        if self.first_try is None or self.last_try is None or found.finishes_at is None:
            return found
        tried = replace(flow, waiting=min(self.put_off, flow.waiting), begins=max(flow.begins, self.first_try))
        again = forecast(self.road, tried, self.others)
        if again.finishes_at is None:
            return again
        if max(found.finishes_at, again.finishes_at) < self.last_try:
            return replace(found, finishes_at=self.last_try, rates=(), others=(_PUT_OFF,))
        if again.finishes_at <= found.finishes_at:
            return found
        return replace(again, starts_at=found.starts_at, others=(*again.others, _PUT_OFF))


def outlook(session: Session, user_id: int, campaign_id: int, through: int | None = None) -> Outlook | None:
    """None: it has no sender that can send, or waits for a server that is not reached, or is paused or over.

    ``through``: another sender, for what is left of a campaign that is sending or paused. Raises NotFound.
    """
    campaign = get(session, user_id, campaign_id)
    now, sender_id = db.now(session), through or campaign.sender_id
    known = campaign.status in (CampaignStatus.draft, CampaignStatus.scheduled, CampaignStatus.sending)
    known = known or (through is not None and campaign.status == CampaignStatus.paused)
    sender = session.get(Sender, sender_id) if known and sender_id else None
    if sender is None or sender.user_id != user_id or sender.deleted_at or sender.state == SenderState.blocked:
        return None
    if campaign.status == CampaignStatus.sending and standing.is_unreached(sender, now):
        return None
    others = select(_campaign).where(
        _campaign.c.sender_id == sender.id,
        _campaign.c.id != campaign_id,
        _campaign.c.user_id == user_id,
        _campaign.c.status.in_((CampaignStatus.sending, CampaignStatus.scheduled)),
        _campaign.c.deleted_at.is_(None),
    )
    rows = session.execute(others.order_by(_campaign.c.id).limit(_MOST_OTHERS)).all()
    flows = [flow for row in rows if (flow := _flow(session, row, now)).waiting > 0]
    flow = _flow(session, campaign, now)
    road = _road(session, sender, now, _fullest(session, campaign, flow.waiting) if sender.domain_per_minute else 0.0)
    waits_for_it = road.not_before is not None and road.not_before > max(now, flow.begins)
    on_quota = waits_for_it and sender.state_kind in consequence.QUOTAS
    return Outlook(road, flow, tuple(flows), *_tries(session, campaign, sender, now), on_quota=on_quota)


def _tries(
    session: Session, campaign: Campaign, sender: Sender, now: datetime
) -> tuple[datetime | None, datetime | None, int]:
    """Of mails that were put off: the last try, the first, and how many they are, very many not counted to the end."""
    retry_at = col(Message.retry_at)
    pending = select(retry_at).where(col(Message.campaign_id) == campaign.id, text("state = 'pending'"), retry_at > now)
    if sender.domain_per_minute:  # others wait for their domain
        pending = pending.where(col(Message.attempts) > 0)
    last, first = (session.execute(pending.order_by(by).limit(1)).scalar() for by in (retry_at.desc(), retry_at))
    if first is None:
        return None, None, 0
    counted = pending.limit(_MOST_COUNTED).subquery()
    return last, first, session.execute(select(func.count()).select_from(counted)).scalar_one()


def _fullest(session: Session, campaign: Campaign, waiting: int) -> float:
    """Which part of the mails goes to the domain that has most of them; of very many every so manieth is looked at."""
    every = 1 + waiting // _MOST_COUNTED
    if campaign.snapshot_done:
        emails = select(col(Message.email)).where(
            col(Message.campaign_id) == campaign.id, text("state = 'pending'"), col(Message.id) % every == 0
        )
    else:
        emails = (
            select(col(Contact.email))
            .join(ListMember, col(ListMember.contact_id) == col(Contact.id))
            .join(CampaignList, col(CampaignList.list_id) == col(ListMember.list_id))
            .where(col(CampaignList.campaign_id) == campaign.id, col(CampaignList.is_left_out).is_(False))
            .where(col(ListMember.contact_id) % every == 0)
        )
    groups = Counter(map(group_of, session.execute(emails).scalars()))
    return max(groups.values()) / groups.total() if groups else 0.0


def _road(session: Session, sender: Sender, now: datetime, fullest: float) -> Road:
    rate, words = _rate(sender, fullest)
    ramp = warmup.from_json(sender.warmup)
    sums = sender.per_hour is not None or sender.per_day is not None or warmup.cap(ramp, now) is not None
    assert sender.id is not None
    return Road(
        now,
        rate,
        words,
        sender.per_hour,
        sender.per_day,
        windows.from_json(sender.sending_window),
        ramp,
        sender.cooling_until if sender.state == SenderState.cooling else None,
        tuple(usage.recent(session, sender.id, now)) if sums else (),
    )


def _rate(sender: Sender, fullest: float) -> tuple[float | None, str]:
    """The slowest of what spaces mails, in mails a second and in words. ``fullest``: the part for one domain."""
    found: list[tuple[float, str]] = []
    if sender.per_second:
        found.append((sender.per_second / _APART, f"{sender.per_second:,}/s"))
    if sender.per_minute:
        found.append((sender.per_minute / _APART / 60, f"{sender.per_minute:,}/min"))
    if sender.learned_per_minute:
        words = f"{usage.in_words(sender.learned_per_minute)}/min (learned)"
        found.append((sender.learned_per_minute / _APART / 60, words))
    if sender.domain_per_minute and fullest:
        words = f"{sender.domain_per_minute:,}/min to one domain"
        found.append((sender.domain_per_minute / _APART / 60 / fullest, words))
    if (spaced := usage.spacing(sender)) is not None:
        found.append((spaced[0] / 60, f"{usage.in_words(spaced[0])}/min ({spaced[1]})"))
    return min(found, default=(None, ""))


def _flow(session: Session, campaign: Any, now: datetime) -> Flow:
    """``campaign``: a row of the table."""
    ramp = warmup.from_json(campaign.warmup)
    done = holds.done_today(session, campaign.id, ramp.zone, now) if ramp is not None else 0
    waiting = campaign.pending_count + campaign.claimed_count + campaign.sending_count
    if not campaign.snapshot_done:  # the rest is not written down yet
        waiting += max(0, _listed(session, campaign.id) - campaign.recipients_count)
    begins = max(now, campaign.scheduled_at or now) if campaign.status == CampaignStatus.scheduled else now
    return Flow(waiting, begins, windows.from_json(campaign.sending_window), ramp, done)


def _listed(session: Session, campaign_id: int) -> int:
    """Contacts of its lists; who is on two counts twice, who is left out once, so some too many."""
    counted = (
        select(func.coalesce(func.sum(col(ContactList.contact_count)), 0))
        .join(CampaignList, col(CampaignList.list_id) == col(ContactList.id))
        .where(col(CampaignList.campaign_id) == campaign_id, col(CampaignList.is_left_out).is_(False))
    )
    return int(session.execute(counted).scalar_one())
