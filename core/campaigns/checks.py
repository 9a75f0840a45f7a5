"""Preflight: what stands between a draft and its readers, each with the step where it is mended."""

from dataclasses import replace

from sqlalchemy import exists
from sqlmodel import Session, col, select

from core import db
from core.audience import contacts, samples
from core.campaigns import preflight
from core.campaigns.content import content
from core.campaigns.drafts import get, list_ids
from core.campaigns.findings import Finding, Level, error
from core.campaigns.preflight import connection, size
from core.content import images, mail
from core.delivery import windows
from core.models import Campaign, CampaignList, Contact, ListMember, Sender, SenderState, Suppression, User


def problems(session: Session, user_id: int, campaign_id: int) -> list[str]:
    """Why the campaign cannot be sent yet, as sentences; empty when it can. Raises NotFound."""
    campaign = get(session, user_id, campaign_id)
    return [finding.text for finding in errors(session, campaign)]


def findings(session: Session, user_id: int, campaign_id: int) -> list[Finding]:
    """Everything that the draft by itself tells, errors first; its people, DNS and the web are asked by ``preflight``.

    Raises NotFound.
    """
    campaign = get(session, user_id, campaign_id)
    said = _said(session, campaign)
    heavy = size.heavy_images(images.weight(session, user_id, campaign.body))
    others = [each for each in (*said, *heavy) if each.level != Level.error]
    return [*errors(session, campaign), *_sender_doubts(session, campaign), *others]


def steps_missing(session: Session, user_id: int, campaign_id: int) -> set[str]:
    """The steps of Compose in which something is missing. Raises NotFound."""
    steps = {finding.step for finding in errors(session, get(session, user_id, campaign_id))}
    return {"content" if step == "senders" else step for step in steps}  # the sender is chosen there


def errors(session: Session, campaign: Campaign) -> list[Finding]:
    """What makes sending impossible."""
    found = []
    if not campaign.subject.strip():
        found.append(error("The subject is empty.", "content", "subject"))
    if not has_content(campaign.body):
        found.append(error("The body is empty.", "content", "body"))
    if sentence := sender_problem(session, campaign):
        found.append(error(sentence, *_sender_place(session, campaign)))
    if not found and (sentence := _mail_problem(session, campaign)):
        found.append(error(sentence, "content", "body"))
    found += [each for each in _said(session, campaign) if each.level == Level.error]
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    if sender is not None and (sentence := hours_problem(session, campaign, sender)):
        found.append(error(sentence, "when", "hours"))
    if sentence := _audience_problem(session, campaign):
        found.append(error(sentence, "audience", "lists"))
    return found


def _said(session: Session, campaign: Campaign) -> list[Finding]:
    """Of its content; the merge fields are those of its lists, of all while none is chosen."""
    chosen = list_ids(session, campaign.user_id, campaign.id or 0)
    names = contacts.field_names(session, campaign.user_id, chosen or None)
    return preflight.content(content(session, campaign), names)


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
    return problem_of(sender)


def problem_of(sender: Sender) -> str:
    """Why this one cannot send, or an empty text."""
    if sender.deleted_at is not None:
        return f"The sender {sender.name} was deleted. Choose another one."
    if not sender.from_address:
        return f"The sender {sender.name} has no From address."
    if sender.state == SenderState.blocked:
        return f"The sender {sender.name} is blocked. {connection.why(sender)} Then save it in Senders."
    return ""


def _sender_doubts(session: Session, campaign: Campaign) -> list[Finding]:
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    if sender is None or sender.user_id != campaign.user_id or sender.deleted_at is not None:
        return []
    return doubts(session, sender)


def doubts(session: Session, sender: Sender) -> list[Finding]:
    """What is to be said of the mail server of a sender before it is relied on."""
    return connection.findings(sender, db.now(session), session.get_one(User, sender.user_id).time_zone)


def _sender_place(session: Session, campaign: Campaign) -> tuple[str, str]:
    """Where it is mended: on the page Senders where the chosen one is at fault, else by choosing one."""
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    own = sender is not None and sender.user_id == campaign.user_id and sender.deleted_at is None
    return ("senders", f"sender:{campaign.sender_id}") if own else ("content", "sender")


def _mail_problem(session: Session, campaign: Campaign) -> str:
    """Why no mail can be made of the content, or an empty text."""
    try:
        mail.compile_mail(replace(content(session, campaign), attachments=()))
    except mail.BadMail as problem:
        return str(problem)
    return ""


def hours_problem(session: Session, campaign: Campaign, sender: Sender) -> str:
    """Why nothing of the campaign would ever go out through this sender, or an empty text."""
    if campaign.sending_window is None or sender.sending_window is None:
        return ""
    both = windows.from_json(campaign.sending_window), windows.from_json(sender.sending_window)
    if windows.meet(*both, db.now(session)):
        return ""
    return f"Its sending window and that of {sender.name} never meet, so no mail would go out. Change one of them."


def _audience_problem(session: Session, campaign: Campaign) -> str:
    chosen = select(CampaignList.list_id).where(col(CampaignList.campaign_id) == campaign.id)
    lists = chosen.where(col(CampaignList.is_left_out).is_(False))
    left_out = contacts.on_lists(col(Contact.id), session.exec(chosen.where(col(CampaignList.is_left_out))).all())
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
    if session.exec(people.where(~left_out).limit(1)).first() is None:
        return "Everybody on the chosen lists is on a list that is left out."
    if session.exec(people.where(~left_out, ~blocked).limit(1)).first() is None:
        return "Every recipient of the chosen lists is suppressed."
    return _samples_problem(session, campaign)


def _samples_problem(session: Session, campaign: Campaign) -> str:
    """Sample contacts exist nowhere: a real provider would see 120 bounces and think ill of the sender."""
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    chosen = select(CampaignList.list_id).where(col(CampaignList.campaign_id) == campaign.id)
    lists = session.exec(chosen.where(col(CampaignList.is_left_out).is_(False))).all()
    left_out = session.exec(chosen.where(col(CampaignList.is_left_out))).all()
    if sender is None or sender.is_sandbox or not samples.is_sample(session, campaign.user_id, lists, left_out):
        return ""
    return "There are sample contacts among the recipients, who exist nowhere. Leave them out, or send to the sandbox."
