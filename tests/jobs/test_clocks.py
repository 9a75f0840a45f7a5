"""The clock jumps while mails go out."""

from datetime import timedelta

import pytest

from core import clock
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver, every
from tests.jobs.world import done, to_people

PEOPLE = world.people(60)


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
def test_a_clock_that_jumps_while_mails_go_out_neither_doubles_nor_stops_them(
    hours: int, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, jump = clock.utcnow, [timedelta()]
    monkeypatch.setattr(clock, "utcnow", lambda: real() + jump[0])

    def jumping() -> None:
        jump[0] = timedelta(hours=hours)
        world.dispatch(engine)  # the next tick sees leases of another time

    people = world.people(120)
    with Receiver(every(30, jumping, most=1)) as receiver, world.engine() as engine:
        _, _, campaign_id = to_people(receiver, people)
        world.dispatch(engine)
        receiver.wait(lambda: jump[0] != timedelta())
        if hours < 0:
            jump[0] = timedelta()  # it is set right again: in the past nothing was due yet
        world.until(lambda: done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 120}


def test_a_lease_from_a_clock_that_was_ahead_does_not_hold_the_sender_for_hours(stack: Stack) -> None:
    with Receiver() as receiver:
        _, sender_id, campaign_id = to_people(receiver, PEOPLE)
        world.leave_behind(sender_id, None, clock.utcnow() + timedelta(hours=1))
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: done(campaign_id), 10, poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: PEOPLE}, unknown=0) == {"sent": 60}
