import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from core import campaigns, clock, config, db, live
from core.errors import NotFound, RuleError
from core.models import CampaignStatus, PauseReason, Sender
from tests.conftest import Stack
from tests.core.campaigns.rows import NOW, contact_list, id_of, ledger, put, read, user


def test_a_campaign_goes_out_at_its_time_and_is_sent_when_nothing_is_left(alice: int, draft: int) -> None:
    with db.session() as session:
        at = db.now(session) + timedelta(minutes=10)
        campaigns.schedule(session, alice, draft, at, "Europe/Berlin")
        assert campaigns.start_due(session) == []
    assert (read(draft).status, read(draft).scheduled_at, read(draft).time_zone) == (
        "scheduled",
        at,
        "Europe/Berlin",
    )
    db.clock_offset = timedelta(minutes=10)
    with db.session() as session:
        assert campaigns.start_due(session) == [draft]
        assert campaigns.start_due(session) == []
        assert campaigns.finish_done(session) == []  # recipients are not snapshotted yet
    started = read(draft)
    assert started.status == "sending" and started.started_at is not None and started.started_at >= at
    put(draft, CampaignStatus.sending, sent=2, failed=1)
    with db.session() as session:
        assert campaigns.finish_done(session) == [draft]
    assert read(draft).status == "sent" and read(draft).finished_at is not None


@pytest.mark.parametrize("state", ["pending", "claimed", "sending"])
def test_a_campaign_with_mail_still_to_decide_is_not_sent(alice: int, draft: int, state: str) -> None:
    put(draft, CampaignStatus.sending, sent=1, **{state: 1})
    with db.session() as session:
        assert campaigns.finish_done(session) == []


def test_a_time_in_the_past_is_asked_about(alice: int, draft: int) -> None:
    with pytest.raises(campaigns.InThePast, match=r"in the past\. Choose a later time, or send now"):
        with db.session() as session:
            campaigns.schedule(session, alice, draft, db.now(session) - timedelta(seconds=1))
    assert read(draft).status == "draft"


def test_unscheduling_makes_a_draft_that_keeps_its_time_as_a_plan(alice: int, draft: int) -> None:
    with db.session() as session:
        at = db.now(session) + timedelta(days=1)
        campaigns.schedule(session, alice, draft, at)
        campaigns.unschedule(session, alice, draft)
    assert (read(draft).status, read(draft).scheduled_at) == ("draft", at)
    db.clock_offset = timedelta(days=2)
    with db.session() as session:
        assert campaigns.start_due(session) == []


def test_clicks_are_counted_at_the_links_that_the_mail_has_when_it_is_scheduled(
    stack: Stack, alice: int, draft: int
) -> None:
    config.use(config.load({**stack.env, "BASE_URL": "https://mail.example.com"}))
    version = 2
    for address in ("https://old.example/", "https://new.example/?a=1&amp;b=2"):
        body = (
            f'<p><a href="{address}">Shop</a> <a href="{address}#top">Top</a> <a href="mailto:a@b.example">Us</a></p>'
        )
        with db.session() as session:
            version = campaigns.save_draft(session, alice, draft, version, body=body)
            assert campaigns.content(session, campaigns.get(session, alice, draft)).links == ()
            campaigns.schedule(session, alice, draft, db.now(session) + timedelta(days=1))
        with db.reading() as session:
            kept = campaigns.content(session, campaigns.get(session, alice, draft)).links
        plain = address.replace("&amp;", "&")
        assert [url for url, _ in kept] == [plain, f"{plain}#top"]
        with db.session() as session:
            campaigns.unschedule(session, alice, draft)


def test_send_now_starts_with_the_next_tick(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.send_now(session, alice, draft)
    with db.session() as session:
        assert campaigns.start_due(session) == [draft]


def test_a_campaign_without_a_name_goes_by_its_subject(alice: int, draft: int) -> None:
    with db.session() as session:
        subject = 'Hello {{ first_name | default: "you" }}'
        campaigns.save_draft(session, alice, draft, 2, name=" ", subject=subject)
        assert campaigns.duplicate(session, alice, draft).name == "Copy of Hello you"
        campaigns.send_now(session, alice, draft)
    assert read(draft).name == "Hello you"


def test_of_two_who_send_at_once_one_is_refused_and_one_campaign_starts(alice: int, draft: int) -> None:
    def send(_: int) -> str:
        try:
            with db.session() as session:
                campaigns.send_now(session, alice, draft)
        except RuleError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(send, range(2)))
    assert answers[0] == "" and "already scheduled" in answers[1]

    def tick(_: int) -> list[int]:
        with db.session() as session:
            return campaigns.start_due(session)

    with ThreadPoolExecutor(4) as pool:
        started = [campaign for found in pool.map(tick, range(4)) for campaign in found]
    assert started == [draft]


