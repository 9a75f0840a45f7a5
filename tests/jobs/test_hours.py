"""Sending windows and warm-up as the receiving server sees them."""

from datetime import UTC, datetime, time, timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import Session

from core import clock, db
from core.delivery import usage
from core.models import Campaign
from jobs import batches, hours
from jobs.dispatch import tick
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent

IST = "Asia/Kolkata"
OFFICE: dict[str, Any] = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": IST}
THURSDAY = datetime(2035, 11, 22, tzinfo=UTC)  # far ahead: what was written before the clock is set is in the past


def at(shown: str) -> datetime:
    """When the clock in India shows this on that Thursday."""
    return clock.local_to_utc(THURSDAY.date(), time.fromisoformat(shown), IST)


def it_is(shown: str) -> None:
    """From now on the clock in India shows ``shown``, and goes on."""
    db.clock_offset = at(shown) - clock.utcnow()


def from_now(shown: str) -> float:
    """That moment on the receiver's clock."""
    return monotonic() + (at(shown) - clock.utcnow() - db.clock_offset).total_seconds()


def shown(moment: datetime | None) -> str:
    return f"{clock.to_zone(moment, IST):%a %H:%M:%S}" if moment else ""


def waits(sender_id: int, until: str) -> bool:
    sender = world.sender(sender_id)
    return sender.owner == "" and shown(sender.next_start_at) == until


def test_a_sender_outside_its_window_starts_at_once_when_it_opens(stack: Stack) -> None:
    user_id = world.add_user()
    it_is("08:00")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, sending_window=OFFICE)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(20))
        tick(lambda sender_id: None)
        it_is("08:59:57")
        world.dispatch(engine)
        world.until(lambda: waits(sender_id, "Thu 09:00:00"))
        assert receiver.starts == [] and world.states(campaign_id) == {"pending": 20}
        opens = from_now("09:00")
        world.until(lambda: sent(campaign_id))  # no tick: the engine's own timer
    assert 0 <= receiver.starts[0] - opens < 10  # soon, on any machine
    assert receiver.twice == []


@pytest.mark.parametrize("limits", [{}, {"per_minute": 1200}], ids=["flat out", "paced"])
def test_no_mail_starts_after_the_window_closed_and_what_was_claimed_goes_back(
    stack: Stack, limits: dict[str, Any]
) -> None:
    user_id = world.add_user()

    def slow(phase: str, recipient: str) -> None:
        if phase == "data":
            sleep(0.001)  # so that some are left, while a busy machine has time to begin

    with Receiver(slow) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, sending_window=OFFICE, batch_size=1000, **limits)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(150 if limits else 8_000))
        tick(lambda sender_id: None)  # the recipients are written down
        it_is("17:59:53.500")
        closes = from_now("18:00")
        world.dispatch(engine)
        world.until(lambda: waits(sender_id, "Fri 09:00:00"))
        states = world.states(campaign_id)
        assert receiver.starts and max(receiver.starts) < closes
        assert set(states) == {"sent", "pending"} and states["sent"] == len(receiver.accepted)
        assert not limits or "QUIT" in receiver.commands  # one that was just being opened need not say it
        world.dispatch(engine)
        assert waits(sender_id, "Fri 09:00:00")
    assert receiver.twice == []


def test_no_mail_starts_behind_one_whose_answer_comes_after_the_window_closed(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    closes = 0.0

    def stalls(phase: str, recipient: str) -> None:
        if phase == "data" and closes - 0.4 < monotonic() < closes:
            sleep(closes - monotonic() + 0.1)

    with Receiver(stalls) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, sending_window=OFFICE, connections=1)
        world.add_campaign(user_id, sender_id, world.people(6_000))
        tick(lambda sender_id: None)
        it_is("17:59:57.800")
        closes = from_now("18:00")
        world.dispatch(engine)
        world.until(lambda: waits(sender_id, "Fri 09:00:00"))
    assert receiver.starts[0] < closes and max(receiver.starts) < closes
    assert receiver.twice == []


