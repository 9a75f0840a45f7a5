"""SQLite's file is held, moved away, or finds no room: what the server accepted is written when it is back."""

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from core import sqlite_file
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.away import EVENT, PEOPLE, At, both, goes_on, sending
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver


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
