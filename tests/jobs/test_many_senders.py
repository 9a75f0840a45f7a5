"""Slow senders cost nothing: each keeps its pace, and no thread waits for one of them."""

import threading
from contextlib import ExitStack

from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver

SENDERS, MAILS = 40, 4


def test_many_slow_senders_keep_their_pace_with_the_threads_of_one(stack: Stack) -> None:
    user_id = world.add_user()
    with ExitStack() as opened:
        receivers = [opened.enter_context(Receiver()) for _ in range(SENDERS)]
        engine = opened.enter_context(world.engine())
        for receiver in receivers:
            sender_id = world.add_sender(user_id, receiver.port, per_minute=60, delay_seconds=0.5)
            world.add_campaign(user_id, sender_id, world.people(MAILS + 30, f"{receiver.port}.example"))
        idle = threading.active_count()
        world.dispatch(engine)
        most = idle
        for receiver in receivers:
            receiver.wait(lambda receiver=receiver: len(receiver.starts) >= MAILS)  # type: ignore[misc]
            most = max(most, threading.active_count())
    # The loop's own few threads for looking up names and making mails; not one per sender.
    assert most - idle <= 8, (idle, most)
    for receiver in receivers:
        took = receiver.starts[MAILS - 1] - receiver.starts[0]
        assert (MAILS - 1) * 1.03 - 1.2 - 0.5 <= took <= (MAILS - 1) * 1.03 + 1.2 + 5, took