def test_a_campaign_outside_its_window_waits_while_another_of_its_sender_goes_on(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=1200, connections=1)
        it_is("17:00")
        office = world.add_campaign(user_id, sender_id, world.people(80, "office.example"), sending_window=OFFICE)
        always = world.add_campaign(user_id, sender_id, world.people(80, "always.example"))
        tick(lambda sender_id: None)
        it_is("17:59:57")
        closes = from_now("18:00")
        world.dispatch(engine)
        world.until(lambda: sent(always))
        world.until(lambda: world.sender(sender_id).owner == "")
        states = world.states(office)
        assert shown(world.campaign(office).hold_until) == "Fri 09:00:00"
        assert set(states) == {"sent", "pending"} and states["sent"] >= 1
        # The log has starts and recipients in one order: one connection, nothing refused.
        late = [who for who, start in zip(receiver.accepted, receiver.starts, strict=True) if start >= closes]
        assert late and not [who for who in late if "office" in who]
        world.dispatch(engine)
        assert world.sender(sender_id).owner == "" and world.states(office) == states
        it_is("09:00:01")
        db.clock_offset += timedelta(days=1)
        world.dispatch(engine)
        world.until(lambda: sent(office), seconds=30)
    assert len(receiver.accepted) == 160 and receiver.twice == []


def test_a_campaign_joins_at_once_when_its_window_opens_though_its_sender_is_busy(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=600, connections=1)
        it_is("08:00")
        world.add_campaign(user_id, sender_id, world.people(60, "always.example"))
        office = world.add_campaign(user_id, sender_id, world.people(1, "office.example"), sending_window=OFFICE)
        tick(lambda sender_id: None)
        it_is("08:59:58")
        opens = from_now("09:00")
        world.dispatch(engine)
        world.until(lambda: world.campaign(office).sent_count == 1)
        when = [start for who, start in zip(receiver.accepted, receiver.starts, strict=False) if "office" in who]
    assert 0 <= when[0] - opens < 4  # while the other campaign's 60 take six seconds


def test_a_window_that_is_removed_while_it_waits_waits_no_longer(stack: Stack) -> None:
    user_id = world.add_user()
    it_is("20:00")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, sending_window=OFFICE)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(5), sending_window=OFFICE)
        world.dispatch(engine)
        world.until(lambda: waits(sender_id, "Fri 09:00:00"))
        world.save_sender(user_id, sender_id, sending_window=None)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).hold_until is not None)
        world.set_hours(user_id, campaign_id)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert len(receiver.accepted) == 5


def test_what_begins_while_a_claim_finds_nothing_is_found_by_the_next(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = world.add_user()
    it_is("20:00")
    follow = hours.Hours.follow
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(5), sending_window=OFFICE)

        def follow_and_change(*of: Any) -> None:
            """The claim asked, and its answer is on its way."""
            follow(*of)
            if world.campaign(campaign_id).sending_window is not None:
                with world.changing(campaign_id) as row:
                    row.sending_window, row.version = None, row.version + 1
                engine._lanes[sender_id].poke()  # as the tick does that hears of it

        monkeypatch.setattr(hours.Hours, "follow", follow_and_change)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id), 10)
    assert len(receiver.accepted) == 5


def test_what_begins_while_its_sender_is_given_back_goes_out_without_another_word(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = world.add_user()
    it_is("20:00")
    give_back = batches.give_back
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(5), sending_window=OFFICE)

        def change_and_give_back(session: Session, *of: Any) -> Any:
            """A tick came just before: it left the sender to its owner."""
            session.execute(update(Campaign).values(sending_window=None, hold_until=None))
            return give_back(session, *of)

        monkeypatch.setattr(batches, "give_back", change_and_give_back)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id), 10)
    assert len(receiver.accepted) == 5


