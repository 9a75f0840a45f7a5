"""From a sentence of the preflight to the very place it is about, in each kind of body."""

import re

from playwright.async_api import Page, expect

from core import accounts, campaigns, db
from core.audience import contacts, parse
from core.delivery import senders
from tests.conftest import Stack
from tests.e2e.product import STILL, Console, chromium, free_port, running

_LONG = "Long ago. " * 400
_RICH = (
    f'<p>{_LONG}</p><p>See <a href="https://shop.invalid/offer?a=1&amp;b=2">our offer</a> now</p><p>{_LONG}</p>'
    '<p><img src="http://10.0.0.1/red.png" alt="Red"></p>'
    '<p><a href="htps://shop.invalid">Mistyped</a></p><p>For {{ nick name }}, {{ unsubscribe_url }}</p>'
)
_MARKDOWN = f"{_LONG}\n\n[our offer](https://shop.invalid/offer?a=1&b=2)\n\n{_LONG}\n\n{{{{ unsubscribe_url }}}}"
_HTML = (
    f"<html><body><p>{_LONG}</p>\n<p>{_LONG}</p>\n"
    '<a href="https://shop.invalid/offer?a=1&amp;b=2">our offer</a> <a href="*|UPDATE_PROFILE|*">Your data</a>'
    "<h1>Dear *|FNAME|*</h1><p>{{ unsubscribe_url }}</p></body></html>"
)
_CHOSEN = "getSelection().toString()"
_STEPS_OF_BACK = """async (way) => {
  for (let step = 0; step < 3; step++) {
    const gone = new Promise((then, not) => {
      addEventListener("popstate", then, { once: true });
      setTimeout(not, 5000, "The browser has no such step");
    });
    history.go(way);
    await gone;
  }
}"""
# Looks for the lists once; its next look comes when `late[0]` is called.
_LOOK_FOR_LISTS = """() => {
  const { setTimeout } = window;
  window.late = [];
  window.setTimeout = (go) => late.push(go);
  composeGo("lists");
  window.setTimeout = setTimeout;
}"""
_OFFER = "The link https://shop.invalid/offer"


def _drafts() -> tuple[str, dict[str, int]]:
    """(session, kind of body -> a draft that lacks nothing but a few words' mending)."""
    made = dict[str, int]()
    with db.session() as session:
        user_id = accounts.sign_up(session, "anna@example.com", "correct horse battery", "Asia/Kolkata").id or 0
        senders.add_sandbox(session, user_id)
        token = accounts.start_session(session, user_id)
    readers = contacts.store(user_id, parse.parse_text("Bert <bert@example.org>"), "Readers").list_id
    for kind, body in {"rich": _RICH, "markdown": _MARKDOWN, "html": _HTML}.items():
        with db.session() as session:
            draft = campaigns.create(session, user_id)
            subject = "News for {{ first name }} today"
            campaigns.save_draft(session, user_id, draft.id or 0, 1, subject=subject, body=body, body_kind=kind)
            campaigns.set_lists(session, user_id, draft.id or 0, [readers])
            made[kind] = draft.id or 0
    return token, made


async def test_what_the_preflight_says_is_mended_where_its_button_leads(sqlite_stack: Stack) -> None:
    web = f"http://127.0.0.1:{free_port()}"
    env = {**sqlite_stack.env, "PORT": web.rpartition(":")[2], "BASE_URL": web}
    token, drafts = _drafts()
    console = Console()
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(**STILL, locale="en-US", viewport={"width": 1440, "height": 900})
        await context.add_cookies([{"name": "session", "value": token, "url": web}])
        page = console.listen(await context.new_page())
        await page.goto(f"{web}/campaigns/{drafts['rich']}/edit?step=when")
        await _subject(page)
        await _goes_on(page)
        await _rich(page)
        await _back(page)
        await _refused(page, web)
        await page.goto(f"{web}/campaigns/{drafts['markdown']}/edit?step=when")
        await _code(page)
        await page.goto(f"{web}/campaigns/{drafts['html']}/edit?step=when")
        await _translated(page)
        await _visual(page)
        await _type_code(page)
        await _a_toast(page, web)
    # The mail's own image, whose address is typed letter by letter, may be refused; nothing else.
    ours = [each for each in console.wrong if "red.png" not in each and "Loading the image 'http://127." not in each]
    assert not [each for each in ours if "ERR_" not in each]


async def _fix(page: Page, sentence: str) -> None:
    """Press the button of the finding with ``sentence``."""
    row = page.locator(".cm-finding").filter(has_text=sentence)
    await row.get_by_role("button", name="Fix in Content").click()


async def _subject(page: Page) -> None:
    await _fix(page, "{{ first name }} is not a merge field")
    chosen = "(d => [d.ariaLabel, d.value?.slice(d.selectionStart, d.selectionEnd)])(document.activeElement)"
    await page.wait_for_function(f"{chosen}.join() === 'Subject,{{{{ first name }}}}'")


async def _goes_on(page: Page) -> None:
    """Who went on before the place was there is not fetched to it."""
    await page.evaluate(_LOOK_FOR_LISTS)
    await page.get_by_role("tab", name="Audience").click()
    lists = page.get_by_role("tabpanel", name="Audience").get_by_role("checkbox").first
    await expect(lists).to_be_visible()
    await page.evaluate("late[0]()")
    assert not await lists.evaluate("box => box === document.activeElement")


