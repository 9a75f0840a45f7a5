"""What the head of a campaign's page says of its mail and of its people."""

from nicegui.testing import User as Browser

from core import db, live
from core.audience import contacts, parse, suppression
from core.models import Campaign, CampaignList, CampaignStatus
from tests import rows
from tests.campaign_ui.conftest import SignIn


async def test_the_people_of_a_scheduled_campaign_are_counted_anew_until_it_starts(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    list_id = contacts.store(alice, parse.parse_text("anna@example.com"), "Readers").list_id
    with db.session() as session:
        sender = rows.sender(session, alice)
        campaign_id = rows.campaign(session, alice, {}, sender_id=sender.id, status="scheduled", subject="News")
        session.add(CampaignList(campaign_id=campaign_id, list_id=list_id))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("To Readers · 1 recipient")
    contacts.store(alice, parse.parse_text("ben@example.com\ncem@example.com"), "", list_id=list_id)
    await user.should_see("To Readers · 3 recipients")
    with db.session() as session:
        suppression.suppress(session, alice, "ben@example.com", "manual")
    await user.should_see("To Readers · 2 of 3 recipients, 1 suppressed")
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.status, campaign.subject = CampaignStatus.sending, "The latest news"
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_see("The latest news")
    await user.should_see("To Readers")
    await user.should_not_see("recipients, 1 suppressed")
