"""Opens and clicks while the database is away: nothing is lost, and the log says it in two lines."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from campaign_ui import hits
from campaign_ui.hits import HitBuffer
from core import clock, config, db
from core.models import Campaign, CampaignLink, LinkClick, Message, MessageState
from core.tracking import opens
from tests import rows
from tests.campaign_ui.conftest import Held
from tests.conftest import Stack

AWAY = {"sqlite": "sqlite:////nowhere/at/all.db", "postgres": "postgresql+psycopg2://anna:hidden@127.0.0.1:1/mails"}


def sent(count: int) -> list[int]:
    with db.session() as session:
        _, ids = rows.sent_campaign(session, rows.user(session), [MessageState.sent] * count)
    return ids


@contextmanager
def away() -> Iterator[None]:
    settings, url = config.settings, AWAY["sqlite" if db.is_sqlite() else "postgres"]
    db.connect(url)
    try:
        yield
    finally:
        config.use(settings)
        db.connect()


async def test_that_the_database_is_away_is_said_once_and_once_that_it_is_back(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hits, "_RETRY", 0.01)
    ids, buffer = sent(3), HitBuffer()
    with db.session() as session:
        session.add(CampaignLink(campaign_id=1, url="https://shop.example/"))
    with caplog.at_level(logging.INFO, "campaign_ui.hits"):
        for _ in range(2):  # it is away twice
            with away():
                for each in ids:
                    await buffer.add(each, clock.utcnow())
                await buffer.add(ids[0], clock.utcnow(), 1)
                await buffer.drain()
                await buffer.drain()
            await buffer.drain()
    gone, back = (
        "the database is away, opens and clicks wait in memory: ",
        "the database is back, opens and clicks are kept",
    )
    said = [record.getMessage() for record in caplog.records]
    assert [line.startswith(gone) for line in said] == [True, False, True, False], said
    assert said[1] == said[3] == back and "hidden" not in caplog.text
    assert not any(record.exc_info for record in caplog.records)
    with db.reading() as session:
        assert all(session.get_one(Message, each).opened_at is not None for each in ids)
        assert session.get_one(Campaign, 1).opened_count == 3 and session.get_one(Campaign, 1).clicked_count == 1
        assert session.get_one(LinkClick, (1, ids[0])) is not None


async def test_a_mistake_of_the_program_is_logged_with_where_it_is(
    sqlite_stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    sent(1)
    buffer = HitBuffer()
    with caplog.at_level(logging.INFO, "campaign_ui.hits"):
        await buffer.add(1, None)  # type: ignore[arg-type]
        await buffer.drain()
    [record] = caplog.records
    assert record.exc_info is not None


async def test_a_hit_that_is_on_its_way_as_the_program_ends_is_kept(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    [message_id] = sent(1)
    buffer = HitBuffer()
    held = Held(monkeypatch, opens, "record")
    adding = asyncio.create_task(buffer.add(message_id, clock.utcnow()))
    await asyncio.to_thread(held.begun.wait, 10)
    ending = asyncio.create_task(buffer.drain())
    await asyncio.sleep(0)
    with away():
        held.go_on.set()
        await asyncio.gather(adding, ending)
    await buffer.drain()
    with db.reading() as session:
        assert session.get_one(Message, message_id).opened_at is not None