async def _rich(page: Page) -> None:
    body = page.get_by_label("Body", exact=True)
    for sentence, chosen in ((_OFFER, "our offer"), ("{{ nick name }}", "{{ nick name }}")):
        await page.get_by_role("tab", name="When").click()
        await _fix(page, sentence)
        await page.wait_for_function(f"{_CHOSEN} === '{chosen}'")
        await expect(body).to_be_focused()
    await page.get_by_role("tab", name="When").click()
    await _fix(page, "The image http://10.0.0.1/red.png")
    await page.wait_for_function("getSelection().getRangeAt(0).cloneContents().querySelector('img')?.alt === 'Red'")
    await expect(body.locator("img")).to_be_in_viewport()


async def _back(page: Page) -> None:
    """The browser's Back goes through the steps, and past them to the page before."""
    for words, step in (("Next: Audience", "audience"), ("Next: When", "when"), ("Back: Audience", "audience")):
        await page.get_by_role("button", name=words).click()
        await page.wait_for_url(f"**step={step}")
    audience, content = page.get_by_role("tab", name="Audience"), page.get_by_role("tab", name="Content")
    await page.evaluate(_STEPS_OF_BACK, -1)  # on and on, faster than any of it is answered
    await expect(content).to_have_attribute("aria-selected", "true")
    await page.evaluate(_STEPS_OF_BACK, 1)
    await expect(audience).to_have_attribute("aria-selected", "true")
    await page.evaluate("composeStep(location.pathname + '?step=when', 'content')")  # an answer that comes too late
    assert page.url.endswith("step=audience")
    for step in ("When", "Audience", "Content"):
        await page.go_back()
        await expect(page.get_by_role("tab", name=step)).to_have_attribute("aria-selected", "true")
        await page.wait_for_url(f"**step={step.lower()}")


async def _refused(page: Page, web: str) -> None:
    """What stands in the way is above the buttons on a phone, and gets the focus."""
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(page.url.replace("content", "when"))
    send = page.get_by_role("button", name="Send now")
    for name in ("Send now", "Schedule"):
        button, refused = page.get_by_role("button", name=name, exact=True), page.locator(".cm-refused")
        at, above = await button.bounding_box(), await page.get_by_role("heading", name="Preflight").bounding_box()
        assert at and above and above["y"] < at["y"]
    await send.click()
    await expect(refused).to_have_text(re.compile("Not sent: mend 1 thing first"))
    await expect(refused).to_be_focused()
    await expect(refused).to_be_in_viewport()
    await page.set_viewport_size({"width": 1440, "height": 900})


async def _code(page: Page) -> None:
    await _fix(page, _OFFER)
    await page.wait_for_function(f"{_CHOSEN}.startsWith('https://shop.invalid/offer?a=1&')")
    await expect(page.get_by_label("Body", exact=True)).to_be_focused()
    await expect(page.locator(".cm-line", has_text="shop.invalid")).to_be_in_viewport()


async def _type_code(page: Page) -> None:
    """What is typed is what is there; and an address is fetched once it is whole, not at each of its letters."""
    asked = list[str]()
    page.on("request", lambda request: asked.append(request.url))
    box = page.get_by_label("Body", exact=True)
    await page.keyboard.press("Control+Home")
    words = '<p>Dear Bert</p><img src="http://127.0.0.1:9/red.png" alt="Red">'
    await page.keyboard.type(words)
    await expect(box.locator(".cm-line").first).to_have_text(f"{words}<html><body><p>{_LONG}</p>")
    mail = page.frame_locator("iframe[data-mail]")
    await expect(mail.locator("img[src='http://127.0.0.1:9/red.png']")).to_have_count(1)
    fetched = [url for url in asked if "127.0.0.1:9/" in url or "/http" in url]
    assert fetched[-1] == "http://127.0.0.1:9/red.png" and len(fetched) <= 3, fetched  # two rests while typing at most


async def _a_toast(page: Page, web: str) -> None:
    """An error is said where it covers no button of a dialog, and goes when something is done about it."""
    await page.goto(f"{web}/senders")
    await page.get_by_role("button", name="Add sender").click()
    save = page.get_by_role("dialog").get_by_role("button", name="Save", exact=True)
    await save.click()
    toast = page.locator(".q-notification").filter(has_text="Not saved yet")
    await expect(toast).to_be_visible()
    said, button = await toast.bounding_box(), await save.bounding_box()
    assert said and button and said["y"] + said["height"] < button["y"]
    await page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Shop")
    await page.keyboard.press("Tab")
    await expect(toast).to_be_hidden(timeout=7_000)  # of itself it would stay for 8 s


async def _translated(page: Page) -> None:
    """The merge tags of another program, also on a phone: what became of them is seen, and taken back."""
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="Translate").click()
    said, greeting = page.locator(".body-said"), page.frame_locator("iframe[title=Body]").get_by_role("heading")
    await expect(said).to_be_focused()
    await expect(said).to_be_in_viewport(ratio=1)
    await expect(greeting).to_have_text("Dear {{ first_name }}")
    await said.get_by_role("button", name="Undo").click()
    await expect(greeting).to_have_text("Dear *|FNAME|*")
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.get_by_role("tab", name="When").click()


async def _visual(page: Page) -> None:
    await _fix(page, _OFFER)
    link = page.frame_locator("iframe[title=Body]").get_by_text("our offer")
    frame = "document.querySelector('iframe[title=Body]')?.contentDocument"
    await page.wait_for_function(f"{frame}?.getSelection().toString() === 'our offer'")
    await expect(link).to_be_in_viewport()
    await page.get_by_role("tab", name="When").click()
    await _fix(page, "*|UPDATE_PROFILE|* is a merge tag of Mailchimp")
    await page.wait_for_function(f"{frame}?.getSelection().toString() === 'Your data'")
    await page.get_by_role("button", name="Source", exact=True).click()
    await page.get_by_label("Body", exact=True).click()