def test_a_start_missed_by_more_than_an_hour_asks_instead_of_surprising(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.send_now(session, alice, draft)
    db.clock_offset = timedelta(hours=1, seconds=5)
    with db.session() as session:
        assert campaigns.start_due(session) == []
    missed = read(draft)
    assert (missed.status, missed.pause_reason, missed.started_at) == ("paused", PauseReason.missed, None)
    with db.session() as session:
        campaigns.resume(session, alice, draft)
    resumed = read(draft)
    assert (resumed.status, resumed.pause_reason) == ("sending", "") and resumed.started_at is not None


def test_a_start_late_by_less_than_an_hour_goes_out(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.send_now(session, alice, draft)
    db.clock_offset = timedelta(minutes=59)
    with db.session() as session:
        assert campaigns.start_due(session) == [draft]


def test_pause_and_resume_keep_the_start_and_clear_the_reason(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.send_now(session, alice, draft)
        campaigns.start_due(session)
    began = read(draft).started_at
    with db.session() as session:
        campaigns.pause(session, alice, draft)
    assert (read(draft).status, read(draft).pause_reason) == ("paused", PauseReason.user)
    with db.session() as session:
        campaigns.resume(session, alice, draft)
    assert (read(draft).status, read(draft).pause_reason, read(draft).started_at) == ("sending", "", began)


def test_the_engine_pauses_with_the_servers_words_once(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sending, pending=1)
    with db.session() as session:
        assert campaigns.pause_for(session, draft, PauseReason.auth, "535 5.7.8 Bad credentials")
        assert not campaigns.pause_for(session, draft, PauseReason.content, "554 spam")
    paused = read(draft)
    assert (paused.status, paused.pause_reason, paused.pause_detail) == ("paused", "auth", "535 5.7.8 Bad credentials")


def test_a_campaign_does_not_resume_on_a_sender_that_is_gone(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.paused, pending=1)
    with db.session() as session:
        session.exec(select(Sender)).one().deleted_at = NOW
    with pytest.raises(RuleError, match="was deleted"), db.session() as session:
        campaigns.resume(session, alice, draft)
    assert read(draft).status == "paused"


@pytest.mark.parametrize("status", [CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused])
def test_cancel_ends_what_waits_and_leaves_what_a_worker_holds(alice: int, draft: int, status: CampaignStatus) -> None:
    put(draft, status, pending=5, claimed=2, sending=1, sent=3)
    with db.session() as session:
        campaigns.cancel(session, alice, draft)
    assert ledger(draft) == {"cancelled": 5, "claimed": 2, "sending": 1, "sent": 3}
    assert read(draft).status == "cancelled" and read(draft).finished_at is not None


def test_what_comes_back_to_a_cancelled_campaign_is_cancelled_too(
    alice: int, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.campaigns.states._AT_ONCE", 2)
    put(draft, CampaignStatus.sending, pending=3, sent=1)
    with db.session() as session:
        campaigns.cancel(session, alice, draft)
    assert ledger(draft) == {"cancelled": 2, "pending": 1, "sent": 1}
    with db.session() as session:
        assert campaigns.finish_done(session) == []
    assert ledger(draft) == {"cancelled": 3, "sent": 1}
    assert read(draft).status == "cancelled"


_STEPS: dict[str, tuple[Callable[[Session, int, int], object], set[str]]] = {
    "send_now": (campaigns.send_now, {"draft"}),
    "unschedule": (campaigns.unschedule, {"scheduled"}),
    "pause": (campaigns.pause, {"sending"}),
    "resume": (campaigns.resume, {"paused"}),
    "cancel": (campaigns.cancel, {"scheduled", "sending", "paused"}),
    "retry_failed": (campaigns.retry_failed, {"sent", "sending", "paused"}),
    "try_again_now": (campaigns.try_again_now, set()),  # none was put off
    "delete": (campaigns.delete, set(CampaignStatus) - {"sending"}),
}


@pytest.mark.parametrize("status", list(CampaignStatus))
@pytest.mark.parametrize("step", _STEPS)
def test_every_other_step_is_refused_and_changes_nothing(
    alice: int, draft: int, step: str, status: CampaignStatus
) -> None:
    call, allowed = _STEPS[step]
    if status in allowed:
        return
    put(draft, status, pending=1, failed=1)
    before = read(draft).model_dump()
    with db.session() as session, pytest.raises(RuleError):
        call(session, alice, draft)  # even when the caller goes on and commits
    assert read(draft).model_dump() == before
    assert ledger(draft) == {"pending": 1, "failed": 1}


def test_a_stranger_finds_no_campaign(alice: int, draft: int) -> None:
    with db.session() as session:
        charlie = user(session, "charlie@example.com")
        his = contact_list(session, charlie, "x@example.org")
        hers = campaigns.list_ids(session, alice, draft)
        her_sender = campaigns.get(session, alice, draft).sender_id
    soon = clock.utcnow() + timedelta(hours=1)
    attempts: list[Callable[[Session], object]] = [
        lambda s: campaigns.get(s, charlie, draft),
        lambda s: campaigns.save_draft(s, charlie, draft, 2, subject="Mine"),
        lambda s: campaigns.set_lists(s, charlie, draft, [his]),
        lambda s: campaigns.list_ids(s, charlie, draft),
        lambda s: campaigns.duplicate(s, charlie, draft),
        lambda s: campaigns.problems(s, charlie, draft),
        lambda s: campaigns.findings(s, charlie, draft),
        lambda s: campaigns.schedule(s, charlie, draft, soon),
        *[lambda s, call=call: call(s, charlie, draft) for call, _ in _STEPS.values()],
    ]
    for status in (CampaignStatus.draft, CampaignStatus.sending, CampaignStatus.sent):
        put(draft, status)
        before = read(draft).model_dump()
        for attempt in attempts:
            with db.session() as session, pytest.raises(NotFound):
                attempt(session)
        assert read(draft).model_dump() == before
    with db.session() as session:
        own = campaigns.create(session, charlie)
        with pytest.raises(NotFound):
            campaigns.set_lists(session, charlie, id_of(own), hers)
        with pytest.raises(NotFound):
            campaigns.save_draft(session, charlie, id_of(own), 1, sender_id=her_sender)
        assert [c.id for c in campaigns.list_all(session, charlie)] == [own.id]


def test_hints_and_wake_ups_go_out_after_the_commit(alice: int, draft: int) -> None:
    live.start()
    heard: list[object] = []
    undo = [live.subscribe(lambda hint: heard.append((hint.user_id, hint.topic, hint.id)))]
    undo.append(live.on_wake(lambda: heard.append("wake")))
    try:
        with db.session() as session:
            campaigns.send_now(session, alice, draft)
        _until(lambda: (alice, "campaign", draft) in heard and "wake" in heard)
    finally:
        for call in undo:
            call()


def _until(true: Callable[[], bool]) -> None:
    import threading

    tick = threading.Event()
    for _ in range(500):
        if true():
            return
        tick.wait(0.01)
    raise AssertionError("it did not happen within 5 s")


_IN_A_ZONE = """
import sys
from datetime import date, datetime, time, timedelta
from core import campaigns, clock, db

user_id, campaign_id = map(int, sys.argv[1:])
day = (clock.utcnow() + timedelta(days=2)).date()
due = clock.local_to_utc(day, time(9, 27), "Asia/Kolkata")
with db.session() as session:
    campaigns.schedule(session, user_id, campaign_id, due, "Asia/Kolkata")
with db.session() as session:
    kept = campaigns.get(session, user_id, campaign_id)
    assert kept.scheduled_at == due and kept.scheduled_at.strftime("%H:%M") == "03:57", kept.scheduled_at
    assert clock.show(kept.scheduled_at, "Asia/Kolkata").endswith("09:27 IST")
    db.clock_offset = due - db.now(session) - timedelta(seconds=5)
    assert campaigns.start_due(session) == [], "started too early"
    db.clock_offset = due - db.now(session) + db.clock_offset + timedelta(milliseconds=1)
    assert campaigns.start_due(session) == [campaign_id], "not started at 03:57 UTC"
"""


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_the_zone_of_the_machine_does_not_move_the_start(stack: Stack, alice: int, draft: int, zone: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _IN_A_ZONE, str(alice), str(draft)],
        env={**os.environ, **stack.env, "TZ": zone},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert read(draft).status == "sending"
