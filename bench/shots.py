"""``make shots``: every page of the running product, light and dark, wide and on a phone, into build/shots; the best
of them into docs/."""

import asyncio
import tempfile
from typing import Literal

from playwright.async_api import Browser, Page, expect
from sqlmodel import col, select

from bench import sample
from core import config, crypto, db, migrate
from core.models import Campaign, Message
from tests.e2e.product import ROOT, chromium, free_port, running

WIDTHS = {"": 1440, "-phone": 390}
README = {"dashboard-light", "dashboard-dark", "dashboard-light-phone", "compose-light", "when-light", "campaign-light"}


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
    assert past is not None
    return {
        "dashboard": "/",
        "compose": f"/campaigns/{draft}/edit",
        "audience-step": f"/campaigns/{draft}/edit?step=audience",
        "when": f"/campaigns/{draft}/edit?step=when",
        "campaign": f"/campaigns/{running_id}",
        "past": f"/campaigns/{past}",
        "compare": f"/campaigns/compare?a={past}&b={past - 1}",
        "report": f"/campaigns/{past}/report",
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
    with db.reading() as session:
        sent = select(Message.id).where(col(Message.campaign_id) == campaign_id, col(Message.state) == "sent")
        ids = session.exec(sent.order_by(col(Message.id)).limit(140)).all()
    for message_id in [number for number in ids if number][::2]:
        await context.request.get(f"{web}/t/o/{crypto.sign('open', message_id)}.gif")
    await context.close()


async def _whole(page: Page, width: int) -> None:
    """A window as high as the page: what loads when it is scrolled to is there, and bars reach the ends."""
    height = await page.evaluate("document.documentElement.scrollHeight")
    await page.set_viewport_size({"width": width, "height": min(height, 6_000)})
    await page.wait_for_timeout(500)


async def _logged_in(page: Page, web: str) -> Page:
    await page.context.request.post(f"{web}/login", form={"email": sample.EMAIL, "password": sample.PASSWORD})
    return page


async def _shoot(browser: Browser, web: str, pages: dict[str, str], suffix: str, theme: str, width: int) -> None:
    scheme: Literal["dark", "light"] = "dark" if theme == "dark" else "light"
    height = 900 if width > 500 else 844
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        timezone_id="Asia/Kolkata",
    )
    page = await _logged_in(await context.new_page(), web)
    folder = ROOT / "build" / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in pages.items():
        shot = f"{name}{suffix}.png"
        await page.goto(web + path, wait_until="networkidle")
        await expect(page.get_by_role("main")).to_be_visible()
        await page.wait_for_function("document.fonts.ready.then(() => true)")
        await page.wait_for_timeout(900)  # charts draw themselves in
        if shot.removesuffix(".png") in README:
            await page.screenshot(path=ROOT / "docs" / shot)
        await _whole(page, width)
        await page.screenshot(path=folder / shot)
        await page.set_viewport_size({"width": width, "height": height})
    await context.close()


if __name__ == "__main__":  # the program is forked from a process that imports this
    asyncio.run(main())
