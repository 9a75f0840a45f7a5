from datetime import timedelta

import pytest
from sqlmodel import Session

from core import db, stats
from core.errors import NotFound
from core.models import Campaign, CampaignLink, CampaignStatus
from tests import rows
from tests.conftest import Stack


def is_sending(session: Session, user_id: int) -> bool:
    return stats.pulse(stats.going(session, user_id)) == "sending"


def test_the_overview_adds_up_all_campaigns_of_one_user(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        rows.campaign(session, alice, {"sent": ["a@x.io", "b@x.io"], "failed": ["c@x.io"]}, opened=1, status="sent")
        running = rows.campaign(session, alice, {"sent": ["a@x.io"], "pending": ["b@x.io"], "claimed": ["c@x.io"]})
        deleted = rows.campaign(session, alice, {"sent": ["a@x.io"]}, deleted_at=db.now(session))
        overview = stats.overview(session, alice)
        nothing = stats.overview(session, charlie)
    total = overview.total
    assert (total.recipients, total.sent, total.opened, total.failed, total.pending) == (6, 3, 1, 1, 2)
    assert total.open_rate == pytest.approx(100 / 3)
    assert [campaign.id for campaign in overview.running] == [running]
    assert overview.campaign_count == 2 and deleted not in [campaign.id for campaign in overview.recent]
    assert nothing == stats.Overview(stats.Counts(), [], [], [], {})
    assert nothing.total.open_rate is None


def test_the_sum_over_the_states_is_the_number_of_recipients(stack: Stack) -> None:
    states = "pending claimed sending sent failed suppressed cancelled unknown".split()
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = rows.campaign(session, alice, {s: [f"{s}{n}@x.io" for n in range(2)] for s in states})
        counts = stats.summary(session, alice, campaign_id).counts
    shown = ("pending", "sent", "failed", "suppressed", "cancelled", "unknown")
    assert sum(counts.in_state(state) for state in shown) == counts.recipients == counts.in_state("") == 16
    assert counts.pending == 6 and counts.progress == 8 / 16  # what was cancelled is not done


def test_clicks_are_known_where_a_mail_has_links_that_are_counted(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        plain, linked, before = (rows.campaign(session, alice, {"sent": ["a@x.io"]}) for _ in range(3))
        waits = rows.campaign(session, alice, {"pending": ["a@x.io"]})
        unreached = rows.campaign(session, alice, {"sent": ["a@x.io"]}, readers_counted=False)
        session.get_one(Campaign, before).clicked_count = 1
        for each in (linked, unreached):
            session.add(CampaignLink(campaign_id=each, url="https://shop.example/"))
        session.flush()
        known = [stats.summary(session, alice, each).knows_clicks for each in (plain, linked, before, waits, unreached)]
    assert known == [False, True, True, True, False]


def test_a_strangers_campaign_is_as_if_there_were_none(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        campaign_id = rows.campaign(session, alice, {"failed": ["a@x.io"]})
        for read in (
            lambda: stats.summary(session, charlie, campaign_id),
            lambda: stats.ledger(session, charlie, campaign_id),
            lambda: stats.failures(session, charlie, campaign_id),
            lambda: stats.waiting(session, charlie, campaign_id, "Asia/Kolkata"),
        ):
            with pytest.raises(NotFound):
                read()
        assert stats.summaries(session, charlie) == [] and stats.count_by_status(session, charlie) == {}
        assert not is_sending(session, charlie) and not is_sending(session, alice)


def test_mail_goes_out_while_a_sending_campaign_has_something_left(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, status="paused")
        assert not is_sending(session, alice)
        rows.campaign(session, alice, snapshot_done=False)
        assert is_sending(session, alice)


def test_a_campaign_that_waits_for_its_hours_or_a_full_day_does_not_go_out(stack: Stack) -> None:
    with db.session() as session:
        alice, later = rows.user(session), db.now(session) + timedelta(hours=3)
        sender = rows.sender(session, alice, next_start_at=later)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, sender_id=sender.id)
        rows.campaign(session, alice, {"pending": ["b@x.io"]}, hold_until=later)
        assert not is_sending(session, alice)
        sender.next_start_at = db.now(session) + timedelta(seconds=2)
        session.flush()
        assert is_sending(session, alice)


def test_campaigns_come_newest_first_and_scheduled_ones_soonest_first(stack: Stack) -> None:
    with db.session() as session:
        alice, now = rows.user(session), db.now(session)
        ids = [
            rows.campaign(session, alice, status=CampaignStatus.scheduled, scheduled_at=now + timedelta(hours=hours))
            for hours in (3, 1, 2)
        ]
        draft = rows.campaign(session, alice, status="draft", name="", subject="", version=2)
        assert [c.id for c in stats.summaries(session, alice)] == [draft, *reversed(ids)]
        assert [c.id for c in stats.summaries(session, alice, statuses=("draft",))] == [draft]
        assert [c.id for c in stats.overview(session, alice).scheduled] == [ids[1], ids[2], ids[0]]
        assert stats.count_by_status(session, alice) == {"scheduled": 3, "draft": 1}
        assert stats.summary(session, alice, draft).title == "Untitled campaign"
