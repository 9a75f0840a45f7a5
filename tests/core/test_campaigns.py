import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from core import campaigns, clock, db, live
from core.errors import NotFound, RuleError
from core.models import (
    Campaign,
    CampaignStatus,
    Contact,
    ContactList,
    ListMember,
    Message,
    MessageState,
    PauseReason,
    Sender,
    SenderState,
    Suppression,
    User,
)
from tests.conftest import Stack

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _id(row: User | Sender | ContactList | Contact | Campaign) -> int:
    assert row.id is not None
    return row.id


def _user(session: Session, email: str = "alice@example.com") -> int:
    user = User(email=email, password_hash="x", created_at=NOW)
    session.add(user)
    session.flush()
    session.add(Sender(user_id=_id(user), name="News", from_address="news@example.com", created_at=NOW))
    session.flush()
    return _id(user)


def _list(session: Session, user_id: int, *emails: str) -> int:
    kept = ContactList(user_id=user_id, name=f"List of {', '.join(emails)}", created_at=NOW)
    session.add(kept)
    session.flush()
    for email in emails:
        contact = Contact(user_id=user_id, email=email, created_at=NOW)
        session.add(contact)
        session.flush()
        session.add(ListMember(list_id=_id(kept), contact_id=_id(contact)))
    session.flush()
    return _id(kept)


def _ready_draft(session: Session, user_id: int) -> int:
    """A draft with nothing missing."""
    campaign = campaigns.create(session, user_id)
    campaigns.save_draft(session, user_id, _id(campaign), 1, name="News", subject="Hello", body="<p>Hi</p>")
    campaigns.set_lists(session, user_id, _id(campaign), [_list(session, user_id, "anna@example.org")])
    return _id(campaign)


@pytest.fixture
def alice(stack: Stack) -> int:
    with db.session() as session:
        return _user(session)


@pytest.fixture
def draft(alice: int) -> int:
    with db.session() as session:
        return _ready_draft(session, alice)


def _read(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def _put(campaign_id: int, status: CampaignStatus, **counts: int) -> None:
    """Put a campaign into a state with so many messages in each state, as the engine would have."""
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.status = status
        campaign.snapshot_done = True
        for state, count in counts.items():
            setattr(campaign, f"{state}_count", count)
            campaign.recipients_count += count
            for n in range(count):
                session.add(
                    Message(
                        campaign_id=campaign_id,
                        sender_id=1,
                        email=f"{state}{n}@example.org",
                        state=state,
                        attempts=3,
                        retry_at=NOW,
                    )
                )


def _ledger(campaign_id: int) -> dict[str, int]:
    """The messages by state, after checking that the counters of the campaign say the same."""
    with db.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        states = session.exec(select(Message.state).where(col(Message.campaign_id) == campaign_id)).all()
    found = {state.value: states.count(state) for state in MessageState}
    assert found == {state.value: getattr(campaign, f"{state}_count") for state in MessageState}
    assert campaign.recipients_count == sum(found.values())
    return {state: count for state, count in found.items() if count}


# Drafts


def test_a_new_draft_takes_the_default_sender_and_the_users_zone(alice: int) -> None:
    with db.session() as session:
        chosen = Sender(user_id=alice, name="Mine", from_address="a@b.example", is_default=True, created_at=NOW)
        session.add(chosen)
        session.flush()
        campaign = campaigns.create(session, alice)
        assert (campaign.status, campaign.sender_id, campaign.time_zone) == ("draft", _id(chosen), "Asia/Kolkata")


def test_what_is_typed_is_kept_and_counted_as_a_version(alice: int, draft: int) -> None:
    with db.session() as session:
        assert campaigns.save_draft(session, alice, draft, 2, subject="New", body="<p>x</p>", body_kind="html") == 3
        kept = campaigns.get(session, alice, draft)
        assert (kept.subject, kept.body, kept.body_kind, kept.version) == ("New", "<p>x</p>", "html", 3)


def test_a_second_tab_is_told_and_overwrites_nothing(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="First tab")
    with pytest.raises(campaigns.EditedElsewhere, match="another tab") as told, db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="Second tab")
    assert _read(draft).subject == "First tab"
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, told.value.version, subject="Second tab, chosen")
    assert _read(draft).subject == "Second tab, chosen"


