"""The sandbox plays providers: the real engine against the real sandbox server, and the ledger adds up in the end."""

import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select

from core import campaigns, db
from core.audience import samples
from core.delivery import sandbox, scenarios, senders, smtp
from core.errors import RuleError
from core.models import Attempt, Campaign, LinkClick, Message, Meta, Sender, Suppression
from core.tracking import links as tracking
from core.tracking import readers
from jobs import sandbox_inbox
from jobs.engine import Engine
from tests import rows
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver

PEOPLE = world.people(12)


@pytest.fixture
def inbox(stack: Stack) -> Iterator[None]:
    sandbox_inbox.start()
    yield
    sandbox_inbox.stop()


class Played:
    """A campaign that goes out to the sandbox while it plays ``key``."""

    def __init__(self, key: str, people: list[str], engine: Engine) -> None:
        self.user_id, self.people, self.engine = world.add_user(), people, engine
        with db.session() as session:
            self.sender_id = senders.add_sandbox(session, self.user_id).id or 0
            sandbox.play(session, self.user_id, key)
        self.campaign_id = world.add_campaign(self.user_id, self.sender_id, people)
        world.dispatch(engine)

    def play(self, key: str) -> None:
        with db.session() as session:
            sandbox.play(session, self.user_id, key)
        world.dispatch(self.engine)

    def until_cooling(self) -> None:
        """Until the sender waits and no worker has it."""
        world.until(lambda: (row := world.sender(self.sender_id)).state == "cooling" and row.owner == "")

    def until_sent(self) -> dict[str, int]:
        """Until the campaign is over; its states, which are counted against its recipients."""
        poke = lambda: world.dispatch(self.engine)  # noqa: E731
        world.until(lambda: world.campaign(self.campaign_id).status == "sent", poke=poke)
        return world.states(self.campaign_id)

    def arrived(self) -> list[str]:
        """Who has a mail in the sandbox, once per mail."""
        sandbox_inbox.stop()  # what came in is kept
        with db.reading() as session:
            return sorted(line.rcpt_to for line in sandbox.listed(session, self.user_id, limit=500))

    def refusals(self) -> list[tuple[int | None, str]]:
        with db.reading() as session:
            tried = select(Attempt).where(col(Attempt.campaign_id) == self.campaign_id)
            return [(row.reply_code, row.kind) for row in session.exec(tried)]


@contextmanager
def played(monkeypatch: pytest.MonkeyPatch, key: str, people: list[str] = PEOPLE, **quick: Any) -> Iterator[Played]:
    """``quick``: of the scenario, so that nobody waits for minutes."""
    monkeypatch.setitem(scenarios.ALL, key, replace(scenarios.ALL[key], **quick))
    with world.engine() as engine:
        yield Played(key, people, engine)


