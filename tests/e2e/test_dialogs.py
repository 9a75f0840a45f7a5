"""Back in the browser closes the dialog that is open, whatever it is, and leaves the page when none is."""

from playwright.async_api import Page, expect

from core import accounts, db
from core.audience import contacts, parse
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import STILL, Console, chromium, free_port, running


async def test_back_closes_a_dialog_and_leaves_the_page_when_none_is_open(sqlite_stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        token = accounts.start_session(session, user_id)
        draft = rows.campaign(session, user_id, status="draft", name="News", subject="News")
    contacts.store(user_id, parse.parse_text("email,name\nanna@example.com,Anna\n"), "Everybody")
    web = f"http://127.0.0.1:{free_port()}"
    console = Console()
    env = {**sqlite_stack.env, "PORT": web.rpartition(":")[2]}
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(**STILL, locale="en-US")
        await context.add_cookies([{"name": "session", "value": token, "url": web}])
        page = console.listen(await context.new_page())
        await _closed_by_back(page, web)
        await _closed_by_its_button(page, web)
        await _a_list_after_a_dialog(page, web)
        await _typed(page, web)
        await _without_a_backdrop(page, web)
        await _in_compose(page, web, draft)
    assert not console.wrong


async def _open(page: Page, web: str, path: str) -> None:
    await page.goto(f"{web}/settings")
    await page.goto(web + path)
    await page.wait_for_function("() => window.socket?.connected")


async def _closed_by_back(page: Page, web: str) -> None:
    """One dialog, one over another, and the command palette; the page is the same one all the time."""
    await _open(page, web, "/audience")
    await page.evaluate("window.same = true")
    contact = page.get_by_role("dialog", name="Edit contact")
    for _ in range(2):
        await page.get_by_role("button", name="Edit anna@example.com").click()
        await expect(contact).to_be_visible()
        await page.go_back()
        await expect(contact).to_be_hidden()
    await page.go_forward()
    await expect(contact).to_be_hidden()
    await page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find anything")
    await expect(palette).to_be_visible()
    await page.go_back()
    await expect(palette).to_be_hidden()
    assert page.url == f"{web}/audience" and await page.evaluate("window.same")
    await page.go_back()
    await page.wait_for_url("**/settings")


async def _closed_by_its_button(page: Page, web: str) -> None:
    """Nothing of it is left in the history, also after the page was loaded again."""
    await _open(page, web, "/audience")
    contact = page.get_by_role("dialog", name="Edit contact")
    for _ in range(3):
        await page.get_by_role("button", name="Edit anna@example.com").click()
        await contact.get_by_role("button", name="Cancel").click()
        await expect(contact).to_be_hidden()
    moves = "window.moves = 0; addEventListener('popstate', () => window.moves++); location.hash = 'place'"
    await page.evaluate(moves)  # another place on the page is no way back
    await page.wait_for_function("() => window.moves === 1")
    await page.go_back()
    await page.wait_for_url("**/audience")
    assert await page.evaluate("window.moves") == 2
    await page.reload()
    await expect(page.get_by_role("button", name="Edit anna@example.com")).to_be_visible()
    await page.evaluate("void setTimeout(() => history.back())")
    await page.wait_for_url("**/settings")


async def _a_list_after_a_dialog(page: Page, web: str) -> None:
    """What a list shows next takes the entry of the dialog: Back goes to what it showed before."""
    await _open(page, web, "/audience")
    await page.get_by_role("button", name="Edit anna@example.com").click()
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.get_by_role("button", name="Everybody").first.click()
    await page.wait_for_url("**/audience?list=*")
    await page.go_back()
    await page.wait_for_url("**/audience")
    everybody = page.get_by_role("button", name="All contacts")
    await expect(everybody).to_have_attribute("aria-pressed", "true")
    await page.go_back()
    await page.wait_for_url("**/settings")


async def _without_a_backdrop(page: Page, web: str) -> None:
    """Back cannot close such a dialog, and goes on the next time."""
    await _open(page, web, "/audience")
    add = "document.body.insertAdjacentHTML('beforeend', '<div class=q-dialog></div>')"
    await page.evaluate(f"{add}; addEventListener('popstate', () => (window.wasBack = true))")
    await page.wait_for_function("() => history.state?.cmDialog")
    await page.go_back()
    await page.wait_for_function("() => window.wasBack")
    await page.go_back()
    await page.wait_for_url("**/settings")


async def _typed(page: Page, web: str) -> None:
    """What is typed into a form is asked about first, and kept."""
    await _open(page, web, "/senders")
    await page.get_by_role("button", name="Add sender").click()
    form = page.get_by_role("dialog", name="Add sender")
    await form.get_by_label("Host", exact=True).fill("smtp.example.com")
    await page.wait_for_function("() => window.cmUnsaved")
    question = page.get_by_role("dialog", name="Close without saving?")
    for answer in ("Keep it", "Close"):
        await page.go_back()
        await question.get_by_role("button", name=answer, exact=True).click()
        await expect(question).to_be_hidden()
        if answer == "Keep it":
            await expect(form.get_by_label("Host", exact=True)).to_have_value("smtp.example.com")
    await expect(form).to_be_hidden()
    assert page.url == f"{web}/senders"
    await page.evaluate("void setTimeout(() => history.back())")
    await page.wait_for_url("**/settings")


async def _in_compose(page: Page, web: str, draft: int) -> None:
    """Its steps are entries too."""
    await _open(page, web, f"/campaigns/{draft}/edit")
    history = page.get_by_role("dialog", name="Version history")
    for close in (page.go_back, history.get_by_role("button", name="Close").click):
        await page.get_by_role("button", name="Version history").click()
        await expect(history).to_be_visible()
        await close()
        await expect(history).to_be_hidden()
    for step in ("Audience", "When"):
        await page.get_by_role("tab", name=step).click()
        await page.wait_for_url(f"**/edit?step={step.lower()}")
    for step in ("Audience", "Content"):
        await page.go_back()
        await expect(page.get_by_role("tab", name=step)).to_have_attribute("aria-selected", "true")
    await page.evaluate("void setTimeout(() => history.back())")
    await page.wait_for_url("**/settings")
