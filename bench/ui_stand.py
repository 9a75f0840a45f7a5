"""The processes that the benchmarks of the screens look at: the product's, and NiceGUI's bare page."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
from sqlmodel import Session

from bench import report
from bench.stand import Stand
from bench.ui_tabs import Tab
from core import accounts, db
from core.models import Campaign, CampaignStatus, MessageState
from tests import rows
from tests.e2e.product import ROOT, free_port


@dataclass(frozen=True)
class Person:
    """Who has some tabs open; the campaign is paused, so that only the feed changes it."""

    id: int
    campaign_id: int
    cookie: str

    def pages(self, count: int) -> list[str]:
        """Of five tabs three are dashboards and two are the campaign's page."""
        paths = ("/", f"/campaigns/{self.campaign_id}")
        return [paths[number % 5 % 2] for number in range(count)]


class Feed:
    """A process of bench.ui_feed or bench.ui_bare, and what it answers."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._answers: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())
        self.ready = asyncio.Event()

    async def change(self, line: str) -> tuple[int, float]:
        """What the screens must show now, and since when (time.time())."""
        self.tell(line)
        async with asyncio.timeout(30):
            return await self._answers.get()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            words = line.decode().split()
            if words[:1] == ["changed"]:
                self._answers.put_nowait((int(words[1]), float(words[2])))
            elif b"http://" in line or words[:1] == ["feeds"]:
                self.ready.set()


@dataclass
class Site:
    """A web process that runs, and what changes numbers behind it."""

    name: str
    url: str
    web: psutil.Process
    feed: Feed
    is_bare: bool

    def tabs(self, people: list[Person], each: int) -> dict[int, list[Tab]]:
        """Of each person (by id), not opened yet."""
        if self.is_bare:
            return {one.id: [Tab(f"{self.url}/{one.id}", "") for _ in range(each)] for one in people}
        return {one.id: [Tab(self.url + path, one.cookie) for path in one.pages(each)] for one in people}

    async def change(self, person: Person) -> tuple[int, float]:
        return await self.feed.change(f"{person.id}" if self.is_bare else f"{person.id} {person.campaign_id}")

    def cpu(self) -> float:
        used = self.web.cpu_times()
        return float(used.user + used.system)

    def memory_mb(self) -> float:
        return float(self.web.memory_full_info().uss) / 1e6


@asynccontextmanager
async def bare() -> AsyncIterator[Site]:
    port = free_port()
    async with _process({}, "bench.ui_bare", str(port)) as feed:
        while not _listens(port):  # it says that it is ready a little before it is
            await asyncio.sleep(0.02)
        yield Site("NiceGUI's bare page", f"http://127.0.0.1:{port}", psutil.Process(feed.process.pid), feed, True)


@asynccontextmanager
async def product(place: Stand) -> AsyncIterator[Site]:
    """main.py: with the worker inside on SQLite, else beside a feed in a process of its own."""
    url = f"http://127.0.0.1:{place.env['PORT']}"
    if place.is_embedded:
        async with _process(place.env, "bench.ui_feed", "web") as feed:
            yield Site(place.name, url, psutil.Process(feed.process.pid), feed, False)
    else:
        async with _process({**place.env, "WORKER": "external"}, "main") as web:
            async with _process(place.env, "bench.ui_feed") as feed:
                yield Site(place.name, url, psutil.Process(web.process.pid), feed, False)


@asynccontextmanager
async def _process(env: dict[str, str], *module: str) -> AsyncIterator[Feed]:
    """``python -m module``, once it says that it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *module, cwd=ROOT, env={**os.environ, **env}, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    problems: list[str] = []
    errors = asyncio.create_task(_errors(process, problems))
    feed = Feed(process)
    try:
        async with asyncio.timeout(60):
            await feed.ready.wait()
        yield feed
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)
        await errors
    if problems:
        report.note(f"{module[0]}: {len(problems)} errors in its log, the first: {problems[0]}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _errors(process: Process, problems: list[str]) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        if b" ERROR " in line or b"Traceback" in line:
            problems.append(line.decode().strip())


def people(count: int) -> list[Person]:
    """So many accounts with a campaign to a hundred recipients each, signed in."""
    made = []
    with db.session() as session:
        for number in range(count):
            user_id = rows.user(session, f"person{number}@example.com")
            states = [MessageState.pending] * 60 + [MessageState.sent] * 40
            campaign_id, _ = rows.sent_campaign(session, user_id, states)
            campaign = session.get_one(Campaign, campaign_id)
            # Fewer messages than it says: the feed may count on for long, and no page shows a number twice.
            campaign.status, campaign.recipients_count, campaign.pending_count = CampaignStatus.paused, 50_040, 50_000
            made.append(Person(user_id, campaign_id, _cookie(session, user_id)))
    return made


def signed_in(user_id: int, campaign_id: int) -> Person:
    with db.session() as session:
        return Person(user_id, campaign_id, _cookie(session, user_id))


def _cookie(session: Session, user_id: int) -> str:
    return f"session={accounts.start_session(session, user_id)}"
