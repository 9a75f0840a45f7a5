"""``make shots``: pictures of the running product with realistic data, into docs/ (all of them: SHOTS_ALL=folder)."""

import asyncio
import os
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, expect
from sqlmodel import col, select

from bench import sample
from core import config, crypto, db, migrate
from core.models import Campaign
from tests.e2e.product import ROOT, chromium, free_port, running

WIDTHS = {"": 1440, "-phone": 390}
README = {"dashboard-light", "dashboard-dark", "dashboard-light-phone", "compose-light", "campaign-light"}


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        web = f"http://127.0.0.1:{port}"
        env = {"DATA_DIR": folder, "PORT": str(port), "SECRET_KEY": crypto.new_token(), "BASE_URL": web}
        config.use(config.load(env))
        migrate.upgrade()
        user_id = sample.fill()
        async with running("main.py", env, "Campaigns: "), chromium() as browser:
            running_id = sample.start_one(user_id)
            await _some_opens(running_id, web, browser)
            for theme in ("light", "dark"):
                for suffix, width in WIDTHS.items():
                    await _shoot(browser, web, _pages(running_id), f"-{theme}{suffix}", theme, width)
        db.close()


def _pages(running_id: int) -> dict[str, str]:
    with db.reading() as session:
        draft = session.exec(select(Campaign.id).where(col(Campaign.name) == "December reading list")).one()
        past = session.exec(select(Campaign.id).where(col(Campaign.name) == "New arrivals, week 47")).one()
    return {
        "dashboard": "/",
        "compose": f"/campaigns/{draft}/edit",
        "audience-step": f"/campaigns/{draft}/edit?step=audience",
        "when": f"/campaigns/{draft}/edit?step=when",
        "campaign": f"/campaigns/{running_id}",
        "past": f"/campaigns/{past}",
        "campaigns": "/campaigns",
        "audience": "/audience",
        "templates": "/templates",
        "senders": "/senders",
        "sandbox": "/sandbox",
        "settings": "/settings",
    }


async def _some_opens(campaign_id: int, web: str, browser: Browser) -> None:
    """Readers open a part of what has gone out."""
    context = await browser.new_context()
    page = await _logged_in(await context.new_page(), web)
    await page.goto(f"{web}/campaigns/{campaign_id}")
    await page.wait_for_function(
        """() => Number(document.querySelector('[role=group][aria-label="Sent"]').innerText.match(/[\\d,]+/)) >= 150""",
        timeout=60_000,
    )
    first = 300 + 1  # the ids of this campaign's messages follow those of the past ones
    for message_id in range(first, first + 140, 2):
        await context.request.get(f"{web}/t/o/{crypto.sign('open', message_id)}.gif")
    await context.close()


async def _logged_in(page: Page, web: str) -> Page:
    await page.context.request.post(f"{web}/login", form={"email": sample.EMAIL, "password": sample.PASSWORD})
    return page


async def _shoot(browser: Browser, web: str, pages: dict[str, str], suffix: str, theme: str, width: int) -> None:
    scheme = "dark" if theme == "dark" else "light"
    context = await browser.new_context(
        viewport={"width": width, "height": 900 if width > 500 else 844},
        color_scheme=scheme,
        timezone_id="Asia/Kolkata",
    )
    page = await _logged_in(await context.new_page(), web)
    everything = os.environ.get("SHOTS_ALL")
    for name, path in pages.items():
        shot = f"{name}{suffix}"
        if shot not in README and not everything:
            continue
        await page.goto(web + path, wait_until="networkidle")
        await expect(page.get_by_role("main")).to_be_visible()
        await page.wait_for_function("document.fonts.ready.then(() => true)")
        await page.wait_for_timeout(900)  # charts draw themselves in
        folder = Path(everything) if everything else ROOT / "docs"
        folder.mkdir(exist_ok=True)
        await page.screenshot(path=folder / f"{shot}.png", full_page=bool(everything))
    await context.close()


asyncio.run(main())
