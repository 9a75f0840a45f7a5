"""One event loop and one browser for the tests of a process."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.product import sharing_chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/" in item.nodeid:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="package", loop_scope="session", autouse=True)
async def one_browser() -> AsyncIterator[None]:
    async with sharing_chromium():
        yield
