"""The way of a newcomer: sender, contacts, first campaign. Read from what is there; only its end is kept."""

from dataclasses import dataclass

from sqlalchemy import exists
from sqlmodel import Session, col, select

from core import db, live
from core.audience import samples
from core.campaigns import trial
from core.models import Campaign, CampaignStatus, Contact, FirstSteps, Sender

_BEFORE_SENDING = (CampaignStatus.draft, CampaignStatus.scheduled)


@dataclass(frozen=True)
class Steps:
    """What is done already, samples and sandbox apart; ``is_closed``: it is not shown any more."""

    sender: bool
    contacts: bool
    campaign: bool
    is_closed: bool
    samples: trial.Samples

    @property
    def done_count(self) -> int:
        return self.sender + self.contacts + self.campaign

    @property
    def all_done(self) -> bool:
        return self.done_count == 3


def steps(session: Session, user_id: int) -> Steps:
    """How far this user is."""
    closed = session.get(FirstSteps, user_id) is not None
    if closed:
        return Steps(True, True, True, True, trial.Samples(False, 0))
    sender = (col(Sender.user_id) == user_id, col(Sender.is_sandbox).is_(False), col(Sender.deleted_at).is_(None))
    contact = (col(Contact.user_id) == user_id, col(Contact.domain).not_in(samples.DOMAINS))
    campaign = (
        col(Campaign.user_id) == user_id,
        col(Campaign.status).not_in(_BEFORE_SENDING),
        col(Campaign.id).not_in(trial.campaign_ids(user_id)),
    )
    has_sender, has_contacts, has_campaign = (
        session.exec(select(exists().where(*one))).one() for one in (sender, contact, campaign)
    )
    return Steps(has_sender, has_contacts, has_campaign, False, trial.found(session, user_id))


def close(session: Session, user_id: int) -> None:
    """All is done, or the user does not want to be shown it: for good."""
    row = {"user_id": user_id, "closed_at": db.now(session)}
    db.insert_ignore(session, FirstSteps.__table__, [row])  # type: ignore[attr-defined]
    db.after_commit(session, lambda: live.publish(user_id, "first_steps"))
