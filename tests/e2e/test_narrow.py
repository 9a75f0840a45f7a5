"""What is said in fewer words where there is little room."""

from datetime import timedelta

from playwright.async_api import expect

from core import accounts, db
from tests import rows
from tests.conftest import Stack
from tests.e2e.axe import assert_accessible
from tests.e2e.product import STILL, Console, chromium, free_port, running

LONG = "The part of the program that sends does not answer"
SHORT = "No answer from its worker; it goes on by itself."


async def test_that_a_worker_is_silent_is_said_shortly_on_a_phone_and_whole_to_who_asks(postgres_stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        silent = rows.sender(session, alice, owner="w", lease_until=db.now(session) - timedelta(seconds=5))
        states = {"sent": ["a@x.io"], "pending": ["b@x.io", "c@x.io"]}
        campaign_id = rows.campaign(session, alice, states, sender_id=silent.id, started_at=db.now(session))
        token = accounts.start_session(session, alice)
    web = f"http://127.0.0.1:{free_port()}"
    env = {**postgres_stack.env, "PORT": web.rpartition(":")[2], "BASE_URL": web, "WORKER": "external"}
    console = Console()
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        for width, is_short in ((390, True), (1440, False)):
            context = await browser.new_context(**STILL, viewport={"width": width, "height": 900})
            await context.add_cookies([{"name": "session", "value": token, "url": web}])
            page = console.listen(await context.new_page())
            for path in (f"/campaigns/{campaign_id}", "/"):
                await page.goto(web + path)
                short, whole = page.get_by_text(SHORT), page.get_by_text(LONG)
                await expect(whole).to_have_count(1)
                await expect(short).to_be_visible(visible=is_short)
                box = await whole.bounding_box()
                assert box is not None and (box["width"] <= 1) is is_short  # there for who listens
                assert (await short.get_attribute("title") or "").startswith(LONG)
                await expect(page.get_by_text("2 waiting.")).to_be_visible()
            if is_short:
                await assert_accessible(page)
    assert console.wrong == []
