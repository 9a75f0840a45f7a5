"""Writers that meet on PostgreSQL: who waits for whom is written down, and nobody ends as a deadlock's victim."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from core import db
from core.campaigns import refusing
from core.delivery import batch, consequence, lease, ledger, usage
from core.delivery.ledger import Claimed, Outcome
from core.models import PauseReason, RefusingDomain
from jobs.dispatch import write_down
from jobs.flush import Group, flush
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


def waits_for_a_lock() -> bool:
    with db.reading() as session:
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        return bool(session.execute(text(waiting)).scalar())


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
                world.until(lambda: other.done() or waits_for_a_lock(), 10)
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
