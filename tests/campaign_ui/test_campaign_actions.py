"""What one does with a campaign on its page, before and while it goes out."""

from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy import update
from sqlmodel import col

from core import config, db, live, stats
from core.audience import contacts
from core.models import Campaign, CampaignList
from tests import rows
from tests.campaign_ui.campaign import make
from tests.campaign_ui.conftest import SignIn, card_texts, eventually, everything, press
from tests.conftest import Stack


async def test_before_it_goes_out_a_campaign_says_that_its_opens_will_not_be_counted(
    user: Browser, sign_in: SignIn, sqlite_stack: Stack
) -> None:
    alice, words = sign_in(user), "Opens cannot be counted: BASE_URL is not set"
    with db.session() as session:
        ids = [rows.sender(session, alice, is_sandbox=sandbox).id for sandbox in (False, True)]
        real, played = (rows.campaign(session, alice, sender_id=each, status="scheduled") for each in ids)
    await user.open(f"/campaigns/{played}")
    assert words not in everything(user)
    await user.open(f"/campaigns/{real}")
    assert everything(user).count(words) == 1
    with db.session() as session:
        begun = {"status": "sending", "started_at": db.now(session), "snapshot_done": False}
        session.execute(update(Campaign).where(col(Campaign.id) == real).values(**begun))
        db.after_commit(session, lambda: live.publish(alice, "campaign", real))
    await user.should_not_see(words)
    with db.session() as session:
        session.execute(update(Campaign).where(col(Campaign.id) == real).values(status="scheduled", started_at=None))
    config.use(config.load({**sqlite_stack.env, "BASE_URL": "https://mail.example.com"}))
    await user.open(f"/campaigns/{real}")
    assert words not in everything(user)


async def test_a_scheduled_campaign_shows_its_mail_and_people_and_can_be_edited(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        sender = rows.sender(session, alice)
        list_id = contacts.create_list(session, alice, "Readers")
        contacts.add_people(session, alice, list_id, [("zoe@example.com", {"first_name": "Zoe"})], ["first_name"])
        values = {"subject": "{{ first_name }}, hello", "body": "<p>Dear {{ first_name }}</p>", "status": "scheduled"}
        campaign_id = rows.campaign(session, alice, {}, sender_id=sender.id, **values)
        session.add(CampaignList(campaign_id=campaign_id, list_id=list_id))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("[first name], hello")
    await user.should_see("To Readers · 1 recipient")
    press(user, "View mail")
    await user.should_see("As zoe@example.com sees it")
    press(user, "Close")
    press(user, "Edit")
    await user.should_see("Take it off the schedule to edit it?")
    user.find(marker="confirm").click()
    await eventually(lambda: drafts(alice) == ["November newsletter"])
    await user.should_see("Preheader")  # in Compose


async def test_a_campaign_can_be_copied_from_its_page_and_points_to_what_needs_a_decision(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, status="paused", pause_reason="content", pause_detail="5.7.1 Spam")
    await user.open(f"/campaigns/{campaign_id}")
    assert user.client is not None
    links = {e.text: e.props["href"] for e in user.client.elements.values() if isinstance(e, ui.link) and e.visible}
    assert links["1 mail is in doubt: decide whether to send again"] == "#in-doubt"
    assert links["Read why they were refused"] == "#why-failed"
    press(user, "Duplicate")
    await eventually(lambda: drafts(alice) == ["Copy of November newsletter"])
    await user.should_see("Preheader")


def drafts(user_id: int) -> list[str]:
    with db.reading() as session:
        return [each.name for each in stats.summaries(session, user_id, statuses=("draft",))]


async def test_pause_resume_and_cancel_act_at_once_and_cancel_asks(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, "Pause")
    await user.should_see("Paused by you.")
    press(user, "Resume")
    await user.should_not_see("Paused by you.")
    press(user, "Cancel")
    await user.should_see("Cancel this campaign?")
    press(user, "Cancel campaign")
    await eventually(lambda: card_texts(user, "Pending")[1] == "0")
    with db.reading() as session:
        campaign = stats.summary(session, alice, campaign_id)
    assert campaign.status == "cancelled" and campaign.counts.cancelled == 1
    await user.should_see("32 of 33 done, 1 failed, 1 cancelled · 97 %")  # what was cancelled is not done
