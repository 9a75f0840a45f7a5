"""What only a browser does while a campaign is watched: time ticks, paper is printed."""

import re
from datetime import timedelta
from pathlib import Path

from playwright.async_api import expect
from sqlmodel import col, select

from bench import sample
from core import crypto, db, migrate
from core.models import Campaign, Sender
from tests.conftest import using
from tests.e2e.product import chromium, free_port, running


async def test_a_countdown_ticks_by_itself_and_a_report_fits_on_two_pages(tmp_path: Path) -> None:
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    env = {"DATA_DIR": str(tmp_path), "PORT": str(port), "SECRET_KEY": crypto.new_token(), "BASE_URL": web}
    waiting, past = _fill(env)
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(color_scheme="dark", timezone_id="America/New_York")
        signed_in = await context.request.post(
            f"{web}/login", form={"email": sample.EMAIL, "password": sample.PASSWORD}
        )
        assert signed_in.url == f"{web}/", await signed_in.text()
        page = await context.new_page()
        await page.goto(f"{web}/campaigns/{waiting}")
        sentence = page.get_by_text(
            re.compile(r"Hostinger answered 451 4\.7\.1 Ratelimit: resuming at .* \(in 5\d min \d+ s\)")
        )
        await expect(sentence.first).to_be_visible()
        first = await page.locator("cm-countdown").first.inner_text()
        await expect(page.locator("cm-countdown").first).not_to_have_text(first)
        assert await page.locator("cm-countdown").first.get_attribute("aria-live") == "off"
        await page.goto(f"{web}/campaigns/{past}/report")
        await expect(page.get_by_role("img").locator("svg").first).to_be_visible()
        paper = await page.pdf(prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) <= 2
        await page.emulate_media(media="print")
        await expect(page.get_by_role("button", name="Print or save as PDF")).to_be_hidden()
        await expect(page.get_by_role("banner")).to_be_hidden()
        shade = "getComputedStyle(document.querySelector('.cm-sheet')).backgroundColor"
        assert await page.evaluate(shade) == "rgb(255, 255, 255)"


def _fill(env: dict[str, str]) -> tuple[int, int]:
    """A campaign whose sender waits for most of an hour, and one that is over."""
    with using(env):
        migrate.upgrade()
        sample.fill()
        with db.session() as session:
            ids = dict(session.exec(select(Campaign.name, Campaign.id)).all())
            sender = session.exec(select(Sender).where(col(Sender.name) == "Hostinger")).one()
            sender.state, sender.state_kind, sender.state_reply = "cooling", "throttle_rate", "451 4.7.1 Ratelimit"
            sender.cooling_until = db.now(session) + timedelta(minutes=59)
            waiting = session.get_one(Campaign, ids["Black Friday early access"])
            waiting.status, waiting.snapshot_done, waiting.started_at = "sending", True, db.now(session)
            waiting.recipients_count = waiting.pending_count = 1_240
        return int(ids["Black Friday early access"] or 0), int(ids["New arrivals, week 47"] or 0)
