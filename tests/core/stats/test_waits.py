from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from core import clock, db, stats
from core.campaigns import refusing
from core.delivery import replies, usage, workers
from core.models import Campaign, Message, RefusingDomain, Sender
from tests import rows
from tests.conftest import Stack

ZONE = "Asia/Kolkata"


def world(session: Session, status: str = "sending", **values: object) -> tuple[int, int, Sender]:
    """A campaign with two mails waiting and one sent."""
    alice = rows.user(session)
    sender = rows.sender(session, alice, lease_until=db.now(session) + timedelta(minutes=1))
    states = {"sent": ["a@x.io"], "pending": ["b@x.io", "c@x.io"]}
    return alice, rows.campaign(session, alice, states, sender_id=sender.id, status=status, **values), sender


def test_a_moment_of_another_day_is_told_with_its_date() -> None:
    now = clock.utcnow()
    assert clock.of_day(now, ZONE) == f"{clock.to_zone(now, ZONE):%H:%M:%S} IST"
    for other in (now - timedelta(days=1), now + timedelta(days=1)):
        assert clock.of_day(other, ZONE) == clock.show(other, ZONE, seconds=True)


def test_a_cooling_sender_is_explained_with_the_servers_words_and_the_time(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        until = db.now(session) + timedelta(seconds=58)
        sender.state, sender.cooling_until, sender.state_kind = "cooling", until, "throttle_rate"
        sender.state_reply = "451 4.7.1 Ratelimit"
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        sender.state_reply = "451 4.7.1 " + "please slow down " * 10
        session.flush()
        long = stats.waiting(session, alice, campaign_id, ZONE)
        sender.state_reply = ""
        session.flush()
        silent = stats.waiting(session, alice, campaign_id, ZONE)
    assert wait.until == until and wait.tone == "pending" and wait.reply == ""
    time_shown = clock.of_day(until, ZONE)
    assert "IST" in time_shown
    assert wait.lead == f"Hostinger answered 451 4.7.1 Ratelimit: resuming at {time_shown}"
    assert wait.rest == ", 2 waiting." and wait.sentence == wait.lead + wait.rest
    assert wait.why == "Hostinger asks us to slow down. We wait and try again."
    assert long.reply.startswith("451 4.7.1 please") and len(long.reply) > 150 and "…: resuming at" in long.lead
    assert silent.sentence == f"{wait.why} Resuming at {time_shown}, 2 waiting."


def test_a_connection_that_was_lost_is_no_answer(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        until = db.now(session) + timedelta(seconds=58)
        words = {"state_rule": replies.CONNECTION, "state_reply": "The server closed the connection"}
        sender.sqlmodel_update({"state": "cooling", "cooling_until": until, "state_kind": "temporary", **words})
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        sender.state_reply = "421 4.7.0 " + "come back later " * 20
        session.flush()
        long = stats.waiting(session, alice, campaign_id, ZONE)
    assert len(long.lead) < 250 and long.reply == sender.state_reply
    assert wait.lead.startswith(
        "The connection to Hostinger ended too early. We try again. The server closed the connection. Next try at "
    )


def test_a_blocked_sender_needs_the_user(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        sender.state, sender.state_kind, sender.state_reply = "blocked", "auth", "535 5.7.8 Bad credentials"
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
    assert wait.tone == "failed" and "sign-in" in wait.sentence and wait.reply == "535 5.7.8 Bad credentials"
    assert wait.at_sender


@pytest.mark.parametrize(("reason", "words"), [("auth", "refused the sign-in"), ("sender", "allow the From address")])
def test_a_pause_no_longer_claims_a_refusal_once_the_sender_was_saved(stack: Stack, reason: str, words: str) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session, "paused", pause_reason=reason, pause_detail="535 5.7.8 no")
        sender.state, sender.state_kind = "blocked", "auth"
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        assert words in wait.lead and wait.lead.startswith("Paused because")
        assert (wait.tone, wait.reply, wait.at_sender) == ("failed", "535 5.7.8 no", True)
        sender.state = "ready"
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        assert words in wait.lead and wait.lead.startswith("Paused when") and wait.lead.endswith("since. Resume it.")
        assert (wait.tone, wait.reply, wait.at_sender) == ("pending", "", False)


def test_the_delay_is_named_where_it_is_what_binds(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        sender.per_minute = 120
        session.flush()
        sentence = stats.waiting(session, alice, campaign_id, ZONE).sentence
        assert "Hostinger sends at most 30 mails a minute: 2 connections with 4 s between mails." in sentence
        sender.learned_per_minute = 12.0
        session.flush()
        assert "slowed Hostinger down to 12" in stats.waiting(session, alice, campaign_id, ZONE).sentence
        sender.sqlmodel_update({"per_minute": 900, "delay_seconds": 0.0, "learned_per_minute": 446.53})
        session.flush()
        assert "down to 447 mails a minute." in stats.waiting(session, alice, campaign_id, ZONE).sentence
        sender.sqlmodel_update({"per_second": 12, "per_minute": 600, "learned_per_minute": None})
        session.flush()
        assert "at most 600 mails a minute." in stats.waiting(session, alice, campaign_id, ZONE).sentence
        sender.sqlmodel_update({"per_second": 5})
        session.flush()
        assert "at most 5 mails a second." in stats.waiting(session, alice, campaign_id, ZONE).sentence


def test_pace_and_retries_say_when_the_next_mail_goes(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        now = db.now(session)
        assert stats.waiting(session, alice, campaign_id, ZONE).sentence.startswith("Sending now. Hostinger sends at")
        sender.next_start_at = now + timedelta(seconds=40)
        sender.per_minute = 1  # it goes on
        session.flush()
        assert stats.waiting(session, alice, campaign_id, ZONE).sentence.startswith("Sending now.")
        sender.per_minute, sender.next_start_at = 30, now + timedelta(minutes=5)
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        assert wait.until == sender.next_start_at and "at most 30 mails a minute" in wait.sentence
        for message in session.exec(select(Message).where(col(Message.state) == "pending")):
            message.retry_at = now + timedelta(minutes=15)
            message.reply_code, message.reply = 450, "4.2.0 Greylisted"
        session.flush()
        assert not stats.waiting(session, alice, campaign_id, ZONE).try_mails  # a limit is full
        sender.next_start_at = now
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        assert wait.try_mails and wait.try_sender is None
        session.get_one(Campaign, campaign_id).pending_count = 1
        session.flush()
        last = stats.waiting(session, alice, campaign_id, ZONE)
    assert "All 2 that remain wait to be tried again" in wait.sentence and wait.reply == "450 4.2.0 Greylisted"
    assert last.sentence.startswith("The last mail waits to be tried again at ")


def test_while_what_went_out_before_a_lower_limit_counts_nothing_is_said_to_go_out(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        sender.paced_until = db.now(session) + timedelta(seconds=50)
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        why = "Hostinger sends at most 30 mails a minute. What went out before counts. Next mail at "
        assert wait.lead.startswith(why)
        assert (wait.until, wait.tone) == (sender.paced_until, "pending")
        sender.per_minute, sender.delay_seconds = None, 0.0  # that wait holds on
        session.flush()
        assert stats.waiting(session, alice, campaign_id, ZONE).until == sender.paced_until


def test_without_a_worker_it_says_that_it_waits_for_one(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        sender.lease_until = None
        session.flush()
        assert "as soon as a worker is free" in stats.waiting(session, alice, campaign_id, ZONE).sentence


@pytest.mark.parametrize(
    ("sender", "campaign"),
    [
        ({"owner": "", "lease_until": None}, {}),
        ({"owner": "", "lease_until": None, "next_start_at": timedelta(minutes=5)}, {}),
        ({"owner": "killed", "lease_until": -timedelta(minutes=1)}, {}),
        ({}, {"snapshot_done": False, "recipients_count": 0, "pending_count": 0}),
        ({}, {"status": "scheduled", "scheduled_at": -timedelta(minutes=1)}),
    ],
)
def test_without_any_worker_it_says_who_can_help(
    stack: Stack, sender: dict[str, Any], campaign: dict[str, Any]
) -> None:
    with db.session() as session:
        alice, campaign_id, by = world(session)
        for row, values in ((by, sender), (session.get_one(Campaign, campaign_id), campaign)):
            for name, value in values.items():
                setattr(row, name, db.now(session) + value if isinstance(value, timedelta) else value)
        session.flush()
        before = stats.waiting(session, alice, campaign_id, ZONE)
        workers.leave(session, "host:1")
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        assert wait.sentence.startswith("No worker is running, so nothing is sent.") and wait.tone == "failed"
        workers.tell(session, "host:2", workers.Figures())
        assert stats.waiting(session, alice, campaign_id, ZONE) == before
    db.clock_offset += timedelta(seconds=46)  # killed: it told nothing for three times
    with db.session() as session:
        assert stats.waiting(session, alice, campaign_id, ZONE) == wait


OFFICE = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": ZONE}
RAMP = {"start": 50, "factor": 1.5, "days": 14, "began": "2026-11-23", "zone": ZONE}


@pytest.mark.parametrize("whose", ["sender", "campaign"])
def test_a_closed_window_says_when_the_next_mail_goes(stack: Stack, whose: str) -> None:
    db.clock_offset = datetime(2026, 11, 25, 15, tzinfo=UTC) - clock.utcnow()
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        row = sender if whose == "sender" else session.get_one(Campaign, campaign_id)
        row.sending_window = OFFICE
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
    assert wait.sentence == "Sends Mon–Fri 09:00–18:00 IST. Next mail Thu 26 Nov, 09:00 IST; 2 waiting."
    assert wait.until == datetime(2026, 11, 26, 3, 30, tzinfo=UTC) and wait.tone == "pending"


def test_a_campaigns_warm_up_says_its_day_and_its_number(stack: Stack) -> None:
    db.clock_offset = datetime(2026, 11, 25, 15, tzinfo=UTC) - clock.utcnow()
    with db.session() as session:
        alice, campaign_id, _ = world(session, warmup=RAMP, hold_until=datetime(2026, 11, 25, 18, 30, tzinfo=UTC))
        wait = stats.waiting(session, alice, campaign_id, ZONE)
    expected = "Warm-up day 3: at most 112 mails today. Next mail Thu 26 Nov, 00:00 IST; 2 waiting."
    assert wait.sentence == expected


def test_a_senders_full_day_says_which_limit_it_is(stack: Stack) -> None:
    db.clock_offset = datetime(2026, 11, 25, 15, tzinfo=UTC) - clock.utcnow()
    sentences = []
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        assert sender.id is not None
        now = db.now(session)
        sender.next_start_at = now + timedelta(hours=3)
        usage.record(session, sender.id, now - timedelta(hours=2), 112)
        for limits in ({"warmup": RAMP}, {"per_day": 100}, {"per_hour": 10, "per_day": None}):
            sender.sqlmodel_update({"warmup": None, **limits})
            session.flush()
            sentences.append(stats.waiting(session, alice, campaign_id, ZONE).sentence.partition(" Next")[0])
            usage.record(session, sender.id, now - timedelta(minutes=5), 10)
    assert sentences == [
        "Warm-up day 3: at most 112 mails today.",
        "Hostinger sends at most 100 mails a day.",
        "Hostinger sends at most 10 mails an hour.",
    ]


def test_a_learned_pace_is_told_instead_of_the_limit(sqlite_stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        sender.learned_per_minute = 12.04
        session.flush()
        sentence = stats.waiting(session, alice, campaign_id, ZONE).sentence
    assert sentence == "Sending now. Its provider slowed Hostinger down to 12 mails a minute. 2 waiting."


def test_while_it_sends_the_warm_up_is_told(sqlite_stack: Stack) -> None:
    db.clock_offset = datetime(2026, 11, 25, 15, tzinfo=UTC) - clock.utcnow()
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        sender.warmup = RAMP
        session.flush()
        sentence = stats.waiting(session, alice, campaign_id, ZONE).sentence
    assert sentence.startswith("Sending now.") and "Warm-up day 3: at most 112 mails today. 2 waiting." in sentence


@pytest.mark.parametrize(
    ("status", "values", "words"),
    [
        ("draft", {}, "A draft."),
        ("scheduled", {"scheduled_at": clock.utcnow() + timedelta(days=1)}, "IST"),
        ("scheduled", {"scheduled_at": clock.utcnow() - timedelta(days=1)}, "any moment"),
        ("paused", {"pause_reason": "user"}, "Paused by you"),
        ("paused", {"pause_reason": "auth", "pause_detail": "535"}, "Hostinger refused the sign-in"),
        ("paused", {"pause_reason": "missed"}, "was not running"),
        ("cancelled", {}, "Cancelled."),
        ("sent", {"finished_at": clock.utcnow()}, "IST."),
    ],
)
def test_every_status_has_its_sentence(sqlite_stack: Stack, status: str, values: dict[str, object], words: str) -> None:
    with db.session() as session:
        alice, campaign_id, _ = world(session, status, **values)
        assert words in stats.waiting(session, alice, campaign_id, ZONE).sentence


@pytest.mark.parametrize(
    ("states", "tone", "words"),
    [
        ({"sent": 2}, "sent", "Finished."),
        ({"sent": 2, "failed": 1}, "sent", "Finished. 1 mail failed."),
        ({"failed": 2, "suppressed": 1}, "failed", "Finished. 2 mails failed. Nobody got it."),
        ({"failed": 1, "unknown": 1}, "failed", "Finished. 1 mail failed."),
        ({"suppressed": 1}, "quiet", "Finished. Nobody got it."),
    ],
)
def test_what_has_failed_does_not_end_as_a_success(
    sqlite_stack: Stack, states: dict[str, int], tone: str, words: str
) -> None:
    with db.session() as session:
        alice = rows.user(session)
        people = {state: [f"{state}{number}@x.io" for number in range(count)] for state, count in states.items()}
        wait = stats.waiting(session, alice, rows.campaign(session, alice, people, status="sent"), ZONE)
    assert (wait.tone, wait.sentence) == (tone, words)


def test_the_last_mails_and_the_first_moment_are_told_apart(sqlite_stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        sender = rows.sender(session, alice)
        preparing = rows.campaign(session, alice, sender_id=sender.id, snapshot_done=False)
        last = rows.campaign(session, alice, {"claimed": ["a@x.io"]}, sender_id=sender.id)
        lost = rows.campaign(session, alice, {"pending": ["a@x.io"]}, sender_id=None)
        sentences = [stats.waiting(session, alice, number, ZONE).sentence for number in (preparing, last, lost)]
    assert sentences[0] == "Preparing the recipients."
    assert sentences[1] == "The last mail is on its way."
    assert "deleted" in sentences[2]


def test_a_scheduled_campaign_starts_in_the_zone_it_was_chosen_in(stack: Stack) -> None:
    with db.session() as session:
        alice, at = rows.user(session), datetime(2099, 1, 5, 3, 30, tzinfo=UTC)
        values = {"status": "scheduled", "scheduled_at": at, "time_zone": "Asia/Kolkata"}
        made = rows.campaign(session, alice, **values)
        here, there = (stats.waiting(session, alice, made, zone) for zone in ("Asia/Kolkata", "Europe/Berlin"))
        assert (here.lead, here.rest) == ("Starts Mon 5 Jan 2099, 09:00 IST", ".")
        assert (there.lead, there.rest) == (here.lead, ". For you: Mon 5 Jan 2099, 04:30 CET.")


def test_a_wait_for_the_server_can_be_ended_and_one_for_hours_or_a_limit_is_told_and_cannot(stack: Stack) -> None:
    db.clock_offset = datetime(2026, 11, 25, 15, tzinfo=UTC) - clock.utcnow()
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        now = db.now(session)
        sender.sqlmodel_update(
            {"state": "cooling", "cooling_until": now + timedelta(minutes=30), "state_reply": "451 no"}
        )
        told = {}
        for name, mine, its in (
            ("server", {}, {}),
            ("sender's hours", {"sending_window": OFFICE}, {}),
            ("campaign's hours", {}, {"sending_window": OFFICE}),
            ("limit", {"next_start_at": now + timedelta(hours=3)}, {}),
            ("limit, but sooner", {"next_start_at": now + timedelta(minutes=20)}, {}),
        ):
            sender.sqlmodel_update({"sending_window": None, "next_start_at": None, **mine})
            session.get_one(Campaign, campaign_id).sqlmodel_update({"sending_window": None, **its})
            session.flush()
            wait = stats.waiting(session, alice, campaign_id, ZONE)
            told[name] = (wait.lead.split(":")[0].split(". Next")[0], wait.try_sender)
    assert told == {
        "server": ("Hostinger answered 451 no", sender.id),
        "sender's hours": ("Sends Mon–Fri 09", None),
        "campaign's hours": ("Sends Mon–Fri 09", None),
        "limit": ("Hostinger sends at most 30 mails a minute. What went out before counts", None),
        "limit, but sooner": ("Hostinger answered 451 no", None),
    }


@pytest.mark.parametrize(
    ("kind", "learned", "said"),
    [
        ("throttle_rate", {}, ""),
        ("throttle_rate", {"learned_per_minute": 15.0}, " After that it sends at most 15 mails a minute."),
        ("throttle_rate", {"learned_per_minute": 30.0}, ""),  # no slower than its own limit
        ("throttle_connections", {}, ""),
        ("throttle_connections", {"connections": 4, "learned_connections": 1}, " After that it uses 1 connection."),
        ("throttle_connections", {"connections": 1, "learned_connections": 1}, ""),
        ("quota_day", {"learned_per_minute": 15.0}, ""),
    ],
)
def test_only_a_slow_down_that_was_learned_is_promised(
    sqlite_stack: Stack, kind: str, learned: dict[str, object], said: str
) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        until = db.now(session) + timedelta(minutes=5)
        sender.sqlmodel_update({"state": "cooling", "cooling_until": until, "state_kind": kind, **learned})
        session.flush()
        why = stats.waiting(session, alice, campaign_id, ZONE).lead.partition(" Resuming")[0]
    sentence = replies.explain("", kind, "Hostinger")
    assert "slowly" not in sentence and "fewer and" not in sentence
    assert why == sentence + said


def test_a_worker_that_gives_no_heartbeat_is_not_said_to_send(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        now = db.now(session)
        told = []
        for seconds in (29, 16, 14, -1):  # of the lease of 30 s are left
            sender.owner, sender.lease_until = "dead:1", now + timedelta(seconds=seconds)
            session.flush()
            told.append(stats.waiting(session, alice, campaign_id, ZONE).sentence.partition(";")[0][:26])
    assert told == ["Sending now. Hostinger sen"] * 2 + ["The part of the program th"] * 2


def test_while_a_test_has_its_sender_a_campaign_says_so(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        sender.owner, sender.guest_until = "", db.now(session) + timedelta(seconds=15)
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        sender.guest_until = db.now(session) - timedelta(seconds=1)
        session.flush()
        assert stats.waiting(session, alice, campaign_id, ZONE).lead.startswith("Sending now.")
    assert wait.sentence == "A test goes through Hostinger first; sending goes on right after it. 2 waiting."
    assert wait.tone == "pending" and wait.until is None


def test_while_a_server_that_was_not_reached_is_tried_nothing_is_said_to_go_out(stack: Stack) -> None:
    with db.session() as session:
        alice, campaign_id, sender = world(session)
        words = {"state_kind": "temporary", "state_rule": replies.UNREACHED, "state_reply": "Nothing answers."}
        sender.sqlmodel_update({"owner": "w", "cooldown_step": 2, **words})
        campaign = session.get_one(Campaign, campaign_id)
        campaign.pending_count, campaign.claimed_count = 0, 2  # few enough for one claim
        session.flush()
        wait = stats.waiting(session, alice, campaign_id, ZONE)
        assert stats.summary(session, alice, campaign_id).waits
        assert stats.health(session, alice)[0].state == replies.UNREACHED
        sender.state_rule = ""
        session.flush()
        assert stats.waiting(session, alice, campaign_id, ZONE).tone == "sent"
        assert not stats.summary(session, alice, campaign_id).waits
    assert wait.lead == (
        "Hostinger cannot be reached, so nothing is sent. We try again by ourselves. Nothing answers. "
        "It is tried now; 2 waiting."
    )
    assert wait.tone == "pending" and wait.until is None


def test_the_domains_that_a_campaign_goes_on_without_are_named_with_their_mails(stack: Stack) -> None:
    with db.session() as session:
        alice, stranger = rows.user(session), rows.user(session, "charlie@example.com")
        sender = rows.sender(session, alice, lease_until=db.now(session) + timedelta(minutes=1))
        states = {"sent": ["a@x.io"], "pending": ["b@x.io"], "failed": [f"r{number}@strict.io" for number in range(3)]}
        campaign_id = rows.campaign(session, alice, states, sender_id=sender.id)
        failed = session.exec(select(Message).where(col(Message.state) == "failed")).all()
        failed[0].sqlmodel_update({"kind": "policy", "rule_id": "blocklist"})
        assert stats.waiting(session, alice, campaign_id, ZONE).left_out == ""
        session.add(RefusingDomain(campaign_id=campaign_id, domain="strict.io", reply="No"))
        session.flush()
        assert stats.waiting(session, alice, campaign_id, ZONE).left_out == ""  # all of its mails were tried
        for message in failed[1:]:
            message.sqlmodel_update({"kind": "policy", "rule_id": replies.LEFT_OUT})
        session.flush()
        one = stats.waiting(session, alice, campaign_id, ZONE)
        assert refusing.left_out_of(session, stranger, campaign_id) == ([], 0)
        names = ("xn--mller-kva.example", "y.io", "z.io")
        session.add_all(RefusingDomain(campaign_id=campaign_id, domain=name, reply="No") for name in names)
        session.flush()
        many = stats.waiting(session, alice, campaign_id, ZONE)
    said = "as its server refused this campaign again and again: 2 mails were not sent."
    assert one.left_out == f"strict.io is left out, {said}" and one.sentence == many.sentence
    assert many.left_out.startswith("strict.io, müller.example, y.io and 1 more are left out, as their servers refused")
