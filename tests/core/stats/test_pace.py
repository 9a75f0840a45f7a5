from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from core import clock, db, stats
from core.campaigns import samples
from core.models import Campaign, CampaignSample
from tests import rows
from tests.conftest import Stack

NOW = datetime(2026, 11, 25, 6, 0, 30, tzinfo=UTC)
ZONE = "Asia/Kolkata"


def at(minutes: float) -> datetime:
    return NOW.replace(second=0) + timedelta(minutes=minutes)


def set_clock() -> None:
    db.clock_offset = NOW - clock.utcnow()


def make(session: Session, started: float | None, sent: int, **values: object) -> tuple[int, int]:
    alice = rows.user(session)
    began = at(started) if started is not None else None
    return alice, rows.campaign(session, alice, started_at=began, sent_count=sent, **values)


def keep(session: Session, campaign_id: int, *marks: tuple[float, int, int]) -> None:
    for minutes, sent, failed in marks:
        moment = at(minutes)
        row = CampaignSample(campaign_id=campaign_id, minute_at=moment.replace(second=0, microsecond=0), at=moment)
        row.sent_count, row.failed_count = sent, failed
        session.add(row)
    session.flush()


def shown(pace: stats.Pace) -> dict[str, float | None]:
    return {f"{minute.at:%H:%M}": minute.sent for minute in pace.minutes}


def test_the_rate_is_the_difference_of_counters_on_the_users_clock(stack: Stack) -> None:
    set_clock()
    with db.session() as session:
        alice, campaign_id = make(session, -90, 460, failed_count=6)
        keep(session, campaign_id, (-5, 300, 2), (-4, 330, 2), (-3, 360, 6), (-2, 360, 6), (-1, 400, 6))
        pace = stats.pace(session, stats.summary(session, alice, campaign_id), ZONE)
    assert len(pace.minutes) == 60
    minutes = shown(pace)
    assert list(minutes)[-6:] == ["11:25", "11:26", "11:27", "11:28", "11:29", "11:30"]  # half an hour off: 05:25 UTC
    assert list(minutes.values())[-6:-2] == [30, 30, 0, 40]
    assert [minute.failed for minute in pace.minutes][-5] == 4
    assert sum(list(minutes.values())[-6:]) == 160  # with the minute that runs: nothing of 460 - 300 is missing
    assert minutes["11:24"] is None  # before the first count nobody knows
    assert pace.per_minute == pytest.approx(40, abs=0.5)  # 60 mails in 90 s, evenly


def test_a_campaign_that_ran_for_seconds_between_two_counts_has_a_rate(stack: Stack) -> None:
    set_clock()
    with db.session() as session:
        alice, campaign_id = make(session, -2.5, 500, status="sent", finished_at=at(-1.75))
        pace = stats.pace(session, stats.summary(session, alice, campaign_id), ZONE)
    minutes = shown(pace)
    assert len(minutes) == 10 and sum(minutes.values()) == pytest.approx(500)
    assert (minutes["11:27"], minutes["11:26"]) == (pytest.approx(333.3, abs=0.1), 0) and pace.per_minute == 0
    assert minutes["11:28"] == pytest.approx(166.7, abs=0.1)  # where it finished, also of a part of a minute
    with db.session() as session:
        session.get_one(Campaign, campaign_id).finished_at = at(-0.5)
        session.flush()
        minutes = shown(stats.pace(session, stats.summary(session, alice, campaign_id), ZONE))
    assert (minutes["11:27"], minutes["11:28"], minutes["11:29"]) == (125, 250, 125)


def test_nothing_is_shown_before_the_first_whole_minute(stack: Stack) -> None:
    set_clock()
    with db.session() as session:
        alice, campaign_id = make(session, 0.2, 90)
        young = stats.pace(session, stats.summary(session, alice, campaign_id), ZONE)
    assert not young.is_known and young.per_minute == 90


def test_what_is_tried_again_is_no_negative_rate_and_a_draft_has_none(stack: Stack) -> None:
    set_clock()
    with db.session() as session:
        alice, campaign_id = make(session, -30, 100, failed_count=0)
        keep(session, campaign_id, (-3, 100, 50), (-2, 100, 0))
        pace = stats.pace(session, stats.summary(session, alice, campaign_id), ZONE)
        draft = rows.campaign(session, alice, status="draft")
        nothing = stats.pace(session, stats.summary(session, alice, draft), ZONE)
    assert len(pace.minutes) == 31 and pace.minutes[-4].failed == 0 and pace.is_known
    assert nothing == stats.Pace() and not nothing.is_known


def test_counters_are_kept_of_what_runs_and_forgotten_after_hours(stack: Stack) -> None:
    set_clock()
    db.clock_offset -= timedelta(seconds=25)
    with db.session() as session:
        alice = rows.user(session)
        running = rows.campaign(session, alice, {"sent": ["a@x.io"], "pending": ["b@x.io"]})
        paused = rows.campaign(session, alice, {"sent": ["a@x.io"]}, status="paused", updated_at=at(-1))
        rows.campaign(session, alice, {"sent": ["a@x.io"]}, status="paused", updated_at=at(-9))
        rows.campaign(session, alice, {"sent": ["a@x.io"]}, status="sent")
        rows.campaign(session, alice, {"sent": ["a@x.io"]}, deleted_at=db.now(session))
    for _ in range(2):
        with db.session() as session:
            assert samples.take(session) is False
    with db.reading() as session:
        kept = session.exec(select(CampaignSample).order_by(CampaignSample.campaign_id)).all()
    assert [(row.campaign_id, row.minute_at, row.sent_count) for row in kept] == [
        (running, at(0), 1),
        (paused, at(0), 1),
    ]
    db.clock_offset += timedelta(minutes=1)
    with db.session() as session:
        samples.take(session)
    db.clock_offset += timedelta(hours=2, minutes=59, seconds=15)
    with db.session() as session:
        assert samples.forget_old(session) == 2


def test_what_went_out_in_the_last_minute_is_right_after_the_pace_changed(stack: Stack) -> None:
    set_clock()
    with db.session() as session:
        alice, campaign_id = make(session, -10, 0)

    def sent(second: int) -> int:  # 600 a minute, 120 from the 125th second on, then nothing
        return 10 * min(second, 125) + 2 * max(0, min(second, 250) - 125)

    for second in range(0, 330, 5):
        with db.session() as session:
            db.clock_offset = NOW - clock.utcnow() + timedelta(seconds=second)
            session.get_one(Campaign, campaign_id).sent_count = sent(second)
            session.flush()
            samples.take(session)
            if second % 60 == 0:
                samples.forget_old(session)
            pace = stats.pace(session, stats.summary(session, alice, campaign_id), ZONE)
            if second >= 60:
                assert abs(pace.per_minute - sent(second) + sent(second - 60)) <= 21, second
    with db.reading() as session:
        moments = session.exec(select(CampaignSample.minute_at).order_by(CampaignSample.minute_at)).all()
    assert moments[:2] == [at(1), at(2)] and len(moments) < 30
