"""A starter edited as it is seen, in a real browser: what arrives has the changes, and the rest is untouched."""

import email
import email.policy
import re

from playwright.async_api import FrameLocator, Page, expect

from core import db
from core.content import bodies, starters
from core.models import Campaign
from tests.conftest import Stack
from tests.e2e.axe import assert_accessible
from tests.e2e.product import eventually, provider
from tests.e2e.test_body import _draft, _product, _send_now

_PASTE = """() => {
  const box = document.querySelector("iframe[title=Body]").contentDocument.querySelectorAll("h1")[1];
  const given = new DataTransfer();
  given.setData("text/html", "<b onclick='alert(1)'>Three</b><script>alert(2)</script>");
  given.setData("text/plain", "Three & four");
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
}"""
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script><a href='javascript:alert(3)' onclick=alert(4)>go</a>"

COLUMNS = "<div>One</div><!--[if mso]></td><td><![endif]--><div>Two</div>"


def _body(draft: int) -> str:
    with db.reading() as session:
        return session.get_one(Campaign, draft).body


async def test_a_starter_is_edited_where_it_is_seen_and_arrives_with_the_rest_untouched(sqlite_stack: Stack) -> None:
    source = starters.get("offer").body
    wanted = source.replace("A thank you to our readers", "A thank you to our readers &amp; friends")
    wanted = wanted.replace(">Choose something<", ">Shop now<").replace("https://example.com", "https://example.com/a")
    style = "color:inherit;text-decoration:underline;"
    view = f'<a href="{{{{ view_url }}}}" style="{style}">View in browser</a>'
    wanted = wanted.replace("THANKS25", f"THANKS25{{{{ email }}}}{view}")
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (context, web, user_id, console):
            draft = _draft(user_id, name="Offer", subject="Offer", body=source, body_kind="html")
            page = console.listen(await context.new_page())
            await page.goto(f"{web}/campaigns/{draft}/edit")
            mail = page.frame_locator("iframe[title=Body]")
            await _write(page, mail)
            await _change_the_button(page, mail)
            await _put_a_field(page, mail)
            await eventually(lambda: _body(draft) == wanted, "the changes were not saved, or more than they")
            await _move_and_take_back(page, mail, draft)
            await _put_a_block(page, mail, draft)
            await assert_accessible(page)
            await _send_now(page)
            await eventually(lambda: len(server.accepted) == 1, "the mail did not arrive")
            hostile = _draft(user_id, name="Hostile", subject="x", body=f"<p>Hi</p>{HOSTILE}", body_kind="html")
            await page.goto(f"{web}/campaigns/{hostile}/edit")
            await mail.get_by_text("Hi").click()  # nothing in it runs, and all of it stays as it was written
            await page.keyboard.type("Oh")
            await eventually(lambda: "Oh" in _body(hostile), "what was typed was not saved")
            assert _body(hostile).endswith(f"</p>{HOSTILE}")
            await _late(page, mail)
            columns = _draft(user_id, name="Columns", subject="x", body=COLUMNS, body_kind="html")
            await page.goto(f"{web}/campaigns/{columns}/edit")
            await _keep_apart(page, mail, columns)
            quote = bodies.turned("<blockquote><p>Said</p><p>More</p></blockquote><p>End</p>", "rich", "html")
            framed = _draft(user_id, name="Framed", subject="x", body=quote, body_kind="html")
            await page.goto(f"{web}/campaigns/{framed}/edit")
            await _put_after_a_quote(page, mail, framed)
    html = email.message_from_bytes(server.accepted[0][1], policy=email.policy.default).get_body(("html",))
    assert html is not None
    arrived = html.get_content().replace("\r\n", "\n")
    assert "A thank you to our readers &amp; friends</h1>" in arrived and arrived.count(">Shop now<") == 2
    head, start, rest = wanted.partition("<body")
    assert arrived.startswith(head + start)
    for line in rest.splitlines():  # but for what is put in for each reader: fields, links that are counted, a pixel
        assert "{{" in line or "href" in line or "</body>" in line or line in arrived


