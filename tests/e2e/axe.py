"""Deque's axe-core, which ``make test`` installs, on a page as it stands now."""

import functools
from typing import Any

from playwright.async_api import Page

from tests.e2e.product import ROOT

SOURCE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
# What Quasar draws and we cannot mend: CSS selector of the element -> why.
NOT_OURS: dict[str, str] = {}
_RUN = """
async ([exclude, rules]) => {
  const only = rules.length ? { runOnly: { type: 'rule', values: rules } } : {};
  const quick = { resultTypes: ['violations'], selectors: false, iframes: false, preload: false };
  const found = await axe.run({ exclude }, { ...only, ...quick });
  return found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => node.html) }));
}
"""


async def assert_accessible(page: Page, *rules: str) -> None:
    """No violation of WCAG or of good practice on ``page``; of ``rules`` only where some are named.

    A mail that is shown in a frame is its writer's and not looked into.
    """
    found = await violations(page, *rules)
    assert not found, f"{page.url}\n" + "\n".join(found)


async def violations(page: Page, *rules: str) -> list[str]:
    """What axe objects to: the rule and the elements, as text."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_source())
    found: list[dict[str, Any]] = await page.evaluate(_RUN, [[[selector] for selector in NOT_OURS], list(rules)])
    return [f"{each['id']}: {each['help']}\n  " + "\n  ".join(node[:300] for node in each["nodes"]) for each in found]


@functools.cache
def _source() -> str:
    assert SOURCE.exists(), "axe-core is missing: run `make test` once"
    return SOURCE.read_text()
