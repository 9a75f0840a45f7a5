from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from core import db, stats
from core.delivery.replies import LEFT_OUT
from core.models import Attempt, Campaign, CampaignStatus, MessageState
from core.stats import minutes as by_minute
from core.stats.minutes import minutes
from core.stats.pace import Minute
from tests import rows
from tests.conftest import Stack

BEGUN = datetime(2026, 11, 22, 4, 0, 40, tzinfo=UTC)
ZONE = "Asia/Kolkata"


def _sent(session: Session, user_id: int, took: timedelta | None, *seconds: float) -> int:
    """A campaign with a mail sent at each of ``seconds`` after its begin, and one that was refused after 90."""
    times = {"started_at": BEGUN, "finished_at": None if took is None else BEGUN + took}
    campaign_id = rows.campaign(
        session, user_id, status=CampaignStatus.sent, recipients_count=len(seconds) + 1, **times
    )
    campaign = session.get_one(Campaign, campaign_id)
    for number, second in enumerate(seconds):
        at = BEGUN + timedelta(seconds=second)
        rows.message(session, campaign, f"r{number}@example.com", MessageState.sent, BEGUN, sent_at=at)
    refused = rows.message(session, campaign, "no@example.com", MessageState.failed, BEGUN)
    waits = rows.message(session, campaign, "later@example.com", MessageState.pending, BEGUN)
    for message_id, second in ((refused, 5), (refused, 90), (waits, 90)):
        at = BEGUN + timedelta(seconds=second)
        session.add(Attempt(campaign_id=campaign_id, message_id=message_id, at=at, kind="bad_recipient"))
    session.flush()
    return campaign_id


def test_a_short_campaign_is_told_by_its_minutes_on_the_users_clock(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = _sent(session, alice, timedelta(seconds=150), 1, 2, 30, 140)
        told = minutes(session, alice, stats.summary(session, alice, campaign_id), ZONE)
    assert _shown(told) == [("09:30", 2, 0), ("09:31", 1, 0), ("09:32", 0, 1), ("09:33", 1, 0)]


def test_mails_for_a_domain_that_was_left_out_failed_in_the_minute_of_that(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = _sent(session, alice, timedelta(seconds=150), 1)
        campaign, at = session.get_one(Campaign, campaign_id), BEGUN + timedelta(seconds=140)
        left = {"rule_id": LEFT_OUT, "kind": "policy"}
        rows.message(session, campaign, "never@strict.example", MessageState.failed, at, **left)
        once = rows.message(session, campaign, "once@strict.example", MessageState.failed, at, **left)
        session.add(Attempt(campaign_id=campaign_id, message_id=once, at=BEGUN, kind="greylist"))
        session.flush()
        told = minutes(session, alice, stats.summary(session, alice, campaign_id), ZONE)
    assert _shown(told) == [("09:30", 1, 0), ("09:31", 0, 0), ("09:32", 0, 1), ("09:33", 0, 2)]


def _shown(told: tuple[Minute, ...]) -> list[tuple[str, float | None, float | None]]:
    return [(f"{each.at:%H:%M}", each.sent, each.failed) for each in told]


def test_a_long_a_running_and_a_very_large_one_are_not(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        for took in (None, timedelta(hours=2)):
            told = stats.summary(session, alice, _sent(session, alice, took, 1))
            assert minutes(session, alice, told, ZONE) == ()
        short = stats.summary(session, alice, _sent(session, alice, timedelta(minutes=119), 1))
        assert len(minutes(session, alice, short, ZONE)) == 120
        assert minutes(session, charlie, short, ZONE) == ()
        monkeypatch.setattr(by_minute, "MOST_MAILS", 1)
        assert minutes(session, alice, short, ZONE) == ()
