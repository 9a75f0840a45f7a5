"""A mail as it went to its reader, to be looked at in the browser."""

from dataclasses import replace

from sqlmodel import Session, col, select

from core import db
from core.campaigns.content import content
from core.content import mail
from core.delivery import sandbox
from core.models import Campaign, Message


def html(session: Session, message_id: int) -> str | None:
    """The HTML of the mail with this number, its links and its picture for opens included; None where it is gone."""
    mine = (col(Message.id) == message_id, col(Campaign.deleted_at).is_(None))
    joined = select(Message, Campaign).join(Campaign, col(Campaign.id) == col(Message.campaign_id))
    found = session.exec(joined.where(*mine)).first()
    if found is None:
        return None
    message, campaign = found
    made = replace(content(session, campaign), attachments=(), signing=())
    try:
        compiled = mail.compile_mail(made)
        raw = compiled.render(mail.Recipient(message_id, message.email, message.fields), db.now(session))
    except mail.BadMail:
        return None
    return sandbox.html(raw)
