"""Merge fields go in where the caret is, and typing goes on behind them."""

from playwright.async_api import BrowserContext, Page, expect

from tests.conftest import Stack
from tests.e2e.product import eventually, provider
from tests.e2e.test_body import _body, _draft, _product

WRITTEN = {
    ("Eins",): "Eins{{ email }} danach",
    ("Eins", ""): "Eins<div>{{ email }} danach</div>",
    ("Eins", "Zwei"): "Eins<div>Zwei{{ email }} danach</div>",
}


async def test_a_field_goes_in_at_the_caret_and_typing_goes_on_behind_it(sqlite_stack: Stack) -> None:
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (still, web, user_id, console):
            async with await _moving(still) as context:
                page = console.listen(await context.new_page())
                for lines, written in WRITTEN.items():
                    draft = _draft(user_id, name="Rich", subject="Hallo", body="", body_kind="rich", language="de")
                    await page.goto(f"{web}/campaigns/{draft}/edit")
                    await page.wait_for_function("window.socket?.connected")
                    await page.get_by_label("Body", exact=True).click()
                    await page.keyboard.type("\n".join(lines))
                    await _field(page, "Merge field")
                    editor = page.locator(".q-editor__content")
                    await expect(editor).to_contain_text("{{ email }}")
                    await expect(editor).to_be_focused()  # the menu that closes gives it back
                    await page.keyboard.type(" danach")
                    shown = f"{lines}: {await editor.inner_html()}"
                    await eventually(lambda draft=draft, written=written: _body(draft) == written, shown)
                field = page.locator('.q-menu [data-insert="{{ email }}"]')
                await page.get_by_role("button", name="Merge field", exact=True).click()
                await field.evaluate("item => item.dataset.insert = '<img src=x>'")
                await page.locator('.q-menu [data-insert^="<img"]').click()
                await eventually(lambda: "&lt;img src=x&gt;" in _body(draft), "a name became HTML")
                await page.get_by_role("button", name="Merge field", exact=True).click()
                await page.get_by_role("menuitem", name="Unsubscribe link").click()
                await expect(page.locator(".q-menu")).to_have_count(0)
                await expect(editor).to_be_focused()
                await page.keyboard.type(" hier")
                link = '<a href="{{ unsubscribe_url }}">Abmelden</a> hier'
                await eventually(lambda: link in _body(draft).replace("&nbsp;", " "), "no link, or typed into it")
                subject = page.get_by_label("Subject", exact=True)
                await subject.click()
                await page.keyboard.press("End")
                await _field(page, "Insert a merge field")
                await expect(subject).to_have_value("Hallo{{ email }}")
                await expect(subject).to_be_focused()
                await page.keyboard.type(" zwei")
                await expect(subject).to_have_value("Hallo{{ email }} zwei")


async def _field(page: Page, menu: str) -> None:
    await page.get_by_role("button", name=menu, exact=True).click()
    await page.locator('.q-menu [data-insert="{{ email }}"]').click()
    await expect(page.locator(".q-menu")).to_have_count(0)


async def _moving(still: BrowserContext) -> BrowserContext:
    """Where menus take their time to close."""
    assert still.browser is not None
    return await still.browser.new_context(storage_state=await still.storage_state(), locale="en-US")
