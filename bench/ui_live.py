"""How soon a number that a worker process changed is on the screens that show it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Page
from playwright.async_api import TimeoutError as PlaywrightTimeout

from bench.ui_stand import Person, Site
from bench.ui_tabs import Tab, until

# Notes when the page showed each text first; a page has many numbers, so only what looks like one is kept.
_WATCH = """() => {
    window.seen = {};
    const note = node => {
        const text = node.textContent.trim();
        if (/^[\\d,]+$/.test(text)) window.seen[text] ??= Date.now();
    };
    new MutationObserver(changes => changes.forEach(change => {
        note(change.target); change.addedNodes.forEach(note);
    })).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
_SHOWN = "words => words.map(word => window.seen[word]).filter(at => at).sort()[0]"
_MERGED = 4


@dataclass
class Delays:
    """Milliseconds from the commit: to the update's arrival at each tab's socket, and to the DOM of real browsers."""

    socket: list[float] = field(default_factory=list)
    dom: list[float] = field(default_factory=list)
    lost: int = 0


@asynccontextmanager
async def real_tabs(site: Site, browser: Browser, person: Person, count: int) -> AsyncIterator[list[Page]]:
    """Pages of that person in Chromium that note what they show."""
    context = await browser.new_context()
    if not site.is_bare:
        name, _, value = person.cookie.partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": site.url}])
    pages = []
    for tab in site.tabs([person], count)[person.id]:
        page = await context.new_page()
        await page.goto(tab.url)
        await page.wait_for_function("window.did_handshake")
        await page.evaluate(_WATCH)
        pages.append(page)
    yield pages
    await context.close()


async def measure(
    site: Site, people: list[Person], tabs: dict[int, list[Tab]], real: dict[int, list[Page]], count: int, pause: float
) -> Delays:
    """``count`` changes, of one person after the other in turn, ``pause`` seconds apart on the average."""
    delays, chance = Delays(), random.Random(4)
    waits = []
    for number in range(count):
        person = people[number % len(people)]
        shown, at = await site.change(person)
        # Of changes within 250 ms a page shows the last only.
        words = [f"{shown + later:,}" for later in range(_MERGED)]
        waits += [asyncio.create_task(_arrival(tab, words, at, delays)) for tab in tabs.get(person.id, [])]
        waits += [asyncio.create_task(_drawn(page, words, at, delays)) for page in real.get(person.id, [])]
        await asyncio.sleep(pause * chance.uniform(0.7, 1.3))
    await asyncio.gather(*waits)
    return delays


async def _arrival(tab: Tab, words: list[str], at: float, delays: Delays) -> None:
    if await until(lambda: any(word in tab.seen for word in words)):
        delays.socket.append((min(tab.seen[word] for word in words if word in tab.seen) - at) * 1000)
    else:
        delays.lost += 1


async def _drawn(page: Page, words: list[str], at: float, delays: Delays) -> None:
    try:
        seen = await page.wait_for_function(_SHOWN, arg=words, timeout=10_000)
    except PlaywrightTimeout:
        delays.lost += 1
    else:
        delays.dom.append(await seen.json_value() - at * 1000)
