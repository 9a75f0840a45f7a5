"""What only a browser shows of Compose: the mail in the preview as one types, and the forecast as a line."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from core import accounts, campaigns, crypto, db, migrate
from core.audience import contacts, parse
from tests import rows
from tests.conftest import using
from tests.e2e.axe import violations
from tests.e2e.product import Console, chromium, free_port, running

# A picture that is red where it is shown.
_RED = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
EMAIL, PASSWORD = "anna@shop.example", "a long enough password"
BODY = f"""<html><head><meta name="color-scheme" content="light dark"><style>
body {{ background: #fff }} @media (prefers-color-scheme: dark) {{ body {{ background: rgb(1, 2, 3) }} }}
</style></head><body onload="parent.stolen = 1"><p id="hi">Hi {{{{ first_name | default: "you" }}}}</p>
<img id="red" src="{_RED}" alt="Red" width="40"><img src="x:" onerror="parent.stolen = 1" alt="">
<script>parent.stolen = 1</script><p style="height:3000px">Long</p><p>{{{{ unsubscribe_url }}}}</p></body></html>"""


async def test_the_preview_and_the_forecast_are_what_they_say(tmp_path: Path) -> None:
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    env = {"DATA_DIR": str(tmp_path), "PORT": str(port), "SECRET_KEY": crypto.new_token(), "BASE_URL": web}
    draft = _fill(env)
    console = Console()
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
        page = console.listen(await context.new_page())
        await context.request.post(f"{web}/login", form={"email": EMAIL, "password": PASSWORD})
        await page.goto(f"{web}/campaigns/{draft}/edit")
        await _a_mail_changes_in_place(page)
        await _mail_programs(page)
        await _found_by_enter(page)
        assert await violations(page) == []
        await page.goto(f"{web}/campaigns/{draft}/edit?step=when")
        await _a_line(page)
        assert await violations(page) == []
    assert not [each for each in console.wrong if "x:" not in each and "Content Security Policy" not in each]


def _fill(env: dict[str, str]) -> int:
    with using(env):
        migrate.upgrade()
        with db.session() as session:
            user_id = accounts.sign_up(session, EMAIL, PASSWORD, "Asia/Kolkata").id or 0
            sender = rows.sender(session, user_id, name="Shop", from_address="a@shop.invalid", delay_seconds=0.0)
        people = "\n".join(f"Reader {number} <reader{number}@example.com>" for number in range(300))
        readers = contacts.store(user_id, parse.parse_text(people), "Readers").list_id
        with db.session() as session:
            draft = campaigns.create(session, user_id)
            assert draft.id is not None
            values: dict[str, Any] = {"body": BODY, "body_kind": "html", "subject": "News", "sender_id": sender.id}
            campaigns.save_draft(session, user_id, draft.id, draft.version, **values)
            campaigns.set_lists(session, user_id, draft.id, [readers])
            return draft.id


async def _seen(page: Page, script: str) -> Any:
    """``script`` of the mail's document ``d``."""
    return await page.locator("iframe[data-mail]").evaluate(
        f"(frame) => {{ const d = frame.contentDocument; return {script}; }}"
    )


async def _a_mail_changes_in_place(page: Page) -> None:
    """As one types: the same document, at the same place; and nothing in it runs."""
    mail = page.frame_locator("iframe[data-mail]")
    await expect(mail.locator("#hi")).to_contain_text("Hi ")
    background = "getComputedStyle(d.body).backgroundColor"
    assert await _seen(page, background) == "rgb(255, 255, 255)", "light, though this browser prefers dark"
    await _seen(page, "d.kept = d.getElementById('red').kept = d.scrollingElement.scrollTop = 700")
    await page.get_by_role("button", name="Source", exact=True).click()
    await page.locator(".cm-content").click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("<p id=new>More</p>")
    await expect(mail.locator("#new")).to_have_text("More")
    assert await _seen(page, "[d.kept, d.getElementById('red').kept, d.scrollingElement.scrollTop]") == [700, 700, 700]
    assert await page.evaluate("window.stolen") is None


async def _mail_programs(page: Page) -> None:
    background = "getComputedStyle(d.body).backgroundColor"
    await page.get_by_role("button", name="Dark mail program").click()
    mail = page.frame_locator("iframe[data-mail]")
    await expect(mail.locator("body")).to_have_css("background-color", "rgb(1, 2, 3)")
    assert await _seen(page, "d.scrollingElement.scrollTop") == 700
    await page.get_by_role("button", name="Dark by force").click()
    await expect(page.get_by_text("An imitation:")).to_be_visible()
    frame = page.locator("iframe[data-mail]")
    await expect(frame).to_have_css("filter", "invert(1) hue-rotate(180deg)")
    assert await _seen(page, background) == "rgb(255, 255, 255)"
    assert await _seen(page, "d.getElementById('red').naturalWidth") == 1
    await page.get_by_role("button", name="Without images").click()
    await page.wait_for_function(
        "document.querySelector('iframe[data-mail]').contentDocument.getElementById('red')?.naturalWidth === 0"
    )
    await page.get_by_role("button", name="Light mail program").click()
    await page.mouse.move(5, 5)
    await expect(page.locator(".q-tooltip")).to_have_count(0)


async def _found_by_enter(page: Page) -> None:
    """Enter means what is in the field now, though the server was not told of it yet."""
    field = page.get_by_label("Recipient", exact=True)
    for who in ("reader123@", "reader45@"):
        await field.fill(who)
        await field.press("Enter")
        await expect(field).to_have_value(f"{who}example.com")
        await expect(page.get_by_label("Recipients found")).to_be_hidden()


async def _a_line(page: Page) -> None:
    chart = page.get_by_role("img", name="Mails sent over time")
    await expect(chart).to_be_visible()
    await expect(page.get_by_text("How it will go")).to_be_visible()
    await page.wait_for_function(
        """() => [...document.querySelectorAll('[role=img][aria-label^="Mails sent"] canvas')].some((canvas) => {
             const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
             for (let at = 0; at < dots.length; at += 4)
               if (dots[at] === 15 && dots[at + 1] === 159 && dots[at + 2] === 110 && dots[at + 3] === 255) return true;
           })"""
    )
    await page.get_by_text("As a table").click()
    await expect(page.get_by_role("columnheader", name="So far")).to_be_visible()
