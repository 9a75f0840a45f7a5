"""From a row that a worker process changed to the number on the screen, in ten tabs (PostgreSQL + Redis)."""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page

from bench import report
from core import accounts, config, db, migrate
from core.models import Campaign, CampaignStatus, MessageState
from tests import rows, servers
from tests.e2e.product import ROOT, chromium, free_port, running

TABS, CHANGES = 10, 40
PASSWORD = "bench password"

# A worker's last step: the counter changes, and after the commit the hint goes out. Prints when it began.
WORKER = """
import sys, time
from sqlalchemy import update
from core import db, live
from core.models import Campaign
for _ in range(int(sys.argv[1])):
    sys.stdin.readline()
    began = time.time()
    with db.session() as session:
        counters = {"sent_count": Campaign.sent_count + 1, "pending_count": Campaign.pending_count - 1}
        session.execute(update(Campaign).values(**counters))
        db.after_commit(session, lambda: live.publish(1, "campaign", 1))
    print(began * 1000, flush=True)
"""
WATCH = """() => {
    window.seen = {};
    const card = document.querySelector('[role=group][aria-label="Sent"]');
    const look = () => {
        const value = (card.innerText.match(/\\n\\s*([\\d,]+)/) || [])[1];
        if (value && !(value in window.seen)) window.seen[value] = Date.now();
    };
    new MutationObserver(look).observe(card, {subtree: true, childList: true, characterData: true});
}"""


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder, servers.postgres(Path(folder) / "pg") as url:
        with servers.redis(Path(folder)) as redis_url:
            port = free_port()
            env = {"DATA_DIR": folder, "DATABASE_URL": url, "REDIS_URL": redis_url, "PORT": str(port)}
            config.use(config.load(env))
            migrate.upgrade()
            _fill()
            delays = await _measure(env, f"http://127.0.0.1:{port}")
            db.close()
    delays.sort()
    middle, high = delays[len(delays) // 2], delays[int(len(delays) * 0.95)]
    report.detail(f"{TABS} tabs, {len(delays)} updates seen, median {middle:.0f} ms")
    report.at_most("From a row that another process changed to the screen, p95", high, 300, " ms")


def _fill() -> None:
    with db.session() as session:
        accounts.sign_up(session, "anna@example.com", PASSWORD)
        campaign_id, _ = rows.sent_campaign(session, 1, [MessageState.pending] * 100)
        session.get_one(Campaign, campaign_id).status = CampaignStatus.paused


async def _measure(env: dict[str, str], url: str) -> list[float]:
    async with running("main.py", {**env, "WORKER": "external"}, "http://"), chromium() as browser:
        context = await browser.new_context()
        await context.request.post(f"{url}/login", form={"email": "anna@example.com", "password": PASSWORD})
        tabs: list[Page] = []
        for _ in range(TABS):
            page = await context.new_page()
            await page.goto(url)
            await page.get_by_role("group", name="Sent").wait_for()
            await page.wait_for_function("window.socket && window.socket.connected")
            await page.evaluate(WATCH)
            tabs.append(page)
        return await _changes(env, tabs)


async def _changes(env: dict[str, str], tabs: list[Page]) -> list[float]:
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WORKER,
        str(CHANGES),
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdin is not None and worker.stdout is not None
    delays = []
    for number in range(1, CHANGES + 1):
        worker.stdin.write(b"go\n")
        began = float(await worker.stdout.readline())
        for tab in tabs:
            await tab.wait_for_function(f"window.seen[{json.dumps(f'{number:,}')}]")
            delays.append(await tab.evaluate(f"window.seen[{json.dumps(f'{number:,}')}]") - began)
    await worker.wait()
    return delays
