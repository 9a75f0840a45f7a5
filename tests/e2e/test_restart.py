"""Two users at once while the server is restarted in the middle of what they send, on both stacks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Locator, Page, WebSocket, expect

from campaign_ui import auth
from core import accounts, crypto, db
from core.models import CampaignStatus
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import (
    PASSWORD,
    STILL,
    USERNAME,
    Console,
    Provider,
    card,
    chromium,
    eventually,
    free_port,
    provider,
    running,
)

PEOPLE, BEFORE = 50, 15  # mails of each campaign, and how many have gone out when the server ends


@dataclass
class Person:
    """A user with a campaign that waits for Resume; ``heard``: all that the server ever said to their pages."""

    name: str
    campaign_id: int
    token: str
    pages: list[Page] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        return _addresses(self.name)

    async def open(self, browser: Browser, web: str, console: Console, *paths: str) -> None:
        context = await browser.new_context(**STILL)
        await context.add_cookies([{"name": auth.COOKIE, "value": self.token, "url": web}])
        for path in paths:
            page = console.listen(await context.new_page())
            page.on("websocket", self._listen)
            await page.goto(web + path)
            self.heard.append(await page.content())
            self.pages.append(page)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.heard.append(str(frame)))


async def test_pages_of_two_users_heal_when_the_server_comes_back_and_nothing_is_sent_twice(stack: Stack) -> None:
    web, console = f"http://127.0.0.1:{free_port()}", Console()
    with provider({}) as server:
        people = [_person(name, server) for name in ("Alice", "Bertram")]
        env = {**stack.env, "PORT": web.rpartition(":")[2], "BASE_URL": web}
        async with _worker(stack, env), chromium() as browser:
            async with running("main.py", env, "Campaigns: "):
                for person, paths in zip(people, (["/"], []), strict=True):
                    await person.open(browser, web, console, *paths, f"/campaigns/{person.campaign_id}")
                for person in people:
                    await person.pages[-1].get_by_role("button", name="Resume").click()
                await eventually(lambda: len(server.accepted) >= BEFORE, "mails go out")
                console.server_is_away = True
            pages = [page for person in people for page in person.pages]
            await asyncio.gather(*(expect(_lost(page)).to_be_visible() for page in pages))
            async with running("main.py", env, "Campaigns: "):
                await asyncio.gather(*(_healed(page) for page in pages))
                await asyncio.gather(*(page.close() for page in pages))
    assert Counter(to for to, _ in server.accepted) == dict.fromkeys(_addresses("Alice") + _addresses("Bertram"), 1)
    assert console.wrong == []
    alice, bertram = people
    assert _told(alice, "Alice") and not _told(alice, "Bertram")
    assert _told(bertram, "Bertram") and not _told(bertram, "Alice")


def _person(name: str, server: Provider) -> Person:
    with db.session() as session:
        user_id = rows.user(session, f"{name.lower()}@example.com")
        values = {"port": server.port, "connections": 1, "username": USERNAME, "per_minute": None}
        sender = rows.sender(session, user_id, host="127.0.0.1", security="none", delay_seconds=0.06, **values)
        sender.password_sealed = crypto.seal(PASSWORD, f"sender:{sender.id}")
        campaign_id = rows.campaign(
            session,
            user_id,
            {"pending": _addresses(name)},
            sender_id=sender.id,
            name=f"{name}'s news",
            status=CampaignStatus.paused,
            body="Hello",
            body_kind="html",
        )
        return Person(name, campaign_id, accounts.start_session(session, user_id))


def _addresses(name: str) -> list[str]:
    return [f"{name}-{number}@example.org" for number in range(PEOPLE)]


@asynccontextmanager
async def _worker(stack: Stack, env: dict[str, str]) -> AsyncIterator[None]:
    """With PostgreSQL the mails go on while the pages are away; on SQLite the worker ends with the server."""
    async with AsyncExitStack() as processes:
        if stack.name == "postgres":
            env["WORKER"] = "external"
            await processes.enter_async_context(running("huey_worker.py", env, "runs on"))
        yield


def _lost(page: Page) -> Locator:
    return page.get_by_text("Connection lost")


async def _healed(page: Page) -> None:
    """By itself: nobody presses reload."""
    await card(page, "Sent", PEOPLE, 60)
    await card(page, "Pending", 0)
    await expect(_lost(page)).to_be_hidden()


def _told(person: Person, name: str) -> bool:
    return any(name.lower() in words.lower() for words in person.heard)
