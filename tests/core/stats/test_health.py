from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from core import campaigns, clock, db, stats
from core.delivery import usage
from core.models import Activity, Campaign, Sender
from tests import rows
from tests.conftest import Stack

NOW = datetime(2026, 11, 25, 6, 0, 30, tzinfo=UTC)


def test_what_is_used_of_each_limit_is_what_the_engine_counts(stack: Stack) -> None:
    db.clock_offset = NOW - clock.utcnow()
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        sender = rows.sender(session, alice, per_hour=100, per_day=1000)
        free = rows.sender(session, alice, name="Own server", per_minute=None)
        assert sender.id is not None
        for minutes, count in ((0, 12), (1, 28), (50, 40), (90, 500), (60 * 26, 999)):
            usage.record(session, sender.id, NOW - timedelta(minutes=minutes), count)
        campaign_id = rows.campaign(session, alice, sender_id=free.id)
        session.add(Activity(campaign_id=campaign_id, hour_at=NOW.replace(minute=0, second=0), sent_count=77))
        session.flush()
        limited, unlimited = stats.health(session, alice)
        assert stats.health(session, charlie) == []
    uses = {use.span: (use.used, use.limit, use.is_tight) for use in limited.uses}
    assert uses == {"minute": (26, 30, False), "hour": (80, 100, False), "day": (580, 1000, False)}
    assert (limited.state, limited.why, limited.todo) == ("ready", "", "")
    assert unlimited.uses == () and unlimited.sent_day == 77


def test_of_a_campaign_with_two_senders_each_is_told_what_it_sent(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        old, new = rows.sender(session, alice, name="Old"), rows.sender(session, alice, name="New")
        assert old.id is not None and new.id is not None
        whole = rows.campaign(session, alice, sender_id=old.id)
        ids = rows.campaign(session, alice, {"sent": ["a@example.org", "b@example.org"]}, sender_id=old.id)
        for campaign_id, count in ((whole, 5), (ids, 3)):
            hour = db.now(session).replace(minute=0, second=0, microsecond=0)
            session.add(Activity(campaign_id=campaign_id, hour_at=hour, sent_count=count))
        session.flush()
        campaigns.change_sender(session, alice, ids, new.id)
        session.expire_all()
        rows.message(session, session.get_one(Campaign, ids), "c@example.org", "sent", db.now(session))
        assert {each.name: each.sent_day for each in stats.health(session, alice)} == {"Old": 7, "New": 1}


@pytest.mark.parametrize(
    ("second", "next_start", "used"),
    [
        (0, None, 12 + 20),
        (15, None, 12 + 15),
        (59, None, 12),
        (30, -20, 12 + 5),  # seconds from the full minute: the last mail went out 20 s before it
        (50, -20, 12),
        (30, 90, 12 + 10),
    ],
)
def test_the_last_minute_is_the_last_sixty_seconds(
    sqlite_stack: Stack, second: int, next_start: int | None, used: int
) -> None:
    minute = NOW.replace(second=0, microsecond=0)
    db.clock_offset = minute + timedelta(seconds=second) - clock.utcnow()
    with db.session() as session:
        begins = None if next_start is None else minute + timedelta(seconds=next_start)
        sender = rows.sender(session, rows.user(session), per_minute=240, delay_seconds=0.0, next_start_at=begins)
        usage.record(session, sender.id or 0, minute, 12)
        usage.record(session, sender.id or 0, minute - timedelta(minutes=1), 20)
        [health] = stats.health(session, sender.user_id)
    assert [(use.span, use.used) for use in health.uses] == [("minute", used)]


def test_the_use_changes_by_the_clock_when_the_oldest_mails_of_a_limit_leave_it(stack: Stack) -> None:
    db.clock_offset = NOW - clock.utcnow()
    minute, numbers = NOW.replace(second=0, microsecond=0), count()

    def changes_in(minutes_ago: list[int], **limits: int) -> float | None:
        with db.session() as session:
            mine = rows.user(session, f"user{next(numbers)}@example.com")
            sender = rows.sender(session, mine, **{"per_minute": None} | limits)
            for ago in minutes_ago:
                usage.record(session, sender.id or 0, minute - timedelta(minutes=ago), 5)
            found = stats.health(session, sender.user_id)
            return stats.changes_in(found, NOW)

    seconds = NOW.second + NOW.microsecond / 1e6
    assert changes_in([5, 50]) is None and changes_in([], per_hour=9, per_minute=9) is None
    assert changes_in([0], per_minute=9, per_hour=9) == pytest.approx(1, abs=20)
    assert changes_in([5, 50, 70], per_hour=9) == usage.HOUR.total_seconds() - 50 * 60 - seconds
    assert changes_in([5, 50, 70], per_day=9) == usage.DAY.total_seconds() - 70 * 60 - seconds


def test_a_sender_that_is_held_up_says_why_until_when_and_what_to_do(stack: Stack) -> None:
    db.clock_offset = NOW - clock.utcnow()
    with db.session() as session:
        alice = rows.user(session)
        until = NOW + timedelta(minutes=10)
        words = {"state_kind": "throttle_rate", "state_reply": "451 4.7.1 Ratelimit"}
        rows.sender(session, alice, state="cooling", cooling_until=until, host="smtp.hostinger.com", **words)
        rows.sender(session, alice, state="blocked", state_kind="auth", state_reply="535 5.7.8 Bad credentials")
        rows.sender(session, alice, state="cooling", cooling_until=NOW - timedelta(minutes=1), **words)
        cooling, blocked, over = stats.health(session, alice)
    assert (cooling.state, cooling.until, cooling.reply) == ("cooling", until, "451 4.7.1 Ratelimit")
    assert cooling.why == "Hostinger asks us to slow down. We wait and try again."
    assert "lower its mails per minute" in cooling.todo
    assert blocked.state == "blocked" and "Enter its username and password again" in blocked.todo
    assert (over.state, over.why, over.until) == ("ready", "", None)


def test_a_learned_pace_and_a_warm_up_are_the_limits_that_hold(sqlite_stack: Stack) -> None:
    db.clock_offset = NOW - clock.utcnow()
    ramp = {"start": 50, "factor": 1.5, "days": 14, "began": "2026-11-23", "zone": "Asia/Kolkata"}
    with db.session() as session:
        alice = rows.user(session)
        sender: Sender = rows.sender(session, alice, learned_per_minute=12.04, warmup=ramp)
        assert sender.id is not None
        usage.record(session, sender.id, NOW - timedelta(hours=2), 90)
        [health] = stats.health(session, alice)
    assert [(use.span, use.used, use.limit) for use in health.uses] == [("minute", 0, 12), ("warm-up", 90, 112)]
