from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from core import campaigns, clock, db
from core.delivery import holds, lease
from core.models import Activity, Campaign, Message
from tests import rows
from tests.conftest import Stack

OFFICE = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": "Asia/Kolkata"}
RAMP = {"start": 50, "factor": 2.0, "days": 3, "began": "2026-11-25", "zone": "Asia/Kolkata"}
NOON = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)
EVENING, MORNING = datetime(2026, 11, 25, 15, tzinfo=UTC), datetime(2026, 11, 26, 3, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 25, 18, 30, tzinfo=UTC)


@pytest.fixture
def alice(stack: Stack) -> int:
    db.clock_offset = NOON - clock.utcnow()
    with db.session() as session:
        return rows.user(session)


def made(alice: int, **values: object) -> tuple[int, int]:
    """(sender, campaign) with one mail waiting."""
    with db.session() as session:
        sender_id = rows.sender(session, alice).id
        assert sender_id is not None
        return sender_id, rows.campaign(session, alice, {"pending": ["a@x.io"]}, sender_id=sender_id, **values)


def test_a_campaign_without_hours_has_any_room(alice: int) -> None:
    sender_id, campaign_id = made(alice)
    with db.reading() as session:
        assert holds.look(session, sender_id, NOON) == holds.Openings({campaign_id: None})


def test_an_open_window_says_until_when_and_a_closed_one_from_when(alice: int) -> None:
    sender_id, campaign_id = made(alice, sending_window=OFFICE)
    with db.reading() as session:
        at_noon, later = holds.look(session, sender_id, NOON), holds.look(session, sender_id, EVENING)
    assert at_noon.rooms == {campaign_id: None} and not at_noon.holds
    closes = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
    assert closes - timedelta(seconds=1) < at_noon.closes[campaign_id] < closes
    assert at_noon.turns_at == at_noon.closes[campaign_id]
    assert later.rooms == {} and later.holds == {campaign_id: (1, MORNING)} and later.turns_at == MORNING


def test_what_was_done_today_leaves_less_room_and_what_is_under_way_too(alice: int) -> None:
    sender_id, campaign_id = made(alice, warmup=RAMP, claimed_count=5, sending_count=1)
    with db.session() as session:
        for hour, sent in ((16, 9), (18, 7), (21, 20)):  # UTC; the day of India began in the middle of the second
            at = datetime(2026, 11, 24, hour, tzinfo=UTC)
            session.add(Activity(campaign_id=campaign_id, hour_at=at, sent_count=sent, failed_count=1))
        session.flush()
        assert holds.done_today(session, campaign_id, "Asia/Kolkata", NOON) == 29
        assert holds.look(session, sender_id, NOON).rooms == {campaign_id: 50 - 29 - 6}


def test_mails_in_doubt_since_this_morning_leave_less_room_until_they_are_decided(alice: int) -> None:
    sender_id, campaign_id = made(alice, warmup=RAMP)
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        for number in range(3):
            rows.message(session, campaign, f"doubt{number}@x.io", "sending", NOON, epoch=1, sender_id=sender_id)
        campaign.sending_count = 3
        session.flush()
        lease.return_held(session, sender_id, 1)
        assert holds.look(session, sender_id, NOON).rooms == {campaign_id: 50 - 3}
        assert holds.look(session, sender_id, NOON + timedelta(days=1)).rooms == {campaign_id: 100}
        campaigns.settle_unknown(session, alice, campaign_id, delivered=True)
        assert holds.look(session, sender_id, NOON).rooms == {campaign_id: 50 - 3}  # sent now, and counted once


def test_a_full_day_waits_for_midnight_and_for_the_window_after_it(alice: int) -> None:
    sender_id, campaign_id = made(alice, warmup={**RAMP, "start": 10})
    other_id, other = made(alice, warmup={**RAMP, "start": 10}, sending_window=OFFICE)
    with db.session() as session:
        for number in (campaign_id, other):
            session.add(Activity(campaign_id=number, hour_at=NOON.replace(minute=0), sent_count=10))
        session.flush()
        assert holds.look(session, sender_id, NOON).holds == {campaign_id: (1, MIDNIGHT)}
        assert holds.look(session, other_id, NOON).holds == {other: (1, MORNING)}


def test_a_held_campaign_makes_its_sender_not_due_until_shortly_before(alice: int) -> None:
    sender_id, campaign_id = made(alice)
    with db.session() as session:
        assert lease.due(session) == [sender_id]
        holds.hold(session, {campaign_id: (1, MORNING)})
        assert lease.due(session) == [] and holds.held_until(session, sender_id, NOON) == MORNING
    db.clock_offset = MORNING - timedelta(seconds=5) - clock.utcnow()
    with db.session() as session:
        assert lease.due(session) == [sender_id]
        assert holds.look(session, sender_id, db.now(session)).rooms == {}


def test_hours_that_were_changed_meanwhile_are_not_overwritten_by_what_was_seen_before(alice: int) -> None:
    sender_id, campaign_id = made(alice, sending_window=OFFICE)
    db.clock_offset = EVENING - clock.utcnow()
    with db.session() as session:
        seen = holds.look(session, sender_id, EVENING)
        campaigns.set_hours(session, alice, campaign_id, None, None)
        holds.hold(session, seen.holds)
        assert session.get_one(Campaign, campaign_id).hold_until is None


def test_only_mails_that_are_due_make_a_busy_sender_share_with_their_campaign(alice: int) -> None:
    sender_id, campaign_id = made(alice)
    other_id, _ = made(alice)
    with db.session() as session:
        assert holds.with_campaign_waiting(session, [sender_id]) == {sender_id}
        message = session.exec(select(Message).where(col(Message.campaign_id) == campaign_id)).one()
        message.retry_at = db.now(session) + timedelta(minutes=10)
        session.flush()
        assert holds.with_campaign_waiting(session, [sender_id, other_id]) == {other_id}
        assert lease.due(session, [sender_id]) == []
    db.clock_offset += timedelta(minutes=11)
    with db.session() as session:
        assert holds.with_campaign_waiting(session, [sender_id]) == {sender_id}
        session.get_one(Campaign, campaign_id).claimed_count = 1
        session.flush()
        assert holds.with_campaign_waiting(session, [sender_id]) == set()
