"""What only a browser does: keys, the command palette, the tab's title and icon, notifications, a lost connection."""

import re
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import Page, expect

from core import crypto
from tests.e2e.axe import assert_accessible
from tests.e2e.product import STILL, chromium, free_port, running

FORM = {"email": "anna@example.com", "password": "correct horse battery"}
# What the browser would show is kept in a list instead.
_NOTIFICATIONS = """
window.shown = [];
window.Notification = class {
  static permission = "default";
  static requestPermission = async () => (Notification.permission = "granted");
  constructor(title, options) { shown.push([title, options.body]); }
  addEventListener() {}
};
"""
# As if the page was left while the server is away, and nothing could be read from the body's editor any more.
_LEAVE = """() => {
  document.getElementById("popup").setAttribute("aria-hidden", "false");
  for (const each of document.querySelectorAll("[aria-label=Subject], .body-now [contenteditable=true]"))
    each.dispatchEvent(new Event("input", { bubbles: true }));
  const { written } = cmBody;
  cmBody.written = () => { throw new Error("There is no editor"); };
  dispatchEvent(new Event("pagehide"));
  cmBody.written = written;
  document.getElementById("popup").setAttribute("aria-hidden", "true");
  const kept = sessionStorage.getItem("cm-typed-offline");
  sessionStorage.removeItem("cm-typed-offline");
  return kept;
}"""
# As if the page came back before the editor of its body; returns whether what was typed is still kept.
_COME_BACK = """() => {
  const [kind] = cmBody.written();
  sessionStorage.setItem("cm-body-offline", JSON.stringify([location.href, [kind, "Written once more."]]));
  document.querySelector(".body-now").classList.replace("body-now", "body-late");
  cmTab.connected();
  const isKept = "cm-body-offline" in sessionStorage;
  document.querySelector(".body-late").classList.replace("body-late", "body-now");
  return isKept;
}"""


async def test_a_browser_is_led_by_keys_and_keeps_what_was_typed_while_the_server_was_away(tmp_path: Path) -> None:
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    env = {"DATA_DIR": str(tmp_path), "PORT": str(port), "SECRET_KEY": crypto.new_token(), "BASE_URL": web}
    async with chromium() as browser, AsyncExitStack() as server:
        await server.enter_async_context(running("main.py", env, "Campaigns: "))
        context = await browser.new_context(**STILL, viewport={"width": 1440, "height": 900})
        await context.add_init_script(_NOTIFICATIONS)
        page = await context.new_page()
        await context.request.post(f"{web}/signup", form=FORM)
        await page.goto(f"{web}/settings")
        await _keys(page, web)
        await _palette(page, web)
        await _tab(page)
        await page.goto(f"{web}/audience")
        await page.get_by_label("Paste addresses").wait_for()
        mail, code, settings = [await context.new_page() for _ in range(3)]
        await _a_mail(mail, web, "Rich text")
        await _a_mail(code, web, "HTML")
        await settings.goto(f"{web}/settings")
        await settings.get_by_label("New password").wait_for()
        tabs = (page, mail, code, settings)
        for tab in tabs:
            await tab.wait_for_function("window.did_handshake")
        await server.aclose()
        for tab in tabs:
            await expect(tab.get_by_text("It comes back by itself.")).to_be_visible()
            await tab.evaluate("window.beforeTheRestart = true")
        await page.get_by_label("Paste addresses").fill("anna@example.com, ben@example.com")
        await mail.get_by_label("Subject", exact=True).fill("While it was away")
        for tab in (mail, code):
            await tab.get_by_label("Body", exact=True).click()
            await tab.keyboard.type("Written while it was away.")
        await settings.get_by_label("New password").evaluate("field => field.type = 'text'")  # as by the eye
        await settings.get_by_label("New password").fill("a secret of mine")
        async with running("main.py", env, "Campaigns: "):
            for tab in tabs:
                await tab.wait_for_function("!window.beforeTheRestart")
            await expect(mail.get_by_label("Subject", exact=True)).to_have_value("While it was away")
            for tab in (mail, code):
                await expect(tab.get_by_label("Body", exact=True)).to_contain_text("Written while it was away.")
                await expect(tab.get_by_text("Saved")).to_be_visible()
            await _no_editor(mail)
            await expect(settings.get_by_label("New password")).to_have_value("")
            await expect(page.get_by_label("Paste addresses")).to_have_value("anna@example.com, ben@example.com")
            await page.get_by_role("button", name="Read addresses").click()
            await page.get_by_role("button", name="Add 2 contacts").click()
            await expect(page.get_by_text("Nobody is suppressed yet.")).to_be_visible()
            await expect(page.locator(".q-table__bottom-nodata-icon:visible")).to_have_count(0)


async def _a_mail(page: Page, web: str, kind: str) -> None:
    await page.goto(f"{web}/campaigns/new")
    await page.get_by_role("button", name=kind).click()
    await page.get_by_label("Body", exact=True).wait_for()
    await page.evaluate("document.activeElement.blur()")


