"""Links of a rich text in a real browser: asked for in a dialog, changed, removed; nothing is left of one given up."""

from playwright.async_api import Locator, Page, expect

from tests.conftest import Stack
from tests.e2e.axe import assert_accessible
from tests.e2e.product import eventually, provider
from tests.e2e.test_body import _body, _draft, _product

_WRITTEN = "<div>Visit our <b>big</b> shop today</div>"
_CHOOSE = """(box, words) => {
  const walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.data.indexOf(words);
    if (at < 0) continue;
    box.focus();
    getSelection().setBaseAndExtent(walk.currentNode, at, walk.currentNode, at + words.length);
    return;
  }
}"""
_CHOOSE_BOLD = "(box) => { box.focus(); getSelection().setBaseAndExtent(box.firstChild, 0, box.firstChild, 2); }"


async def test_a_link_is_asked_for_and_one_that_is_given_up_leaves_nothing(sqlite_stack: Stack) -> None:
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (context, web, user_id, console):
            page = console.listen(await context.new_page())
            draft = _draft(user_id, name="Links", subject="Links", body=_WRITTEN)
            await page.goto(f"{web}/campaigns/{draft}/edit")
            box = page.get_by_label("Body", exact=True)
            await _give_up(page, box)
            await _link_what_is_marked(page, box, draft)
            await _change_and_remove(page, box, draft)
            await _link_at_the_caret(page, box, draft)
            await _link_formatted_words(page, box, draft)
            await _change_a_button(page, box)
            await _lead_out(page, box, draft)


async def _give_up(page: Page, box: Locator) -> None:
    before = await box.inner_html()
    link = page.get_by_role("toolbar", name="Formatting").get_by_label("Link")
    await box.evaluate(_CHOOSE, "shop")
    await link.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Text")).to_have_value("shop")
    await expect(dialog.get_by_label("Link", exact=True)).to_be_focused()
    await assert_accessible(page)
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("Write where it leads")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(box).to_be_focused()
    assert await box.inner_html() == before
    assert await page.evaluate("String(getSelection())") == "shop"


async def _link_what_is_marked(page: Page, box: Locator, draft: int) -> None:
    await page.keyboard.press("Control+k")
    await page.get_by_role("dialog").get_by_label("Link", exact=True).fill("laden.de/größe?n={{ plz }}")
    await page.keyboard.press("Enter")
    link = box.get_by_role("link", name="shop")
    await expect(link).to_have_attribute("href", "https://laden.de/größe?n={{ plz }}")
    await expect(box).to_be_focused()
    assert await box.inner_text() == "Visit our big shop today"
    await page.keyboard.press("Control+z")
    await expect(link).to_have_count(0)
    await page.keyboard.press("Control+y")
    await expect(link).to_have_count(1)
    await eventually(lambda: ">shop</a>" in _body(draft), "the link is not kept")


async def _change_and_remove(page: Page, box: Locator, draft: int) -> None:
    await box.evaluate(_CHOOSE, "sho")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Change link")
    await expect(dialog.get_by_label("Link", exact=True)).to_have_value("https://laden.de/größe?n={{ plz }}")
    await dialog.get_by_label("Text").fill("store")
    await dialog.get_by_label("Link", exact=True).fill("https://laden.de/?a=1&b=2")
    await dialog.get_by_role("button", name="Change").click()
    link = box.get_by_role("link", name="store")
    await expect(link).to_have_attribute("href", "https://laden.de/?a=1&b=2")
    await expect(box.get_by_role("link")).to_have_count(1)
    await box.evaluate(_CHOOSE, "tor")
    await page.keyboard.press("Control+k")
    await dialog.get_by_role("button", name="Remove link").click()
    await expect(link).to_have_count(0)
    await expect(box).to_have_text("Visit our big store today")
    await eventually(lambda: "<a" not in _body(draft) and "store" in _body(draft), "the link is still kept")


async def _link_at_the_caret(page: Page, box: Locator, draft: int) -> None:
    await box.evaluate(_CHOOSE, "today")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Insert link")
    await dialog.get_by_label("Text").fill("<b>Now</b>")
    await dialog.get_by_label("Link", exact=True).fill("bücher.de")
    await page.keyboard.press("Enter")
    await expect(box.get_by_role("link", name="<b>Now</b>")).to_have_attribute("href", "https://bücher.de")
    await expect(box).to_be_focused()
    await page.keyboard.type("!")
    await expect(box).to_have_text("Visit our big store today<b>Now</b>!")
    await eventually(lambda: "&lt;b&gt;Now&lt;/b&gt;</a>!" in _body(draft), "what was typed is part of the link")


async def _lead_out(page: Page, box: Locator, draft: int) -> None:
    """A merge tag of another program is taken for an address: Preflight translates it."""
    await box.evaluate(_CHOOSE, "today")
    for address in ("*|UNSUB|*", "{{ unsubscribe_url }}"):
        await page.keyboard.press("Control+k")
        await page.get_by_role("dialog").get_by_label("Link", exact=True).fill(address)
        await page.keyboard.press("Enter")
        await expect(box.get_by_role("link", name="today")).to_have_attribute("href", address)
        await eventually(lambda href=f'"{address}"': href in _body(draft), "the address is not kept")


async def _link_formatted_words(page: Page, box: Locator, draft: int) -> None:
    await box.evaluate(_CHOOSE_BOLD)
    await page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Insert link")
    await expect(dialog.get_by_label("Text")).to_be_hidden()
    await dialog.get_by_label("Link", exact=True).fill("mailto:anna@example.com")
    await page.keyboard.press("Enter")
    await eventually(lambda: "<b>big</b></a>" in _body(draft), "the marked words lost their look")


async def _change_a_button(page: Page, box: Locator) -> None:
    await page.keyboard.press("Control+End")
    await page.get_by_role("button", name="Block").click()
    await page.get_by_role("menuitem", name="Button").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Link", exact=True).fill("laden.de/größe?x=ü")
    await dialog.get_by_role("button", name="Insert").click()
    button = box.locator("a.button")
    await expect(button).to_have_attribute("href", "https://laden.de/größe?x=ü")
    await box.evaluate(_CHOOSE, "Read")
    await page.keyboard.press("Control+k")
    await expect(dialog.get_by_label("Text")).to_have_value("Read more")
    await dialog.get_by_label("Text").fill("Buy")
    await dialog.get_by_role("button", name="Change").click()
    await expect(button).to_have_text("Buy")
    await expect(button).to_have_attribute("href", "https://laden.de/größe?x=ü")
    await expect(box.locator("p a.button")).to_have_count(1)
    await expect(box.locator("[style]")).to_have_count(0)
