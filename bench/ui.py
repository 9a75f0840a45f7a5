"""``make bench-ui``: how heavy, how soon and how live the screens are, each beside NiceGUI's bare page in the same run.

The bare page is one label served by ``ui.run()``. Tabs that are not in Chromium are clients in this process that load
the page and hold its socket as NiceGUI's script does. BENCH_USERS (with five tabs each) and BENCH_ROUNDS shorten it.
"""

import asyncio
import math
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from sqlmodel import col, select

from bench import mails, report, sample, sink, stand, ui_live, ui_stand
from bench.stand import Stand
from bench.ui_live import Delays
from bench.ui_pages import Loads, load
from bench.ui_stand import Person, Site
from bench.ui_tabs import opened
from core import campaigns, db
from core.models import Campaign
from tests.e2e.product import chromium

USERS, ROUNDS = int(os.environ.get("BENCH_USERS", "100")), int(os.environ.get("BENCH_ROUNDS", "3"))
TABS = 5  # of each user
IDLE_SECONDS, CHANGES = 10.0, 200
MAILS = 400_000  # of the campaign that goes out meanwhile: more than it can send in that time


async def pages() -> None:
    """Weight and time of each page, in Chromium, in turns with the bare page."""
    with tempfile.TemporaryDirectory() as folder, stand.sqlite(Path(folder)) as place:
        sample.fill()
        async with ui_stand.bare() as bare, ui_stand.product(place) as site, chromium() as browser:
            wanted = [(bare, "/1"), *((site, path) for path in _paths())]
            loads = [Loads() for _ in wanted]
            await load(site, browser, "/", Loads())  # the first of all fills the server's caches
            for _ in range(ROUNDS):
                for (of, path), found in zip(wanted, loads, strict=True):
                    await load(of, browser, path, found)
    for (of, path), found in zip(wanted, loads, strict=True):
        cold = f"cold {median(found.cold_kb):4.0f} kB in {found.requests} requests, {median(found.cold_ms):5.0f} ms"
        warm = f"warm {median(found.warm_kb):4.1f} kB, {median(found.warm_ms):5.0f} ms"
        report.detail(f"{'bare page' if of.is_bare else path:<20} {cold}; {warm} until it can be used")
    slowest = max(median(found.warm_ms) for found in loads[1:])
    report.at_most("Slowest page, warm, until it can be used", slowest, 1000, " ms", _beside(loads[0].warm_ms, "ms"))


def _paths() -> list[str]:
    with db.reading() as session:
        ids = {name: session.exec(select(Campaign.id).where(col(Campaign.name) == name)).one() for name in _SHOWN}
    draft, past = (ids[name] for name in _SHOWN)
    return ["/", "/campaigns", f"/campaigns/{past}", f"/campaigns/{draft}/edit", *_OTHERS]


_SHOWN = ("December reading list", "New arrivals, week 47")
_OTHERS = ("/audience", "/templates", "/senders", "/sandbox", "/settings")


async def idle() -> None:
    """CPU and memory of open tabs that nothing happens on, both sites over the same seconds."""
    with tempfile.TemporaryDirectory() as folder, stand.sqlite(Path(folder)) as place:
        people = ui_stand.people(USERS)
        async with ui_stand.bare() as bare, ui_stand.product(place) as site:
            sites = (bare, site)
            for each in sites:
                async with opened(each.tabs(people[:1], TABS)[people[0].id]):
                    await asyncio.sleep(1)
            before = [each.memory_mb() for each in sites]
            began = [each.cpu() for each in sites]
            tabs = [[tab for some in each.tabs(people, TABS).values() for tab in some] for each in sites]
            async with opened(tabs[0]), opened(tabs[1]):
                built = [each.cpu() - at for each, at in zip(sites, began, strict=True)]
                await asyncio.sleep(5)
                used = [await _idle(sites) for _ in range(ROUNDS)]
                grown = [each.memory_mb() - at for each, at in zip(sites, before, strict=True)]
    count = len(tabs[1])
    bare_cpu, cpu = (median(one[number] for one in used) for number in (0, 1))
    for number, each in enumerate(sites):
        report.detail(f"{each.name}: {built[number] / count * 1000:.1f} ms of CPU to build a page, opening {count}")
    elements = sorted({tab.elements for tab in tabs[1]})
    report.detail(f"elements a page: {tabs[0][0].elements} bare, {' and '.join(map(str, elements))} ours")
    report.at_most(f"{count} idle tabs, of one core", cpu, 5, " %", f"bare page: {bare_cpu:.1f} %")
    report.at_most("Memory a tab", grown[1] / count, 0.5, " MB", f"bare page: {grown[0] / count:.2f} MB")


