"""What goes wrong around the engine: the database away, two dispatchers, cancelled, deleted, throttled for days."""

import ssl
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import col, func, select

from core import campaigns, db
from core.delivery import lease, snapshot
from core.errors import NotFound
from core.models import UNDO_FOR, Attempt, Campaign, Message
from core.tracking import unsubscribe
from jobs import flush, upkeep, writer
from jobs.dispatch import dispatch, tick, write_down
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.certificates import certificate, trust
from tests.jobs.conftest import NOT_QUICK
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent

PEOPLE = world.people(60)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    return trust(certificate(tmp_path, 10), monkeypatch)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_connections_carry_large_mails_too(
    security: str, trusted: ssl.SSLContext, sqlite_stack: Stack
) -> None:
    user_id = world.add_user()
    options: dict[str, Any] = {security: trusted}
    with Receiver(password="x", **options) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, security=security, username="me")
        body = "<p>" + "Hello {{ first_name }}. " * 8_000 + "</p>"
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:20], body=body)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert sorted(receiver.accepted) == PEOPLE[:20]
    assert len(receiver.bodies[PEOPLE[3]]) > 300_000


def test_a_mail_larger_than_the_server_takes_is_not_even_offered(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE, body="<p>" + "large " * 200_000 + "</p>")
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused")
        world.until(lambda: world.sender(sender_id).owner == "")
    assert world.campaign(campaign_id).pause_reason == "content"
    assert not [line for line in receiver.commands if line.startswith("MAIL")]
    assert world.message(campaign_id, PEOPLE[0]).kind == "too_big"


