"""Test mails beside campaigns: the receiving server sees no more of both than the sender's limits allow."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from sqlmodel import col, func, select

from core import campaigns, db, live
from core.campaigns import TestResult
from core.delivery import guests
from core.models import DomainPace, SenderUsage
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent

LATE = 0.02 * 60


def send_tests(user_id: int, campaign_id: int, count: int, at_once: int = 2) -> list[TestResult]:
    addresses = [f"test{number}@example.net" for number in range(count)]
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(partial(campaigns.send_test, user_id, campaign_id), addresses))


def counted(sender_id: int) -> int:
    with db.reading() as session:
        mine = select(func.sum(SenderUsage.started_count)).where(col(SenderUsage.sender_id) == sender_id)
        return session.exec(mine).one() or 0


@pytest.mark.parametrize("limits", [{"per_minute": 300}, {"per_second": 6, "per_minute": 6000}])
def test_tests_share_the_pace_with_a_campaign_that_goes_out(stack: Stack, limits: dict[str, Any]) -> None:
    people, count = world.people(16), 2 if "per_second" in limits else 4
    with Receiver() as receiver, world.worker():
        user_id, sender_id, campaign_id = world.to_people(receiver, people, **limits)
        live.wake()
        receiver.wait(lambda: len(receiver.accepted) >= 4)
        results = send_tests(user_id, campaign_id, count)
        assert all(result.accepted for result in results), results
        assert not sent(campaign_id)  # they had precedence
        world.until(lambda: sent(campaign_id))
    assert len(receiver.starts) == len(receiver.accepted) == 16 + count and not receiver.twice
    if "per_second" in limits:
        assert receiver.most_within(0.98) <= 6
    gap = 1.03 * 60 / limits["per_minute"]
    for place, since in enumerate(receiver.since):
        for further, at in enumerate(receiver.starts[place:]):
            assert at - since >= further * gap - LATE, (place, further)
    assert counted(sender_id) >= 16 + count


def test_tests_use_up_the_hour_of_a_campaign_that_goes_out(stack: Stack) -> None:
    with Receiver() as receiver, world.worker():
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(40), per_hour=20, per_minute=600)
        live.wake()
        receiver.wait(lambda: len(receiver.accepted) >= 3)
        assert sum(result.accepted for result in send_tests(user_id, campaign_id, 5)) == 5
        world.until(lambda: world.sender(sender_id).owner == "" and counted(sender_id) == 20)
        [refused] = send_tests(user_id, campaign_id, 1)
        assert not refused.accepted and "sends at most 20 mails an hour" in refused.sentence
        live.wake()
        assert len(receiver.starts) <= 20


def test_tests_before_a_campaign_count_and_say_which_limit_is_full(stack: Stack) -> None:
    with Receiver() as receiver:
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(5), per_minute=3, per_hour=2)
        first, second, *_ = send_tests(user_id, campaign_id, 2, at_once=1)
        assert first.accepted and not second.accepted and not second.is_about_address
        assert "sends at most 3 mails a minute. There is room for a test again at" in second.sentence
        db.clock_offset += timedelta(seconds=25)
        assert [result.accepted for result in send_tests(user_id, campaign_id, 1)] == [True]
        [full] = send_tests(user_id, campaign_id, 1)
        assert "sends at most 2 mails an hour. There is room for a test again at" in full.sentence
        with world.worker():
            live.wake()
            world.until(lambda: world.sender(sender_id).epoch > 0 and world.sender(sender_id).owner == "")
        assert len(receiver.starts) == counted(sender_id) == 2


def test_a_test_takes_its_turn_at_a_domain(stack: Stack) -> None:
    with Receiver() as receiver:
        user_id, sender_id, campaign_id = world.to_people(receiver, [], domain_per_minute=1)
        first, second = send_tests(user_id, campaign_id, 2, at_once=1)
        assert first.accepted and second.is_about_address  # another domain may have room
        assert "sends at most 1 mail a minute to one domain. There is room" in second.sentence
        assert campaigns.send_test(user_id, campaign_id, "me@example.com").accepted
        with db.reading() as session:
            assert {*session.exec(select(DomainPace.domain))} == {"example.net", "example.com"}
        assert len(receiver.starts) == counted(sender_id) == 2


def test_a_test_of_an_unlimited_sender_counts_and_the_campaign_goes_on(sqlite_stack: Stack) -> None:
    with Receiver() as receiver, world.worker():
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(30))
        live.wake()
        receiver.wait(lambda: len(receiver.accepted) >= 3)
        assert [result.accepted for result in send_tests(user_id, campaign_id, 1)] == [True]
        world.until(lambda: world.done(campaign_id))
        assert counted(sender_id) == len(receiver.starts) >= 31


@pytest.mark.parametrize(
    "limits", [{"connections": 1}, {"connections": 2}, {"connections": 1, "per_minute": 300}], ids=str
)
def test_the_connection_of_a_test_is_one_of_the_senders(stack: Stack, limits: dict[str, int]) -> None:
    people = world.people(20 if "per_minute" in limits else 800)
    with Receiver() as receiver, world.worker():
        user_id, _, campaign_id = world.to_people(receiver, people, **limits)
        live.wake()
        receiver.wait(lambda: len(receiver.accepted) >= 4)
        results = send_tests(user_id, campaign_id, 3, at_once=3)
        assert all(result.accepted for result in results), results
        assert not sent(campaign_id)
        world.until(lambda: sent(campaign_id))
    assert receiver.most_open <= limits["connections"]
    assert len(receiver.accepted) == len(people) + 3 and not receiver.twice


def test_a_sender_whose_mails_take_long_sends_no_test_beside_them(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "_PATIENCE", 0.5)
    answer = Event()

    def slow(phase: str, recipient: str) -> None:
        if phase == "dot":
            answer.wait(20)

    with Receiver(slow) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        user_id, _, campaign_id = world.to_people(receiver, world.people(3), connections=1)
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.starts) >= 1)
        [result] = send_tests(user_id, campaign_id, 1)
        answer.set()
        assert not result.accepted and "is busy with mails that take long. Nothing was sent." in result.sentence
        world.until(lambda: sent(campaign_id))  # no tick tells it to go on
    assert sorted(receiver.accepted) == world.people(3) and receiver.most_open == 1
