import time
from datetime import UTC, datetime, timedelta

import pytest

from core import clock, db
from core.models import Activity
from core.stats.days import per_day, progress
from tests import rows
from tests.conftest import Stack


@pytest.mark.parametrize("server_zone", ["Asia/Kolkata", "America/New_York"])
def test_days_are_those_of_the_users_zone(
    stack: Stack, server_zone: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    with monkeypatch.context() as server:
        server.setenv("TZ", server_zone)
        time.tzset()
    request.addfinalizer(time.tzset)
    zone = "Asia/Kolkata"
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        campaign_id = rows.campaign(session, alice)
        today = clock.to_zone(db.now(session), zone).date()
        evening = clock.local_to_utc(today - timedelta(days=1), datetime(2026, 1, 1, 22).time(), zone)
        late = evening.replace(minute=0)
        night = late + timedelta(hours=4)
        session.add(Activity(campaign_id=campaign_id, hour_at=late, sent_count=5, opened_count=2))
        session.add(Activity(campaign_id=campaign_id, hour_at=night, sent_count=7, failed_count=1))
        session.add(Activity(campaign_id=campaign_id, hour_at=late - timedelta(days=40), sent_count=100))
        session.flush()
        days = per_day(session, alice, zone)
        assert len(days) == 14 and days[-1].at.date() == today
        assert [(day.sent, day.failed, day.opened) for day in days[-2:]] == [(5, 0, 2), (7, 1, 0)]
        assert sum(day.sent for day in days) == 12
        assert sum(day.sent for day in per_day(session, charlie, zone)) == 0
        assert progress(session, charlie, zone, campaign_id).of == []
        assert sum(day.sent for day in per_day(session, alice, zone, campaign_id=campaign_id + 1)) == 0


def test_hours_of_a_campaign_include_the_quiet_ones(stack: Stack) -> None:
    start = datetime(2026, 11, 22, 4, tzinfo=UTC)
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = rows.campaign(session, alice)
        for hours, sent in ((0, 3), (2, 4)):
            session.add(Activity(campaign_id=campaign_id, hour_at=start + timedelta(hours=hours), sent_count=sent))
        session.flush()
        hours_shown = progress(session, alice, "Europe/Paris", campaign_id).of
        in_india = progress(session, alice, "Asia/Kolkata", campaign_id).of
        begun = progress(session, alice, "Asia/Kolkata", campaign_id, start + timedelta(minutes=20)).of
    assert [(hour.at.hour, hour.sent) for hour in hours_shown] == [(5, 3), (6, 0), (7, 4)]
    assert [f"{hour.at:%H:%M}" for hour in in_india] == ["09:30", "10:30", "11:30"]  # mails of 09:45 are not at 09:00
    assert [f"{hour.at:%H:%M}" for hour in begun] == ["09:50", "10:30", "11:30"]  # none before it began


def test_a_campaign_of_many_days_is_shown_to_its_last_day(stack: Stack) -> None:
    start = datetime(2026, 11, 1, 20, tzinfo=UTC)
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = rows.campaign(session, alice)
        for hours, sent in ((0, 3), (1, 4), (95, 5)):
            session.add(Activity(campaign_id=campaign_id, hour_at=start + timedelta(hours=hours), sent_count=sent))
        session.flush()
        told = progress(session, alice, "Asia/Kolkata", campaign_id)
    assert told.unit == "day"
    assert [(day.at, day.sent) for day in told.of] == [
        (datetime(2026, 11, day), sent) for day, sent in ((2, 7), (3, 0), (4, 0), (5, 0), (6, 5))
    ]
