"""Tables of a rich text in a real browser: put in, filled, grown, undone, kept through a reload, and mailed."""

import email
import email.policy

from playwright.async_api import Locator, Page, expect

from tests.conftest import Stack
from tests.e2e.axe import assert_accessible
from tests.e2e.product import eventually, provider
from tests.e2e.test_body import _body, _draft, _insert, _product, _send_now
from tests.e2e.writing import open_draft, writing

_DATES = (
    "<table><thead><tr><th>Datum</th><th>Was</th></tr></thead>"
    "<tbody><tr><td>5. Dez</td><td>Chor</td></tr><tr><td>6. Dez</td><td>Fest</td></tr></tbody></table>"
)
_SPANS = (
    '<table><tbody><tr><td colspan="2">a</td><td rowspan="2">b</td></tr>'
    "<tr><td>c</td><td>d</td></tr><tr><td>e</td><td>f</td><td>g</td></tr></tbody></table>"
)
_GO_TO = """(box, words) => {
  const cell = [...box.querySelectorAll("td, th")].find((each) => each.textContent === words);
  box.focus();
  getSelection().collapse(cell.firstChild, 1);
}"""


async def test_a_table_is_put_in_filled_and_mailed(sqlite_stack: Stack) -> None:
    async with writing(sqlite_stack, "<div>Hallo</div>") as (page, box, draft, server):
        await box.click()
        await page.keyboard.press("Control+End")
        await _insert(page, "Table")
        await expect(box.locator("tr")).to_have_count(3)
        await _fill(page, box)
        await _block_beside(page, box)
        await assert_accessible(page)
        await eventually(lambda: "Probe" in _body(draft), "the table was not saved")
        await page.reload()
        await expect(box.locator("td")).to_have_text(["5. Dez", "Chor", "6. Dez", "Fest", "7. Dez", "Probe"])
        shown = page.frame_locator("iframe[title='Mail']")
        await expect(shown.get_by_role("row").filter(has_text="Datum").last).to_contain_text("Was")
        await _send_now(page)
        await eventually(lambda: len(server.accepted) == 1, "the mail did not arrive")
        mail = email.message_from_bytes(server.accepted[0][1], policy=email.policy.default)
        html, text = mail.get_body(("html",)), mail.get_body(("plain",))
        assert html is not None and text is not None
        assert '<th style="padding:8px 12px 8px 0;border-bottom:2px' in html.get_content()
        lines = text.get_content().splitlines()
        assert lines[1:5] == ["Datum Was", "5. Dez Chor", "6. Dez Fest", "7. Dez Probe"]


async def _fill(page: Page, box: Locator) -> None:
    """By keys alone; in the last cell Tab adds a row, which one undo takes back."""
    await box.evaluate(_GO_TO, "Heading 1")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Shift+Tab")
    for words in ("Datum", "Was", "5. Dez", "Chor", "6. Dez", "Fest"):
        await page.keyboard.type(words)
        await page.keyboard.press("Tab")
    await expect(box.locator("tr")).to_have_count(4)
    await page.keyboard.press("Control+z")
    await expect(box.locator("tr")).to_have_count(3)
    await box.evaluate(_GO_TO, "Fest")
    for words in ("7. Dez", "Probe"):
        await page.keyboard.press("Tab")
        await page.keyboard.type(words)


async def _block_beside(page: Page, box: Locator) -> None:
    """A block that is put in from within a cell stands behind the table."""
    await _insert(page, "Divider")
    await expect(box.locator("hr")).to_have_count(1)
    await expect(box.locator("table hr")).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(box.locator("hr")).to_have_count(0)


async def test_rows_and_columns_come_and_go_and_undo_knows_the_way_back(sqlite_stack: Stack) -> None:
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (context, web, user_id, console):
            page = console.listen(await context.new_page())
            for table, cell, act, rows in (
                (_DATES, "5. Dez", "Add row below", [2, 2, 2, 2]),
                (_DATES, "Datum", "Add row below", [2, 2, 2, 2]),
                (_DATES, "Fest", "Add column to the right", [3, 3, 3]),
                (_DATES, "Was", "Delete row", [2, 2]),
                (_DATES, "Fest", "Delete column", [1, 1, 1]),
                (_DATES, "Fest", "Delete table", []),
                (_SPANS, "a", "Add row below", [2, 2, 2, 3]),
                (_SPANS, "c", "Add column to the right", [2, 3, 4]),
                (_SPANS, "a", "Delete row", [3, 3]),
                (_SPANS, "d", "Delete column", [2, 1, 2]),
            ):
                draft = _draft(user_id, name="T", subject="T", body=f"<div>Hallo</div>{table}<div>Bis bald</div>")
                await open_draft(page, web, draft)
                await _change(page, cell, act, rows)
            await expect(page.get_by_label("Body", exact=True)).to_be_focused()


async def _change(page: Page, cell: str, act: str, rows: list[int]) -> None:
    box = page.get_by_label("Body", exact=True)
    before = await box.inner_html()
    await box.evaluate(_GO_TO, cell)
    await page.get_by_role("toolbar", name="Formatting").get_by_role("button", name="Table").click()
    await page.get_by_text(act, exact=True).click()
    count = "(box) => [...box.querySelectorAll('tr')].map((row) => row.cells.length)"
    assert await box.evaluate(count) == rows, f"{cell}: {act}"
    await expect(box).to_contain_text("Bis bald")
    await page.keyboard.press("Control+z")
    assert await box.inner_html() == before, f"{cell}: {act}"
