import asyncio

from nicegui import Client
from nicegui.awaitable_response import AwaitableResponse
from nicegui.testing import User as Browser

from campaign_ui import tab
from core import campaigns, db, live
from core.models import Campaign, CampaignStatus
from core.stats import Ended, Going, Outgoing, Stopped
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually


def test_the_title_says_how_far_it_is() -> None:
    one, two = Going(1, "Offer", 42, 100), Going(2, "News", 299, 300)
    assert tab.in_title(Outgoing()) == ("", 0)
    assert tab.in_title(Outgoing((one,))) == ("42 % · Offer", 42)
    assert tab.in_title(Outgoing((two,))) == ("99 % · News", 99)  # never all before it is
    assert tab.in_title(Outgoing((one, two))) == ("85 % · 2 campaigns", 85)
    assert tab.in_title(Outgoing((Going(3, "Empty", 0, 0),))) == ("0 % · Empty", 0)


def test_the_title_says_first_what_stopped() -> None:
    sale, news = Stopped(4, "Winter sale"), Stopped(5, "News")
    assert tab.in_title(Outgoing((Going(1, "Offer", 42, 100),), (sale,))) == ("Stopped: Winter sale", -1)
    assert tab.in_title(Outgoing((), (sale, news))) == ("2 campaigns stopped", -1)
    assert tab.in_title(Outgoing((), (sale,), (news,))) == ("Stopped: Winter sale", -1)


def test_the_title_says_what_is_ready_to_resume() -> None:
    sale, news = Stopped(4, "Winter sale"), Stopped(5, "News")
    assert tab.in_title(Outgoing((Going(1, "Offer", 42, 100),), (), (sale,))) == ("Ready to resume: Winter sale", -2)
    assert tab.in_title(Outgoing((), (), (sale, news))) == ("2 campaigns are ready to resume", -2)


def test_a_notification_says_how_it_ended() -> None:
    assert tab.in_notification(Ended(1, "Offer", "sent", 1200, 3)) == ("Offer is sent", "1,200 sent, 3 failed.")
    assert tab.in_notification(Ended(1, "Offer", "sent", 7, 0)) == ("Offer is sent", "7 sent.")
    assert tab.in_notification(Ended(1, "Offer", "paused", 7, 0))[0] == "Offer is paused"


def test_a_notification_calls_a_campaign_that_reached_nobody_by_no_other_name() -> None:
    assert tab.in_notification(Ended(1, "Offer", "sent", 0, 2)) == (
        "Offer reached nobody",
        "2 failed. Open it to see why.",
    )
    in_doubt = Ended(1, "Offer", "sent", 0, 2, in_doubt=1)  # it may have reached one
    assert tab.in_notification(in_doubt) == ("Offer is sent", "0 sent, 2 failed.")


async def test_an_open_tab_is_told_of_progress_and_of_the_end(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        name = 'A "quoted" </script> name'
        campaign_id = rows.campaign(session, alice, {"sent": ["a@x.io"], "pending": ["b@x.io"]}, name=name)
    told = _told(await user.open("/settings"))
    live.publish(alice, "campaign", campaign_id)
    await eventually(lambda: told)
    assert told == ['cmTab.progress("50 % \\u00b7 A \\"quoted\\" </script> name", 50)']
    live.publish(alice, "campaign", campaign_id)
    await asyncio.to_thread(_finish, alice, campaign_id)
    await eventually(lambda: len(told) == 3)
    assert told[1] == 'cmTab.progress("", 0)'
    assert told[2].startswith("cmTab.notices.show(") and told[2].endswith(f"'/campaigns/{campaign_id}')")


def _told(client: Client) -> list[str]:
    """What is said to the browser's tab from now on."""
    told: list[str] = []
    run = client.run_javascript

    def noting(code: str, **more: float) -> AwaitableResponse:
        if code.startswith("cmTab."):
            told.append(code)
        return run(code, **more)

    client.run_javascript = noting  # type: ignore[method-assign]
    return told


def _finish(user_id: int, campaign_id: int) -> None:
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.status, campaign.pending_count, campaign.sent_count = CampaignStatus.sent, 0, 2
    with db.session() as session:
        campaigns.duplicate(session, user_id, campaign_id)  # it tells the pages
