"""A mail server that is 20 ms away: mails per second and connection, beside one mail per round trip (RFC 2920's best).

The sink looks at what arrives 20 ms later, which is the round trip. 16 connections, 3 KB mails, ledger kept.
"""

import asyncio
import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

from bench import mails, report, sink, stand
from bench.stand import Stand

ROUND_TRIP_MS = 20
CONNECTIONS, ROUNDS = 16, int(os.environ.get("BENCH_ROUNDS", "3"))
LIMIT = 1000 / ROUND_TRIP_MS  # mails per second and connection
MAILS = int(min(int(os.environ.get("BENCH_MAILS", "100000")), CONNECTIONS * LIMIT * 8))


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_measure, stand.sqlite(Path(folder)))
        await asyncio.to_thread(_measure, stand.postgres(Path(folder)))


def _measure(opening: AbstractContextManager[Stand]) -> None:
    rates = []
    with opening as place, sink.running(ROUND_TRIP_MS) as server:
        list_id, sender_id = stand.people(place, MAILS), stand.sender(place, server.port, CONNECTIONS)
        campaign_ids = [stand.ready(place, sender_id, list_id, mails.SIZES["3 KB"]) for _ in range(ROUNDS)]
        with stand.worker(place) as worker:
            for campaign_id in campaign_ids:
                server.seen(forget=True)
                done = stand.go([worker], [campaign_id])
                rates.append(server.seen().rate / CONNECTIONS)
                assert done.states == {"sent": MAILS}, done.states
    report.detail(f"{place.name}: {median(rates):.1f} mails/s and connection, the limit is {LIMIT:.0f}")
    report.at_least(f"{place.name}, 20 ms away ÷ one mail per round trip", median(rates) / LIMIT, 0.9)
