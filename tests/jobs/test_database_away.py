"""The database is away while mails are on the wire: what the mail server said is never forgotten."""

import itertools
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import PIPE
from time import monotonic, sleep
from typing import IO, Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from core import db, migrate, sqlite_file
from core.delivery import lease
from core.models import Message
from jobs import engine
from tests.conftest import KEY, Stack, empty_postgres, using
from tests.jobs import processes, world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent
from tests.servers import OwnPostgres, free_port

ROOT = Path(__file__).parents[2]
PEOPLE = world.people(40)
EVENT = 20  # the mail at whose dot it happens


class At:
    """A script: when the mail number EVENT has had its dot, before it is answered, ``work`` is done."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.count, self.ids = work, 0, set[int]()

    def __call__(self, phase: str, recipient: str) -> None:
        if phase == "dot":
            self.count += 1
            if self.count == EVENT:
                with db.reading() as session:
                    self.ids = {session.exec(select(Message.id).where(col(Message.email) == recipient)).one() or 0}
                self.work()


def sending(receiver: Receiver, **values: Any) -> int:
    """A campaign to PEOPLE by a sender with one connection; returns its id."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, receiver.port, **{"connections": 1, **values})
    return world.add_campaign(user_id, sender_id, PEOPLE)


def until_done(campaign_id: int) -> None:
    world.until(lambda: sent(campaign_id), 30)
    world.until(lambda: world.sender(world.campaign(campaign_id).sender_id or 0).owner == "")


def goes_on(stack: Stack, worker: BaseProcess, survives: bool, back: Callable[[], object], campaign_id: int) -> None:
    """The database comes ``back``; the worker lives on, or was killed before that and another one starts."""
    if not survives:
        worker.kill()
        worker.join(10)
    back()
    if survives:
        until_done(campaign_id)
        return
    processes.lapse()
    with processes.worker(stack):
        until_done(campaign_id)


both = pytest.mark.parametrize("survives", [True, False], ids=["the worker lives on", "the worker is killed"])

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


@both
def test_a_250_that_comes_while_another_process_holds_sqlite_is_written_afterwards(
    survives: bool, sqlite_stack: Stack
) -> None:
    with closing(
        sqlite3.connect(Path(sqlite_stack.env["DATA_DIR"]) / "campaigns.db", check_same_thread=False)
    ) as other:
        other.isolation_level = None
        event = At(lambda: other.execute("begin immediate"))
        with Receiver(event, pipelining=False) as receiver:
            campaign_id = sending(receiver)
            with processes.worker(sqlite_stack, prepare=impatient if survives else None) as worker:
                receiver.wait(lambda: len(receiver.accepted) == EVENT)
                world.until(lambda: world.journaled(sqlite_stack) >= event.ids)
                assert len(receiver.accepted) == EVENT
                goes_on(sqlite_stack, worker, survives, lambda: other.execute("rollback"), campaign_id)
                world.until(lambda: not world.journaled(sqlite_stack))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 40}


@both
def test_a_250_that_comes_while_the_file_is_moved_away_is_written_when_it_is_back(
    survives: bool, sqlite_stack: Stack
) -> None:
    folder, aside = Path(sqlite_stack.env["DATA_DIR"]), Path(sqlite_stack.env["DATA_DIR"]) / "aside"

    def move(source: Path, target: Path) -> None:
        for path in source.glob("campaigns.db*"):
            path.rename(target / path.name)

    aside.mkdir()
    event = At(lambda: move(folder, aside))
    with Receiver(event, pipelining=False) as receiver:
        campaign_id = sending(receiver)
        with processes.worker(sqlite_stack) as worker:
            receiver.wait(lambda: len(receiver.accepted) >= EVENT)
            deadline = monotonic() + 20
            while not world.journaled(sqlite_stack) >= event.ids:
                assert monotonic() < deadline
                sleep(0.05)
            assert len(receiver.accepted) <= EVENT + 1 and not (folder / "campaigns.db").exists()
            goes_on(sqlite_stack, worker, survives, lambda: move(aside, folder), campaign_id)
            world.until(lambda: not world.journaled(sqlite_stack))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 40}


def impatient() -> None:
    sqlite_file.BUSY_SECONDS = 0.1  # type: ignore[assignment]


class Disk:
    """Where ``folder`` is. A small file system where we may mount one, else files of the worker may not grow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
        self.mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
        self.worker = 0

    def fill(self) -> None:
        if not self.mounted:
            most = (self.folder / "campaigns.db-wal").stat().st_size
            resource.prlimit(self.worker, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            return
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        if self.mounted:
            (self.folder / "ballast").unlink()
        elif Path(f"/proc/{self.worker}").exists():
            resource.prlimit(self.worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """At the DATA_DIR that the stack will have."""
    made = Disk(tmp_path / "data")
    yield made
    made.close()


@both
def test_a_250_that_comes_while_the_disk_is_full_is_written_when_there_is_room(
    survives: bool, disk: Disk, sqlite_stack: Stack
) -> None:
    event = At(disk.fill)
    with Receiver(event, pipelining=False) as receiver:
        campaign_id = sending(receiver)
        with processes.worker(sqlite_stack) as worker:
            disk.worker = worker.pid or 0
            receiver.wait(lambda: len(receiver.accepted) == EVENT)
            world.until(lambda: world.journaled(sqlite_stack) >= event.ids)
            assert len(receiver.accepted) == EVENT
            goes_on(sqlite_stack, worker, survives, disk.free, campaign_id)
            world.until(lambda: not world.journaled(sqlite_stack))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 40}
