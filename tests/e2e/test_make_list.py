"""A campaign that was sent: a draft for those who did not open it, and a list of those who followed a link."""

import re

from playwright.async_api import APIRequestContext, Page, ViewportSize, expect
from sqlmodel import col, select

from core import accounts, campaigns, crypto, db
from core.audience import contacts, parse
from core.delivery import senders
from core.models import CampaignLink, Message
from tests.conftest import Stack
from tests.e2e.axe import assert_accessible
from tests.e2e.product import STILL, Console, card, chromium, free_port, running

PEOPLE = [f"person{number:02}@example.org" for number in range(12)]
OPENED, LONG = 4, f"https://shop.example/{'offer' * 50}"
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Whether all its words are on the screen.
_FITS = """(each) => {
  const words = document.createRange();
  words.selectNodeContents(each);
  return [...words.getClientRects()].every((line) => line.right <= innerWidth);
}"""


def _begin() -> tuple[str, int]:
    """(session, a campaign with a link that is due through the sandbox)."""
    with db.session() as session:
        user_id = accounts.sign_up(session, "anna@example.com", "correct horse battery", "Asia/Kolkata").id or 0
        sender = senders.add_sandbox(session, user_id)
        token, sender_id = accounts.start_session(session, user_id), sender.id
    readers = contacts.store(user_id, parse.parse_text("\n".join(PEOPLE)), "Readers").list_id
    with db.session() as session:
        draft = campaigns.create(session, user_id).id or 0
        body = f'<p><a href="{LONG}">Offer</a></p><p>{{{{ unsubscribe_url }}}}</p>'
        content = {"name": "Autumn sale", "subject": "News", "body": body, "body_kind": "html", "sender_id": sender_id}
        campaigns.save_draft(session, user_id, draft, 1, **content)
        campaigns.set_lists(session, user_id, draft, [readers])
        campaigns.send_now(session, user_id, draft)
    return token, draft


async def test_those_who_did_not_open_a_campaign_get_a_copy_of_it(sqlite_stack: Stack) -> None:
    web = f"http://127.0.0.1:{free_port()}"
    env = {**sqlite_stack.env, "PORT": web.rpartition(":")[2], "BASE_URL": web}
    console = Console()
    token, campaign_id = _begin()
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(**STILL, locale="en-US", viewport=DESK)
        await context.add_cookies([{"name": "session", "value": token, "url": web}])
        page = console.listen(await context.new_page())
        await page.goto(f"{web}/campaigns/{campaign_id}")
        await card(page, "Sent", len(PEOPLE))
        await _read(context.request, web, campaign_id)
        await card(page, "Opened", OPENED)
        await _make_list(page)
        await _copy(page)
    assert console.wrong == []


async def _read(request: APIRequestContext, web: str, campaign_id: int) -> None:
    """The first ones open it, and one of them follows its link."""
    with db.reading() as session:
        mine = select(Message.id).where(col(Message.campaign_id) == campaign_id).order_by(col(Message.id))
        ids = [number or 0 for number in session.exec(mine.limit(OPENED))]
        link_id = session.exec(select(CampaignLink.id).where(col(CampaignLink.campaign_id) == campaign_id)).one() or 0
    for number in ids:
        await request.get(f"{web}/t/o/{crypto.sign('open', number)}.gif")
    token = f"{crypto.sign('click', ids[0])}.{crypto.sign('link', link_id)}"
    await request.get(f"{web}/t/c/{token}", max_redirects=0)


async def _make_list(page: Page) -> None:
    """On a phone, by the longest of links."""
    await page.set_viewport_size(PHONE)
    await page.get_by_role("button", name="Make a list").click()
    dialog = page.get_by_role("dialog", name="Make a list")
    await dialog.get_by_role("radio", name="Followed one link (1)").click()
    await expect(dialog.get_by_label("List name")).to_have_value("Followed one link: Autumn sale")
    await dialog.get_by_role("combobox", name="Link").click()
    await expect(page.get_by_role("option")).to_be_visible()
    assert await page.get_by_role("option").evaluate(_FITS)
    await page.get_by_role("option").click()
    await assert_accessible(page)
    await dialog.get_by_role("button", name="Make the list").click()
    await expect(dialog.get_by_text("1 person is on the list “Followed one link: Autumn sale”.")).to_be_visible()
    await assert_accessible(page)
    await dialog.get_by_role("link", name="Open the list").click()
    await expect(page.get_by_role("cell", name=PEOPLE[0], exact=True)).to_be_visible()
    await page.go_back()
    await page.set_viewport_size(DESK)


async def _copy(page: Page) -> None:
    await page.get_by_role("button", name="Send to those who did not open").click()
    dialog = page.get_by_role("dialog", name="Send to those who did not open")
    await expect(dialog.get_by_text("Did not open (8)")).to_be_visible()
    await assert_accessible(page)
    await dialog.get_by_role("button", name="Make the draft").click()
    await page.wait_for_url(re.compile("/edit"))
    await expect(page.get_by_label("Subject", exact=True)).to_have_value("News")
    await page.get_by_role("tab", name="Audience").click()
    audience = page.get_by_role("tabpanel", name="Audience")
    await expect(audience.get_by_role("checkbox", name="Did not open: Autumn sale")).to_be_checked()
    await expect(audience.get_by_role("checkbox", name="Readers")).not_to_be_checked()
    await expect(audience.get_by_role("status", name="Recipients")).to_contain_text("8Different addresses in 1 list")
    await expect(audience.get_by_text("make a list on its page")).to_be_visible()
