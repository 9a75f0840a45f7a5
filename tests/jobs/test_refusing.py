"""One domain refuses a campaign that others take: the others go on, and what is left for it is not tried."""

from collections import Counter
from typing import Any

import pytest
from sqlmodel import col, select

from core import campaigns, db
from core.campaigns import again, refusing
from core.delivery.replies import LEFT_OUT
from core.errors import NotFound, RuleError
from core.models import Attempt, Message, RefusingDomain
from jobs.dispatch import bring_back, leave_out
from jobs.engine import Engine
from tests import rows
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.domains import BLOCKED, KIND, STRICT, alternating, failed_rules, in_turn, refuses
from tests.jobs.receiver import Receiver


def _tried(receiver: Receiver) -> int:
    return sum(line.startswith("RCPT") and STRICT in line for line in receiver.commands)


def test_the_campaign_goes_on_without_the_domain_and_its_mails_can_be_retried(stack: Stack) -> None:
    user_id, people = world.add_user(), alternating(60)
    with refuses(STRICT) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1, batch_size=5, delay_seconds=0.02)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
        assert world.states(campaign_id) == {"sent": 60, "failed": 60}
        assert sorted(receiver.accepted) == sorted(world.people(60, KIND))
        rules, row = failed_rules(campaign_id), world.campaign(campaign_id)
        assert rules[LEFT_OUT] > 30 and rules.total() == 60 and (row.failed_count, row.pause_reason) == (60, "")
        assert _tried(receiver) == 60 - rules[LEFT_OUT]
        words = world.message(campaign_id, max(world.people(60, STRICT))).reply
        assert words == f"Not tried, as {STRICT} refused others: {BLOCKED[4:]}"
        receiver.script = lambda phase, to: None
        with db.session() as session:
            campaigns.retry_failed(session, user_id, campaign_id)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
    assert world.states(campaign_id) == {"sent": 120}
    assert sorted(receiver.accepted) == sorted(people) and not receiver.twice


@pytest.mark.parametrize(
    ("phase", "values"),
    [
        ("rcpt", {"connections": 4}),
        ("dot", {"connections": 4}),
        ("rcpt", {"connections": 2, "per_minute": 3_000}),
        ("rcpt", {"connections": 1, "domain_per_minute": 3_000}),
    ],
    ids=str,
)
def test_what_was_claimed_for_the_domain_is_not_tried_either(stack: Stack, phase: str, values: dict[str, int]) -> None:
    user_id, people = world.add_user(), [*world.people(20, "first.example"), *alternating(40)]
    on_the_wire = values["connections"] * (1 if phase == "rcpt" else 2)  # behind a dot stands the next RCPT
    with Receiver(lambda at, to: BLOCKED if at == phase and to.endswith(STRICT) else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port, batch_size=500, **values)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
            tried, most = _tried(receiver), 3 + on_the_wire
            assert 3 <= tried <= most
            if "domain_per_minute" not in values:  # else it would be paced for a minute
                with db.session() as session:
                    campaigns.retry_failed(session, user_id, campaign_id, rule_id=LEFT_OUT)
                world.dispatch(engine)
                world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
                assert 3 <= _tried(receiver) - tried <= most
    assert world.states(campaign_id) == {"sent": 60, "failed": 40} and not receiver.twice
    assert failed_rules(campaign_id)[LEFT_OUT] == 40 - _tried(receiver)


def _one_by_one(receiver: Receiver, engine: Engine, people: list[str]) -> tuple[int, int]:
    """(user, their campaign to these people, over one connection), once it is sent or paused."""
    user_id, sender_id, campaign_id = world.to_people(receiver, people, connections=1, batch_size=5, delay_seconds=0.01)

    def over() -> bool:
        return world.campaign(campaign_id).status in ("sent", "paused") and world.sender(sender_id).owner == ""

    world.dispatch(engine)
    world.until(over, poke=lambda: world.dispatch(engine))
    return user_id, campaign_id


def test_two_domains_that_refuse_at_once_are_left_out_both(stack: Stack) -> None:
    with refuses("a.example", "b.example") as receiver, world.engine() as engine:
        _, campaign_id = _one_by_one(receiver, engine, ["first@c.example", *in_turn(20, "a", "b", "c")])
    assert world.states(campaign_id) == {"sent": 21, "failed": 40}
    assert 6 <= 40 - failed_rules(campaign_id)[LEFT_OUT] <= 12  # what was behind the third one was claimed


