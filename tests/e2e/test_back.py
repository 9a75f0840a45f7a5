"""Back in the browser: through what a list showed before, one step for each search, then to the page before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from playwright.async_api import Page, expect

from campaign_ui import auth
from core import accounts, clock, db
from core.audience import contacts, parse, suppression
from core.delivery import sandbox
from core.delivery.sandbox import Received
from core.models import MessageState
from tests import rows
from tests.conftest import Stack
from tests.e2e.product import STILL, Console, chromium, free_port, running

NAMES = ("anna", "annika", "ben", "carla")
PEOPLE = [f"{name}@example.org" for name in NAMES]


class Visit:
    """A tab whose clock stands still until its user takes a rest."""

    def __init__(self, page: Page, web: str) -> None:
        self.page, self.web = page, web
        self.at: datetime = clock.utcnow() + timedelta(hours=1)

    async def open(self, path: str) -> None:
        await self.page.goto(self.web + path)
        await self.rest()

    async def rest(self) -> None:
        self.at += timedelta(seconds=10)
        await self.page.clock.set_fixed_time(self.at)

    async def search(self, field: str, words: str) -> None:
        """Key by key, each of which reaches the server before the next one; then a rest."""
        box = self.page.get_by_label(field, exact=True)
        await box.fill("")
        for end in range(1, len(words) + 1):
            await box.press_sequentially(words[end - 1])
            await self.is_at(f"q={words[:end]}")
        await self.rest()

    async def back(self, *, there: str, field: str, words: str, shown: list[str], hidden: list[str]) -> None:
        await self.page.go_back()
        await self.sees(there=there, field=field, words=words, shown=shown, hidden=hidden)

    async def sees(self, *, there: str, field: str, words: str, shown: list[str], hidden: list[str]) -> None:
        await self.is_at(there)
        await expect(self.page.get_by_label(field, exact=True)).to_have_value(words)
        for name in shown:
            await expect(self.page.get_by_text(f"{name}@example.org").first).to_be_visible()
        for name in hidden:
            await expect(self.page.get_by_text(f"{name}@example.org")).to_have_count(0)
        await self.rest()

    async def is_at(self, there: str) -> None:
        await self.page.wait_for_url(lambda url: url.endswith(there))


async def test_back_goes_through_the_searches_of_every_list_and_then_to_the_page_before(sqlite_stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        token = accounts.start_session(session, user_id)
        states = {MessageState.sent.value: PEOPLE[:3], MessageState.failed.value: PEOPLE[3:]}
        campaign_id = rows.campaign(session, user_id, states, status="sent")
        for email in PEOPLE[:3]:
            rows.campaign(session, user_id, name=email, status="sent")
        for email in PEOPLE:
            suppression.suppress(session, user_id, email, "manual")
        mails = [Received(user_id, "me@example.org", email, b"Subject: Hello\r\n\r\nHello") for email in PEOPLE]
        sandbox.store(session, mails)
    contacts.store(user_id, parse.parse_text("\n".join(PEOPLE)), "Everybody")
    async with _visit(sqlite_stack, token) as visit:
        await _steps(visit, "/sandbox", "Search")
        await _steps(visit, f"/campaigns/{campaign_id}", "Search")
        await _states(visit, campaign_id)
        await _campaigns(visit)
        await _audience(visit)
        await _beyond(visit)
        await _place(visit, campaign_id)


@asynccontextmanager
async def _visit(stack: Stack, token: str) -> AsyncIterator[Visit]:
    web = f"http://127.0.0.1:{free_port()}"
    env = {**stack.env, "PORT": web.rpartition(":")[2]}
    console = Console()
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(**STILL)
        await context.add_cookies([{"name": auth.COOKIE, "value": token, "url": web}])
        yield Visit(console.listen(await context.new_page()), web)
    assert console.wrong == []


async def _steps(visit: Visit, path: str, field: str) -> None:
    """Two searches, back through both, forth again, and out."""
    await visit.open("/settings")
    await visit.open(path)
    await visit.search(field, "ann")
    await visit.sees(there="q=ann", field=field, words="ann", shown=["anna", "annika"], hidden=["ben"])
    await visit.search(field, "be")
    await visit.sees(there="q=be", field=field, words="be", shown=["ben"], hidden=["anna"])
    await visit.back(there="q=ann", field=field, words="ann", shown=["anna", "annika"], hidden=["ben"])
    await visit.back(there=path, field=field, words="", shown=list(NAMES), hidden=[])
    await visit.page.go_forward()
    await visit.sees(there="q=ann", field=field, words="ann", shown=["anna"], hidden=["ben"])
    await visit.back(there=path, field=field, words="", shown=list(NAMES), hidden=[])
    await visit.page.go_back()
    await visit.is_at("/settings")


async def _states(visit: Visit, campaign_id: int) -> None:
    """A state of the ledger is a step too."""
    await visit.open(f"/campaigns/{campaign_id}")
    failed = visit.page.get_by_role("group", name="State").get_by_role("button", name="Failed")
    await failed.click()
    await visit.sees(there="?state=failed", field="Search", words="", shown=["carla"], hidden=["ben"])
    await visit.back(there=f"/campaigns/{campaign_id}", field="Search", words="", shown=list(NAMES), hidden=[])
    await expect(failed).to_have_attribute("aria-pressed", "false")


async def _campaigns(visit: Visit) -> None:
    field = "Search campaigns"
    await visit.open("/campaigns")
    await visit.search(field, "ben")
    await visit.sees(there="?q=ben", field=field, words="ben", shown=["ben"], hidden=["anna"])
    await visit.back(there="/campaigns", field=field, words="", shown=["anna", "ben"], hidden=[])


async def _audience(visit: Visit) -> None:
    """A list, a search in it, and a search of those who are suppressed: each is a step."""
    contact, refused = "Search contacts", "Search suppressed addresses"
    await visit.open("/audience")
    await visit.page.get_by_role("button", name="Everybody").first.click()
    await visit.is_at("?list=1")
    await visit.rest()
    await visit.search(contact, "ann")
    await visit.search(refused, "be")
    await visit.is_at("?list=1&q=ann&sq=be")
    await expect(visit.page.get_by_text("carla@example.org")).to_have_count(0)
    await visit.back(there="?list=1&q=ann", field=refused, words="", shown=list(NAMES), hidden=[])
    await expect(visit.page.get_by_role("table", name="Contacts").get_by_text("ben@")).to_have_count(0)
    await visit.back(there="?list=1", field=contact, words="", shown=list(NAMES), hidden=[])
    await visit.back(there="/audience", field=contact, words="", shown=list(NAMES), hidden=[])
    everybody = visit.page.get_by_role("button", name="All contacts")
    await expect(everybody).to_have_attribute("aria-pressed", "true")


async def _beyond(visit: Visit) -> None:
    """A page that is not there is no step: the last one that is takes its place."""
    await visit.open("/settings")
    await visit.open("/audience?page=500")
    await visit.is_at("/audience")
    await visit.page.go_back()
    await visit.is_at("/settings")


async def _place(visit: Visit, campaign_id: int) -> None:
    """Another place of the same page is nothing to be read again."""
    await visit.open(f"/campaigns/{campaign_id}")
    await visit.search("Search", "ann")
    await visit.page.evaluate("""() => {
      window.told = [];
      const emit = window.emitEvent;
      window.emitEvent = (name, ...rest) => { told.push(name); emit(name, ...rest); };
      location.hash = "why-failed";
    }""")
    await visit.page.go_back()
    await visit.is_at("q=ann")
    assert await visit.page.evaluate("told") == []
    await visit.back(there=f"/campaigns/{campaign_id}", field="Search", words="", shown=list(NAMES), hidden=[])
    assert await visit.page.evaluate("told") == ["cm_address"]
