"""Writing a mail in a real browser: nothing typed is lost, images travel over HTTP, undo takes back, keys do it all;
and what is written arrives at a real mail server."""

import base64
import email
import email.policy
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from PIL import Image
from playwright.async_api import BrowserContext, Page, expect

from core import accounts, campaigns, db
from core.audience import contacts, parse
from core.content import templates
from core.delivery import senders
from core.models import Campaign, Security
from tests.conftest import Stack
from tests.core.content.test_picture import drawn
from tests.e2e.axe import assert_accessible
from tests.e2e.product import (
    PASSWORD,
    STILL,
    USERNAME,
    Console,
    Provider,
    chromium,
    eventually,
    free_port,
    provider,
    running,
)

_PASTE = """([data, name, kind]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)), given = new DataTransfer();
  given.items.add(new File([bytes], name, { type: kind }));
  const box = document.querySelector(".body-now [contenteditable=true]");
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
}"""
_PASTE_WORDS = """(html) => {
  const given = new DataTransfer();
  given.setData("text/html", html);
  const box = document.querySelector(".body-now [contenteditable=true]");
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
}"""


def _account(port: int) -> tuple[str, int]:
    """A user with a sender at the provider and one contact; (their session, their id)."""
    with db.session() as session:
        user_id = accounts.sign_up(session, "anna@example.com", "correct horse battery", "Asia/Kolkata").id or 0
        values = senders.Values(
            name="Provider",
            host="127.0.0.1",
            port=port,
            security=Security.none,
            username=USERNAME,
            password=PASSWORD,
            from_address="anna@example.com",
            per_minute=None,
            delay_seconds=0,
        )
        senders.create(session, user_id, values)
        token = accounts.start_session(session, user_id)
    contacts.store(user_id, parse.parse_text("Bert <bert@example.org>"), "Readers")
    return token, user_id


def _draft(user_id: int, **values: str) -> int:
    with db.session() as session:
        made = campaigns.create(session, user_id)
        campaigns.save_draft(session, user_id, made.id or 0, 1, **values)
        [readers] = contacts.lists(session, user_id)
        campaigns.set_lists(session, user_id, made.id or 0, [readers.id or 0])
        return made.id or 0


def _body(draft: int) -> str:
    with db.reading() as session:
        return session.get_one(Campaign, draft).body


@asynccontextmanager
async def _product(stack: Stack, server: Provider) -> AsyncIterator[tuple[BrowserContext, str, int, Console]]:
    web = f"http://127.0.0.1:{free_port()}"
    env = {**stack.env, "PORT": web.rpartition(":")[2], "BASE_URL": web}
    token, user_id = _account(server.port)
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(**STILL, locale="en-US", timezone_id="Asia/Kolkata")
        await context.add_cookies([{"name": "session", "value": token, "url": web}])
        console = Console()
        yield context, web, user_id, console
        assert console.wrong == []


async def test_a_mail_is_written_with_images_and_blocks_and_arrives_as_it_was_seen(sqlite_stack: Stack) -> None:
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (context, web, user_id, console):
            page = console.listen(await context.new_page())
            with db.session() as session:
                templates.create(session, user_id, "Notes", body="<div>My notes</div>", body_kind="rich")
            rich = _draft(user_id, name="Rich", subject="Rich words", body="<div>Hello</div>")
            await page.goto(f"{web}/campaigns/{rich}/edit")
            await _paste_an_image(page)
            await _paste_words_with_an_image(page, rich)
            await _undo_a_block(page)
            await _walk_the_toolbar(page)
            await _undo_a_template(page, rich)
            await _send_now(page)
            await eventually(lambda: len(server.accepted) == 1, "the rich mail did not arrive")
            await _read_the_rich_mail(context, server, web)
            words = "# Hi {{ first_name }}\\n\\n[Go](https://example.com/x){.button}\\n".replace("\\n", "\n")
            marked = _draft(user_id, name="Marked", subject="Marked words", body=words, body_kind="markdown")
            await page.goto(f"{web}/campaigns/{marked}/edit")
            await _undo_in_markdown(page, marked)
            await _send_now(page)
            await eventually(lambda: len(server.accepted) == 2, "the Markdown mail did not arrive")
            _read_the_markdown_mail(server)


