"""Nobody starves: small campaigns of a sender beside a large one, slow senders beside one that is flat out."""

from contextlib import ExitStack

from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver


def test_a_small_campaign_has_its_turn_beside_a_large_one(stack: Stack) -> None:
    user_id = world.add_user()
    small = world.people(6, "small.example")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=1200, batch_size=8)
        large = world.add_campaign(user_id, sender_id, world.people(120, "large.example"))
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 10)
        campaign_id = world.add_campaign(user_id, sender_id, small)
        world.dispatch(engine)
        before = len(receiver.accepted)
        world.until(lambda: world.campaign(campaign_id).sent_count == 6)
        assert world.campaign(large).sent_count < 120
    places = [place for place, recipient in enumerate(receiver.accepted) if recipient in small]
    # What was claimed already goes first, then every second mail is of the small one.
    assert len(places) == 6 and places[-1] <= before + 2 + 8 + 2 * 6 + 4, (before, places)


def test_a_slow_sender_holds_no_more_than_it_sends_soon(stack: Stack) -> None:
    """At 30 a minute a batch of 50 would keep a new campaign waiting for 100 s."""
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=30)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(200))
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).sent_count >= 1)
        assert 1 <= world.campaign(campaign_id).claimed_count <= 8


def test_slow_senders_keep_their_pace_beside_one_that_is_flat_out(stack: Stack) -> None:
    user_id = world.add_user()
    with ExitStack() as opened:
        fast, *slow = [opened.enter_context(Receiver()) for _ in range(4)]
        engine = opened.enter_context(world.engine())
        flat_out = world.add_sender(user_id, fast.port, connections=4, batch_size=500)
        world.add_campaign(user_id, flat_out, world.people(6000, "large.example"))
        for receiver in slow:
            sender_id = world.add_sender(user_id, receiver.port, per_minute=300)
            world.add_campaign(user_id, sender_id, world.people(12, f"{receiver.port}.example"))
        world.dispatch(engine)
        for receiver in slow:
            receiver.wait(lambda receiver=receiver: len(receiver.starts) == 12)  # type: ignore[misc]
    for receiver in slow:
        # Each start may be 1.2 s late, the last one too.
        assert receiver.starts[-1] - receiver.starts[0] <= 11 * 60 / 300 * 1.03 + 1.2
    assert len(fast.accepted) > 200
