"""Two web processes and a worker on PostgreSQL and Redis: the sandbox is there whichever of them ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.process import BaseProcess

from playwright.async_api import Page, expect

from campaign_ui import auth
from core import accounts, db, live
from core.delivery import senders
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import STILL, Console, chromium, free_port, running
from tests.jobs import world


async def test_sandbox_mail_comes_in_and_is_shown_by_every_web_process_while_one_of_them_lives(
    postgres_stack: Stack,
) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        sender = senders.add_sandbox(session, user_id)
        sender.per_minute, sender.delay_seconds = None, 0.0
        token = accounts.start_session(session, user_id)
    webs = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    console = Console()
    async with _product(postgres_stack, webs) as (_, last_started), chromium() as browser:
        context = await browser.new_context(**STILL)
        await context.add_cookies([{"name": auth.COOKIE, "value": token, "url": webs[0]}])
        tabs = [console.listen(await context.new_page()) for _ in webs]
        for tab, web in zip(tabs, webs, strict=True):
            await tab.goto(f"{web}/sandbox")
            await expect(tab.get_by_text("No mails yet")).to_be_visible()
        await _arrives(user_id, sender.id or 0, "ben@example.org", tabs)
        console.server_is_away = True
        last_started.kill()
        await asyncio.to_thread(last_started.join)
        await _arrives(user_id, sender.id or 0, "carla@example.org", tabs[:1])
        await expect(tabs[0].get_by_text("ben@example.org")).to_be_visible()
    assert console.wrong == []
    assert world.sender(sender.id or 0).cooldown_step == 0  # it never met a closed door


async def _arrives(user_id: int, sender_id: int, address: str, tabs: list[Page]) -> None:
    campaign_id = world.add_campaign(user_id, sender_id, [address])
    live.wake()
    for tab in tabs:
        await expect(tab.get_by_text(address)).to_be_visible()
    await asyncio.to_thread(world.until, lambda: world.campaign(campaign_id).status == "sent")


@asynccontextmanager
async def _product(stack: Stack, webs: list[str]) -> AsyncIterator[list[BaseProcess]]:
    """The web processes, the last one started after the others."""
    async with AsyncExitStack() as started:
        await started.enter_async_context(running("huey_worker.py", stack.env, "runs on"))
        processes = []
        for web in webs:
            env = {**stack.env, "PORT": web.rpartition(":")[2], "WORKER": "external"}
            processes.append(await started.enter_async_context(running("main.py", env, "Campaigns: ")))
        yield processes