def test_of_two_tabs_that_save_at_once_one_is_told(alice: int, draft: int) -> None:
    def save(subject: str) -> str:
        try:
            with db.session() as session:
                campaigns.save_draft(session, alice, draft, 2, subject=subject)
        except campaigns.EditedElsewhere:
            return "told"
        return subject

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(save, ["a", "b"]))
    assert results in (["a", "told"], ["b", "told"]) and _read(draft).subject == results[0]


@pytest.mark.parametrize("status", [status for status in CampaignStatus if status != CampaignStatus.draft])
def test_only_a_draft_can_be_edited(alice: int, draft: int, status: CampaignStatus) -> None:
    _put(draft, status)
    for edit in (
        lambda session: campaigns.save_draft(session, alice, draft, 2, subject="Late"),
        lambda session: campaigns.set_lists(session, alice, draft, []),
    ):
        with pytest.raises(campaigns.NotADraft, match=f"is {status}"), db.session() as session:
            edit(session)
    assert _read(draft).subject == "Hello"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "x" * 201}, "at most 200"),
        ({"body_kind": "word"}, "rich text or HTML"),
        ({"time_zone": "Mars/Phobos"}, "no time zone"),
        ({"sender_id": 999}, "no such sender"),
    ],
)
def test_a_change_that_cannot_be_says_why(alice: int, draft: int, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(RuleError, match=sentence), db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, **changes)


def test_the_audience_is_exactly_the_lists_chosen_last(alice: int, draft: int) -> None:
    with db.session() as session:
        second, third = _list(session, alice, "b@example.org"), _list(session, alice, "c@example.org", "d@example.org")
        campaigns.set_lists(session, alice, draft, [third, second, third])
        assert campaigns.list_ids(session, alice, draft) == [second, third]
        campaigns.set_lists(session, alice, draft, [])
        assert campaigns.list_ids(session, alice, draft) == []


def test_a_copy_is_a_draft_with_the_same_content_and_lists_and_no_numbers(alice: int, draft: int) -> None:
    _put(draft, CampaignStatus.sent, sent=3)
    with db.session() as session:
        copy = campaigns.duplicate(session, alice, draft)
        assert (copy.name, copy.subject, copy.body, copy.status) == ("Copy of News", "Hello", "<p>Hi</p>", "draft")
        assert (copy.recipients_count, copy.sent_count, copy.scheduled_at, copy.version) == (0, 0, None, 1)
        assert campaigns.list_ids(session, alice, _id(copy)) == campaigns.list_ids(session, alice, draft)
        assert [c.id for c in campaigns.list_all(session, alice)] == [copy.id, draft]


