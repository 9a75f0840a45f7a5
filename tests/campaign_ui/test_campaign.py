from datetime import UTC, datetime, timedelta

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy import update
from sqlmodel import col, select

from core import clock, db, live
from core.models import Campaign, CampaignLink, LinkClick, Message, Reading, Sender
from tests import rows
from tests.campaign_ui.campaign import make, tables
from tests.campaign_ui.conftest import SignIn, card_texts, eventually, everything, press, texts


async def test_the_page_shows_how_it_goes_and_why_it_waits(user: Browser, sign_in: SignIn) -> None:
    came_back = {"bounced_count": 2, "complained_count": 1, "unsubscribed_count": 3}
    campaign_id = make(sign_in(user), batch_count=4, clicked_count=2, **came_back)
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("2 clicked (6.7 % of sent) · 2 bounced · 1 reported as spam · 3 unsubscribed")
    assert card_texts(user, "Sent") == ["Sent", "30", "90.9 % of recipients"]
    assert card_texts(user, "Opened") == ["Opened", "3", "10 % of sent"]
    assert card_texts(user, "Failed") == ["Failed", "1", "3 % of recipients"]
    assert card_texts(user, "Pending") == ["Pending", "1", "3 % of recipients"]
    await user.should_see("32 of 33 done, 1 failed · 97 %")
    await user.should_see("Batches processed: 4")
    await user.should_see("1 waiting; sending starts as soon as a worker is free.")
    await user.should_see("This mailbox does not exist.")
    await user.should_see("550 5.1.1 User unknown")
    await user.should_see("For 1 mail no answer came")


