"""A campaign whose provider revoked the password goes on through another one."""

from collections import Counter

from playwright.async_api import Page, expect

from core import accounts, campaigns, db
from core.audience import contacts, parse
from core.delivery import senders
from tests.conftest import Stack
from tests.e2e.axe import assert_accessible
from tests.e2e.product import PASSWORD, STILL, USERNAME, Console, card, chromium, free_port, provider, running

PEOPLE = [f"person{number:02}@example.org" for number in range(12)]


def _begin(old_port: int, new_port: int) -> tuple[str, int]:
    """(session, a campaign that is due through a sender whose password is wrong by now)."""
    text = "\n".join(PEOPLE)
    with db.session() as session:
        user_id = accounts.sign_up(session, "anna@example.com", "correct horse battery", "Asia/Kolkata").id or 0
        account = {"host": "127.0.0.1", "security": "none", "username": USERNAME, "per_minute": None}
        shop = {"name": "Shop", "port": old_port, "password": "an old password", "from_address": "shop@example.com"}
        other = {"name": "Backup", "port": new_port, "password": PASSWORD, "from_address": "backup@example.net"}
        old, _ = (
            senders.create(session, user_id, senders.Values(**{**account, "delay_seconds": 0.0, **each}))
            for each in (shop, other)
        )
        senders.add_sandbox(session, user_id)
        token, old_id = accounts.start_session(session, user_id), old.id
    readers = contacts.store(user_id, parse.parse_text(text), "Readers").list_id
    with db.session() as session:
        draft = campaigns.create(session, user_id).id or 0
        body = "<p>News</p><p>{{ unsubscribe_url }}</p>"
        campaigns.save_draft(session, user_id, draft, 1, subject="News", body=body, body_kind="html", sender_id=old_id)
        campaigns.set_lists(session, user_id, draft, [readers])
        campaigns.send_now(session, user_id, draft)
    return token, draft


async def test_the_rest_goes_through_the_sender_that_is_chosen(sqlite_stack: Stack) -> None:
    web = f"http://127.0.0.1:{free_port()}"
    env = {**sqlite_stack.env, "PORT": web.rpartition(":")[2], "BASE_URL": web}
    console = Console()
    with provider({}) as old, provider({}) as new:
        token, campaign_id = _begin(old.port, new.port)
        async with running("main.py", env, "Campaigns: "), chromium() as browser:
            context = await browser.new_context(**STILL, locale="en-US", viewport={"width": 1440, "height": 900})
            await context.add_cookies([{"name": "session", "value": token, "url": web}])
            page = console.listen(await context.new_page())
            await page.goto(f"{web}/campaigns/{campaign_id}")
            await _change(page)
            await page.get_by_role("button", name="Resume").click()
            await card(page, "Sent", len(PEOPLE))
            await expect(page.get_by_text("went through")).to_have_count(0)  # only one of them sent
    assert (old.accepted, Counter(address for address, _ in new.accepted)) == ([], Counter(PEOPLE))
    assert all(b"From: backup@example.net" in mail for _, mail in new.accepted)
    assert console.wrong == []


async def _change(page: Page) -> None:
    note = page.locator(".cm-notice").filter(has_text="refused the sign-in")
    await note.get_by_role("button", name="Change sender").click()
    dialog = page.get_by_role("dialog", name="Change sender")
    await expect(dialog.get_by_text("12 recipients wait.")).to_be_visible()
    await expect(dialog.get_by_text("Backup was never tested with this account")).to_be_visible()
    await assert_accessible(page)
    await dialog.get_by_role("button", name="Change sender").click()
    await expect(page.get_by_text("The rest goes through Backup. Resume sends it.")).to_be_visible()
    await expect(dialog).to_be_hidden()