class Away:
    """The database is away for some commits; sometimes it committed and only its answer was lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        monkeypatch.setattr(writer, "flush", partial(self.flush, flush.flush))
        monkeypatch.setattr(writer, "flush_usual", partial(self.flush, flush.flush_usual))

    def flush(self, real: Any, session: Any, group: flush.Group, *entries: Any) -> flush.Flushed:
        self.calls += 1
        lost = self.calls % 3
        if lost == 1:
            raise OperationalError("commit", {}, Exception("the server closed the connection unexpectedly"))
        done: flush.Flushed = real(session, group, *entries)
        if lost == 2:
            session.commit()
            raise OperationalError("commit", {}, Exception("the answer to the commit was lost"))
        return done


def test_with_the_database_away_results_are_kept_and_nothing_is_sent_twice(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = Away(monkeypatch)
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:20])
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id), 40)
    assert away.calls > 30
    assert "the database is away" in caplog.text and "could not be written" not in caplog.text
    assert sorted(receiver.accepted) == PEOPLE[:20]
    assert world.states(campaign_id) == {"sent": 20}


def test_one_result_that_cannot_be_written_does_not_hold_up_the_others(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(real: Any, session: Any, group: flush.Group, *entries: Any) -> flush.Flushed:
        if any(message.email == PEOPLE[4] for message in group.marks):
            raise ValueError("a mistake of ours")
        done: flush.Flushed = real(session, group, *entries)
        return done

    monkeypatch.setattr(writer, "flush", partial(broken, flush.flush))
    monkeypatch.setattr(writer, "flush_usual", partial(broken, flush.flush_usual))
    user_id = world.add_user()
    with Receiver() as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: len(receiver.accepted) == 59)
    assert world.states(campaign_id) == {"sent": 59, "pending": 1}
    assert NOT_QUICK in caplog.text
    caplog.clear()


def test_two_dispatchers_and_two_engines_at_once_send_each_mail_once(stack: Stack) -> None:
    user_id = world.add_user()
    people = world.people(900)
    with Receiver() as receiver, world.engine() as first, world.engine() as second:
        senders = [world.add_sender(user_id, receiver.port) for _ in range(2)]
        ids = [world.add_campaign(user_id, sender, people[place::2]) for place, sender in enumerate(senders)]
        together = threading.Barrier(2)

        def tick(engine: Any) -> None:
            together.wait(10)
            for _ in range(5):
                world.dispatch(engine)

        threads = [threading.Thread(target=tick, args=(engine,)) for engine in (first, second)]
        for thread in threads:
            thread.start()
        world.until(lambda: all(sent(id) for id in ids), 40, poke=lambda: world.dispatch(first))
        for thread in threads:
            thread.join(10)
    assert sorted(receiver.accepted) == people
    assert [world.states(id) for id in ids] == [{"sent": 450}] * 2


def test_cancelling_while_it_sends_leaves_nothing_behind(stack: Stack) -> None:
    user_id = world.add_user()
    ids: list[int] = []

    def cancelling(phase: str, recipient: str) -> None:
        if phase == "dot" and recipient == PEOPLE[9]:
            with db.session() as session:
                campaigns.cancel(session, user_id, ids[0])

    with Receiver(cancelling) as receiver, world.engine() as engine:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port)
        ids.append(world.add_campaign(user_id, sender_id, PEOPLE))
        world.dispatch(engine)
        world.until(lambda: world.campaign(ids[0]).status == "cancelled" and world.sender(sender_id).owner == "")
        world.dispatch(engine)
    counts = world.states(ids[0])
    assert set(counts) == {"sent", "cancelled"} and counts["sent"] == len(receiver.accepted) < 15


def test_a_limit_that_changes_while_it_sends_is_followed(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, per_minute=60, batch_size=2)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        world.dispatch(engine)
        receiver.wait(lambda: len(receiver.accepted) >= 2)
        with db.session() as session:
            session.get_one(world.Sender, sender_id).per_minute = None
        world.until(lambda: sent(campaign_id), 15)
    assert not receiver.twice


def test_a_deleted_campaign_is_purged_in_chunks(stack: Stack) -> None:
    user_id = world.add_user()
    refuse = lambda phase, rcpt: "550 5.7.1 no thanks" if rcpt == PEOPLE[0] else None  # noqa: E731
    with Receiver(refuse) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        gone = world.add_campaign(user_id, sender_id, PEOPLE)
        kept = world.add_campaign(user_id, sender_id, PEOPLE[1:4])
        world.dispatch(engine)
        world.until(lambda: sent(gone) and sent(kept))
    with db.session() as session:
        campaigns.delete(session, user_id, gone)
    upkeep.upkeep()
    with db.session() as session:  # who got a mail of it may still unsubscribe
        assert unsubscribe.unsubscribe(session, world.message(gone, PEOPLE[1]).id or 0)
    db.clock_offset += timedelta(days=61)
    upkeep.upkeep()
    with db.reading() as session:
        assert session.exec(select(Campaign.id)).all() == [kept]
        assert session.exec(select(func.count()).select_from(Message)).one() == 3
        assert session.exec(select(func.count()).select_from(Attempt)).one() == 0


def test_a_deleted_campaign_that_reached_nobody_is_purged_when_it_can_no_longer_be_brought_back(stack: Stack) -> None:
    user_id = world.add_user()
    gone = world.add_campaign(user_id, world.add_sender(user_id, 25), PEOPLE)
    tick(lambda sender_id: None)
    with db.session() as session:
        campaigns.cancel(session, user_id, gone)
        campaigns.delete(session, user_id, gone)
    upkeep.upkeep()
    with db.session() as session:
        campaigns.restore(session, user_id, gone)
        campaigns.delete(session, user_id, gone)
    db.clock_offset += UNDO_FOR + timedelta(seconds=1)
    with pytest.raises(NotFound), db.session() as session:
        campaigns.restore(session, user_id, gone)
    upkeep.upkeep()  # who began to bring it back a moment ago may still be at it
    with db.reading() as session:
        assert session.exec(select(Campaign.id)).all() == [gone]
    db.clock_offset += timedelta(minutes=1)
    upkeep.upkeep()
    with db.reading() as session:
        assert session.exec(select(Campaign.id)).all() == session.exec(select(Message.id)).all() == []


def test_a_campaign_that_cannot_be_written_down_holds_up_no_other(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    bad, good = (world.add_campaign(user_id, sender_id, PEOPLE) for _ in range(2))
    add_chunk = snapshot.add_chunk

    def broken(session: Any, campaign_id: int) -> bool:
        if campaign_id == bad:
            raise ValueError("a mistake of ours")
        return add_chunk(session, campaign_id)

    monkeypatch.setattr(snapshot, "add_chunk", broken)
    tick(lambda sender_id: None)
    assert world.states(good) == {"pending": 60} and world.states(bad) == {}


def test_a_campaign_that_is_due_while_a_large_one_is_written_down_does_not_wait_for_it(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "CHUNK_ROWS", 5)
    monkeypatch.setattr("jobs.dispatch._HINT_EVERY", 0.0)
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    world.add_campaign(user_id, sender_id, PEOPLE)
    due = world.add_campaign(user_id, sender_id, PEOPLE[:3], status="scheduled", started_at=None)
    with world.changing(due) as row:
        row.scheduled_at = row.created_at
    write_down(lambda sender_id: None)
    assert world.campaign(due).status == "sending" and world.states(due) == {"pending": 3}


def test_a_campaign_throttled_for_five_days_asks_its_user(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(lambda phase, _: "451 4.7.1 Ratelimit exceeded" if phase == "mail" else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.sender(sender_id).state == "cooling")
    db.clock_offset += timedelta(days=4, hours=23)
    upkeep.upkeep()
    assert world.campaign(campaign_id).status == "sending"
    db.clock_offset += timedelta(hours=2)
    upkeep.upkeep()
    row = world.campaign(campaign_id)
    assert (row.status, row.pause_reason) == ("paused", "throttled")
    assert "Ratelimit" in row.pause_detail
    assert world.states(campaign_id) == {"pending": 60}


def test_what_one_sender_was_throttled_is_not_held_against_the_next(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver(lambda phase, _: "451 4.7.1 Ratelimit exceeded" if phase == "mail" else None) as receiver:
        old, new = (world.add_sender(user_id, receiver.port) for _ in range(2))
        campaign_id = world.add_campaign(user_id, old, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.sender(old).state == "cooling")
            db.clock_offset += timedelta(days=6)
            with db.session() as session:
                campaigns.change_sender(session, user_id, campaign_id, new)
            world.dispatch(engine)
            world.until(lambda: world.sender(new).state == "cooling")
    upkeep.upkeep()
    assert world.campaign(campaign_id).status == "sending"


def test_dispatching_twice_at_once_in_a_process_is_one_round_more(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    world.add_campaign(user_id, sender_id, PEOPLE)
    hints: list[int] = []
    inner: list[int] = []

    def hint(sender: int) -> None:
        hints.append(sender)
        if len(hints) == 1:
            dispatch(inner.append)  # as if another thread came meanwhile

    dispatch(hint)
    assert hints == [sender_id, sender_id] and inner == []


def test_a_lease_is_kept_while_the_server_takes_its_time(sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEASE", timedelta(seconds=0.4))
    user_id = world.add_user()
    with Receiver(lambda phase, rcpt: "silence" if phase == "dot" else None) as receiver:
        sender_id = world.add_sender(user_id, receiver.port, connections=1)
        campaign_id = world.add_campaign(user_id, sender_id, PEOPLE[:1])
        with world.engine() as engine:
            world.dispatch(engine)
            receiver.wait(lambda: len(receiver.accepted) == 1)
            first = world.sender(sender_id).lease_until
            assert first is not None
            later = first + timedelta(seconds=1)
            world.until(lambda: (world.sender(sender_id).lease_until or first) > later)
            monkeypatch.setattr("jobs.engine.GRACE", 0.2)
    assert world.states(campaign_id) == {"unknown": 1}
    with db.reading() as session:
        message = session.exec(select(Message).where(col(Message.campaign_id) == campaign_id)).one()
    assert message.reply == "The program stopped."