async def test_a_screen_reader_hears_how_a_campaign_stands(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        draft = rows.campaign(session, alice, {}, status="draft", name="Later")
    await user.open(f"/campaigns/{draft}")
    await user.should_see("Later is a draft.")


async def test_a_page_that_is_open_says_when_nothing_will_be_sent_any_more(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, {"claimed": ["a@x.io"]}, started_at=db.now(session))
    await user.open(f"/campaigns/{campaign_id}")
    assert set(sayings(user)) == {"Nothing was sent yet"}
    for values, told in (
        ({"status": "cancelled"}, "Nothing was sent yet"),  # a worker holds a mail
        ({"claimed_count": 0, "unknown_count": 1}, "Nothing was sent yet"),  # it may have arrived
        ({"unknown_count": 0, "cancelled_count": 1}, "Nothing was sent"),
        ({"cancelled_count": 0, "unknown_count": 1}, "Nothing was sent yet"),
        ({"unknown_count": 0, "sent_count": 1}, "Nobody has opened it yet"),  # the user says so
    ):
        with db.session() as session:
            session.execute(update(Campaign).values(**values))
            db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
        await eventually(lambda told=told: set(sayings(user)) == {told})


def sayings(browser: Browser) -> list[str]:
    """What the card and the charts say of a campaign that nobody has opened."""
    said = (line.rstrip(".") for line in everything(browser).splitlines())
    return [text for text in said if text.startswith(("Nothing was sent", "Nobody has opened"))]


async def test_a_campaign_cancelled_before_it_began_promises_nothing(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, status="scheduled", snapshot_done=False)
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("Nothing was sent yet")
    await user.should_not_see("It was cancelled before it began")
    with db.session() as session:
        session.execute(update(Campaign).values(status="cancelled", finished_at=db.now(session)))
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_see("It was cancelled before it began: nobody got it.")
    await user.should_not_see("Nothing was sent yet")
    await user.should_not_see("as they happen")
    await user.should_not_see("listed here when the campaign starts")
    await user.should_not_see("0 of 0 done")
    await user.should_not_see("Compare")  # with others, as if there were numbers
    await user.open("/campaigns")
    row = tables(user)[0].rows[0]
    assert row["done"] == row["numbers"] == "Cancelled before it began"


async def test_the_sum_over_the_states_is_always_there(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("33 recipients = 30 sent + 1 failed + 1 pending + 1 unknown")


def countdowns(browser: Browser) -> list[float]:
    """Seconds left, as the browser is told, of each that ticks."""
    assert browser.client is not None
    found = [e for e in browser.client.elements.values() if e.tag == "cm-countdown" and e.props.get("data-until")]
    return [float(element.props["data-seconds"]) for element in found]


async def test_a_wait_is_told_with_a_countdown_that_the_browser_ticks(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    assert countdowns(user) == []
    with db.session() as session:
        sender = session.exec(select(Sender)).one()
        sender.state, sender.state_kind, sender.state_reply = "cooling", "throttle_rate", "451 4.7.1 Ratelimit"
        sender.cooling_until = db.now(session) + timedelta(seconds=58)
        db.after_commit(session, lambda: live.publish(alice, "sender", sender.id))
    await user.should_see("Hostinger answered 451 4.7.1 Ratelimit: resuming at")
    await user.should_see(", 1 waiting.")
    await user.should_see("Hostinger asks us to slow down. We wait and try again.")
    [seconds] = countdowns(user)
    assert 50 < seconds <= 58


async def test_rates_readers_and_links_are_shown_and_said(user: Browser, sign_in: SignIn) -> None:
    db.clock_offset = timedelta(seconds=20 - clock.utcnow().second)  # not at a minute's edge
    alice = sign_in(user, time_zone="Asia/Kolkata")
    monday = datetime(2026, 11, 23, 4, tzinfo=UTC)
    with db.session() as session:
        begun = db.now(session) - timedelta(minutes=10)
    campaign_id = make(alice, started_at=begun, clicked_count=2)
    with db.session() as session:
        session.add(Reading(campaign_id=campaign_id, quarter_at=monday, opened_count=3, clicked_count=2))
        link = CampaignLink(campaign_id=campaign_id, url="https://shop.example/<b>sale</b>")
        session.add(link)
        session.flush()
        session.add_all(LinkClick(link_id=link.id or 0, message_id=number, at=monday) for number in (1, 2))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("3 in the last 60 s · 11 minutes shown")  # 30 sent in ten minutes
    await user.should_see("3 opened, 2 clicked. Most opens in the 15 minutes from 23 Nov, 09:30: 3.")
    await user.should_see("Most open on Monday between 09:00 and 10:00: 100 % of all opens.")
    await user.should_see("shop.example/<b>sale</b>")  # as a label: text, never HTML
    await user.should_see("2 · 66.7 %")
    press(user, "Show as table: Opens and clicks")
    [table] = [t for t in tables(user) if [c["label"] for c in t.columns][1:] == ["Opened", "Clicked"]]
    assert [list(row.values())[1:] for row in table.rows] == [["23 Nov, 09:30", "3", "2"]]


async def test_of_many_links_the_first_are_shown_and_it_is_said(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    with db.session() as session:
        session.add_all(CampaignLink(campaign_id=campaign_id, url=f"https://shop.example/{n}") for n in range(60))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("50 of 60")
    await user.should_not_see("shop.example/59")
    press(user, "Show more")
    await user.should_see("60 of 60")
    await user.should_see("shop.example/59")
    await user.should_not_see("Show more")


def seen(browser: Browser) -> str:
    """Every text whose boxes are all visible."""
    assert browser.client is not None
    labels = [e for e in browser.client.elements.values() if isinstance(e, ui.label) and e.visible]
    return "\n".join(e.text for e in labels if all(box.visible for box in e.ancestors()))


async def test_opens_that_cannot_be_counted_are_not_said_to_be_none(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user), readers_counted=False, opened_count=0, status="sent")
    await user.open(f"/campaigns/{campaign_id}")
    assert card_texts(user, "Opened") == ["Opened", "–", "Not counted: BASE_URL was not set"]
    await user.should_see("Opens and clicks are not counted")
    await user.should_see("; opens were not counted.")
    for words in ("Nobody has opened it yet.", "0 opened", "This mail has no links that are counted."):
        assert words not in seen(user)
    await user.open("/campaigns")
    assert [table.rows[0]["open_rate"] for table in tables(user)] == ["not counted"]
    await user.open(f"/campaigns/{campaign_id}/report")
    await user.should_see("not counted")
    assert not any(wrong in texts(user) for wrong in ("0.0 %", "0 unsubscribed", "0 opened"))
    await user.open("/")
    assert card_texts(user, "Opened") == ["Opened", "–", "Not counted: BASE_URL was not set"]


async def test_what_a_chart_says_to_a_screen_reader_follows_the_numbers(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    for opened in (3, 4):  # no part of the ring
        with db.session() as session:
            session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(opened_count=opened))
            db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
        words = f"33 recipients: 30 sent, 1 failed, 1 pending, 1 unknown; {opened} opened."
        await eventually(lambda: [e.props.get("aria-label") for e in charts_of(user)].count(words) == 2)  # noqa: B023


def charts_of(browser: Browser) -> list[ui.echart]:
    assert browser.client is not None
    return [e for e in browser.client.elements.values() if isinstance(e, ui.echart)]


async def test_a_screen_reader_hears_changes_of_state_but_not_every_mail(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    assert user.client is not None
    [spoken] = [e for e in user.client.elements.values() if isinstance(e, ui.label) and "sr-only" in e.classes]
    first = spoken.text
    assert first == "November newsletter is sending. 32 of 33 done, 1 failed · 97 %."
    for sent, status in ((31, "sending"), (32, "sent")):
        with db.session() as session:
            values = {"sent_count": sent, "pending_count": 0, "recipients_count": sent + 2, "status": status}
            session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(**values))
            db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
        await eventually(lambda: card_texts(user, "Sent")[1] == f"{sent}")  # noqa: B023
        assert (spoken.text == first) is (status == "sending")
    assert spoken.text == "November newsletter is sent. 34 of 34 done, 1 failed · 100 %."


async def test_everything_follows_what_the_worker_does(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    await user.open(f"/campaigns/{campaign_id}")
    with db.session() as session:
        session.execute(update(Message).where(col(Message.email) == "person00@example.com").values(reply="x"))
        pending = update(Message).where(col(Message.state) == "pending")
        session.execute(pending.values(state="failed", reply="550 5.7.1 Blocked", kind="policy"))
        values = {"pending_count": 0, "failed_count": 2, "status": "sent"}
        session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(**values))
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await eventually(lambda: card_texts(user, "Failed")[1] == "2")
    await user.should_see("33 of 33 done, 2 failed · 100 %")
    await user.should_see("550 5.7.1 Blocked")
    await user.should_see("Finished. 2 mails failed.")
    await user.should_see(kind=ui.link, content="Read why they failed")
    await user.should_not_see(kind=ui.button, content="Pause")


async def test_a_scheduled_campaign_does_not_pretend_to_count_nobody(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        sender = rows.sender(session, alice)
        campaign_id = rows.campaign(session, alice, {}, sender_id=sender.id, status="scheduled")
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("The recipients are listed here when the campaign starts.")
    assert not {"0 of 0 done", "0 recipients"} & set(seen(user).splitlines())


@pytest.mark.parametrize(
    "path", ["/campaigns/{}", "/campaigns/0{}", "/campaigns/99999", "/campaigns/x", "/campaigns/²"]
)
async def test_charlie_gets_the_same_404_for_alices_campaign_as_for_none(
    user: Browser, sign_in: SignIn, path: str
) -> None:
    with db.session() as session:
        alice = rows.user(session)
    campaign_id = make(alice)
    sign_in(user, "charlie@example.com")
    response = await user.http_client.get("/campaigns/" + path.format(campaign_id))
    assert response.status_code == 404 and "This page does not exist" in response.text
    assert "November newsletter" not in response.text


async def test_a_page_whose_campaign_is_deleted_elsewhere_leaves(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = make(alice, status="sent")
    await user.open(f"/campaigns/{campaign_id}")
    with db.session() as session:
        session.execute(update(Campaign).values(deleted_at=db.now(session)))
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_see("No campaigns yet")
