"""A worker is killed at the exact places; the receiving mail server's log tells what that did."""

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent

NOT_SENT = ["before_mail", "after_mail", "after_rcpt", "after_data", "mid_body"]
NOBODY_KNOWS = ["after_mark", "after_dot", "after_reply"]
PEOPLE = world.people(12)
PROGRAM = """
import asyncio
from core.delivery.failpoints import reach

async def main():
    for number in range(3):
        await reach("after_mark")
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("place", NOT_SENT + NOBODY_KNOWS)
def test_killed_at_this_place_only_a_mail_past_its_mark_is_in_doubt(place: str, stack: Stack) -> None:
    with Receiver(pipelining=False) as receiver:
        sender_id = world.add_sender(world.add_user(), receiver.port, connections=1)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, PEOPLE)
        with processes.worker(stack, f"{place}:4") as worker:
            assert processes.ends(worker) == -signal.SIGKILL
        assert len(receiver.accepted) == (4 if place in ("after_dot", "after_reply") else 3)
        third = receiver.accepted[2]
        processes.lapse()
        with processes.worker(stack):
            world.until(lambda: sent(campaign_id), 30)
            world.until(lambda: world.sender(sender_id).owner == "")
    assert_kept(receiver, {campaign_id: PEOPLE}, unknown=2)
    # What the server said to the mail before may not have been committed yet.
    doubtful = {each for each in PEOPLE if world.message(campaign_id, each).state == "unknown"} - {third}
    assert len(doubtful) == (1 if place in NOBODY_KNOWS else 0)


@pytest.mark.parametrize("place", ["after_mark", "after_reply"])
def test_killed_with_mails_behind_each_other_on_each_connection_at_most_two_of_each_are_in_doubt(
    place: str, stack: Stack
) -> None:
    people = world.people(120)
    with Receiver() as receiver:
        sender_id = world.add_sender(world.add_user(), receiver.port, connections=3)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        with processes.worker(stack, f"{place}:40") as worker:
            assert processes.ends(worker) == -signal.SIGKILL
        processes.lapse()
        with processes.worker(stack):
            world.until(lambda: sent(campaign_id), 30)
            world.until(lambda: world.sender(sender_id).owner == "")
    assert_kept(receiver, {campaign_id: people}, unknown=2 * 3)


def test_the_place_is_named_by_the_environment() -> None:
    env = {**os.environ, "FAILPOINT": "after_mark:3"}
    ended = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "0\n1\n")
