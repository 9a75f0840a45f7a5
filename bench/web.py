"""The web pages while the worker inside the same process sends flat out (SQLite): /healthz and the dashboard.

/healthz is asked 100 times a second over one connection, for 6 s a round. The dashboard is loaded in Chromium, to the
moment its Sent card shows a number, while nothing is sent and while the worker sends, in turns; Chromium, the sink and
the product share this machine's processors.
"""

import asyncio
import http.client
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.async_api import BrowserContext

from bench import mails, report, sink, stand
from bench.sink import Sink
from bench.stand import Stand, Worker
from core import campaigns, db
from core.models import Campaign
from tests.e2e.product import chromium

ROUNDS, LOADS = int(os.environ.get("BENCH_ROUNDS", "3")), 4
SECONDS, PAUSE = 6.0, 0.01
MAILS = ROUNDS * 160_000  # enough that it does not end meanwhile


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder, stand.sqlite(Path(folder)) as place, sink.running() as server:
        list_id, sender_id = stand.people(place, MAILS), stand.sender(place, server.port, 16)
        campaign_id = stand.ready(place, sender_id, list_id, mails.SIZES["3 KB"])
        stand.tidy()
        with stand.worker(place) as worker:
            async with chromium() as browser:
                context = await browser.new_context()
                form: dict[str, str | float | bool] = {"email": stand.EMAIL, "password": stand.PASSWORD}
                await context.request.post(f"{_url(place)}/login", form=form)
                await _compare(place, worker, server, campaign_id, context)


async def _compare(place: Stand, worker: Worker, server: Sink, campaign_id: int, context: BrowserContext) -> None:
    answers: dict[str, list[float]] = {"idle": [], "busy": []}
    loads: dict[str, list[float]] = {"idle": [], "busy": []}
    await _loads(place, context)  # the first fills caches
    server.seen(forget=True)
    for _ in range(ROUNDS):
        answers["idle"] += await asyncio.to_thread(_answers, place)
        loads["idle"] += await _loads(place, context)
        with _sending(place, worker, campaign_id):
            answers["busy"] += await asyncio.to_thread(_answers, place)
            loads["busy"] += await _loads(place, context)
    high = {name: sorted(times)[int(len(times) * 0.99)] * 1000 for name, times in answers.items()}
    middle = {name: median(times) * 1000 for name, times in loads.items()}
    report.detail(f"/healthz p99: {high['idle']:.1f} ms idle, {high['busy']:.1f} ms while sending")
    report.detail(f"dashboard: {middle['idle']:.0f} ms idle, {middle['busy']:.0f} ms while sending")
    report.at_most("SQLite, embedded, /healthz p99 while it sends flat out", high["busy"], 20, " ms")
    report.at_most("SQLite, embedded, dashboard load while sending ÷ idle", middle["busy"] / middle["idle"], 3)


@contextmanager
def _sending(place: Stand, worker: Worker, campaign_id: int) -> Iterator[None]:
    with db.session() as session:
        campaigns.resume(session, place.user_id, campaign_id)
    worker.wake()
    time.sleep(1)
    before, began = _sent(campaign_id), time.monotonic()
    yield
    after = _sent(campaign_id)
    report.detail(f"{(after - before) / (time.monotonic() - began):,.0f} mails/s meanwhile")
    assert after < MAILS, "the campaign ended before the measurement did"
    with db.session() as session:
        campaigns.pause(session, place.user_id, campaign_id)
    time.sleep(1)


def _sent(campaign_id: int) -> int:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id).sent_count


def _answers(place: Stand) -> list[float]:
    """Seconds until each answer of /healthz."""
    line = http.client.HTTPConnection("127.0.0.1", int(place.env["PORT"]), timeout=30)
    took, until = [], time.monotonic() + SECONDS
    while (began := time.monotonic()) < until:
        line.request("GET", "/healthz")
        answer = line.getresponse()
        answer.read()
        assert answer.status == 200
        took.append(time.monotonic() - began)
        time.sleep(PAUSE)
    line.close()
    return took


async def _loads(place: Stand, context: BrowserContext) -> list[float]:
    """Seconds until the dashboard shows its numbers, each time in a new tab."""
    took = []
    for _ in range(LOADS):
        page = await context.new_page()
        began = time.monotonic()
        await page.goto(_url(place), wait_until="commit")
        await page.get_by_role("group", name="Sent").wait_for()
        took.append(time.monotonic() - began)
        await asyncio.sleep(1)  # in which it asks the new page its size
        await page.close()
    return took


def _url(place: Stand) -> str:
    return f"http://127.0.0.1:{place.env['PORT']}"
