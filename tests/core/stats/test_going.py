from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db, stats
from core.delivery import workers
from core.models import Campaign, CampaignStatus, Message, PauseReason
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
        found = stats.going(session, alice)
        assert [each for each in found if not each.waits] == [Going(going, "November newsletter", 2, 4)]
        assert len(found) == 3 and stats.pulse(found) == "sending"
        assert stats.going(session, charlie) == [] and stats.pulse([]) == "idle"


LONG = timedelta(hours=2)


@pytest.mark.parametrize(
    ("sender", "campaign", "after", "waits"),
    [
        ({}, {}, timedelta(), False),
        ({"state": "cooling", "cooling_until": LONG}, {}, timedelta(), True),
        ({"state": "cooling", "cooling_until": -LONG}, {}, timedelta(), False),
        ({"state": "blocked"}, {}, timedelta(), True),
        ({"next_start_at": LONG}, {}, timedelta(), True),
        ({"next_start_at": timedelta(seconds=50)}, {}, timedelta(), False),  # its pace
        ({}, {"hold_until": LONG}, timedelta(), True),
        ({}, {}, LONG, True),
        ({}, {}, timedelta(seconds=5), False),
        ({}, {"claimed_count": 1}, LONG, False),
        ({}, {"snapshot_done": False}, LONG, False),
        ({"owner": "w", "lease_until": timedelta(seconds=20)}, {}, timedelta(), False),
        ({"owner": "w", "lease_until": timedelta(seconds=10)}, {}, timedelta(), True),  # no heartbeat for 20 s
        ({"owner": "w", "lease_until": -LONG}, {}, timedelta(), True),
    ],
)
def test_a_campaign_waits_where_nothing_of_it_goes_out(
    stack: Stack, sender: dict[str, Any], campaign: dict[str, Any], after: timedelta, waits: bool
) -> None:
    """``sender``, ``campaign``: their rows, moments counted from now; ``after``: when its mail is tried."""
    with db.session() as session:
        alice, now = rows.user(session), db.now(session)
        mine, its = (
            {name: now + value if isinstance(value, timedelta) else value for name, value in values.items()}
            for values in (sender, campaign)
        )
        by = rows.sender(session, alice, **mine)
        made = rows.campaign(session, alice, {"pending": ["a@x.io"]}, sender_id=by.id, **its)
        session.exec(select(Message)).one().retry_at = now + after
        session.flush()
        assert stats.summary(session, alice, made).waits is waits
        assert stats.overview(session, alice).running[0].waits is waits
        found = stats.going(session, alice)
        assert [each.waits for each in found] == [waits]
        assert stats.pulse(found) == ("waiting" if waits else "sending")
        session.get_one(Campaign, made).status = "paused"
        session.flush()
        assert stats.summary(session, alice, made).waits is False and stats.going(session, alice) == []


def test_a_campaign_waits_where_no_worker_runs(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, sender_id=rows.sender(session, alice).id)
        workers.leave(session, "host:1")
        assert [each.waits for each in stats.going(session, alice)] == [True]
        workers.tell(session, "host:2", workers.Figures())
        assert [each.waits for each in stats.going(session, alice)] == [False]


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


def test_what_stopped_by_itself_is_told_from_what_its_user_paused(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        for reason in PauseReason:
            rows.campaign(session, alice, {}, name=reason.value, status="paused", pause_reason=reason)
        rows.campaign(session, alice, {}, name="sent", status="sent")
        blocked = rows.sender(session, alice, state="blocked").id
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, name="blocked", sender_id=blocked)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, name="going")
    with db.reading() as session:
        found = stats.outgoing(session, alice)
        assert [each.title for each in found.stopped] == ["auth", "sender", "content", "throttled", "missed", "blocked"]
        assert [each.title for each in found.going] == ["blocked", "going"]
        shown = {each.title: each.shown_status for each in stats.summaries(session, alice, statuses=("sending",))}
        assert shown["blocked"] == "sender blocked" and shown["going"] != "sender blocked"
        assert [each.detail for each in stats.find(session, alice, "blocked") if each.kind == "campaign"] == [
            "sender blocked"
        ]
        assert stats.outgoing(session, charlie) == stats.Outgoing()


def test_what_its_mended_sender_stopped_is_told_apart(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        sender = rows.sender(session, alice, state="blocked")
        its = {"sender_id": sender.id, "status": "paused"}
        ids = [
            rows.campaign(session, alice, {}, name=reason.value, pause_reason=reason, **its) for reason in PauseReason
        ]
        session.flush()
        assert [each.title for each in stats.outgoing(session, alice).stopped] == [r.value for r in PauseReason][1:]
        assert stats.outgoing(session, alice).mended == ()
        sender.state = "ready"
        session.flush()
        found = stats.outgoing(session, alice)
        assert [each.title for each in found.stopped] == ["content", "throttled", "missed"]
        assert [each.title for each in found.mended] == ["auth", "sender"]
        shown = [stats.summary(session, alice, each).shown_status for each in ids]
        assert shown == ["paused", "mended", "mended", "stopped", "stopped", "stopped"]
        assert stats.outgoing(session, charlie) == stats.Outgoing()
