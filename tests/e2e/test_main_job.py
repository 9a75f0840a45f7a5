"""The main job in a real browser, from sign-up to the fourth card, on both stacks. No page is ever reloaded."""

import email
import email.policy
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import openpyxl
from playwright.async_api import BrowserContext, Page, expect

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

PEOPLE = 120
DEAD, THROTTLED = "person7@example.org", "person40@example.org"
REFUSALS = {
    DEAD: ["550 5.1.1 <person7@example.org>: Recipient address rejected: User unknown"] * 9,
    THROTTLED: ["451 4.7.1 Ratelimit exceeded, try again in 8 seconds"],
}

# As the server would tell of it: a label of this page has other words fifty times a second.
_NUMBERS_MOVE = """() => {
    const [id] = Object.entries(mounted_app.elements).find(([, each]) => each.text === "1–1 of 1");
    const label = mounted_app.elements[id];
    let number = 0;
    setInterval(() => mounted_app.elements[id] = {...label, text: `${++number}`}, 100);
}"""


def _workbook(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["E-mail", "First name", "City"])
    for number in range(PEOPLE):
        sheet.append([f"person{number}@example.org", f"Přemysl {number}", "Pune"])
    path = folder / "members.xlsx"
    book.save(path)
    return path


@asynccontextmanager
async def _product(stack: Stack, web: str) -> AsyncIterator[None]:
    env = {**stack.env, "PORT": web.rpartition(":")[2], "BASE_URL": web}
    async with AsyncExitStack() as processes:
        if stack.name == "postgres":
            env["WORKER"] = "external"
            await processes.enter_async_context(running("huey_worker.py", env, "runs on"))
        await processes.enter_async_context(running("main.py", env, "Campaigns: "))
        yield


async def test_the_main_job_from_sign_up_to_the_fourth_card(stack: Stack, tmp_path: Path) -> None:
    web = f"http://127.0.0.1:{free_port()}"
    with provider(REFUSALS) as server:
        async with _product(stack, web), chromium() as browser:
            motion = STILL if stack.name == "postgres" else {}
            context = await browser.new_context(**motion, locale="en-US", timezone_id="Asia/Kolkata")
            console = Console()
            page = console.listen(await context.new_page())
            await _sign_up(page, web)
            await _add_sender(page, web, server)
            await _compose(page, web, _workbook(tmp_path))
            dashboard = await _second_tab(context, web)
            await _send(page)
            await _watch(page, dashboard, server)
            await _open_one(page, dashboard, server)
            await _ask_why(page)
            assert console.wrong == []


async def _sign_up(page: Page, web: str) -> None:
    await page.goto(f"{web}/signup")
    await page.get_by_label("Email").fill("anna@example.com")
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Sign up").click()
    await expect(page).to_have_url(f"{web}/")


async def _add_sender(page: Page, web: str, server: Provider) -> None:
    await page.goto(f"{web}/senders")
    await page.get_by_role("button", name="Add sender").first.click()
    for label, value in {
        "Name": "My provider",
        "Host": "127.0.0.1",
        "Port": str(server.port),
        "Username": USERNAME,
        "From name": "Anna",
        "From address": "anna@example.com",
        "Mails per minute": "",
        "Delay": "0",
        "Connections": "4",
    }.items():
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.get_by_label("Security").click()
    await page.get_by_role("option", name="None").click()
    await page.get_by_role("button", name="Test connection").click()
    await expect(page.get_by_text(re.compile("password", re.IGNORECASE)).last).to_be_visible()
    await expect(page.get_by_text(re.compile("535")).last).to_be_visible()
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await expect(page.get_by_text(re.compile("535"))).to_have_count(0)  # the button stands where it stays
    await page.get_by_role("button", name="Test connection").click()
    await expect(page.get_by_text(re.compile("works|succe|signed in", re.IGNORECASE)).last).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("My provider").first).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def _compose(page: Page, web: str, workbook: Path) -> None:
    await page.goto(f"{web}/campaigns/new")
    await expect(page).to_have_url(re.compile(r"/campaigns/\d+/edit"))
    await page.get_by_label("Name", exact=True).fill("November news")
    await page.get_by_label("Subject", exact=True).fill("Hello {{ first_name }}")
    await page.get_by_label("Sender", exact=True).click()
    await page.get_by_role("option", name=re.compile("My provider")).click()
    await page.get_by_label("Body", exact=True).click()
    await page.keyboard.type("Dear {{ first_name }} from {{ city }}, here is the news.")
    await page.get_by_role("tab", name="Audience").click()
    await page.get_by_label("Upload", exact=True).first.set_input_files(workbook)
    await page.get_by_role("button", name=f"Add {PEOPLE} contacts").click()
    await expect(page.get_by_role("checkbox", name="members")).to_be_checked()


