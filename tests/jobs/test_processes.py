"""The promises that only whole processes can show: killed, stopped, and in another time zone."""

import os
import signal
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import text

from core import db, live
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.receiver import Receiver


def with_env(stack: Stack, **env: str) -> Stack:
    return replace(stack, env=stack.env | env)


def owner_among(workers: list[BaseProcess], sender_id: int) -> BaseProcess:
    owner = world.sender(sender_id).owner
    return next(worker for worker in workers if f":{worker.pid}:" in owner)


def assert_nothing_lost_nothing_twice(campaign_id: int, receiver: Receiver, people: list[str], unknown: int) -> None:
    counts = world.states(campaign_id)
    assert set(counts) <= {"sent", "unknown"}, counts
    assert sum(counts.values()) == len(people)
    assert not receiver.twice
    assert counts.get("unknown", 0) <= unknown
    received = set(receiver.accepted)
    doubtful = {email for email in people if world.message(campaign_id, email).state == "unknown"}
    assert set(people) - received <= doubtful


def test_two_workers_send_to_every_recipient_once(postgres_stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(400)
    with Receiver() as receiver, processes.worker(postgres_stack), processes.worker(postgres_stack):
        senders = [world.add_sender(user_id, receiver.port) for _ in range(4)]
        campaigns = [
            world.add_campaign(user_id, sender_id, people[place::4]) for place, sender_id in enumerate(senders)
        ]
        world.until(lambda: all(world.campaign(id).status == "sent" for id in campaigns), 40, poke=live.wake)
    assert sorted(receiver.accepted) == people
    assert [world.states(campaign_id) for campaign_id in campaigns] == [{"sent": 100}] * 4


def test_when_the_owner_is_killed_the_other_worker_takes_over_and_nothing_is_lost_or_twice(
    postgres_stack: Stack,
) -> None:
    user_id, people = world.add_user(), world.people(600)
    with (
        Receiver() as receiver,
        processes.worker(postgres_stack) as first,
        processes.worker(postgres_stack) as second,
    ):
        sender_id = world.add_sender(user_id, receiver.port, connections=3)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        live.wake()
        receiver.wait(lambda: len(receiver.accepted) >= 150, 40)
        killed = owner_among([first, second], sender_id)
        killed.kill()
        world.until(lambda: world.campaign(campaign_id).status == "sent", 40)
        assert world.sender(sender_id).epoch >= 2
    assert_nothing_lost_nothing_twice(campaign_id, receiver, people, unknown=2 * 3)


def test_an_embedded_worker_that_is_killed_goes_on_after_a_restart(sqlite_stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(600)
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port, connections=3)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with processes.worker(sqlite_stack) as process:
            receiver.wait(lambda: len(receiver.accepted) >= 150, 40)
            process.kill()
            process.join(10)
        before = len(receiver.accepted)
        assert before < 600
        with processes.worker(sqlite_stack):
            world.until(lambda: world.campaign(campaign_id).status == "sent", 40)
    assert_nothing_lost_nothing_twice(campaign_id, receiver, people, unknown=2 * 3)


def test_a_worker_frozen_past_its_lease_sends_nothing_twice_when_it_wakes(postgres_stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(600)
    with (
        Receiver() as receiver,
        processes.worker(postgres_stack) as first,
        processes.worker(postgres_stack) as second,
    ):
        sender_id = world.add_sender(user_id, receiver.port, connections=2)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        live.wake()
        receiver.wait(lambda: len(receiver.accepted) >= 100, 40)
        frozen = owner_among([first, second], sender_id)
        os.kill(frozen.pid, signal.SIGSTOP)
        world.until(lambda: f":{frozen.pid}:" not in world.sender(sender_id).owner, 20)
        os.kill(frozen.pid, signal.SIGCONT)
        world.until(lambda: world.campaign(campaign_id).status == "sent", 40)
    assert_nothing_lost_nothing_twice(campaign_id, receiver, people, unknown=2 * 2)


def test_sigterm_ends_a_worker_in_order(postgres_stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(400)
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with processes.worker(postgres_stack) as worker:
            receiver.wait(lambda: len(receiver.accepted) >= 100, 40)
            worker.terminate()
            assert processes.ends(worker, 20) == 0
        counts = world.states(campaign_id)
        assert counts == {"sent": len(receiver.accepted), "pending": 400 - len(receiver.accepted)}
        row = world.sender(sender_id)
        assert (row.owner, row.lease_until) == ("", None)


def test_a_second_sigterm_ends_a_worker_at_once_and_the_next_one_puts_it_right(postgres_stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(20)
    with Receiver(lambda phase, recipient: "silence" if phase == "dot" else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with processes.worker(postgres_stack) as worker:
            receiver.wait(lambda: len(receiver.accepted) == 2, 40)  # both connections wait for the reply to their dot
            worker.terminate()
            # The first signal is being obeyed once nothing new is claimed; the second does not wait for that.
            while worker.is_alive():
                worker.terminate()
        assert worker.exitcode in (128 + signal.SIGTERM, -signal.SIGTERM)
        receiver.script = lambda phase, recipient: None
        with processes.worker(postgres_stack):
            world.until(lambda: world.campaign(campaign_id).status == "sent", 40)
    assert world.states(campaign_id) == {"sent": 18, "unknown": 2}
    assert not receiver.twice


def test_with_its_database_connections_cut_a_worker_loses_and_doubles_nothing(postgres_stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(300)
    cuts = iter((20, 60, 61, 62, 100, 150, 200, 250))
    next_cut = [next(cuts)]

    def cutting(phase: str, recipient: str) -> None:
        if phase == "dot" and len(receiver.accepted) >= next_cut[0]:
            next_cut[0] = next(cuts, 10_000)
            with db.session() as session:
                session.connection().execute(
                    text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'")
                )

    with Receiver(cutting) as receiver:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, connections=3)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with processes.worker(with_env(postgres_stack, PGAPPNAME="victim")):
            world.until(lambda: world.campaign(campaign_id).status == "sent", 40)
    assert sorted(receiver.accepted) == people
    assert world.states(campaign_id) == {"sent": 300}
    assert next_cut == [10_000]


def test_with_redis_away_a_worker_sends_by_what_the_database_says(postgres_stack: Stack, tmp_path: Path) -> None:
    user_id, people = world.add_user(), world.people(30)
    nobody_there = with_env(postgres_stack, REDIS_URL=f"unix://{tmp_path}/nobody.socket")
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with processes.worker(nobody_there) as worker:
            world.until(lambda: world.campaign(campaign_id).status == "sent", 30)
            worker.terminate()
            assert processes.ends(worker, 25) == 0
    assert sorted(receiver.accepted) == people


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_a_schedule_a_cooldown_and_a_lease_end_when_they_should_in_any_zone(zone: str, sqlite_stack: Stack) -> None:
    """The ancestor of this product stuck for hours: it compared local time with UTC."""
    user_id, people = world.add_user(), world.people(20)
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, people, status="scheduled", started_at=None)
        with world.changing(campaign_id) as row:
            soon = row.scheduled_at = row.created_at + world.SOON
        world.leave_behind(sender_id, cooling_until=soon, lease_until=soon)
        with processes.worker(with_env(sqlite_stack, TZ=zone)):
            world.until(lambda: world.campaign(campaign_id).status == "sent", 20)
    started_at = world.campaign(campaign_id).started_at
    assert started_at is not None and soon <= started_at < soon + world.SOON * 5
    assert sorted(receiver.accepted) == people
