"""Try it now: sample contacts, a template and a campaign to the sandbox, made in one go and taken away in one go."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from core import db
from core.audience import contacts, samples
from core.campaigns import drafts, states
from core.content import starters, templates
from core.delivery import sandbox, senders
from core.models import Campaign, CampaignStatus, Sample, Sender, Template

TEMPLATE_NAME = "Sample newsletter"
CAMPAIGN_NAME = "Sample campaign"
PER_MINUTE = 240  # mails: 120 take half a minute, long enough to be watched
_SUBJECT = '{{ first_name | default: "Hello" }}, a sample newsletter for you'
_LINK = re.compile('"https://example.com"')
_PAGES = ("planning", "catalogue", "colours", "site", "site")  # where the starter's links lead now, in their order
_OPEN = (CampaignStatus.draft, CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)
_STOPPABLE = (CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)


@dataclass(frozen=True)
class Samples:
    """What there is of "Try it now". ``campaign_id``: its newest campaign, 0 where there is none."""

    is_there: bool
    campaign_id: int


def begin(session: Session, user_id: int, start: bool = True) -> int:
    """Make what is missing and, with ``start``, send it to the sandbox now; returns the campaign's id.

    Called again while the sample campaign is not over, it is the same campaign.
    """
    db.one_at_a_time(session, "sample")  # two clicks at once make one
    campaign_id = _open_campaign(session, user_id) or _new_campaign(session, user_id)
    if start and drafts.get(session, user_id, campaign_id).status == CampaignStatus.draft:
        states.send_now(session, user_id, campaign_id)
    return campaign_id


def remove(session: Session, user_id: int) -> None:
    """Take away everything that "Try it now" made; a sample campaign that is not over is cancelled first."""
    db.one_at_a_time(session, "sample")
    for campaign in _campaigns(session, user_id):
        assert campaign.id is not None
        if campaign.status in _STOPPABLE:
            states.cancel(session, user_id, campaign.id)
        drafts.delete(session, user_id, campaign.id)
    samples.remove(session, user_id)
    for list_id in _made(session, user_id, Sample.list_id):
        contacts.delete_list(session, user_id, list_id)
    for template_id in _made(session, user_id, Sample.template_id):
        templates.delete(session, user_id, template_id)
    session.execute(delete(Sample).where(col(Sample.user_id) == user_id))


def found(session: Session, user_id: int) -> Samples:
    """What there is of it now."""
    mine = (col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
    newest = select(func.max(Campaign.id)).where(*mine, col(Campaign.id).in_(campaign_ids(user_id)))
    campaign_id = session.exec(newest).one() or 0
    return Samples(bool(campaign_id or _made(session, user_id, Sample.list_id)), campaign_id)


def campaign_ids(user_id: int) -> Any:
    """The ids of this user's sample campaigns, to leave them out of a query."""
    return select(Sample.campaign_id).where(col(Sample.user_id) == user_id, col(Sample.campaign_id).is_not(None))


def _open_campaign(session: Session, user_id: int) -> int | None:
    ids = (campaign.id for campaign in _campaigns(session, user_id) if campaign.status in _OPEN)
    return next(ids, None)


def _new_campaign(session: Session, user_id: int) -> int:
    sender_id, list_id, template = _sender(session, user_id), _list(session, user_id), _template(session, user_id)
    sandbox.set_readers(session, user_id, True)
    number = len(_campaigns(session, user_id)) + 1
    made = drafts.create(session, user_id)
    assert made.id is not None
    content = {name: getattr(template, name) for name in ("subject", "preheader", "body", "body_kind")}
    name = CAMPAIGN_NAME if number == 1 else f"{CAMPAIGN_NAME} {number}"
    drafts.save_draft(session, user_id, made.id, made.version, name=name, sender_id=sender_id, **content)
    drafts.set_lists(session, user_id, made.id, [list_id])
    session.add(Sample(user_id=user_id, campaign_id=made.id))
    session.flush()
    return made.id


def _sender(session: Session, user_id: int) -> int:
    """The sandbox sender, at a pace that can be watched where its user set none."""
    mine = (col(Sender.user_id) == user_id, col(Sender.is_sandbox), col(Sender.deleted_at).is_(None))
    sender_id = session.exec(select(Sender.id).where(*mine).limit(1)).first()
    if sender_id is None:
        sender_id = senders.add_sandbox(session, user_id).id
    assert sender_id is not None
    unlimited = (col(Sender.per_minute).is_(None), col(Sender.per_second).is_(None))
    session.execute(update(Sender).where(*mine, *unlimited).values(per_minute=PER_MINUTE))
    return sender_id


def _list(session: Session, user_id: int) -> int:
    """The sample list with all of its people, also those that were deleted meanwhile."""
    list_id = next(iter(_made(session, user_id, Sample.list_id)), None)
    if list_id is None:
        list_id = contacts.create_list(session, user_id, samples.LIST_NAME)
        session.add(Sample(user_id=user_id, list_id=list_id))
    contacts.add_people(session, user_id, list_id, samples.people(), samples.FIELDS)
    return list_id


def _template(session: Session, user_id: int) -> Template:
    """As its user left it, or a new one."""
    template_id = next(iter(_made(session, user_id, Sample.template_id)), None)
    if template_id is not None:
        return templates.get(session, user_id, template_id)
    starter = starters.get("newsletter")
    pages = iter(_PAGES)
    body = _LINK.sub(lambda _: f'"https://{samples.DOMAINS[0]}/{next(pages, "")}"', starter.body)
    made = templates.create(
        session,
        user_id,
        TEMPLATE_NAME,
        subject=_SUBJECT,
        preheader=starter.preheader,
        body=body,
        body_kind=starter.body_kind,
    )
    assert made.id is not None
    session.add(Sample(user_id=user_id, template_id=made.id))
    return made


def _campaigns(session: Session, user_id: int) -> list[Campaign]:
    """The sample campaigns that were not deleted, newest first."""
    mine = (col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
    chosen = select(Campaign).where(*mine, col(Campaign.id).in_(campaign_ids(user_id)))
    return list(session.exec(chosen.order_by(col(Campaign.id).desc()).execution_options(populate_existing=True)))


def _made(session: Session, user_id: int, column: Any) -> list[int]:
    """The lists or templates that were made for this, and are still there."""
    mine = (col(Sample.user_id) == user_id, column.is_not(None))
    return list(session.exec(select(column).where(*mine).order_by(column)))
