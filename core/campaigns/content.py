"""What a campaign mails, as the mail compiler and the preview want it."""

from sqlmodel import Session

from core.campaigns import attachments
from core.content import images, mail
from core.delivery import dkim_keys, senders
from core.models import Campaign, CampaignStatus, Sender
from core.tracking import links


def content(session: Session, campaign: Campaign) -> mail.Content:
    """The campaign's content with its sender's From; a draft without a usable sender gets a stand-in.

    Its images have the address at which readers fetch them, as far as there is one (BASE_URL). A draft's links lead
    straight to where they say: clicks are counted from when it is scheduled.
    """
    sender = session.get(Sender, campaign.sender_id) if campaign.sender_id else None
    if sender is not None and sender.user_id != campaign.user_id:
        sender = None
    base = senders.tracking_base(session, sender) if sender else ""
    counted = base and campaign.status != CampaignStatus.draft
    return mail.Content(
        subject=campaign.subject,
        preheader=campaign.preheader,
        body=images.absolute(campaign.body, base),
        body_kind=campaign.body_kind,
        from_name=sender.from_name if sender else "",
        from_address=(sender.from_address if sender else "") or "sender@example.com",
        reply_to=sender.reply_to if sender else "",
        base_url=base,
        campaign_id=campaign.id or 0,
        user_id=campaign.user_id,
        language=campaign.language,
        signing=dkim_keys.signing(session, campaign.user_id, sender.from_address) if sender else (),
        links=links.of(session, campaign.id or 0) if counted else (),
        attachments=attachments.of(session, campaign.id or 0),
    )
