"""Forms in dialogs: nothing that was typed in them is lost without a question, and what is wrong with it is seen."""

from playwright.async_api import Dialog, Locator, Page, expect

from core import accounts, db
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import STILL, Console, chromium, free_port, running


async def test_a_form_is_not_left_without_a_question_and_leads_to_what_is_wrong(sqlite_stack: Stack) -> None:
    with db.session() as session:
        token = accounts.start_session(session, rows.user(session))
    web = f"http://127.0.0.1:{free_port()}"
    console = Console()
    env = {**sqlite_stack.env, "PORT": web.rpartition(":")[2]}
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(**STILL, locale="en-US", viewport={"width": 390, "height": 844})
        await context.add_cookies([{"name": "session", "value": token, "url": web}])
        page = console.listen(await context.new_page())
        await _sender(page, web)
    assert not console.wrong


async def _sender(page: Page, web: str) -> None:
    questions = list[Dialog]()
    page.on("dialog", lambda question: questions.append(question))
    await page.goto(f"{web}/settings")
    await page.goto(f"{web}/senders")
    await page.get_by_role("button", name="Add sender").click()
    form = page.get_by_role("dialog", name="Add sender")
    await form.get_by_label("Host", exact=True).fill("smtp.example.com")
    await page.wait_for_function("() => window.cmUnsaved")
    for leave in ("location.reload()", "history.back()"):
        async with page.expect_event("dialog") as asked:
            await page.evaluate(f"void setTimeout(() => {leave})")
        question = await asked.value
        assert question.type == "beforeunload"
        await question.dismiss()
    assert page.url == f"{web}/senders"
    await form.get_by_label("Name", exact=True).fill("Shop")
    await _wrong(form)
    await form.get_by_role("button", name="Save", exact=True).click()
    await expect(form).to_be_hidden()
    await page.wait_for_function("() => !window.cmUnsaved")
    assert await page.evaluate("typeof onbeforeunload") == "function"  # NiceGUI's own, which tells tabs apart
    await page.reload()
    await expect(page.get_by_text("smtp.example.com")).to_be_visible()
    assert len(questions) == 2


async def _wrong(form: Locator) -> None:
    """What is wrong is said, and seen: Save is below all fields, and does not move."""
    await form.get_by_label("From address", exact=True).fill("news@example.com")
    save = form.get_by_role("button", name="Save", exact=True)
    limit = form.get_by_label("Mails per minute", exact=True)
    await limit.fill("-3")
    await form.get_by_label("Name", exact=True).click()
    await expect(limit).not_to_be_in_viewport()
    await save.click()
    await expect(limit).to_be_focused()
    await expect(limit).to_be_in_viewport(ratio=1)
    words = "Mails per minute must be from 1 to 60,000, or empty for no limit."
    await expect(form.get_by_text(words)).to_be_in_viewport(ratio=1)
    await expect(form.page.locator(".q-notification").filter(has_text=f"Not saved yet. {words}")).to_be_visible()
    await form.get_by_label("Host", exact=True).fill("https://smtp.example.com")
    await save.click()
    await expect(form.get_by_label("Host", exact=True)).to_be_in_viewport(ratio=1)
    told = "as smtp.example.com. 1 more field is marked in red."
    await expect(form.page.locator(".q-notification").filter(has_text=told)).to_be_visible()
    await form.get_by_label("Host", exact=True).fill("smtp.example.com")
    await limit.fill("30")
