"""Segments out of the address book: searched, put on a list, the list opened, and some of it removed again."""

from playwright.async_api import Page, expect

from core import accounts, db
from core.audience import contacts, parse
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import STILL, Console, chromium, free_port, running

TOWNS = "".join(f"p{n:04}@example.com,{'Ulm' if n < 1_200 else 'Bonn'}\n" for n in range(1_500))


async def test_who_is_found_becomes_a_list_and_some_of_it_are_removed_again(sqlite_stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        token = accounts.start_session(session, user_id)
    contacts.store(user_id, parse.parse_text(f"email,town\n{TOWNS}"), "Everybody")
    web = f"http://127.0.0.1:{free_port()}"
    console = Console()
    env = {**sqlite_stack.env, "PORT": web.rpartition(":")[2]}
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(**STILL, locale="en-US")
        await context.add_cookies([{"name": "session", "value": token, "url": web}])
        page = console.listen(await context.new_page())
        await page.goto(f"{web}/audience")
        await _put_on_a_list(page)
        await _removed_again(page)
        await _head_on_a_phone(page)
    assert not console.wrong
    with db.reading() as session:
        kept = {each.name: each.contact_count for each in contacts.lists(session, user_id)}
    assert kept == {"Everybody": 1_500, "From Ulm": 1_100}


async def _put_on_a_list(page: Page) -> None:
    search = page.get_by_label("Search contacts")
    await search.fill("example")
    await page.get_by_role("button", name="Search in one field").click()
    await page.get_by_role("menuitem", name="town").click()
    await expect(search).to_be_focused()
    await page.keyboard.type("ulm")
    await expect(search).to_have_value("example town:ulm")
    await expect(page.get_by_text("1–25 of more than 1,000")).to_be_visible()
    await page.get_by_role("button", name="Add to a list").click()
    dialog = page.get_by_role("dialog", name="Add 1,200 contacts to a list")
    await dialog.get_by_label("List name").fill("From Ulm")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text("1,200 contacts added to the list “From Ulm”.")).to_be_visible()
    await page.get_by_role("button", name="Open").click()
    await page.wait_for_url("**/audience?list=2")
    await expect(page.get_by_text("1–25 of 1,200")).to_be_visible()


async def _removed_again(page: Page) -> None:
    await page.get_by_label("Search contacts").fill("p00")
    await expect(page.get_by_text("1–25 of 100")).to_be_visible()
    await page.get_by_role("button", name="Remove from this list").click()
    dialog = page.get_by_role("dialog", name="Remove 100 contacts from “From Ulm”?")
    await dialog.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("100 contacts left the list “From Ulm”.")).to_be_visible()
    await expect(page.get_by_text("No contact found.")).to_be_visible()
    await page.get_by_role("button", name="Clear").click()
    await expect(page.get_by_text("1–25 of 1,100")).to_be_visible()


async def _head_on_a_phone(page: Page) -> None:
    """Its buttons stand in one line."""
    await page.set_viewport_size({"width": 390, "height": 844})
    tops = """names => new Set(names.map(name => [...document.querySelectorAll("button")]
      .find(button => button.innerText.trim() === name)?.getBoundingClientRect().top))"""
    one_line = f"names => {{ const tops = ({tops})(names); return tops.size === 1 && !tops.has(undefined); }}"
    await page.wait_for_function(one_line, arg=["Suppression list", "Add contact", "Upload"])