async def _idle(sites: tuple[Site, ...]) -> list[float]:
    before, began = [each.cpu() for each in sites], time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    seconds = time.monotonic() - began
    return [100 * (each.cpu() - at) / seconds for each, at in zip(sites, before, strict=True)]


async def live() -> None:
    """From the commit of a worker to the tabs: NiceGUI alone, then both stacks, quiet and while mail goes out."""
    people = [Person(number, number, "") for number in range(USERS)]
    async with ui_stand.bare() as bare:
        await _both(bare, people)
    with tempfile.TemporaryDirectory() as folder:
        for place in (stand.sqlite, stand.postgres):
            with place(Path(folder)) as there:
                await _product(there)


async def _product(place: Stand) -> None:
    with sink.running() as server:
        people = ui_stand.people(USERS)
        list_id, sender_id = stand.people(place, MAILS), stand.sender(place, server.port, 16)
        campaign_id = stand.ready(place, sender_id, list_id, mails.SIZES["3 KB"])
        stand.tidy()
        async with ui_stand.product(place) as site:
            await _both(site, people)
            async with _sending(place, site, campaign_id):
                delays = await _many(site, people)
    _say(f"{site.name}, {USERS * TABS} tabs while mail goes out", delays)
    report.at_most(f"{site.name}: {USERS * TABS} tabs while mail goes out, p95", _high(delays), 300, " ms")


async def _both(site: Site, people: list[Person]) -> None:
    async with chromium() as browser, ui_live.real_tabs(site, browser, people[0], 1) as tab:
        _say(f"{site.name}, 1 tab", await ui_live.measure(site, people[:1], {}, {people[0].id: tab}, 40, 0.4))
    _say(f"{site.name}, {USERS * TABS} tabs", await _many(site, people))


async def _many(site: Site, people: list[Person]) -> Delays:
    """All tabs are clients of ours, but for two of the first user in Chromium."""
    tabs = site.tabs(people[1:], TABS)
    async with chromium() as browser, ui_live.real_tabs(site, browser, people[0], 2) as real:
        async with opened([tab for some in tabs.values() for tab in some]):
            await asyncio.sleep(2)
            # Every eighth change is one of the user in Chromium.
            others = [people[0] if number % 8 == 0 else person for number, person in enumerate(people)]
            return await ui_live.measure(site, others, tabs, {people[0].id: real}, CHANGES, 0.08)


@asynccontextmanager
async def _sending(place: Stand, site: Site, campaign_id: int) -> AsyncIterator[None]:
    """The campaign of another user goes out as fast as it can, with two of its tabs open."""
    async with AsyncExitStack() as more:
        if not place.is_embedded:
            more.enter_context(stand.worker(place))
        anna = ui_stand.signed_in(place.user_id, campaign_id)
        await more.enter_async_context(opened(site.tabs([anna], 2)[anna.id]))
        with db.session() as session:
            campaigns.resume(session, place.user_id, campaign_id)
        site.feed.tell("wake")
        before, began = await asyncio.to_thread(_sent, campaign_id), time.monotonic()
        yield
        sent, seconds = await asyncio.to_thread(_sent, campaign_id) - before, time.monotonic() - began
        report.detail(f"{sent / seconds:,.0f} mails/s meanwhile")
        assert sent < MAILS, "the campaign ended before the measurement did"
        with db.session() as session:
            campaigns.pause(session, place.user_id, campaign_id)


def _sent(campaign_id: int) -> int:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id).sent_count


def _high(delays: Delays) -> float:
    """p95; one that never came is later than any."""
    if delays.lost:
        return math.inf
    return max(_at(delays.socket, 0.95), _at(delays.dom, 0.95))


def _say(name: str, delays: Delays) -> None:
    parts = [
        f"{where} p50 {median(found):.0f} ms, p95 {_at(found, 0.95):.0f} ms ({len(found)})"
        for where, found in (("socket", delays.socket), ("DOM", delays.dom))
        if found
    ]
    report.detail(f"{name}: {'; '.join(parts)}" + (f"; {delays.lost} LOST" if delays.lost else ""))


def _at(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _beside(bare: list[float], unit: str) -> str:
    return f"bare page: {median(bare):.0f} {unit}"