def test_three_domains_that_refuse_the_same_way_pause_the_campaign_and_its_user_goes_on_without_them(
    stack: Stack,
) -> None:
    refusing_ones = ["a.example", "b.example", "c.example"]
    with refuses(*refusing_ones) as receiver, world.engine() as engine:
        user_id, campaign_id = _one_by_one(receiver, engine, ["first@d.example", *in_turn(20, "a", "b", "c", "d")])
        assert world.campaign(campaign_id).pause_reason == "content" and not failed_rules(campaign_id)[LEFT_OUT]
        assert world.campaign(campaign_id).failed_count == 3
        stranger = world.add_user("charlie@example.com")
        with db.reading() as session:
            assert refusing.blamed(session, user_id, campaign_id) == refusing_ones
            assert refusing.blamed(session, stranger, campaign_id) == []
        with pytest.raises(NotFound), db.session() as session:
            refusing.leave_out(session, stranger, campaign_id, refusing_ones)
        for others in (["d.example"], refusing_ones[1:], []):
            with pytest.raises(RuleError, match="just changed"), db.session() as session:
                refusing.leave_out(session, user_id, campaign_id, others)
        assert world.campaign(campaign_id).status == "paused"
        with db.session() as session:
            refusing.leave_out(session, user_id, campaign_id, refusing_ones)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
    assert world.states(campaign_id) == {"sent": 21, "failed": 60}
    assert failed_rules(campaign_id)[LEFT_OUT] == 57


def test_domains_of_one_provider_count_as_one(sqlite_stack: Stack) -> None:
    domains = ("outlook.com", "hotmail.com", "live.com")
    people = [f"{number}@{domain}" for number in range(10) for domain in (*domains, KIND)]
    with refuses(*domains) as receiver, world.engine() as engine:
        _, campaign_id = _one_by_one(receiver, engine, [f"first@{KIND}", *people])
    assert world.states(campaign_id) == {"sent": 11, "failed": 30} and failed_rules(campaign_id)[LEFT_OUT]


def test_a_campaign_that_begins_with_the_domain_goes_on_without_it(stack: Stack) -> None:
    with refuses(STRICT) as receiver, world.engine() as engine:
        _, campaign_id = _one_by_one(receiver, engine, [*world.people(30, STRICT), *world.people(20, KIND)])
    assert world.states(campaign_id) == {"sent": 20, "failed": 30}
    assert sorted(receiver.accepted) == world.people(20, KIND) and _tried(receiver) <= 5


def test_where_everybody_refuses_the_campaign_pauses_and_nothing_stays_left_out(stack: Stack) -> None:
    people = [*world.people(30, STRICT), *world.people(20, KIND)]
    with refuses(STRICT, KIND) as receiver, world.engine() as engine:
        _, campaign_id = _one_by_one(receiver, engine, people)
        assert world.campaign(campaign_id).pause_reason == "content"
        world.dispatch(engine)
        failed = world.states(campaign_id)["failed"]
        assert 4 <= failed <= 6 and world.states(campaign_id) == {"failed": failed, "pending": 50 - failed}
        assert not failed_rules(campaign_id)[LEFT_OUT]
        with db.reading() as session:
            assert session.get(RefusingDomain, (campaign_id, STRICT)) is None


def test_a_campaign_to_the_domain_alone_pauses(sqlite_stack: Stack) -> None:
    with refuses(STRICT) as receiver, world.engine() as engine:
        _, campaign_id = _one_by_one(receiver, engine, world.people(20, STRICT))
    assert world.campaign(campaign_id).pause_reason == "content" and world.states(campaign_id)["failed"] == 3


def _after_the_first(*domains: str) -> Receiver:
    """Refuses these after the first mail."""
    receiver = Receiver()
    receiver.script = lambda phase, to: (
        BLOCKED if phase == "rcpt" and to.endswith(domains) and receiver.accepted else None
    )
    return receiver


def test_a_domain_that_took_the_first_mails_is_left_out_before_any_other_was_asked(stack: Stack) -> None:
    with _after_the_first(STRICT) as receiver, world.engine() as engine:
        _, campaign_id = _one_by_one(receiver, engine, [*world.people(20, STRICT), *world.people(20, KIND)])
    assert world.states(campaign_id) == {"sent": 21, "failed": 19}
    assert sorted(receiver.accepted[1:]) == world.people(20, KIND) and failed_rules(campaign_id)[LEFT_OUT] >= 10


def test_where_the_others_then_refuse_it_too_it_waits_again_though_it_took_the_first(stack: Stack) -> None:
    with _after_the_first(STRICT, KIND) as receiver, world.engine() as engine:
        _, campaign_id = _one_by_one(receiver, engine, [*world.people(20, STRICT), *world.people(20, KIND)])
        world.dispatch(engine)
        assert world.campaign(campaign_id).pause_reason == "content" and not failed_rules(campaign_id)[LEFT_OUT]
    assert world.states(campaign_id)["pending"] >= 30 and len(receiver.accepted) == 1


