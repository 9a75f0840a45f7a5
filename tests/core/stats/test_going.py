from datetime import timedelta

from core import db, stats
from core.models import CampaignStatus, PauseReason
from core.stats import Ended, Going
from tests import rows
from tests.conftest import Stack


def test_what_goes_out_is_told_with_its_share_and_to_nobody_else(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        going = rows.campaign(session, alice, {"sent": ["a@x.io", "b@x.io"], "pending": ["c@x.io", "d@x.io"]})
        later = db.now(session) + timedelta(hours=2)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, hold_until=later)
        slow = rows.sender(session, alice, next_start_at=later)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, sender_id=slow.id)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, status=CampaignStatus.paused)
        rows.campaign(session, alice, {"sent": ["a@x.io"]}, status=CampaignStatus.sent)
    with db.reading() as session:
        assert stats.going(session, alice) == [Going(going, "November newsletter", 2, 4)]
        assert stats.is_sending(session, alice)
        assert stats.going(session, charlie) == [] and not stats.is_sending(session, charlie)


def test_an_end_is_sent_or_a_pause_that_needs_the_user(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        sent = rows.campaign(session, alice, {"sent": ["a@x.io"], "failed": ["b@x.io"]}, status=CampaignStatus.sent)
        paused = {"status": CampaignStatus.paused, "name": "Offer"}
        refused = rows.campaign(session, alice, {}, pause_reason=PauseReason.auth, **paused)
        by_user = rows.campaign(session, alice, {}, pause_reason=PauseReason.user, **paused)
        ids = [sent, refused, by_user, rows.campaign(session, alice, {"pending": ["a@x.io"]})]
    with db.reading() as session:
        found = {each.id: each for each in stats.ended(session, alice, ids)}
        assert found == {
            sent: Ended(sent, "November newsletter", "sent", 1, 1),
            refused: Ended(refused, "Offer", "paused", 0, 0),
        }
        assert stats.ended(session, charlie, ids) == []
