"""A new account, one button, and the whole job is seen: in a real browser, the numbers live, without credentials."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Page, expect

from core import crypto
from tests.e2e.axe import violations
from tests.e2e.product import Console, chromium, free_port, running

_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@dataclass
class _Axe:
    """What axe objects to, and how long it looked: no newcomer waits for that."""

    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    async def look(self, page: Page) -> None:
        begun = time.monotonic()
        self.wrong += await violations(page)
        self.seconds += time.monotonic() - begun


async def test_a_newcomer_tries_it_and_reads_a_mail_within_two_minutes(tmp_path: Path) -> None:
    web = f"http://127.0.0.1:{free_port()}"
    env = {"DATA_DIR": str(tmp_path), "PORT": web.rpartition(":")[2], "SECRET_KEY": crypto.new_token()}
    console, axe = Console(), _Axe()
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(locale="en-US", timezone_id="Asia/Kolkata", reduced_motion="reduce")
        page = console.listen(await context.new_page())
        begun = time.monotonic()
        await _sign_up(page, web)
        await _try_it(page, axe)
        await _watch(page)
        await _read_a_mail(page, axe)
        await _see_opens(page, web)
        assert time.monotonic() - begun - axe.seconds < 120
    assert axe.wrong == [] == console.wrong


async def _sign_up(page: Page, web: str) -> None:
    await page.goto(f"{web}/signup")
    await page.get_by_label("Email").fill("maya@example.com")
    await page.get_by_label("Password").fill("a long enough one")
    await page.get_by_role("button", name="Sign up").click()


async def _try_it(page: Page, axe: _Axe) -> None:
    await expect(page.get_by_role("heading", name="Your first campaign in three steps")).to_be_visible()
    await axe.look(page)
    await page.get_by_role("button", name="Try it now").click()
    await expect(page.get_by_text("Nobody receives anything")).to_be_visible()
    await axe.look(page)
    await page.keyboard.press("Enter")  # its main button has the focus
    await page.wait_for_url(re.compile(r"/campaigns/\d+$"))


async def _watch(page: Page) -> None:
    """It goes out while one looks, at a pace that can be watched."""
    sent = page.get_by_role("group", name="Sent", exact=True)
    await expect(sent).not_to_contain_text(re.compile(r"^Sent\D*0\D"))
    await expect(page.get_by_text("Sent to the sandbox: nobody receives these mails.")).to_be_visible()
    await expect(page.get_by_text("Sending now.")).to_be_visible()


async def _see_opens(page: Page, web: str) -> None:
    await page.goto(f"{web}/")
    opened = page.get_by_role("group", name="Opened", exact=True)
    await expect(opened).to_contain_text(re.compile(r"Opened\D*[1-9]"))
    await expect(page.get_by_text("Your sample campaign is here")).to_be_visible()


async def _read_a_mail(page: Page, axe: _Axe) -> None:
    await page.get_by_role("link", name="see the mails").click()
    await page.locator(".cm-mailline").first.click()
    mail = page.frame_locator("iframe[title='The mail']")
    await expect(mail.get_by_text("What we made, learned")).to_be_visible()
    await page.get_by_role("tab", name="Source").click()
    await expect(page.get_by_role("region", name="Source")).to_contain_text("List-Unsubscribe:")
    await page.get_by_role("button", name="30 mails a minute").click()
    await expect(page.get_by_text("The sender waits with a countdown")).to_be_visible()
    await axe.look(page)
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.wait_for_function(f"!({_SIDEWAYS})")
    await page.get_by_role("button", name="Back to the list").click()
    await expect(page.get_by_label("Search")).to_be_visible()
    await page.wait_for_function(f"!({_SIDEWAYS})")
