"""Everything that a report of one campaign tells, read once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import campaigns, db
from core.content import merge
from core.delivery import senders
from core.models import Sender
from core.stats.clicks import Link, links
from core.stats.counts import Summary, summary
from core.stats.days import Progress, progress
from core.stats.failures import Failure, failures
from core.stats.minutes import minutes
from core.stats.pace import Minute
from core.stats.readings import Heat, Quarters, Spans, heat, over_time, quarters


@dataclass(frozen=True)
class Report:
    """``subject``: with its merge fields in words. ``sender``: as readers saw it; of several, with how many each sent.
    ``tried_by``: see ``campaigns.tried_by``.

    ``minutes``: of a short campaign, else none. ``zone``: of all times. ``in_sandbox``: it went to nobody.

    ``readers`` and ``heat`` are made of ``quarters``.
    """

    campaign: Summary
    subject: str
    sender: str
    tried_by: dict[int, str]
    in_sandbox: bool
    progress: Progress
    minutes: tuple[Minute, ...]
    quarters: Quarters
    readers: Spans
    heat: Heat
    failures: list[Failure]
    links: list[Link]
    made_at: datetime
    zone: str

    @property
    def took(self) -> timedelta | None:
        """From the start to the end, or until now; None before it started."""
        start = self.campaign.started_at
        return (self.campaign.finished_at or self.made_at) - start if start is not None else None


def report(session: Session, user_id: int, campaign_id: int, zone: str) -> Report:
    """Of one campaign, as it is now. Raises NotFound, for a stranger's too."""
    campaign = summary(session, user_id, campaign_id)
    sender = _sender(session, user_id, campaign.sender_id)
    read = quarters(session, user_id, campaign_id)
    return Report(
        campaign=campaign,
        subject=merge.in_words(campaigns.get(session, user_id, campaign_id).subject).strip(),
        sender=_from(session, user_id, campaign_id, sender),
        tried_by=campaigns.tried_by(session, user_id, campaign_id),
        in_sandbox=sender is not None and sender.is_sandbox,
        progress=progress(session, user_id, zone, campaign_id, campaign.started_at),
        minutes=minutes(session, user_id, campaign, zone),
        quarters=read,
        readers=over_time(read, zone, campaign.started_at),
        heat=heat(read, zone),
        failures=failures(session, user_id, campaign_id),
        links=links(session, user_id, campaign_id),
        made_at=db.now(session),
        zone=zone,
    )


def _from(session: Session, user_id: int, campaign_id: int, sender: Sender | None) -> str:
    if by := campaigns.sent_by(session, user_id, campaign_id):
        are_told_apart = len({senders.from_line(each) for each, _ in by}) == len(by)
        through = {each.id: "" if are_told_apart else f" through {each.name}" for each, _ in by}
        return ", ".join(f"{senders.from_line(each)}{through[each.id]} ({count:,} sent)" for each, count in by)
    return senders.from_line(sender) if sender else ""


def _sender(session: Session, user_id: int, sender_id: int | None) -> Sender | None:
    wanted: Any = select(Sender).where(col(Sender.id) == sender_id, col(Sender.user_id) == user_id)
    found: Sender | None = session.exec(wanted).first()
    return found