async def _no_editor(page: Page) -> None:
    """Neither the fields nor the body are lost where the body's editor is not there."""
    assert "While it was away" in (await page.evaluate(_LEAVE) or "")
    assert await page.evaluate(_COME_BACK)
    await expect(page.get_by_label("Body", exact=True)).to_have_text("Written once more.")
    await page.wait_for_function("!('cm-body-offline' in sessionStorage)")


async def _keys(page: Page, web: str) -> None:
    dialog = page.get_by_role("dialog")
    await page.get_by_label("Current password").press("?")
    await page.get_by_label("Current password").press("c")
    await expect(page.get_by_label("Current password")).to_have_value("?c")  # keys rest while one types
    await page.get_by_label("Current password").blur()
    await page.keyboard.press("?")
    await expect(dialog.get_by_role("heading", name="Keys")).to_be_visible()
    await assert_accessible(page)
    await page.keyboard.press("c")  # and while a dialog is open
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.get_by_role("switch", name="Single keys").click()
    await page.wait_for_function("!cmKeys.isOn()")
    await page.get_by_role("heading", name="Settings").click()
    await page.keyboard.press("?")
    await expect(dialog).to_have_count(0)
    await page.get_by_role("switch", name="Single keys").click()
    await page.wait_for_function("cmKeys.isOn()")
    await page.get_by_role("heading", name="Settings").click()
    for key, path in (("a", "/audience"), ("s", "/senders"), ("e", "/settings")):
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await page.wait_for_url(web + path)


async def _palette(page: Page, web: str) -> None:
    await page.get_by_role("main").wait_for()
    await page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Find anything")
    chosen = page.locator("[role=option][aria-selected=true]")
    await expect(box).to_be_focused()
    await expect(chosen).to_have_text(re.compile("Dashboard"))
    await assert_accessible(page)
    await box.fill("sand")
    await expect(page.get_by_role("option")).to_have_count(2)  # the page and the sender
    await box.press("ArrowDown")
    await expect(chosen).to_have_text(re.compile("@"))
    active = await box.get_attribute("aria-activedescendant")
    assert active == await chosen.get_attribute("id")
    await box.press("ArrowDown")
    await expect(chosen).to_have_text(re.compile("Sandbox"))  # round again
    ends_a_word = 'new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true})'  # in Japanese
    await box.evaluate(f"box => box.dispatchEvent({ends_a_word})")
    await expect(box).to_be_visible()
    await page.route("**/palette.json*", lambda route: None)  # the server takes its time
    await box.fill("audience")
    await box.press("Enter")
    await expect(box).to_be_visible()
    await expect(chosen).to_have_count(0)
    await page.unroute("**/palette.json*")
    await box.fill("nothing of this name")
    await expect(page.get_by_text("Nothing of yours has this name.")).to_be_visible()
    await box.fill("dark theme")
    await expect(page.get_by_role("option")).to_have_count(1)
    await box.press("Enter")
    await expect(page.locator("body")).to_have_class(re.compile("body--dark"))
    await page.keyboard.press("Control+k")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("button", name="Find anything").click()
    await box.fill("settings")
    await expect(page.get_by_role("option")).to_have_count(1)
    async with page.expect_navigation(url=f"{web}/settings"):
        await page.get_by_role("option", name="Settings").click()


async def _tab(page: Page) -> None:
    """As the server tells it (tests/campaign_ui/test_tab.py)."""
    for kind in ("positive", "negative"):
        await page.evaluate(f"Quasar.Notify.create({{type: '{kind}', message: 'What happened', undo: 1}})")
        await expect(page.get_by_role("button", name="Undo")).to_be_visible()
        await assert_accessible(page, "color-contrast")
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    await page.get_by_role("switch", name="Tell me").click()
    await page.wait_for_function("cmTab.notices.isOn()")
    before = await page.title()
    plain = await page.locator("link[rel~=icon]").get_attribute("href")
    await page.evaluate("cmTab.progress('42 % · Offer', 42)")
    await expect(page).to_have_title("42 % · Offer")
    ring = await page.locator("link[rel~=icon]").get_attribute("href")
    assert ring is not None and ring.startswith("data:image/svg+xml") and "42%20100" in ring
    await page.evaluate("cmTab.progress('', 0)")
    await expect(page).to_have_title(before)
    after = await page.locator("link[rel~=icon]").get_attribute("href")
    assert plain is not None and after is not None and after.endswith(plain)
    await page.evaluate("cmTab.notices.show('Offer is sent', '7 sent.', 'campaign-1', '/campaigns/1')")
    assert await page.evaluate("shown") == [["Offer is sent", "7 sent."]]
    await page.get_by_role("switch", name="Tell me").click()
    await page.wait_for_function("!cmTab.notices.isOn()")
    await page.evaluate("cmTab.notices.show('Offer is sent', '7 sent.', 'campaign-1', '/campaigns/1')")
    assert await page.evaluate("shown.length") == 1
