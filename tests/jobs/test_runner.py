import socket
import subprocess

import pytest

from core import db, live
from core.delivery import lease
from core.errors import StartError
from jobs import runner
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver


def test_a_wake_up_dispatches_and_sends_at_once(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        live.start()
        runner.start_embedded()
        try:
            world.until(lambda: True)
            campaign_id = world.add_campaign(user_id, sender_id, world.people(60), status="scheduled")
            with world.changing(campaign_id) as row:
                row.scheduled_at = row.created_at
            world.until(lambda: world.campaign(campaign_id).status == "sent", 8, poke=live.wake)
        finally:
            runner.stop_embedded()
            live.stop()
    assert sorted(receiver.accepted) == world.people(60)
    assert world.states(campaign_id) == {"sent": 60}


def test_after_a_kill_a_start_on_the_same_machine_sends_on_at_once(sqlite_stack: Stack) -> None:
    with subprocess.Popen(["true"]) as killed:
        killed.wait()
    with Receiver() as receiver:
        _, sender_id, campaign_id = world.to_people(receiver, world.people(6))
        with db.session() as session:
            assert lease.take(session, sender_id, f"{socket.gethostname()[:40]}:{killed.pid}:aa") is not None
        with world.worker():
            world.until(lambda: world.campaign(campaign_id).status == "sent", lease.LEASE.total_seconds() / 2)
    assert sorted(receiver.accepted) == world.people(6)


def test_a_worker_without_redis_refuses_to_start_with_a_sentence(sqlite_stack: Stack) -> None:
    with pytest.raises(StartError, match="needs REDIS_URL"):
        runner.run_worker()
