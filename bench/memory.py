"""The largest resident size of the worker's process for a campaign to a million people, beside one to ten thousand.

Each in a process of its own, from "Send now" on: recipients are written down while mails go out. Of the million the
first 50,000 mails are really sent and all recipients written down, then the process is stopped.
"""

import asyncio
import os
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from bench import mails, report, sink, stand
from bench.sink import Sink
from bench.stand import Stand
from core import campaigns, db
from core.models import Campaign

MANY, FEW = int(os.environ.get("BENCH_RECIPIENTS", "1000000")), 10_000
SENT = 50_000


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_compare, stand.postgres(Path(folder)))
        await asyncio.to_thread(_compare, stand.sqlite(Path(folder)))


def _compare(opening: AbstractContextManager[Stand]) -> None:
    with opening as place, sink.running() as server:
        sender_id = stand.sender(place, server.port, 16)
        few, many = (_peak(place, server, sender_id, count) for count in (FEW, MANY))
    report.detail(f"{place.name}: {few:.0f} MB for {FEW:,} recipients, {many:.0f} MB for {MANY:,}")
    report.at_most(f"{place.name}, memory of the worker at {MANY:,} ÷ at {FEW:,}", many / few, 1.2)


def _peak(place: Stand, server: Sink, sender_id: int, count: int) -> float:
    """MB."""
    campaign_id = stand.draft(place, sender_id, stand.people(place, count), mails.SIZES["3 KB"])
    stand.tidy()
    server.seen(forget=True)
    with stand.worker(place) as worker:
        began = time.monotonic()
        with db.session() as session:
            campaigns.send_now(session, place.user_id, campaign_id)
        worker.wake()
        while not _is_written_down(campaign_id, count) or server.seen().mails < min(count, SENT):
            assert worker.process.poll() is None, worker.log.read_text()[-3000:]
            time.sleep(0.2)
        mails_sent, seconds = server.seen().mails, time.monotonic() - began
        report.detail(
            f"{place.name}: {count:,} recipients written down and {mails_sent:,} mails sent in {seconds:.0f} s"
        )
        return worker.peak_mb()


def _is_written_down(campaign_id: int, count: int) -> bool:
    with db.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        return campaign.snapshot_done and campaign.recipients_count == count
