"""Preflight: what stands between a draft and its readers, each with the step where it is mended."""

from sqlalchemy import exists
from sqlmodel import Session, col, select

from core import db
from core.campaigns import advice
from core.campaigns.drafts import get
from core.campaigns.findings import Finding, Level
from core.delivery import windows
from core.models import Campaign, CampaignList, Contact, ListMember, Sender, SenderState, Suppression


def problems(session: Session, user_id: int, campaign_id: int) -> list[str]:
    """Why the campaign cannot be sent yet, as sentences; empty when it can. Raises NotFound."""
    campaign = get(session, user_id, campaign_id)
    return [finding.text for finding in errors(session, campaign)]


def findings(session: Session, user_id: int, campaign_id: int) -> list[Finding]:
    """Everything to say before sending, errors first. Raises NotFound."""
    campaign = get(session, user_id, campaign_id)
    return errors(session, campaign) + advice.warnings(session, campaign)


def steps_missing(session: Session, user_id: int, campaign_id: int) -> set[str]:
    """The steps of Compose in which something is missing. Raises NotFound."""
    return {finding.step for finding in errors(session, get(session, user_id, campaign_id))}


def errors(session: Session, campaign: Campaign) -> list[Finding]:
    """What makes sending impossible."""
    found = []
    if not campaign.subject.strip():
        found.append(Finding(Level.error, "The subject is empty.", "content"))
    if not has_content(campaign.body):
        found.append(Finding(Level.error, "The body is empty.", "content"))
    if sentence := sender_problem(session, campaign):
        found.append(Finding(Level.error, sentence, "content"))
    if not found and (sentence := advice.mail_problem(session, campaign)):
        found.append(Finding(Level.error, sentence, "content"))
    if sentence := _hours_problem(session, campaign):
        found.append(Finding(Level.error, sentence, "when"))
    if sentence := _audience_problem(session, campaign):
        found.append(Finding(Level.error, sentence, "audience"))
    return found


def has_content(body: str) -> bool:
    """Whether there is anything to read; what an emptied editor leaves behind (``<br>``) is nothing."""
    bare = body.lower()
    for leftover in ("<br>", "<br/>", "<p>", "</p>", "<div>", "</div>", "&nbsp;"):
        bare = bare.replace(leftover, "")
    return bool(bare.strip())


def sender_problem(session: Session, campaign: Campaign) -> str:
    """Why its sender cannot send, or an empty text."""
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    if sender is None or sender.user_id != campaign.user_id:
        return "No sender is chosen."
    if sender.deleted_at is not None:
        return f"The sender {sender.name} was deleted. Choose another one."
    if not sender.from_address:
        return f"The sender {sender.name} has no From address."
    if sender.state == SenderState.blocked:
        return f"The mail server refused the sign-in of the sender {sender.name}. Save its password again in Senders."
    return ""


def _hours_problem(session: Session, campaign: Campaign) -> str:
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    if sender is None or campaign.sending_window is None or sender.sending_window is None:
        return ""
    both = windows.from_json(campaign.sending_window), windows.from_json(sender.sending_window)
    if windows.meet(*both, db.now(session)):
        return ""
    return f"Its sending window and that of {sender.name} never meet, so no mail would go out. Change one of them."


def _audience_problem(session: Session, campaign: Campaign) -> str:
    lists = select(CampaignList.list_id).where(col(CampaignList.campaign_id) == campaign.id)
    if session.exec(lists.limit(1)).first() is None:
        return "No recipients are chosen."
    people = (
        select(Contact.id)
        .join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        .where(col(ListMember.list_id).in_(lists))
    )
    blocked = exists().where(col(Suppression.user_id) == campaign.user_id, col(Suppression.email) == col(Contact.email))
    if session.exec(people.limit(1)).first() is None:
        return "The chosen lists have no recipients."
    if session.exec(people.where(~blocked).limit(1)).first() is None:
        return "Every recipient of the chosen lists is suppressed."
    return ""