def _paused(states: dict[str, list[str]]) -> tuple[int, int]:
    """(user, their campaign that was paused after its ``failed`` were refused)."""
    user_id, told = world.add_user(), {"kind": "policy", "rule_id": "blocklist", "reply": BLOCKED}
    sender_id = world.add_sender(user_id, 25)
    with db.session() as session:
        values = {"status": "paused", "pause_reason": "content", "pause_detail": BLOCKED}
        campaign_id = rows.campaign(session, user_id, states, sender_id=sender_id, **values)
        for message in session.exec(select(Message).where(col(Message.state) == "failed")):
            message.sqlmodel_update(told)
            refused = {"message_id": message.id or 0, "campaign_id": campaign_id, "at": db.now(session)}
            session.add(Attempt(**refused, phase="rcpt", **told))
    return user_id, campaign_id


def test_only_domains_that_seem_to_refuse_all_are_blamed_and_not_too_many(sqlite_stack: Stack) -> None:
    names = ["a.example", "b.example", "left.example", "most.example"]
    sent = [*world.people(30, "most.example"), *world.people(1, "first.example")]
    states = {"sent": sent, "pending": ["x@first.example"], "failed": [f"z@{name}" for name in names]}
    user_id, campaign_id = _paused(states)
    with db.session() as session:
        session.add(RefusingDomain(campaign_id=campaign_id, domain="left.example", reply=BLOCKED, is_done=True))
        session.flush()
        waits = session.exec(select(Message).where(Message.email == "x@first.example")).one()
        later = {"kind": "greylist", "rule_id": "greylisted", "reply": "4.2.0 Greylisted"}
        session.add(
            Attempt(message_id=waits.id or 0, campaign_id=campaign_id, at=db.now(session), phase="rcpt", **later)
        )
        session.flush()
        assert refusing.blamed(session, user_id, campaign_id) == ["a.example", "b.example"]
        waits.domain = "a.example"
        session.flush()
        assert refusing.blamed(session, user_id, campaign_id) == []  # nobody else waits


@pytest.mark.parametrize(("others", "blames"), [(2, True), (21, False)])
def test_of_very_many_domains_or_where_nobody_took_it_none_is_blamed(
    sqlite_stack: Stack, others: int, blames: bool
) -> None:
    states = {"sent": ["a@kind.example"], "pending": ["b@kind.example"]}
    user_id, campaign_id = _paused(states | {"failed": [f"z@{number}.example" for number in range(others)]})
    with db.session() as session:
        assert bool(refusing.blamed(session, user_id, campaign_id)) == blames
        session.exec(select(Message).where(Message.email == "a@kind.example")).one().state = "cancelled"
        session.flush()
        assert refusing.blamed(session, user_id, campaign_id) == []


def test_who_dies_while_what_was_left_out_is_brought_back_is_followed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "CHUNK_ROWS", 2)
    _, campaign_id = _paused({"failed": [*world.people(50, STRICT), "z@kind.example"]})
    with db.session() as session:
        session.add(RefusingDomain(campaign_id=campaign_id, domain=STRICT, reply=BLOCKED))
        for message in session.exec(select(Message).where(col(Message.domain) == STRICT)):
            message.rule_id = LEFT_OUT
    real, calls = again.bring_back, list[object]()

    def dies(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(again, "bring_back", dies)
    with pytest.raises(KeyboardInterrupt):
        bring_back()
    assert 0 < world.states(campaign_id)["pending"] < 50
    leave_out()  # of another worker: it takes nothing back
    bring_back()
    assert world.states(campaign_id) == {"pending": 50, "failed": 1}
    with db.reading() as session:
        assert session.get(RefusingDomain, (campaign_id, STRICT)) is None


def test_a_domain_that_refuses_single_mails_and_takes_others_is_not_left_out(sqlite_stack: Stack) -> None:
    user_id, people, seen = world.add_user(), alternating(130), Counter[str]()

    def script(phase: str, to: str) -> str | None:
        domain = to.rpartition("@")[2]
        seen[domain] += phase == "rcpt"
        return BLOCKED if phase == "rcpt" and domain == STRICT and seen[domain] in (25, 60, 95, 126) else None

    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id))
    assert world.states(campaign_id) == {"sent": 256, "failed": 4} and LEFT_OUT not in failed_rules(campaign_id)
