"""A draft that stands open in Compose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page

from tests.conftest import Stack
from tests.e2e.product import Provider, provider
from tests.e2e.test_body import _draft, _product


@asynccontextmanager
async def writing(stack: Stack, body: str) -> AsyncIterator[tuple[Page, Locator, int, Provider]]:
    """Its page, the box with the words, its id, and who takes the mail."""
    with provider({}) as server:
        async with _product(stack, server) as (context, web, user_id, console):
            page = console.listen(await context.new_page())
            draft = _draft(user_id, name="Notes", subject="Notes", body=body)
            await open_draft(page, web, draft)
            yield page, page.get_by_label("Body", exact=True), draft, server


async def open_draft(page: Page, web: str, draft: int) -> None:
    await page.goto(f"{web}/campaigns/{draft}/edit")
    await page.wait_for_function("window.socket?.connected")
