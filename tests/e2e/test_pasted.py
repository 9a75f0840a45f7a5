"""What Word and Google Docs copy, pasted into rich text in a real browser: seen, mailed, kept and undone."""

import email
import email.policy
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.conftest import Stack
from tests.e2e.product import eventually
from tests.e2e.test_body import _PASTE_WORDS, _body, _send_now
from tests.e2e.writing import writing

_CLIPBOARDS = Path(__file__).parent.parent / "core" / "content" / "clipboards"
_PASTE_AND_TYPE = f"""(html) => {{
  ({_PASTE_WORDS})(html);
  document.execCommand("insertText", false, " typed at once");
}}"""
# How much each of the words differs from what is behind it, highlights included (WCAG 2.2).
_CONTRASTS = """(box) => {
  const parts = (value) => value.match(/[\\d.]+/g).map(Number);
  const light = (value) => {
    const [r, g, b] = parts(value).slice(0, 3).map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const isLit = (name, node) => [...CSS.highlights.get(name)].some((range) => range.intersectsNode(node));
  const walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT), found = {};
  while (walk.nextNode()) {
    const node = walk.currentNode;
    let behind = node.parentElement;
    while (parts(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const ink = isLit("own-ground", node) ? "rgb(23, 26, 43)" : getComputedStyle(node.parentElement).color;
    const ground = isLit("own-ink", node) ? "rgb(255, 255, 255)" : getComputedStyle(behind).backgroundColor;
    const both = [light(ink), light(ground)];
    found[node.data] = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  }
  return found;
}"""


async def test_what_word_copies_is_seen_mailed_kept_and_undone(sqlite_stack: Stack) -> None:
    async with writing(sqlite_stack, "<div>Hallo</div><div>Ende</div>") as (page, box, draft, server):
        await page.emulate_media(color_scheme="dark")
        before = await box.inner_html()
        await _paste(page, box, "word")
        await expect(page.get_by_text("A picture could not be pasted")).to_be_visible()
        await expect(box.locator("td")).to_have_text(["5. Dez", "ChorFest"])
        await expect(box.locator("ul > li")).to_have_count(3)
        assert "file:" not in await box.inner_html() and "font" not in await box.inner_html()
        assert (await box.inner_text()).split()[-2:] == ["bald", "Ende"]
        await page.wait_for_function("CSS.highlights.get('own-ink').size && CSS.highlights.get('own-ground').size")
        contrasts = await box.evaluate(_CONTRASTS)
        assert {"rot", "gelb", "Chor", "Datum"} <= set(contrasts)
        assert all(contrast > 4.5 for contrast in contrasts.values()), contrasts
        await page.keyboard.press("Control+z")
        await expect(box).to_have_js_property("innerHTML", before)
        await page.keyboard.press("Control+y")
        await expect(box.locator("td")).to_have_count(2)
        await eventually(lambda: "Bis bald" in _body(draft), "what was pasted was not saved")
        await page.reload()
        await expect(box.locator("td")).to_have_text(["5. Dez", "ChorFest"])
        await _send_now(page)
        await eventually(lambda: len(server.accepted) == 1, "the mail did not arrive")
        mail = email.message_from_bytes(server.accepted[0][1], policy=email.policy.default)
        html, text = mail.get_body(("html",)), mail.get_body(("plain",))
        assert html is not None and text is not None
        assert html.get_content().count("<td style=") == 2 and "- Noten" in text.get_content()
        assert "Datum Was" in text.get_content().splitlines()


async def _paste(page: Page, box: Locator, name: str) -> None:
    await box.evaluate("(box) => { box.focus(); getSelection().collapse(box.firstChild.firstChild, 5); }")
    await page.evaluate(_PASTE_WORDS, (_CLIPBOARDS / f"{name}.html").read_text())


async def test_what_is_typed_right_after_a_paste_stands_behind_it(sqlite_stack: Stack) -> None:
    async with writing(sqlite_stack, "<div>Hallo</div>") as (page, box, _, _):
        await box.evaluate("(box) => { box.focus(); getSelection().collapse(box.firstChild.firstChild, 5); }")
        await page.evaluate(_PASTE_AND_TYPE, "<b>, liebe</b> Welt")
        await expect(box).to_have_text("Hallo, liebe Welt typed at once")
        await page.keyboard.type(" and later")
        await expect(box).to_have_text("Hallo, liebe Welt typed at once and later")
        await _copy_within(page, box)


async def _copy_within(page: Page, box: Locator) -> None:
    """In the dark, too, it takes nothing of the page's look along."""
    await page.emulate_media(color_scheme="dark")
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Control+c")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Control+v")
    words = "Hallo, liebe Welt typed at once and later"
    await expect(box).to_have_text(words * 2)
    assert "style" not in await box.inner_html()
