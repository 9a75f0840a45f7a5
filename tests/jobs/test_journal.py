import asyncio
import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from core import config, db
from core.audience import suppression
from core.delivery import lease, ledger
from core.delivery.ledger import Claimed, Outcome
from core.delivery.tally import Tally
from core.models import MessageState
from jobs import batches
from jobs.dispatch import tick
from jobs.journal import Journal, left_behind
from jobs.writer import Writer
from tests.conftest import Stack
from tests.jobs import world

PEOPLE = world.people(6)


def on_the_wire() -> tuple[int, int, list[Claimed]]:
    """(sender, campaign, its messages, marked): as when their dots have gone out."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
    tick(lambda sender_id: None)
    with db.session() as session:
        held = lease.take(session, sender_id, "me")
        assert held is not None
        messages = batches.claim(session, sender_id, held.epoch, 10).messages or []
        tally = Tally()
        ledger.mark(session, messages, tally)
        tally.store(session, db.now(session))
    for message in messages:
        message.marked = True
    return sender_id, campaign_id, messages


def results(messages: list[Claimed]) -> list[Outcome]:
    """Four accepted, one refused for ever, one for now."""
    sent = [Outcome(message, MessageState.sent, "dot", 250, "2.0.0 ok") for message in messages[:4]]
    words = ("dot", 550, "5.1.1 no such user", "bad_recipient", "x")
    failed = Outcome(messages[4], MessageState.failed, *words, bounced=True)
    return [*sent, failed, Outcome(messages[5], MessageState.pending, "dot", 451, "later", "temporary", retry_after=60)]


def die(kept: list[Outcome], torn: bytes = b"") -> Path:
    """A process keeps these results and is killed: its lock goes, its file stays."""
    journal = Journal(config.settings.data_dir)
    journal.keep(kept[:3])
    journal.keep(kept)
    if torn:
        os.pwrite(journal._file, torn, journal._end)
    os.close(journal._file)
    return journal._path


def take_over(sender_id: int) -> None:
    with db.session() as session:
        session.get_one(world.Sender, sender_id).lease_until = db.now(session) - world.SOON
    tick(lambda sender_id: None)


def test_results_of_a_dead_process_settle_what_the_takeover_left_unknown(stack: Stack) -> None:
    sender_id, campaign_id, messages = on_the_wire()
    path = die(results(messages), torn=b'{"state": "sent", "mess')
    take_over(sender_id)
    assert world.states(campaign_id) == {"unknown": 6}
    with world.engine():
        world.until(lambda: not path.exists())
    assert world.states(campaign_id) == {"sent": 4, "failed": 1, "pending": 1}
    with db.reading() as session:
        assert suppression.is_suppressed(session, world.campaign(campaign_id).user_id, PEOPLE[4])


def test_results_told_twice_or_of_messages_that_are_gone_change_nothing(stack: Stack) -> None:
    _, campaign_id, messages = on_the_wire()
    strange = Claimed(10_000, campaign_id, 1, "gone@example.org", {}, 0, 1, 1, marked=True)
    kept = [*results(messages), Outcome(strange, MessageState.sent, "dot", 250, "ok")]
    first, second = die(kept), die(kept)
    with world.engine():
        world.until(lambda: not first.exists() and not second.exists())
    assert world.states(campaign_id) == {"sent": 4, "failed": 1, "pending": 1}
    assert world.message(campaign_id, PEOPLE[0]).attempts == 1


def test_a_living_process_keeps_its_own_file_and_leaves_none_when_it_ends(sqlite_stack: Stack) -> None:
    folder = config.settings.data_dir
    mine, other = Journal(folder), Journal(folder)
    with left_behind(folder) as found:
        assert found == []
    mine.close()
    other.close()
    assert not list(folder.glob("*.journal"))


def test_the_file_says_no_address_and_is_for_the_owner_only(sqlite_stack: Stack) -> None:
    _, _, messages = on_the_wire()
    path = die(results(messages))
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"example.org" not in path.read_bytes() and b"first_name" not in path.read_bytes()


def test_results_that_were_stored_after_all_are_not_replayed(sqlite_stack: Stack) -> None:
    _, _, messages = on_the_wire()
    journal = Journal(config.settings.data_dir)
    kept = results(messages)
    journal.keep(kept)
    journal.forget(kept[:2])
    journal.forget(kept[2:])
    os.close(journal._file)
    with left_behind(config.settings.data_dir) as found:
        assert [outcomes for _, outcomes in found] == [[]]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file")
    journal.keep([])
    journal.forget([])
    journal.close()


@pytest.mark.parametrize("how", ["fails", "does not answer"])
async def test_results_that_were_told_behind_work_that_waits_for_the_database_are_kept_too(
    how: str, sqlite_stack: Stack
) -> None:
    """They were handed over with it, in the same turn of the loop."""
    _, campaign_id, messages = on_the_wire()
    back = threading.Event()

    def work(session: Session) -> None:
        if how == "does not answer":
            back.wait(20)
        elif not back.is_set():
            raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))

    writer = Writer(asyncio.get_running_loop(), lambda touched: None)
    writer.start()
    before, behind, *_ = results(messages)
    writer.settle(before)
    done = writer.call(work)
    writer.settle(behind)
    try:
        told = {behind.message.id}
        await asyncio.to_thread(world.until, lambda: world.journaled(sqlite_stack) == told, 10)
    finally:
        back.set()
        await done
        await asyncio.to_thread(writer.stop, 5)
    assert world.states(campaign_id) == {"sent": 2, "sending": 4} and not world.journaled(sqlite_stack)
