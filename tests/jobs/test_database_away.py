"""The database is away while mails are on the wire: what the mail server said is never forgotten."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE
from time import monotonic, sleep
from typing import IO

import pytest
from sqlalchemy import text

from core import db, migrate
from core.delivery import lease
from jobs import engine
from tests.conftest import KEY, Stack, empty_postgres, using
from tests.jobs import processes, world
from tests.jobs.away import EVENT, PEOPLE, At, both, goes_on, sending, until_done
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver
from tests.servers import OwnPostgres, free_port

ROOT = Path(__file__).parents[2]


# PostgreSQL


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[OwnPostgres]:
    with OwnPostgres(home / "own-postgres") as made:
        with using({"DATA_DIR": str(home / "own-data"), "DATABASE_URL": made.url, "SECRET_KEY": KEY}):
            migrate.upgrade()
        yield made


@pytest.fixture
def own_stack(tmp_path: Path, server: OwnPostgres, redis_url: str) -> Iterator[Stack]:
    env = {
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": server.url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": KEY,
    }
    with using(env):
        empty_postgres(db.engine())
        yield Stack("postgres", env)


@contextmanager
def started(script: str, stack: Stack) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """The process and what it says."""
    env = {**os.environ, **stack.env, "PORT": str(free_port())}
    command = [sys.executable, script]
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


@pytest.mark.parametrize(("script", "ready"), [("main.py", "Campaigns: "), ("huey_worker.py", " runs on ")])
def test_what_is_started_before_postgresql_waits_for_it(
    script: str, ready: str, own_stack: Stack, server: OwnPostgres
) -> None:
    server.stop("fast")
    try:
        with started(script, own_stack) as (process, said):
            assert "PostgreSQL is not there, waiting for it" in said.readline()
            process.terminate()
            assert process.wait(30) == -signal.SIGTERM
        with started(script, own_stack) as (_, said):
            assert "PostgreSQL is not there, waiting for it" in said.readline()
            server.start()
            before = list(itertools.takewhile(lambda line: ready not in line, said))
            assert not [line for line in before if "PostgreSQL" in line or "Traceback" in line], "".join(before)
    finally:
        server.start()


@pytest.mark.parametrize("script", ["main.py", "huey_worker.py"])
def test_a_wait_for_postgresql_is_ended_from_the_keyboard_with_a_sentence(
    script: str, own_stack: Stack, server: OwnPostgres
) -> None:
    server.stop("fast")
    try:
        with started(script, own_stack) as (process, said):
            assert "PostgreSQL is not there, waiting for it" in said.readline()
            process.send_signal(signal.SIGINT)
            assert said.read() == "Stopped.\n"
            assert process.wait(30) == 128 + signal.SIGINT
    finally:
        server.start()


@both
def test_a_250_that_comes_while_postgresql_is_down_is_written_when_it_is_back(
    survives: bool, own_stack: Stack, server: OwnPostgres
) -> None:
    event = At(lambda: server.stop("immediate"))
    with Receiver(event, pipelining=False) as receiver:
        campaign_id = sending(receiver)
        with processes.worker(own_stack) as worker:
            receiver.wait(lambda: len(receiver.accepted) == EVENT)
            world.until(lambda: world.journaled(own_stack) >= event.ids)
            assert len(receiver.accepted) == EVENT  # nothing new is taken meanwhile
            goes_on(own_stack, worker, survives, server.start, campaign_id)
            world.until(lambda: not world.journaled(own_stack))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 40}


def patient() -> None:
    """A restart on a busy machine takes no longer than this lease: the connections may stay."""
    lease.LEASE = timedelta(seconds=20)


def hurried() -> None:
    engine.GRACE = engine.WRITING = 0.3


def test_told_to_stop_while_postgresql_is_down_a_worker_ends_and_its_results_are_written_by_the_next(
    own_stack: Stack, server: OwnPostgres
) -> None:
    event = At(lambda: server.stop("immediate"))
    with Receiver(event, pipelining=False) as receiver:
        campaign_id = sending(receiver)
        with processes.worker(own_stack, prepare=hurried) as worker:
            receiver.wait(lambda: len(receiver.accepted) == EVENT)
            while not world.journaled(own_stack) >= event.ids:
                sleep(0.05)
            worker.terminate()
            try:
                assert processes.ends(worker, 30) == 0
            finally:
                server.start()
        assert world.journaled(own_stack) >= event.ids
        processes.lapse()
        with processes.worker(own_stack):
            until_done(campaign_id)
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 40}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_postgresql_loses_and_doubles_nothing(mode: str, own_stack: Stack, server: OwnPostgres) -> None:
    def restart() -> None:
        server.stop(mode)
        server.start()

    people = world.people(400)
    with Receiver(At(restart)) as receiver:
        sender_id = world.add_sender(world.add_user(), receiver.port, connections=3)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        with processes.worker(own_stack, prepare=patient):
            receiver.wait(lambda: len(receiver.accepted) == 400, 30)
            until_done(campaign_id)
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 400}


def test_a_server_that_only_reads_for_a_while_as_in_a_failover_loses_nothing(
    own_stack: Stack, server: OwnPostgres
) -> None:
    def read_only(on: bool) -> None:
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"alter system set default_transaction_read_only = {on}"))
            connection.execute(text("select pg_reload_conf()"))
            shown = text("show default_transaction_read_only")
            world.until(lambda: connection.execute(shown).scalar_one() == ("on" if on else "off"))

    event = At(lambda: read_only(True))  # before its mail is answered, so that this result cannot be stored
    with Receiver(event, pipelining=False) as receiver:
        campaign_id = sending(receiver)
        with processes.worker(own_stack) as worker:
            try:
                receiver.wait(lambda: len(receiver.accepted) >= EVENT)
                world.until(lambda: bool(world.journaled(own_stack)))
            except AssertionError:
                read_only(False)  # the next test wants to write
                raise
            goes_on(own_stack, worker, True, lambda: read_only(False), campaign_id)
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 40}


@both
def test_a_250_that_comes_while_postgresql_neither_answers_nor_fails_is_written_when_it_does(
    survives: bool, own_stack: Stack, server: OwnPostgres
) -> None:
    event = At(lambda: server.signal(signal.SIGSTOP))
    with Receiver(event, pipelining=False) as receiver:
        campaign_id = sending(receiver)
        with processes.worker(own_stack) as worker:
            receiver.wait(lambda: len(receiver.accepted) == EVENT)
            try:
                deadline = monotonic() + 20
                while not world.journaled(own_stack) >= event.ids:
                    assert monotonic() < deadline
                    sleep(0.05)
                assert len(receiver.accepted) == EVENT
                if not survives:
                    worker.kill()
            finally:
                server.signal(signal.SIGCONT)
            goes_on(own_stack, worker, survives, lambda: None, campaign_id)
            world.until(lambda: not world.journaled(own_stack))
    # A mark that was on its way to the frozen server is committed when it wakes, though its worker is dead.
    assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0 if survives else 1)
    assert world.message(campaign_id, receiver.accepted[EVENT - 1]).state == "sent"


def test_a_deadlock_that_the_worker_loses_is_tried_again(own_stack: Stack) -> None:
    locked, wanted = threading.Event(), threading.Event()
    lost: list[str] = []

    def lock_in_the_wrong_order() -> None:
        with db.engine().begin() as connection:
            connection.execute(text("set local deadlock_timeout = '20s'"))  # so the worker is the one that gives way
            connection.execute(text("select id from campaign for update"))
            locked.set()
            wanted.wait(10)
            connection.execute(text("update message set email = email where state in ('sending', 'claimed')"))
            lost.append("somebody else")

    thread = threading.Thread(target=lock_in_the_wrong_order)

    def begin() -> None:
        thread.start()
        locked.wait(10)
        threading.Timer(0.3, wanted.set).start()  # until then the worker has locked messages, and waits for campaigns

    with Receiver(At(begin)) as receiver:
        campaign_id = sending(receiver)
        with processes.worker(own_stack):
            until_done(campaign_id)
        thread.join(10)
    assert lost == ["somebody else"]
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 40}


# SQLite