async def _second_tab(context: BrowserContext, web: str) -> Page:
    dashboard = await context.new_page()
    await dashboard.goto(f"{web}/")
    await expect(dashboard.get_by_text("Idle")).to_be_visible()
    return dashboard


async def _send(page: Page) -> None:
    await page.get_by_role("tab", name="When").click()
    await page.get_by_role("button", name="Send now").click()
    await page.get_by_role("dialog").get_by_role("button", name="Send now").click()
    await page.wait_for_url(re.compile(r"/campaigns/\d+$"), wait_until="commit")


async def _watch(page: Page, dashboard: Page, server: Provider) -> None:
    for tab in (page, dashboard):
        await tab.evaluate("window.neverReloaded = true")
    # The provider says slow down: the screen says so, and the mail waits unharmed.
    await expect(page.get_by_text(re.compile("Ratelimit exceeded")).first).to_be_visible()
    await eventually(lambda: len(server.accepted) == PEOPLE - 1, f"{len(server.accepted)} arrived", seconds=60)
    for tab in (page, dashboard):
        await card(tab, "Sent", PEOPLE - 1)
        await card(tab, "Failed", 1)
        await card(tab, "Pending", 0)
        await card(tab, "Opened", 0)
        assert await tab.evaluate("window.neverReloaded")
    assert sorted(to for to, _ in server.accepted) == sorted(
        f"person{number}@example.org" for number in range(PEOPLE) if f"person{number}@example.org" != DEAD
    )
    await expect(page.get_by_text(re.compile("User unknown")).first).to_be_visible()


async def _open_one(page: Page, dashboard: Page, server: Provider) -> None:
    to, raw = server.accepted[0]
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    number = to.removeprefix("person").partition("@")[0]
    assert mail["Subject"] == f"Hello Přemysl {number}"
    assert mail.get_content_type() == "multipart/alternative" and mail["List-Unsubscribe-Post"]
    body = mail.get_body(("html",))
    assert body is not None
    html = body.get_content()
    assert f"Dear Přemysl {number} from Pune" in html
    pixel = re.search(r'src="(http[^"]+/t/o/[^"]+\.gif)"', html)
    assert pixel is not None
    reader = await page.context.browser.new_context()  # type: ignore[union-attr]
    assert (await reader.request.get(pixel.group(1))).headers["content-type"] == "image/gif"
    assert await reader.cookies() == []
    for tab in (page, dashboard):
        await card(tab, "Opened", 1)
        assert await tab.evaluate("window.neverReloaded")


async def _ask_why(page: Page) -> None:
    """What happened to the one who could not be reached, by keyboard alone."""
    await page.get_by_label("Search").fill(DEAD)
    await expect(
        page.get_by_text("1–1 of 1", exact=True)
    ).to_be_visible()  # the table is not drawn anew under the dialog
    row = page.get_by_role("button", name=DEAD)
    dialog = page.get_by_role("dialog")
    await page.evaluate(_NUMBERS_MOVE)
    await row.focus()
    await page.evaluate("window.before = document.activeElement")
    for _ in range(4):
        await page.keyboard.press("Enter")
        for words in (
            "The mailbox does not exist",
            "User unknown",
            "We do not mail it again",
            "on the suppression list",
        ):
            await expect(dialog.get_by_text(words).filter(visible=True).first).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        assert await page.evaluate("document.activeElement === before")
