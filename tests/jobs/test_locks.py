"""Writers that meet on PostgreSQL: who waits for whom is written down, and nobody ends as a deadlock's victim."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from core import db, hot
from core.campaigns import refusing
from core.delivery import batch, consequence, lease, ledger, usage, usual
from core.delivery.ledger import Claimed, Outcome
from core.models import PauseReason, RefusingDomain
from core.tracking import opens
from jobs.dispatch import write_down
from jobs.flush import Group, flush, flush_usual
from tests.conftest import Stack
from tests.jobs import world

WORDS = ("rcpt", 550, "5.7.1 Blocked", "policy", "blocklist")


def held(count: int, domain: str) -> tuple[int, int, int, list[Claimed]]:
    """(user, sender, campaign, mails of it in the hands of the sender's owner, by id)."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    campaign_id = world.add_campaign(
        user_id, sender_id, [*world.people(count, domain), *world.people(2, "kind.example")]
    )
    write_down(lambda sender_id: None)
    with db.session() as session:
        taken = lease.take(session, sender_id, "me")
        assert taken is not None
        messages = batch.claim(session, sender_id, taken.epoch, count) or []
    return user_id, sender_id, campaign_id, sorted(messages, key=lambda message: message.id)


def in_a_transaction(work: Callable[[Session], Any]) -> None:
    with db.session() as session:
        work(session)


def waiting_for_locks() -> int:
    with db.reading() as session:
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        return int(session.execute(text(waiting)).scalar() or 0)


