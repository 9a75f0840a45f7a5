"""What else goes wrong around a worker, one test per row of the fault matrix that has no file of its own.

=== =========================================== =============================================================
row fault                                       where
=== =========================================== =============================================================
1   200 kills at random instants                tests/crash.py (make crash), test_crash.py (its short run)
2   kill at the exact places                    test_kills.py
3   SIGTERM, a second one, SIGSTOP past a lease test_processes.py; SIGINT here
4   PostgreSQL restarted, cut, read-only,       test_database_away.py, test_processes.py (connections cut);
    deadlock, serialization failure             serialization here
5   SQLite held by another process, disk full   test_file_away.py
6   Redis away, restarted, flushed, full, slow  test_processes.py (away from the start), test_hints.py
7   tasks lost, doubled, two schedulers         test_hints.py
8   the server drops, 421, refuses, delays      test_refusals.py, test_sinks.py (smtp-sink)
9   tarpit, endless or strange replies, TLS     core/delivery/test_smtp.py, test_bad_servers.py
10  the clock jumps; daylight saving            test_clocks.py, test_processes.py (zones),
                                                core/campaigns/test_states.py
11  four workers, two dispatchers               here; test_faults.py
12  double click, pause and resume, deletions   test_meanwhile.py
13  no room for the journal                     test_journal.py; uploads: core/audience
14  a million recipients                        make bench
15  poison mails                                here, test_engine.py, test_refusals.py
16  a quota, then the window opens              here
17  greylisting, real mail servers              test_real_servers.py
18  unsubscribed, bounced while claimed         test_engine.py, test_meanwhile.py
19  power cut                                   here (synchronous=FULL); test_database_away.py (immediate)
=== =========================================== =============================================================
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from core import db, live
from core.models import Message
from jobs.dispatch import tick
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver
from tests.jobs.world import done, to_people

PEOPLE = world.people(60)


def test_sigint_ends_a_worker_in_order_too(postgres_stack: Stack) -> None:
    with Receiver() as receiver:
        _, sender_id, campaign_id = to_people(receiver, world.people(400))
        with processes.worker(postgres_stack) as worker:
            receiver.wait(lambda: len(receiver.accepted) >= 50)
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGINT)
            assert processes.ends(worker) == 0
    counts = assert_kept(receiver, {campaign_id: world.people(400)}, unknown=0)
    assert counts == {"sent": len(receiver.accepted), "pending": 400 - len(receiver.accepted)}
    assert world.sender(sender_id).lease_until is None


def test_serialization_failures_are_tried_again(postgres_stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    over = threading.Event()

    def meddle() -> None:
        while not over.is_set():
            with suppress(DBAPIError), db.engine().begin() as connection:
                connection.execute(text("update campaign set name = name"))
            over.wait(0.02 if failures() else 0.001)

    def failures() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.name == "jobs.writer"]

    with serializable(), Receiver() as receiver, world.engine() as engine:
        _, _, campaign_id = to_people(receiver, world.people(200), connections=3)
        thread = threading.Thread(target=meddle)
        thread.start()
        world.dispatch(engine)
        try:
            world.until(lambda: world.campaign(campaign_id).sent_count == 200, poke=lambda: world.dispatch(engine))
        finally:
            over.set()
            thread.join(10)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: world.people(200)}, unknown=0) == {"sent": 200}
    assert failures(), "none failed"


@contextmanager
def serializable() -> Iterator[None]:
    """New connections of this database have the strictest isolation, under which writers fail against each other."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.execute(text("select current_database()")).scalar()
        connection.execute(text(f"alter database \"{name}\" set default_transaction_isolation = 'repeatable read'"))
        db.engine().dispose()
        try:
            yield
        finally:
            connection.execute(text(f'alter database "{name}" reset default_transaction_isolation'))
    db.engine().dispose()