def test_all_is_well(inbox: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with played(monkeypatch, "normal") as it:
        assert it.until_sent() == {"sent": 12}
    assert it.arrived() == PEOPLE and it.refusals() == []


def test_a_limit_per_minute_makes_the_sender_wait_and_harms_no_mail(
    inbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with played(monkeypatch, "rate", limit=5, window=30.0) as it:
        it.until_cooling()
        waits = world.sender(it.sender_id)
        assert waits.state_kind == "throttle_rate" and "4.7.1 Ratelimit exceeded" in waits.state_reply
        assert world.campaign(it.campaign_id).failed_count == 0
        it.play("normal")  # changed while it goes out: the wait and the learned pace are those of another provider
        assert it.until_sent() == {"sent": 12}
        assert world.sender(it.sender_id).learned_per_minute is None
    assert it.arrived() == PEOPLE


def test_a_limit_that_is_waited_for_lets_the_rest_through(inbox: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with played(monkeypatch, "rate", PEOPLE[:7], limit=5, window=1.0) as it:
        assert it.until_sent() == {"sent": 7}
    assert it.arrived() == PEOPLE[:7]


def test_greylisting_delays_each_mail_once(inbox: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with played(monkeypatch, "greylisting", greylisting=1.0) as it:
        assert it.until_sent() == {"sent": 12}
        assert it.refusals() == [(450, "greylist")] * 12
    assert it.arrived() == PEOPLE


def test_dead_mailboxes_fail_are_suppressed_and_are_always_the_same(
    inbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = [email for email in world.people(200) if scenarios.is_dead(email, 1)]
    assert 1 <= len(dead) <= 5
    people = sorted({*PEOPLE, *dead})
    with played(monkeypatch, "dead", people) as it:
        assert it.until_sent() == {"sent": len(people) - len(dead), "failed": len(dead)}
    with db.reading() as session:
        assert sorted(session.exec(select(Suppression.email))) == dead
    assert it.arrived() == sorted(set(people) - set(dead))


def test_a_daily_quota_stops_the_sender_until_another_provider_is_chosen(
    inbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with played(monkeypatch, "quota", quota=5) as it:
        it.until_cooling()
        assert world.sender(it.sender_id).state_kind == "quota_day"
        assert 5 <= world.campaign(it.campaign_id).sent_count <= 6  # two connections
        it.play("normal")
        assert it.until_sent() == {"sent": 12}
    assert it.arrived() == PEOPLE


def test_a_slow_server_only_takes_longer(inbox: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with played(monkeypatch, "slow", PEOPLE[:4], delay=0.3) as it:
        assert it.until_sent() == {"sent": 4}
        row = world.campaign(it.campaign_id)
        assert row.finished_at and row.started_at and (row.finished_at - row.started_at).total_seconds() >= 0.6
    assert it.arrived() == PEOPLE[:4]


def test_a_connection_lost_in_a_mail_loses_nothing(inbox: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with played(monkeypatch, "drop_before", drop_every=4) as it:
        states = it.until_sent()
    # A dot that was written before the end of the connection was heard of leaves its mail in doubt.
    assert states.get("sent", 0) + states.get("unknown", 0) == 12 and states["sent"] >= 9
    arrived = it.arrived()
    assert len(arrived) == len(set(arrived)) == states["sent"]


def test_a_connection_lost_after_a_mail_leaves_it_unknown_and_sends_nothing_twice(
    inbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with played(monkeypatch, "drop_after", drop_every=4) as it:
        assert it.until_sent() == {"sent": 9, "unknown": 3}
    arrived = it.arrived()
    assert len(arrived) == len(set(arrived)) == 11  # of the three, two had arrived


def test_simulated_readers_open_and_click_as_the_mails_own_bytes_allow(
    inbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "SOONEST", 0.0)
    monkeypatch.setattr(readers, "LATEST", 0.0)
    people = [email for email, _ in samples.people()][:40]
    with played(monkeypatch, "normal", []) as it:
        with db.session() as session:
            sandbox.announce(session, "http://127.0.0.1:8080")
            sandbox.set_readers(session, it.user_id, True)
        body = '<p>Привет, {{ first_name }}: <a href="https://example.com/a">ссылка</a></p>'  # goes out as base64
        it.campaign_id = world.add_campaign(it.user_id, it.sender_id, people, body=body)
        with db.session() as session:
            tracking.keep(session, it.campaign_id, ["https://example.com/a"])
        world.dispatch(it.engine)
        opening = [email for email in people if share(email) < readers.OPENING]
        clicking = [email for email in people if share(email) < readers.CLICKING]
        assert opening and clicking
        world.until(lambda: world.campaign(it.campaign_id).opened_count == len(opening))
        assert it.until_sent() == {"sent": 40}
        assert world.campaign(it.campaign_id).clicked_count == len(clicking)
    with db.reading() as session:
        opened = select(Message.email).where(col(Message.opened_at).is_not(None))
        assert sorted(session.exec(opened)) == sorted(opening)
        assert len(session.exec(select(LinkClick)).all()) == len(clicking)


def test_a_simulated_reader_opens_no_mail_of_anybody_else(sqlite_stack: Stack) -> None:
    alice, charlie = world.add_user(), world.add_user("charlie@example.com")
    with db.session() as session:
        mine = senders.add_sandbox(session, alice)
        real = rows.sender(session, charlie)
        ids = [
            rows.message(session, session.get_one(Campaign, made), "anna@example.org", "sent", db.now(session))
            for sender, user in ((mine, alice), (real, charlie))
            for made in [rows.campaign(session, user, sender_id=sender.id)]
        ]
    with db.session() as session:
        visits = [readers.Visit(alice, message_id, 0.0) for message_id in ids]
        assert readers.record(session, visits, db.now(session)) == 1
    with db.reading() as session:
        assert [session.get_one(Message, message_id).opened_at is None for message_id in ids] == [False, True]


def share(email: str) -> int:
    return zlib.crc32(email.encode() + b"reads") % 100


def test_whatever_its_row_says_nothing_of_a_sandbox_sender_reaches_another_server(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: set[tuple[str, int]] = set()
    connect = smtp.connect  # uvloop opens it where no audit hook sees
    monkeypatch.setattr(smtp, "connect", lambda server: reached.add((server.host, server.port)) or connect(server))
    sandbox_inbox.start()
    with Receiver() as world_server, connections_of_python(reached), played(monkeypatch, "normal", []) as it:
        with db.session() as session:
            row = session.get_one(Sender, it.sender_id)
            row.host, row.port, row.preset = "127.0.0.1", world_server.port, "other"
            sandbox.set_readers(session, it.user_id, True)
        world.save_sender(it.user_id, it.sender_id, host="localhost", port=world_server.port)
        pixel = f"http://127.0.0.1:{world_server.port}/t/o/{'A' * 32}.gif"
        it.campaign_id = world.add_campaign(it.user_id, it.sender_id, PEOPLE, body=f'<img src="{pixel}" alt="x">Hello')
        world.dispatch(it.engine)
        assert it.until_sent() == {"sent": 12}
        assert campaigns.send_test(it.user_id, it.campaign_id, "me@example.org").accepted
        assert world_server.connection_count == 0
    assert it.arrived() == sorted([*PEOPLE, "me@example.org"])
    assert [host for host, _ in reached] == ["127.0.0.1"]


def test_the_sandbox_is_looked_for_on_this_machine_only(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with db.session() as session:
        mine = senders.add_sandbox(session, user_id)
        session.add(Meta(key="sandbox", value="mail.example.com:25"))  # as older versions had it
        with pytest.raises(RuleError, match="not running"):
            senders.address(mine)


@contextmanager
def connections_of_python(reached: set[tuple[str, int]]) -> Iterator[None]:
    """Note every connection to an address of the internet that Python's own sockets open meanwhile."""
    watching = True

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if watching and event == "socket.connect" and isinstance(args[1], tuple):
            reached.add((args[1][0], args[1][1]))

    sys.addaudithook(hook)  # it cannot be taken away
    try:
        yield
    finally:
        watching = False