class Meeting:
    """``first`` stops at a function of a module until ``second`` waits for a lock or is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        self._there, self._go_on, real = Event(), Event(), getattr(module, name)

        def stop(*args: Any, **values: Any) -> Any:
            self._there.set()
            assert self._go_on.wait(10)
            return real(*args, **values)

        monkeypatch.setattr(module, name, stop)

    def of(self, first: Callable[[Session], Any], second: Callable[[Session], Any]) -> None:
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(in_a_transaction, first)
            assert self._there.wait(10)
            other = pool.submit(in_a_transaction, second)
            try:
                world.until(lambda: other.done() or waiting_for_locks() > 0, 10)
            finally:
                self._go_on.set()
            one.result(20)
            other.result(20)


def test_a_limit_that_is_set_while_results_and_marks_are_written(
    postgres_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sender_id, campaign_id, mails = held(4, "strict.example")
    group = Group(marks=mails[:1], outcomes=[Outcome(mails[3], "failed", *WORDS)])

    def call_back(session: Session) -> None:
        usage.lock(session, [sender_id])
        lease.call_back(session, sender_id)

    Meeting(monkeypatch, ledger, "still_wanted").of(lambda session: flush(session, group), call_back)
    assert world.states(campaign_id) == {"sending": 1, "failed": 1, "pending": 4}


def test_a_limit_that_is_set_while_the_starts_of_unlimited_mails_are_counted(
    postgres_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sender_id, campaign_id, mails = held(2, "wide.example")
    group = Group(marks=mails[:1], used=Counter({sender_id: 1}))

    def call_back(session: Session) -> None:
        usage.lock(session, [sender_id])
        lease.call_back(session, sender_id)

    Meeting(monkeypatch, usage, "record").of(lambda session: flush(session, group), call_back)
    assert world.states(campaign_id) == {"sending": 1, "pending": 3}


def test_a_domain_that_is_left_out_by_its_user_and_by_what_was_on_the_wire(
    postgres_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id, _, campaign_id, mails = held(9, "strict.example")
    first, later = ([Outcome(mail, "failed", *WORDS, alike=1) for mail in some] for some in (mails[:3], mails[3:6]))
    with db.session() as session:
        flush(session, Group(outcomes=first[:1]))
    with world.changing(campaign_id) as campaign:
        campaign.status, campaign.pause_reason, campaign.pause_detail = "paused", PauseReason.content, "5.7.1 Blocked"
    meeting = Meeting(monkeypatch, consequence, "refuses_all")
    meeting.of(
        lambda session: flush(session, Group(outcomes=later)),
        lambda session: refusing.leave_out(session, user_id, campaign_id, ["strict.example"]),
    )
    world.states(campaign_id)
    with db.reading() as session:
        assert session.get(RefusingDomain, (campaign_id, "strict.example")) is not None
    assert world.campaign(campaign_id).status == "sending"


def test_results_of_two_workers_after_two_changes_of_sender_crosswise(postgres_stack: Stack) -> None:
    user_id = world.add_user()
    senders = [world.add_sender(user_id, port) for port in range(25, 29)]
    ways = [world.add_campaign(user_id, sender_id, world.people(4, "wide.example")) for sender_id in senders[:2]]
    write_down(lambda sender_id: None)

    def marked(worker: str, sender_id: int) -> list[Claimed]:
        with db.session() as session:
            taken = lease.take(session, sender_id, worker)
            assert taken is not None
            mails = batch.claim(session, sender_id, taken.epoch, 2) or []
            flush(session, Group(marks=mails))
        return mails

    mine = [mail for sender_id in senders[:2] for mail in marked("one", sender_id)]
    for campaign_id, sender_id in zip(ways, reversed(senders[2:]), strict=True):
        with world.changing(campaign_id) as campaign:
            campaign.sender_id = sender_id
    theirs = [mail for sender_id in senders[2:] for mail in marked("other", sender_id)]

    def accepted(mails: list[Claimed]) -> None:
        group = Group(outcomes=[Outcome(mail, "sent", "dot", 250, "ok") for mail in mails])
        with hot.Kept().transaction(temporary=usual.steps()) as on:
            flush_usual(on, group, usual.entry(group.outcomes, []))

    with ThreadPoolExecutor(2) as pool:
        with db.session() as session:  # the first stands still between the results of one sender and of the other
            ledger.lock(session, mine[2:])
            one = pool.submit(accepted, mine)
            world.until(lambda: waiting_for_locks() == 1, 10)
            other = pool.submit(accepted, theirs)
            world.until(lambda: other.done() or waiting_for_locks() == 2, 10)
        one.result(20)
        other.result(20)
    assert [world.states(campaign_id) for campaign_id in ways] == [{"sent": 4}] * 2


def test_opens_and_results_of_the_same_campaign(postgres_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, campaign_id, mails = held(4, "wide.example")
    with db.session() as session:
        flush(session, Group(marks=mails))
        at = db.now(session)

    def accepted(session: Session, some: list[Claimed]) -> None:
        usual.store(hot.within(session), usual.entry([Outcome(mail, "sent", "dot", 250, "ok") for mail in some], []))

    in_a_transaction(lambda session: accepted(session, mails[:2]))  # this hour has its row
    Meeting(monkeypatch, opens, "_count_hours").of(
        lambda session: opens.record(session, [(mails[0].id, at)]), lambda session: accepted(session, mails[2:])
    )
    assert world.states(campaign_id) == {"sent": 4, "pending": 2}
    assert world.campaign(campaign_id).opened_count == 1


def test_a_takeover_and_the_results_of_the_owner_that_was_frozen(postgres_stack: Stack) -> None:
    _, sender_id, campaign_id, mails = held(3, "wide.example")
    first, middle, last = mails
    for mail in (last, first, middle):  # the table has them in this order
        with db.session() as session:
            flush(session, Group(marks=[mail]))

    def late(session: Session) -> None:
        flush(session, Group(outcomes=[Outcome(mail, "sent", "dot", 250, "ok") for mail in mails]))

    with ThreadPoolExecutor(2) as pool:
        with db.session() as session:
            ledger.lock(session, [middle])
            results = pool.submit(in_a_transaction, late)
            world.until(lambda: waiting_for_locks() == 1, 10)
            takeover = pool.submit(in_a_transaction, lambda session: lease.return_held(session, sender_id, 1))
            world.until(lambda: waiting_for_locks() == 2, 10)
        results.result(20)
        takeover.result(20)
    assert world.states(campaign_id) == {"sent": 3, "pending": 2}