def test_a_window_that_is_removed_while_its_sender_is_busy_lets_the_campaign_join_at_once(stack: Stack) -> None:
    user_id = world.add_user()
    it_is("20:00")
    with Receiver() as receiver, world.engine() as engine:
        # What is claimed lasts for 15 s: nothing is claimed anew by itself until then.
        sender_id = world.add_sender(user_id, receiver.port, delay_seconds=1.0, connections=1)
        world.add_campaign(user_id, sender_id, world.people(30, "always.example"))
        office = world.add_campaign(user_id, sender_id, world.people(1, "office.example"), sending_window=OFFICE)
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 1)
        world.until(lambda: world.campaign(office).hold_until is not None)
        world.set_hours(user_id, office)
        if stack.name == "postgres":
            engine.look_again()  # as the wake-up does that a worker process hears from Redis
        before = len(receiver.accepted)
        receiver.wait(lambda: "person0000@office.example" in receiver.accepted, 20)
        # The mail in hand, one that is first in the new turn, and the campaign's own.
        assert len(receiver.accepted) <= before + 4
    assert receiver.twice == []


def test_a_window_that_is_set_while_it_sends_holds_from_the_next_mail_on(stack: Stack) -> None:
    user_id = world.add_user()
    it_is("20:00")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=600, connections=1)
        world.add_campaign(user_id, sender_id, world.people(50))
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 3)
        world.save_sender(user_id, sender_id, sending_window=OFFICE)
        before = len(receiver.starts)
        world.until(lambda: waits(sender_id, "Fri 09:00:00"))
        assert len(receiver.starts) <= before + 1


def ramp(start: int, factor: float = 2.0, days: int = 3) -> dict[str, Any]:
    return {"start": start, "factor": factor, "days": days, "began": f"{THURSDAY:%Y-%m-%d}", "zone": IST}


def test_a_senders_warm_up_is_a_limit_per_day_that_grows_at_midnight(stack: Stack) -> None:
    user_id = world.add_user()
    it_is("20:00")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, warmup=ramp(10))
        campaign_id = world.add_campaign(user_id, sender_id, world.people(35))
        tick(lambda sender_id: None)
        it_is("23:59:56")
        midnight = from_now("23:59:59") + 1
        world.dispatch(engine)
        world.until(lambda: len(receiver.accepted) == 10 and waits(sender_id, "Fri 00:00:00"))
        world.until(lambda: len(receiver.accepted) == 20)  # day 2: 20, of which 10 went out seconds ago
        assert receiver.starts[9] < midnight <= receiver.starts[10] < midnight + 10  # soon, on any machine
        world.until(lambda: waits(sender_id, "Sat 00:00:00"))
        db.clock_offset += timedelta(days=3)  # the ramp is over
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
        with db.reading() as session:
            assert sum(count for _, count in usage.recent(session, sender_id, db.now(session))) == 15
    assert receiver.twice == []


def test_a_campaigns_warm_up_caps_its_own_mails_only(stack: Stack) -> None:
    user_id = world.add_user()
    it_is("12:00")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, batch_size=7)
        slow = world.add_campaign(user_id, sender_id, world.people(60, "slow.example"), warmup=ramp(10))
        fast = world.add_campaign(user_id, sender_id, world.people(40, "fast.example"))
        world.dispatch(engine)
        world.until(lambda: sent(fast) and shown(world.campaign(slow).hold_until) == "Fri 00:00:00")
        world.until(lambda: world.sender(sender_id).owner == "")
        assert world.states(slow) == {"sent": 10, "pending": 50}
        db.clock_offset += timedelta(days=1)
        world.dispatch(engine)
        world.until(lambda: shown(world.campaign(slow).hold_until) == "Sat 00:00:00")
        world.until(lambda: world.sender(sender_id).owner == "")
        assert world.states(slow) == {"sent": 30, "pending": 30}
        db.clock_offset += timedelta(days=1)
        world.dispatch(engine)
        world.until(lambda: sent(slow))
    assert receiver.twice == []