def test_four_workers_on_one_database_keep_the_pace_and_the_connections_of_each_sender(postgres_stack: Stack) -> None:
    people = world.people(120)
    with Receiver() as receiver, processes.worker(postgres_stack), processes.worker(postgres_stack):
        with processes.worker(postgres_stack), processes.worker(postgres_stack) as fourth:
            _, _, campaign_id = to_people(receiver, people, per_minute=3_000, connections=2)
            live.wake()
            receiver.wait(lambda: len(receiver.accepted) >= 40, 30)
            fourth.kill()  # perhaps the owner
            world.until(lambda: done(campaign_id), 30)
    assert_kept(receiver, {campaign_id: people}, unknown=2 * 2)
    assert receiver.most_open <= 2
    # Its slots are 1.03 × 60 ÷ 3,000 s apart, each start up to 0.02 × 60 s late, whoever starts the mails.
    starts = sorted(receiver.starts)
    assert starts[-1] - starts[0] >= (len(starts) - 1) * 1.03 * 60 / 3_000 - 0.02 * 60, "I6"


# PostgreSQL keeps no NUL and no half of a surrogate pair.
POISON = {
    "sqlite": ["a\r\nBcc: evil@x.y", "=?utf-8?q?hello=0d=0aBcc:_evil=40x.y?=", "\ud800 lone", "\0"],
    "postgres": ["a\r\nBcc: evil@x.y", "=?utf-8?q?hello=0d=0aBcc:_evil=40x.y?="],
}


def test_mails_that_cannot_be_made_fail_alone_among_fifty(stack: Stack) -> None:
    poison = {f"poison{number}@example.org": name for number, name in enumerate(POISON[stack.name])}
    people = [*world.people(50 - len(poison)), *poison]
    with Receiver() as receiver, world.engine() as engine:
        _, _, campaign_id = to_people(receiver, people, connections=1)
        tick(lambda sender_id: None)
        with db.session() as session:
            for email, name in poison.items():
                session.exec(select(Message).where(col(Message.email) == email)).one().fields = {"first_name": name}
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    counts = assert_kept(receiver, {campaign_id: people}, unknown=0)
    assert counts["sent"] >= 50 - len(poison) and counts["sent"] + counts["failed"] == 50
    headers = [body.partition(b"\r\n\r\n")[0].lower() for body in receiver.bodies.values()]
    assert not any(b"\nbcc:" in lines for lines in headers)


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("rcpt", "550 5.4.5 <x>: Recipient address rejected: Domain Sending Quota Exceeded"),
        ("dot", "550 5.4.5 Daily user sending limit exceeded"),
        ("mail", "454 Throttling failure: Daily message quota exceeded"),
    ],
)
def test_a_quota_in_the_middle_burns_no_mail_and_it_goes_on_when_the_window_opens(
    phase: str, words: str, sqlite_stack: Stack
) -> None:
    def quota(now: str, recipient: str) -> str | None:
        return words if now == phase and len(receiver.accepted) >= 20 and not opened else None

    opened: list[bool] = []
    with Receiver(quota) as receiver, world.engine() as engine:
        _, sender_id, campaign_id = to_people(receiver, PEOPLE, connections=1)
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).state == "cooling" and world.sender(sender_id).owner == "")
        assert assert_kept(receiver, {campaign_id: PEOPLE}) == {"sent": 20, "pending": 40}
        assert max(world.message(campaign_id, email).attempts for email in PEOPLE[20:]) == 0
        opened.append(True)
        db.clock_offset += timedelta(hours=25)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 60}


def test_sqlite_writes_through_to_the_disk_before_a_dot_goes_out(sqlite_stack: Stack) -> None:
    with db.session() as session:
        assert session.connection().execute(text("pragma synchronous")).scalar() == 2
        assert session.connection().execute(text("pragma journal_mode")).scalar() == "wal"


def test_postgresql_writes_through_to_the_disk_before_a_dot_goes_out(postgres_stack: Stack) -> None:
    with db.session() as session:
        assert session.connection().execute(text("show synchronous_commit")).scalar() == "on"
