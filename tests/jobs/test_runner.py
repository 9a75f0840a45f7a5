import pytest

from core import live
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


def test_a_worker_without_redis_refuses_to_start_with_a_sentence(sqlite_stack: Stack) -> None:
    with pytest.raises(StartError, match="needs REDIS_URL"):
        runner.run_worker()
