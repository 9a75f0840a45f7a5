"""Postfix's smtp-sink, as it offers little, refuses, hangs up or goes away."""

import pytest
from sqlmodel import select

from core import db
from core.delivery import lease
from core.models import Suppression
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.sink import Sink

PEOPLE = world.people(12)


def to_sink(sink: Sink, people: list[str] = PEOPLE) -> tuple[dict[str, int], int, int]:
    """Send to ``sink`` over one connection until nothing goes on: (states, sender, campaign)."""
    with world.engine() as engine:
        sender_id = world.add_sender(world.add_user(), sink.port, connections=1)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.over(sender_id, campaign_id))
    return world.states(campaign_id), sender_id, campaign_id


@pytest.mark.parametrize("options", ["", "-8", "-p", "-e", "-P", "-E -N -a", "-w 1 -n 1", "-W .:1 -n 1"])
def test_a_sink_that_offers_little_or_is_slow_gets_every_mail_once(options: str, sqlite_stack: Stack) -> None:
    people = PEOPLE[:1] if "1" in options else PEOPLE
    with Sink(*options.split()) as sink:
        states, _, _ = to_sink(sink, people)
        assert sorted(sink.accepted) == people
    assert states == {"sent": len(people)}


@pytest.mark.parametrize("how", ["-q", "-Q"], ids=["drops", "421"])
@pytest.mark.parametrize("command", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_a_sink_that_hangs_up_makes_the_sender_wait_and_only_a_drop_after_the_dot_is_unknown(
    how: str, command: str, sqlite_stack: Stack
) -> None:
    with Sink(how, command) as sink:
        states, sender_id, _ = to_sink(sink)
        doubtful = states.get("unknown", 0)
        assert (doubtful > 0) == ((how, command) == ("-q", "."))
        assert states == {key: count for key, count in (("pending", 12 - doubtful), ("unknown", doubtful)) if count}
        assert len(sink.accepted) == len(set(sink.accepted))
    assert world.sender(sender_id).state == "cooling"


REFUSALS = [
    ("-r RCPT", "451 4.7.1 Ratelimit exceeded", {"pending": 12}, "cooling"),
    ("-r .", "452 4.3.2 Concurrent connections limit exceeded", {"pending": 12}, "cooling"),
    ("-r MAIL", "450 4.2.1 Peak SMTP relay limit exceeded", {"pending": 12}, "cooling"),
    ("-f RCPT", "550 5.4.5 Domain Sending Quota Exceeded", {"pending": 12}, "cooling"),
    ("-f .", "550 5.4.5 Daily user sending limit exceeded", {"pending": 12}, "cooling"),
    ("-f MAIL", "553 5.7.1 Sender address rejected: not owned by user me", {"pending": 12}, "blocked"),
    ("-f RCPT", "550 5.1.1 User unknown in virtual mailbox table", {"failed": 12}, "ready"),
]


@pytest.mark.parametrize(("option", "words", "states", "state"), REFUSALS)
def test_a_sink_that_refuses_is_understood(
    option: str, words: str, states: dict[str, int], state: str, sqlite_stack: Stack
) -> None:
    with Sink(*option.split(), "-b" if option.startswith("-r") else "-B", words) as sink:
        seen, sender_id, _ = to_sink(sink)
        assert option.endswith(".") or sink.accepted == []  # it logs a mail before it answers its dot
    assert (seen, world.sender(sender_id).state) == (states, state)
    with db.reading() as session:
        assert len(session.exec(select(Suppression.email)).all()) == states.get("failed", 0)


def test_a_sink_that_says_550_before_the_end_of_the_body_fails_the_mails(sqlite_stack: Stack) -> None:
    with Sink("-A", "0", "-B", "554 5.7.1 no thanks") as sink:
        states, _, campaign_id = to_sink(sink)
        assert sink.accepted == []
    assert set(states) <= {"failed", "pending"} and states["failed"] >= 1
    assert world.campaign(campaign_id).status in ("paused", "sent") or states["pending"]


@pytest.mark.parametrize("option", ["-n", "-M"])
def test_a_sink_that_goes_away_and_comes_back_gets_the_rest(option: str, sqlite_stack: Stack) -> None:
    with Sink(option, "1" if option == "-n" else "5") as sink:
        states, sender_id, campaign_id = to_sink(sink)
        first = sink.accepted
    if option == "-n":
        assert states == {"sent": 12} and sorted(first) == PEOPLE
        return
    doubtful = states.get("unknown", 0)
    assert doubtful <= 2 and states["sent"] + doubtful == len(first) == 5
    db.clock_offset += lease.timedelta(minutes=2)
    with Sink(port=sink.port) as again, world.engine() as engine:
        world.until(lambda: world.campaign(campaign_id).status == "sent", poke=lambda: world.dispatch(engine))
        assert sorted(first + again.accepted) == PEOPLE
    assert world.sender(sender_id).owner == ""