async def _late(page: Page, mail: FrameLocator) -> None:
    """A slow image lets the frame say late that it is loaded: what was typed until then stays, and can be undone."""
    await page.evaluate("document.querySelector('iframe[title=Body]').dispatchEvent(new Event('load'))")
    await expect(mail.get_by_text("Oh")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(mail.get_by_text("Oh")).to_have_count(0)


async def _keep_apart(page: Page, mail: FrameLocator, draft: int) -> None:
    """Backspace does not join two columns that are cells of a table in Outlook."""
    await mail.get_by_text("Two").click()
    await page.keyboard.press("Home")
    await page.keyboard.press("Backspace")
    await page.keyboard.type("Number ")
    wanted = COLUMNS.replace("Two", "Number Two")
    await eventually(lambda: _body(draft) == wanted, "it is not the same but for what was typed")


async def _write(page: Page, mail: FrameLocator) -> None:
    await mail.get_by_text("A thank you to our readers").click()
    await page.keyboard.press("End")
    await page.keyboard.type(" & friends")
    await page.keyboard.press("Enter")
    await page.evaluate(_PASTE)  # as plain text, whatever was copied
    await expect(mail.get_by_role("heading").nth(1)).to_have_text("Three & four")
    for _ in range(2):  # the paste, the new line
        await page.keyboard.press("Control+z")
    await expect(mail.get_by_role("heading")).to_have_text(["A thank you to our readers & friends"])


async def _change_the_button(page: Page, mail: FrameLocator) -> None:
    await mail.get_by_text("Choose something").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.get_by_label("Text", exact=True).fill("Shop now")
    await page.get_by_label("Link", exact=True).last.fill("example.com/a")
    await page.keyboard.press("Enter")
    await expect(mail.get_by_text("Shop now")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def _put_a_field(page: Page, mail: FrameLocator) -> None:
    await mail.get_by_text("THANKS25").click()
    await page.keyboard.press("End")
    await page.get_by_role("button", name="Merge field", exact=True).click()
    await page.get_by_role("menuitem", name="the recipient's address").click()
    await expect(mail.get_by_text("THANKS25{{ email }}")).to_be_visible()
    await page.get_by_role("button", name="Merge field", exact=True).click()
    await page.get_by_role("menuitem", name="View in browser link").click()
    await expect(mail.get_by_role("link", name="View in browser")).to_have_attribute("href", "{{ view_url }}")


async def _put_a_block(page: Page, mail: FrameLocator, draft: int) -> None:
    """It is a row of its own after the row that has the caret: neither in its red box nor in one of the columns."""
    before = _body(draft)
    for words, next_row in (("A thank you to our readers", "Hi {{ first_name"), ("Desk lamp", "THANKS25")):
        await mail.get_by_text(words).click()
        await _divider(page)
        await eventually(lambda: "<hr" in _body(draft), "no block was put in")
        start, _, rest = _body(draft).partition("<hr")
        assert start.rpartition("</tr>")[0].count(words) == 1 and re.search(r"</tr>\s*<tr>\s*<td[^>]*>\s*$", start)
        assert rest.partition("</tr>")[2].lstrip().startswith("<tr>") and next_row in rest
        await page.get_by_role("toolbar", name="Change the mail").get_by_label("Undo").click()
        await eventually(lambda: _body(draft) == before, "undo did not bring back the very same")


async def _put_after_a_quote(page: Page, mail: FrameLocator, draft: int) -> None:
    await mail.get_by_text("Said").click()
    await _divider(page)
    await eventually(lambda: "<hr" in _body(draft), "no block was put in")
    assert re.search(r"</blockquote>\s*<hr[^>]*>\s*<p[^>]*>End", _body(draft))


async def _divider(page: Page) -> None:
    await page.get_by_role("button", name="Block", exact=True).click()
    await page.get_by_role("menuitem", name="Divider").click()


async def _move_and_take_back(page: Page, mail: FrameLocator, draft: int) -> None:
    before = _body(draft)
    await mail.get_by_text("Desk lamp").click()
    await page.keyboard.press("Escape")  # to the tools
    tools = page.get_by_role("toolbar", name="Change the mail")
    await tools.get_by_label("Choose the block around it").click()
    await tools.get_by_label("Move up").click()
    await eventually(lambda: re.search("Desk lamp.*Notebook", _body(draft), re.DOTALL) is not None, "it did not move")
    await tools.get_by_label("Duplicate block").click()
    await expect(mail.get_by_text("Desk lamp")).to_have_count(2)
    await tools.get_by_label("Delete block").click()
    for _ in range(3):
        await page.keyboard.press("Control+z")
    await eventually(lambda: _body(draft) == before, "undo did not bring back the very same")
