"""Forms in dialogs: nothing that was typed in them is lost without a question, and what is wrong with it is seen."""

from playwright.async_api import Dialog, Locator, Page, expect

from core import accounts, db
from core.delivery import presets
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import STILL, Console, chromium, free_port, running

DOMAIN = "Mails per minute to one domain"


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
        await _stays(page, web)
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
    async with page.expect_event("dialog") as asked:
        await page.evaluate("void setTimeout(() => location.reload())")
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
    assert len(questions) == 1


async def _stays(page: Page, web: str) -> None:
    """What a provider or a pace brings, in words and numbers, moves no field that is seen."""
    await page.goto(f"{web}/senders")
    await page.get_by_role("button", name="Add sender").click()
    form = page.get_by_role("dialog", name="Add sender")
    for width, fields in ((390, ("Host", "Password")), (1440, ("Host", "Mails per second", "Batch size", DOMAIN))):
        await page.set_viewport_size({"width": width, "height": 900})
        below = await _below(form, "Provider", fields)
        for provider, words in (("Amazon SES", "Put your region into the host."), ("SendGrid", "the word apikey")):
            await form.get_by_label("Provider").click()
            await page.get_by_role("option", name=provider, exact=True).click()
            await expect(form.get_by_text(words)).to_be_visible()
            assert await _below(form, "Provider", fields) == below
    preset = next(each for each in presets.ALL if each.name == "SendGrid")
    await expect(form.get_by_label("Connections", exact=True)).to_have_value(str(preset.connections))
    below = await _below(form, "Delay", (DOMAIN,))
    for connections, delay, words in (("50", "0.001", "3,000,000 mails"), ("2", "", "the same connection.")):
        await form.get_by_label("Connections", exact=True).fill(connections)
        await form.get_by_label("Delay", exact=True).fill(delay)
        await expect(form.get_by_text("The delay is from one mail to the next")).to_contain_text(words)
        assert await _below(form, "Delay", (DOMAIN,)) == below


async def _below(form: Locator, above: str, fields: tuple[str, ...]) -> list[int]:
    """How far below ``above`` each field is, in pixels."""
    boxes = [await form.get_by_label(name, exact=True).bounding_box() for name in (above, *fields)]
    tops = [round(box["y"]) for box in boxes if box is not None]
    return [top - tops[0] for top in tops[1:]]


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
