"""Other ways to the same: by keyboard alone, on a phone, in two tabs. One product for all of them."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.conftest import KEY
from tests.e2e.product import STILL, Console, card, chromium, free_port, running

_FOCUSED = """() => {
    const on = document.activeElement ?? document.body ?? document.documentElement, named = on.labels?.[0] ?? on;
    const words = named.cloneNode(true);
    words.querySelectorAll("i").forEach(icon => icon.remove());
    const name = on.getAttribute("aria-label") || on.title || words.textContent;
    return [name.replace(/\\s+/g, " ").trim(), on.matches(":focus-visible")];
}"""
_IS_SEEN = """field => {
    const { left, top, width, height } = field.getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2) === field;
}"""
# Tells whether the field to drop a file is ever in sight from now on.
_WATCH_DROP = """() => {
    window.dropsSeen = 0;
    const see = () => {
        const fields = [...document.querySelectorAll("input[type=file]")];
        window.dropsSeen += fields.filter((field) => field.checkVisibility()).length;
    };
    new MutationObserver(see).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
_TABLE = "\n".join(
    ["Email" + "".join(f",Column {n}" for n in range(10)), *(f"p{n}@example.com" + ",x" * 10 for n in range(30))]
)
_PEOPLE = [f"person{number}@example.org" for number in range(3)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The embedded product on an empty database; returns its address."""
    port = free_port()
    env = {"DATA_DIR": str(tmp_path_factory.mktemp("ways")), "SECRET_KEY": KEY, "PORT": str(port)}
    async with running("main.py", env, "Campaigns: "):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _browser(**like: Any) -> AsyncIterator[Page]:
    """A page whose console must stay silent."""
    async with chromium() as browser:
        console = Console()
        context = await browser.new_context(locale="en-US", timezone_id="Asia/Kolkata", **like)
        yield console.listen(await context.new_page())
        assert console.wrong == []


async def test_the_main_job_by_keyboard_alone(web: str) -> None:
    async with _browser() as page:
        await page.goto(f"{web}/signup")
        await _tab_to(page, "Email")
        await page.keyboard.type("kim@example.com")
        await _tab_to(page, "Password")
        await page.keyboard.type("correct horse battery")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{web}/")
        await _tab_to(page, "New campaign")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"/campaigns/\d+/edit"))
        for label, words in (("Name", "Kim's news"), ("Subject", "Hello"), ("Body", "Here is the news.")):
            await _tab_to(page, label)
            await page.keyboard.type(words)
        await _tab_to(page, "Next: Audience")
        await page.keyboard.press("Enter")
        await _tab_to(page, "Paste addresses")
        await page.keyboard.type(", ".join(_PEOPLE))
        for button in ("Read addresses", "Add 3 contacts", "Next: When", "Send now"):
            await _tab_to(page, button)
            await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("button", name="Send now")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"/campaigns/\d+$"))
        await card(page, "Sent", 3)


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until what bears that name has the focus and shows it; what it waits for may still be on its way."""
    seen: list[str] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        await page.keyboard.press("Tab")
        focused, is_shown = await page.evaluate(_FOCUSED)
        seen.append(focused)
        if focused == name:
            assert is_shown, f"{name} has the focus and does not show it"
            return
    raise AssertionError(f"Tab never came to {name!r}: {seen}")


async def test_the_main_job_on_a_phone(web: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    async with _browser(**phone) as page:
        await page.goto(f"{web}/signup")
        await page.get_by_label("Email").fill("pia@example.com")
        await page.get_by_label("Password").fill("correct horse battery")
        await page.get_by_role("button", name="Sign up").tap()
        await expect(page).to_have_url(f"{web}/")
        await _fits(page)
        await page.get_by_role("button", name="Navigation").tap()
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Campaigns").tap()
        await expect(page).to_have_url(f"{web}/campaigns")
        await _fits(page)
        await page.get_by_role("link", name="New campaign").first.tap()
        await page.get_by_label("Name", exact=True).fill("Pia's news")
        await page.get_by_label("Subject", exact=True).fill("Hello")
        await page.get_by_label("Body", exact=True).tap()
        await page.keyboard.type("Here is the news.")
        await _fits(page)
        await page.get_by_role("button", name="Next: Audience").tap()
        await page.wait_for_function("scrollY === 0")
        await page.get_by_label("Paste addresses").fill("\n".join(_PEOPLE))
        await page.get_by_role("button", name="Read addresses").tap()
        await page.get_by_role("button", name="Add 3 contacts").tap()
        await expect(page.get_by_role("checkbox").first).to_be_checked()
        await _fits(page)
        await page.get_by_role("button", name="Next: When").tap()
        await page.wait_for_function("scrollY === 0")
        await page.get_by_role("button", name="Send now").tap()
        await _fits(page)
        await page.get_by_role("dialog").get_by_role("button", name="Send now").tap()
        await expect(page).to_have_url(re.compile(r"/campaigns/\d+$"))
        await card(page, "Sent", 3)
        await _fits(page)
        await page.get_by_role("button", name=_PEOPLE[0]).tap()
        await expect(page.get_by_role("dialog").get_by_text(_PEOPLE[0]).first).to_be_visible()
        await _fits(page)


async def _fits(page: Page) -> None:
    """Nothing scrolls sideways."""
    await page.wait_for_function(
        "document.querySelector('main, form') && document.scrollingElement.scrollWidth <= innerWidth"
    )


async def test_a_draft_in_two_tabs_is_told_of_and_loses_nothing(web: str) -> None:
    async with _browser() as one:
        await one.context.request.post(
            f"{web}/signup", form={"email": "tom@example.com", "password": "correct horse 1"}
        )
        await one.goto(f"{web}/campaigns/new")
        await one.get_by_label("Subject", exact=True).fill("From the first tab")
        await expect(one.get_by_text("Saved")).to_be_visible()
        other = await one.context.new_page()
        await other.goto(one.url)
        await expect(other.get_by_label("Subject", exact=True)).to_have_value("From the first tab")
        await one.get_by_label("Subject", exact=True).fill("Changed in the first tab")
        told = other.get_by_text("This draft was changed in another tab.")
        await expect(told).to_be_visible()
        await expect(one.get_by_text("This draft was changed in another tab.")).to_have_count(0)
        await other.get_by_role("button", name="Show the other version").click()
        await expect(other.get_by_label("Subject", exact=True)).to_have_value("Changed in the first tab")
        await expect(told).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
async def test_the_button_that_adds_an_upload_is_seen_at_once_on_every_screen(
    web: str, width: int, height: int
) -> None:
    async with _browser(viewport={"width": width, "height": height}, **STILL) as page:
        account = {"email": f"una{width}@example.com", "password": "correct horse 1"}
        await page.context.request.post(f"{web}/signup", form=account)
        await page.goto(f"{web}/audience")
        add = page.get_by_role("button", name="Add 30 contacts")
        for is_first in (True, False):  # on the page itself, and in the dialog
            if not is_first:
                await page.get_by_role("button", name="Upload", exact=True).click()
            file = {"name": "members.csv", "mimeType": "text/csv", "buffer": _TABLE.encode()}
            await page.locator("input[type=file]").last.set_input_files(file)
            await expect(add).to_be_in_viewport(ratio=1)
            await page.get_by_text("Rename or leave out columns").click()
            await page.get_by_label("Column 0", exact=True).click()  # they are unfolded
            last = page.get_by_label("Column 9", exact=True)
            await last.focus()  # no field that has the focus is behind it
            await expect(last).to_be_in_viewport(ratio=1)
            assert await last.evaluate(_IS_SEEN)
            await expect(add).to_be_in_viewport(ratio=1)
            await page.evaluate(_WATCH_DROP)
            await add.click()
            await expect(add).to_have_count(0)
            await expect(page.get_by_role("button", name="members 30")).to_be_visible()
            await expect(page.get_by_role("button", name="Upload", exact=True)).to_be_visible()
            assert not is_first or await page.evaluate("dropsSeen") == 0  # who drops a file just then would lose it
