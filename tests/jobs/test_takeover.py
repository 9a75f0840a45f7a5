"""A takeover from an owner that was killed, or that cannot reach the database: limits hold over both of them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

from core import db
from core.delivery import lease
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver

# The receiver, too, is late to note a start where workers come and go on a busy machine: slots have 30 ms to spare in a
# second (test_pace looks at those). A successor that did not know the pace would start a whole connection's mails more.
NEARLY_A_SECOND = 0.75


class Cable:
    """The way to a PostgreSQL server, in ``folder``, which can be cut: nothing comes through, no end either."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._server, self._whole = server, threading.Event()
        self._whole.set()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / server.name))
        self._door.listen()
        self._ends: list[socket.socket] = [self._door]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self.mend()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                guest, _ = self._door.accept()
                host = socket.socket(socket.AF_UNIX)
                host.connect(str(self._server))
                self._ends += [guest, host]
                for source, target in ((guest, host), (host, guest)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cable(postgres_stack: Stack, tmp_path: Path) -> Iterator[Cable]:
    folder, _ = place_of(postgres_stack)
    made = Cable(tmp_path, next(Path(folder).glob(".s.PGSQL.*[0-9]")))
    yield made
    made.close()


def place_of(stack: Stack) -> tuple[str, str]:
    """The folder of the server's socket, and the database's URL without it."""
    url, _, query = stack.env["DATABASE_URL"].partition("?host=")
    return query, url


@contextmanager
def kept_open(receiver: Receiver, most: int) -> Iterator[None]:
    yield
    assert receiver.most_open <= most, f"{receiver.most_open} connections at once, {most} are allowed"


def _patient() -> None:
    lease.LEASE = timedelta(seconds=10)  # leaves 1.5 s after it goes, to be looked at


def test_an_owner_that_is_cut_off_from_the_database_leaves_the_server_before_another_one_comes(
    postgres_stack: Stack, cable: Cable, tmp_path: Path
) -> None:
    people = world.people(200)
    _, url = place_of(postgres_stack)
    env = {**postgres_stack.env, "DATABASE_URL": f"{url}?host={tmp_path}"}
    with Receiver() as receiver, kept_open(receiver, 3), processes.worker(Stack("postgres", env), prepare=_patient):
        sender_id = world.add_sender(world.add_user(), receiver.port, connections=3, per_second=40)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        receiver.wait(lambda: len(receiver.accepted) >= 40 and receiver.open_count == 3)
        first = world.sender(sender_id).owner
        cable.cut()
        receiver.wait(lambda: receiver.open_count == 0, 20)
        with db.reading() as session:
            left_at = db.now(session)
        row = world.sender(sender_id)
        assert row.owner == first and row.lease_until is not None and row.lease_until > left_at
        with processes.worker(postgres_stack):
            world.until(lambda: world.sender(sender_id).owner not in ("", first), 30)
            receiver.wait(lambda: receiver.open_count == 3, 20)
            cable.mend()
            world.until(lambda: world.sent(campaign_id), 40)
    assert_kept(receiver, {campaign_id: people}, unknown=2 * 3)
    assert receiver.most_within(NEARLY_A_SECOND) <= 40


def test_the_limit_per_second_holds_over_a_killed_owner_and_the_next(stack: Stack) -> None:
    people = world.people(60)
    with Receiver() as receiver:
        sender_id = world.add_sender(world.add_user(), receiver.port, per_second=15)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        with processes.worker(stack) as killed:
            receiver.wait(lambda: len(receiver.accepted) >= 25)
            killed.kill()
            killed.join(10)
        before = len(receiver.starts)
        processes.lapse()  # as soon as can be: the worst case for the pace
        with processes.worker(stack):
            world.until(lambda: world.sent(campaign_id), 30)
        assert len(receiver.starts) > before
    assert_kept(receiver, {campaign_id: people}, unknown=2 * 2)
    assert receiver.most_within(NEARLY_A_SECOND) <= 15


def test_the_pace_to_a_domain_holds_over_a_killed_owner_and_the_next(stack: Stack) -> None:
    people = world.people(12, "gmail.com")
    came: list[float] = []

    def note(phase: str, recipient: str) -> None:
        if phase == "rcpt":
            came.append(monotonic())

    with Receiver(note) as receiver:  # type: ignore[arg-type]
        sender_id = world.add_sender(world.add_user(), receiver.port, domain_per_minute=120, batch_size=8)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        with processes.worker(stack) as killed:
            receiver.wait(lambda: len(receiver.accepted) >= 5)
            killed.kill()
            killed.join(10)
        before = len(came)
        processes.lapse()
        with processes.worker(stack):
            receiver.wait(lambda: len(receiver.accepted) >= before + 3, 30)
    gaps = [later - first for first, later in pairwise(came)]
    assert gaps[before - 1] > 60 / 120 * 0.5, gaps  # the next owner's first does not follow at once
    assert came[-1] - came[0] >= (len(came) - 1) * 60 / 120 - 0.5
    assert not receiver.twice
    assert sum(world.states(campaign_id).values()) == len(people)
