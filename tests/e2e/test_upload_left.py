"""Who unsubscribed elsewhere, in a real browser: told in the preview, suppressed or added as one chooses."""

from pathlib import Path

from playwright.async_api import Page, expect

from core import crypto
from tests.e2e.axe import violations
from tests.e2e.product import STILL, Console, chromium, free_port, running

_LISTMONK = """uuid,email,name,attributes,status,created_at
5f9a,anna@example.com,Anna,{},enabled,2024-01-02 03:04:05
6a0b,ben@example.com,Ben,{},blocklisted,2024-01-02 03:04:05
7b1c,cem@example.com,Cem,{},disabled,2024-01-02 03:04:05
"""


async def test_who_unsubscribed_elsewhere_is_suppressed_unless_one_says_otherwise(tmp_path: Path) -> None:
    web = f"http://127.0.0.1:{free_port()}"
    env = {"DATA_DIR": str(tmp_path), "PORT": web.rpartition(":")[2], "SECRET_KEY": crypto.new_token()}
    console = Console()
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(locale="en-US", viewport={"width": 390, "height": 844}, **STILL)
        page = console.listen(await context.new_page())
        await _upload(page, web)
        await expect(page.get_by_text("2 of these 3 people were blocked elsewhere")).to_be_visible()
        assert await violations(page) == []
        await _choose_by_keyboard(page)
        await page.get_by_role("button", name="Add 1 contact, suppress 2").click()
        await expect(page.get_by_text("1 contact added to the list “listmonk”. 2 people suppressed.")).to_be_visible()
        await expect(page.get_by_role("button", name="Allow again: ben@example.com")).to_be_visible()
        await _suppress(page, "anna@example.com")
    assert console.wrong == []


async def _upload(page: Page, web: str) -> None:
    await page.goto(f"{web}/signup")
    await page.get_by_label("Email").fill("maya@example.com")
    await page.get_by_label("Password").fill("a long enough one")
    await page.get_by_role("button", name="Sign up").click()
    await page.wait_for_url(f"{web}/")
    await page.goto(f"{web}/audience")
    file = {"name": "listmonk.csv", "mimeType": "text/csv", "buffer": _LISTMONK.encode()}
    await page.get_by_label("Upload", exact=True).set_input_files(file)


async def _choose_by_keyboard(page: Page) -> None:
    """There and back: the choice keeps the focus while everything about it changes."""
    suppress, add = (page.get_by_role("radio", name=name) for name in ("Suppress them", "Add them as contacts"))
    await add.focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Add 3 contacts")).to_be_visible()
    await expect(page.get_by_role("group", name="Suppressed", exact=True)).to_contain_text("0")
    await expect(add).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("group", name="Suppressed", exact=True)).to_contain_text("2")
    await expect(suppress).to_be_focused()


async def _suppress(page: Page, email: str) -> None:
    """It is seen at once where the contact stands."""
    row = page.get_by_role("row").filter(has=page.get_by_role("button", name=f"Edit {email}"))
    await expect(row).not_to_contain_text("Suppressed")
    await page.get_by_label("Address to suppress").fill(email)
    await page.get_by_role("button", name="Suppress", exact=True).click()
    await expect(row).to_contain_text("Suppressed")
    assert await violations(page) == []