def test_a_deleted_campaign_is_gone_and_never_starts(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.send_now(session, alice, draft)
        campaigns.delete(session, alice, draft)
        assert campaigns.start_due(session) == []
        assert campaigns.list_all(session, alice) == []
        with pytest.raises(NotFound):
            campaigns.get(session, alice, draft)


def test_a_sending_campaign_is_not_deleted(alice: int, draft: int) -> None:
    _put(draft, CampaignStatus.sending, pending=1)
    with pytest.raises(RuleError, match="Pause or cancel it first"), db.session() as session:
        campaigns.delete(session, alice, draft)


# What is missing


def test_an_empty_draft_says_everything_that_is_missing(alice: int) -> None:
    with db.session() as session:
        campaign = campaigns.create(session, alice)
        campaigns.save_draft(session, alice, _id(campaign), 1, sender_id=None, body="<div><br></div>")
        assert campaigns.problems(session, alice, _id(campaign)) == [
            "The subject is empty.",
            "The body is empty.",
            "No sender is chosen.",
            "No recipients are chosen.",
        ]
        with pytest.raises(RuleError, match=r"The subject is empty\. The body is empty\."):
            campaigns.send_now(session, alice, _id(campaign))


def test_a_sender_that_cannot_send_is_a_problem(alice: int, draft: int) -> None:
    for changes, sentence in [
        ({"deleted_at": NOW}, "was deleted"),
        ({"from_address": ""}, "no From address"),
        ({"state": SenderState.blocked}, "refused the sign-in"),
    ]:
        with db.session() as session:
            sender = session.exec(select(Sender)).one()
            before = {name: getattr(sender, name) for name in changes}
            for name, value in changes.items():
                setattr(sender, name, value)
            session.flush()
            (problem,) = campaigns.problems(session, alice, draft)
            assert sentence in problem
            for name, value in before.items():
                setattr(sender, name, value)


def test_a_list_without_anybody_to_write_to_is_a_problem(alice: int, draft: int) -> None:
    with db.session() as session:
        session.add(Suppression(user_id=alice, email="anna@example.org", reason="manual", created_at=NOW))
        session.flush()
        assert campaigns.problems(session, alice, draft) == ["Every recipient of the chosen lists is suppressed."]
        campaigns.set_lists(session, alice, draft, [_list(session, alice)])
        assert campaigns.problems(session, alice, draft) == ["The chosen lists have no recipients."]


# The way from draft to sent


def test_a_campaign_goes_out_at_its_time_and_is_sent_when_nothing_is_left(alice: int, draft: int) -> None:
    with db.session() as session:
        at = db.now(session) + timedelta(minutes=10)
        campaigns.schedule(session, alice, draft, at, "Europe/Berlin")
        assert campaigns.start_due(session) == []
    assert (_read(draft).status, _read(draft).scheduled_at, _read(draft).time_zone) == (
        "scheduled",
        at,
        "Europe/Berlin",
    )
    db.clock_offset = timedelta(minutes=10)
    with db.session() as session:
        assert campaigns.start_due(session) == [draft]
        assert campaigns.start_due(session) == []
        assert campaigns.finish_done(session) == []  # recipients are not snapshotted yet
    started = _read(draft)
    assert started.status == "sending" and started.started_at is not None and started.started_at >= at
    _put(draft, CampaignStatus.sending, sent=2, failed=1)
    with db.session() as session:
        assert campaigns.finish_done(session) == [draft]
    assert _read(draft).status == "sent" and _read(draft).finished_at is not None


@pytest.mark.parametrize("state", ["pending", "claimed", "sending"])
def test_a_campaign_with_mail_still_to_decide_is_not_sent(alice: int, draft: int, state: str) -> None:
    _put(draft, CampaignStatus.sending, sent=1, **{state: 1})
    with db.session() as session:
        assert campaigns.finish_done(session) == []


def test_a_time_in_the_past_is_asked_about(alice: int, draft: int) -> None:
    with pytest.raises(campaigns.InThePast, match=r"in the past\. Choose a later time, or send now"):
        with db.session() as session:
            campaigns.schedule(session, alice, draft, db.now(session) - timedelta(seconds=1))
    assert _read(draft).status == "draft"


def test_unscheduling_makes_a_draft_that_keeps_its_time_as_a_plan(alice: int, draft: int) -> None:
    with db.session() as session:
        at = db.now(session) + timedelta(days=1)
        campaigns.schedule(session, alice, draft, at)
        campaigns.unschedule(session, alice, draft)
    assert (_read(draft).status, _read(draft).scheduled_at) == ("draft", at)
    db.clock_offset = timedelta(days=2)
    with db.session() as session:
        assert campaigns.start_due(session) == []


def test_send_now_starts_with_the_next_tick(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.send_now(session, alice, draft)
    with db.session() as session:
        assert campaigns.start_due(session) == [draft]


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
    missed = _read(draft)
    assert (missed.status, missed.pause_reason, missed.started_at) == ("paused", PauseReason.missed, None)
    with db.session() as session:
        campaigns.resume(session, alice, draft)
    resumed = _read(draft)
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
    began = _read(draft).started_at
    with db.session() as session:
        campaigns.pause(session, alice, draft)
    assert (_read(draft).status, _read(draft).pause_reason) == ("paused", PauseReason.user)
    with db.session() as session:
        campaigns.resume(session, alice, draft)
    assert (_read(draft).status, _read(draft).pause_reason, _read(draft).started_at) == ("sending", "", began)


def test_the_engine_pauses_with_the_servers_words_once(alice: int, draft: int) -> None:
    _put(draft, CampaignStatus.sending, pending=1)
    with db.session() as session:
        assert campaigns.pause_for(session, draft, PauseReason.auth, "535 5.7.8 Bad credentials")
        assert not campaigns.pause_for(session, draft, PauseReason.content, "554 spam")
    paused = _read(draft)
    assert (paused.status, paused.pause_reason, paused.pause_detail) == ("paused", "auth", "535 5.7.8 Bad credentials")


def test_a_campaign_does_not_resume_on_a_sender_that_is_gone(alice: int, draft: int) -> None:
    _put(draft, CampaignStatus.paused, pending=1)
    with db.session() as session:
        session.exec(select(Sender)).one().deleted_at = NOW
    with pytest.raises(RuleError, match="was deleted"), db.session() as session:
        campaigns.resume(session, alice, draft)
    assert _read(draft).status == "paused"


@pytest.mark.parametrize("status", [CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused])
def test_cancel_ends_what_waits_and_leaves_what_a_worker_holds(alice: int, draft: int, status: CampaignStatus) -> None:
    _put(draft, status, pending=5, claimed=2, sending=1, sent=3)
    with db.session() as session:
        campaigns.cancel(session, alice, draft)
    assert _ledger(draft) == {"cancelled": 5, "claimed": 2, "sending": 1, "sent": 3}
    assert _read(draft).status == "cancelled" and _read(draft).finished_at is not None


def test_what_comes_back_to_a_cancelled_campaign_is_cancelled_too(
    alice: int, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.campaigns.states._AT_ONCE", 2)
    _put(draft, CampaignStatus.sending, pending=3, sent=1)
    with db.session() as session:
        campaigns.cancel(session, alice, draft)
    assert _ledger(draft) == {"cancelled": 2, "pending": 1, "sent": 1}
    with db.session() as session:
        assert campaigns.finish_done(session) == []
    assert _ledger(draft) == {"cancelled": 3, "sent": 1}
    assert _read(draft).status == "cancelled"


def test_retry_sends_the_failed_ones_again(alice: int, draft: int) -> None:
    _put(draft, CampaignStatus.sent, failed=2, sent=3, unknown=1)
    with db.session() as session:
        assert campaigns.retry_failed(session, alice, draft) == 2
    assert _ledger(draft) == {"pending": 2, "sent": 3, "unknown": 1}
    assert (_read(draft).status, _read(draft).finished_at) == ("sending", None)
    with db.reading() as session:
        again = session.exec(select(Message).where(col(Message.state) == "pending")).all()
    assert {message.attempts for message in again} == {0}


def test_retry_of_a_paused_campaign_leaves_it_paused(alice: int, draft: int) -> None:
    _put(draft, CampaignStatus.paused, failed=1)
    with db.session() as session:
        campaigns.retry_failed(session, alice, draft)
    assert _ledger(draft) == {"pending": 1} and _read(draft).status == "paused"


def test_retry_with_nothing_failed_says_so_and_changes_nothing(alice: int, draft: int) -> None:
    _put(draft, CampaignStatus.sent, sent=1)
    with pytest.raises(RuleError, match="No mail of this campaign failed"), db.session() as session:
        campaigns.retry_failed(session, alice, draft)
    assert _read(draft).status == "sent"


_STEPS: dict[str, tuple[Callable[[Session, int, int], object], set[str]]] = {
    "send_now": (campaigns.send_now, {"draft"}),
    "unschedule": (campaigns.unschedule, {"scheduled"}),
    "pause": (campaigns.pause, {"sending"}),
    "resume": (campaigns.resume, {"paused"}),
    "cancel": (campaigns.cancel, {"scheduled", "sending", "paused"}),
    "retry_failed": (campaigns.retry_failed, {"sent", "sending", "paused"}),
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
    _put(draft, status, pending=1, failed=1)
    before = _read(draft).model_dump()
    with db.session() as session, pytest.raises(RuleError):
        call(session, alice, draft)  # even when the caller goes on and commits
    assert _read(draft).model_dump() == before
    assert _ledger(draft) == {"pending": 1, "failed": 1}


def test_a_stranger_finds_no_campaign(alice: int, draft: int) -> None:
    with db.session() as session:
        charlie = _user(session, "charlie@example.com")
        his = _list(session, charlie, "x@example.org")
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
        _put(draft, status)
        before = _read(draft).model_dump()
        for attempt in attempts:
            with db.session() as session, pytest.raises(NotFound):
                attempt(session)
        assert _read(draft).model_dump() == before
    with db.session() as session:
        own = campaigns.create(session, charlie)
        with pytest.raises(NotFound):
            campaigns.set_lists(session, charlie, _id(own), hers)
        with pytest.raises(NotFound):
            campaigns.save_draft(session, charlie, _id(own), 1, sender_id=her_sender)
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
    assert _read(draft).status == "sending"