async def _paste_an_image(page: Page) -> None:
    await page.get_by_label("Body", exact=True).click()
    await page.keyboard.press("Control+End")
    photo = base64.b64encode(drawn("JPEG", (2000, 1000))).decode()
    await page.evaluate(_PASTE, [photo, "sea.jpg", "image/jpeg"])
    alt = page.get_by_label("Alternative text")
    await expect(alt).to_be_focused()
    await assert_accessible(page)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Say what it shows, or mark it as decoration.")).to_be_visible()
    await page.keyboard.type("The sea at noon")
    await page.keyboard.press("Enter")
    image = page.locator(".q-editor__content img")
    await expect(image).to_have_attribute("alt", "The sea at noon")
    assert re.fullmatch(r"/i/[\w-]{32}\.jpg", await image.get_attribute("src") or "")
    await expect(page.frame_locator("iframe[title='Mail']").get_by_alt_text("The sea at noon")).to_have_js_property(
        "naturalWidth", 1200
    )


async def _paste_words_with_an_image(page: Page, draft: int) -> None:
    """As a text program copies them: the image as data, which never goes over the socket."""
    data = base64.b64encode(drawn("PNG", (40, 40))).decode()
    await page.evaluate(
        _PASTE_WORDS, f'<p>From a <b>document</b></p><img alt="dot" src="data:image/png;base64,{data}">'
    )
    await expect(page.locator(".q-editor__content img[alt=dot]")).to_have_attribute("src", re.compile(r"^/i/.*\.png$"))
    await eventually(lambda: "document" in _body(draft), "what was pasted was not saved")
    assert "data:" not in _body(draft)


async def _undo_a_block(page: Page) -> None:
    box = page.locator(".q-editor__content")
    before = await box.inner_text()
    await _insert(page, "Two columns")
    await expect(box.locator(".column")).to_have_count(2)
    await page.keyboard.press("Control+z")
    await expect(box.locator(".column")).to_have_count(0)
    assert (await box.inner_text()).strip() == before.strip()
    await _insert(page, "Links and footer")
    await expect(box.locator(".footer")).to_be_visible()


async def _undo_a_template(page: Page, draft: int) -> None:
    """By the key, after what was typed since; by the toolbar; by the key where the focus was left, out of HTML too."""
    box, told = page.locator(".q-editor__content"), page.get_by_text("took the place of the body.")
    await eventually(lambda: "footer" in _body(draft), "the last block was not saved")
    written, before = await box.inner_html(), _body(draft)
    for undo, template in (("key", "Notes"), ("toolbar", "Notes"), ("key outside", "Newsletter")):
        await page.get_by_role("button", name="Templates").click()
        await page.get_by_role("menuitem", name="Load template").click()
        await page.get_by_role("button", name=f"Use {template}").click()
        await expect(told).to_be_visible()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        if undo == "key":
            await page.get_by_label("Body", exact=True).focus()
            await page.keyboard.type("x")
            await page.keyboard.press("Control+z")
            await expect(told).to_be_visible()  # it took back what was typed
            await page.keyboard.press("Control+z")
            await expect(page.get_by_label("Body", exact=True)).to_be_focused()
        elif undo == "toolbar":
            await page.get_by_role("toolbar", name="Formatting").get_by_label("Undo").click()
        else:
            await page.get_by_role("button", name="Templates").press("Control+z")
        await expect(told).to_have_count(0)
        await expect(box).to_have_js_property("innerHTML", written)
        await eventually(lambda: _body(draft) == before, "the body from before the template is not kept")


async def _insert(page: Page, block: str) -> None:
    """By keys alone."""
    await page.get_by_role("button", name="Block").press("Enter")
    item = page.get_by_role("menuitem", name=block)
    await item.press("Enter")
    await expect(item).to_have_count(0)
    await expect(page.get_by_label("Body", exact=True)).to_be_focused()


async def _walk_the_toolbar(page: Page) -> None:
    bar = page.get_by_role("toolbar", name="Formatting")
    await expect(bar.locator("[tabindex='0']")).to_have_count(1)
    await bar.get_by_label("Bold").focus()
    await page.keyboard.press("ArrowRight")
    await expect(bar.get_by_label("Italic")).to_be_focused()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowRight")
    await expect(bar.get_by_label("Bold")).to_be_focused()


async def _undo_in_markdown(page: Page, draft: int) -> None:
    box = page.get_by_label("Body", exact=True)
    await box.click()
    await page.keyboard.press("Control+End")
    await _insert(page, "Quote")
    await expect(box.get_by_text("> What somebody said.")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(box.get_by_text("> What somebody said.")).to_have_count(0)
    photo = base64.b64encode(drawn("PNG", (300, 100))).decode()
    await page.evaluate(_PASTE, [photo, "dot.png", "image/png"])
    await page.get_by_label("Alternative text").fill("A dot")
    await page.keyboard.press("Enter")
    await eventually(lambda: "![A dot](/i/" in _body(draft), "the image is not in the Markdown")


async def _send_now(page: Page) -> None:
    await page.get_by_role("tab", name="When").click()
    await page.get_by_role("button", name="Send now").click()
    await page.get_by_role("dialog").get_by_role("button", name="Send now").click()
    await expect(page).to_have_url(re.compile(r"/campaigns/\d+$"))


async def _read_the_rich_mail(context: BrowserContext, server: Provider, web: str) -> None:
    mail = email.message_from_bytes(server.accepted[0][1], policy=email.policy.default)
    shown, words = mail.get_body(("html",)), mail.get_body(("plain",))
    assert shown is not None and words is not None
    html, text = shown.get_content(), words.get_content()
    assert "The sea at noon" in text and "From a document" in text and "Unsubscribe" in text
    sources = re.findall(r'src="([^"]+/i/[^"]+)"', html)
    assert len(sources) == 2 and all(each.startswith(f"{web}/i/") for each in sources)
    assert 'alt="The sea at noon"' in html and 'alt="dot"' in html
    reader = await context.browser.new_context()  # type: ignore[union-attr]
    answer = await reader.request.get(sources[0])
    assert answer.headers["content-type"] == "image/jpeg" and await reader.cookies() == []
    assert Image.open(io.BytesIO(await answer.body())).size == (1200, 600)


def _read_the_markdown_mail(server: Provider) -> None:
    mail = email.message_from_bytes(server.accepted[1][1], policy=email.policy.default)
    shown, words = mail.get_body(("html",)), mail.get_body(("plain",))
    assert shown is not None and words is not None
    html, text = shown.get_content(), words.get_content()
    assert ">Hi Bert</h1>" in html and 'class="button"' in html and 'alt="A dot"' in html
    assert "Hi Bert" in text and "Go (http" in text and "A dot" in text and "{" not in text


async def test_what_is_typed_survives_reload_back_and_a_second_tab(sqlite_stack: Stack) -> None:
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (context, web, user_id, console):
            draft = _draft(user_id, name="N", subject="S", body="<div>Hello</div>")
            page, box = console.listen(await context.new_page()), ".q-editor__content"
            await page.goto(f"{web}/campaigns/{draft}/edit")
            await page.locator(box).click()
            await page.keyboard.press("Control+End")
            await page.keyboard.type(" reload")
            await page.reload()  # at once: before it was saved
            await expect(page.locator(box)).to_have_text("Hello reload")
            await page.locator(box).click()
            await page.keyboard.press("Control+End")
            await page.keyboard.type(" back")
            await page.goto(f"{web}/templates")
            await _templates_do_not_glare(page)
            await page.go_back()
            await expect(page.locator(box)).to_have_text("Hello reload back")
            other = console.listen(await context.new_page())
            await other.goto(f"{web}/campaigns/{draft}/edit")
            await other.get_by_label("Subject", exact=True).fill("From the other tab")
            await expect(page.get_by_text("This draft was changed in another tab.")).to_be_visible()
            await page.locator(box).click()
            await page.keyboard.press("Control+End")
            await page.keyboard.type(" mine")
            await page.get_by_role("button", name="Keep this version", exact=True).click()
            await eventually(lambda: "mine" in _body(draft), "the version that was kept is not there")
            await other.bring_to_front()
            await expect(other.get_by_text("This draft was changed in another tab.")).to_be_visible()
            await page.get_by_role("button", name="Version history").click()
            await expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()
            await assert_accessible(page)


async def _templates_do_not_glare(page: Page) -> None:
    """In the dark their pictures are dimmed until one is pointed at; the mails in them stay as they are."""
    veil = "(each) => getComputedStyle(each, '::after').backgroundColor"
    picture = page.locator(".cm-thumb").first
    assert await picture.evaluate(veil) == "rgba(0, 0, 0, 0)"
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_function("() => document.body.classList.contains('body--dark')")
    assert await picture.evaluate(veil) == "rgba(14, 16, 23, 0.34)"
    await picture.hover()
    await page.wait_for_function(
        """() => getComputedStyle(document.querySelector(".cm-thumb"), "::after").opacity === "0" """
    )
    await page.emulate_media(color_scheme="light")
