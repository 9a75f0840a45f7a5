"""Mails per second of a sender without limits, the whole way with the ledger kept, beside smtp-source and nodemailer.

All send to the same sink, ours and smtp-source over 16 connections that stay open, interleaved; ratios are of medians.
The clock runs from the first MAIL FROM to the last 250 as the sink saw them. The recipients were written down before
(another line says what a campaign takes from "Send now" on, that included). CPU is user + system of our processes.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

from bench import mails, report, sink, stand, yardstick
from bench.sink import Seen, Sink
from bench.stand import Run, Stand, Worker
from bench.yardstick import Pace

MAILS = int(os.environ.get("BENCH_MAILS", "100000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CONNECTIONS = 16
FEWER = min(MAILS, 3_000)  # nodemailer is that slow


async def sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_compare, stand.sqlite(Path(folder)), 0.6)


async def postgres() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_compare, stand.postgres(Path(folder)), 0.4)


def _compare(opening: AbstractContextManager[Stand], target: float) -> None:
    with opening as place, sink.running() as server:
        list_id = stand.people(place, MAILS)
        sender_id = stand.sender(place, server.port, CONNECTIONS)
        waiting = {
            name: [stand.ready(place, sender_id, list_id, size) for _ in range(ROUNDS)]
            for name, size in mails.SIZES.items()
        }
        whole = stand.draft(place, sender_id, list_id, mails.SIZES["3 KB"])
        stand.tidy()
        with stand.worker(place) as worker:
            for name, campaign_ids in waiting.items():
                _size(place, worker, server, name, campaign_ids, target)
            server.seen(forget=True)
            done = stand.go([worker], [whole], drafts=True)
            _check(done, server.seen())
    report.detail(f'{place.name}: from "Send now" to the last counter {MAILS / done.seconds:,.0f} mails/s')


def _size(place: Stand, worker: Worker, server: Sink, name: str, campaign_ids: list[int], target: float) -> None:
    ours: list[Pace] = []
    sources: list[Pace | None] = []
    pools: list[Pace | None] = []
    template, size = mails.SIZES[name], len(mails.one(mails.SIZES[name]))
    database, idle = [], []
    for campaign_id in campaign_ids:
        server.seen(forget=True)
        done, seen = stand.go([worker], [campaign_id]), server.seen()
        _check(done, seen)
        ours.append(Pace(seen.rate, _each(done.cpu.workers)))
        database.append(_each(done.cpu.database))
        idle.append(done.seconds - seen.seconds)
        sources.append(yardstick.smtp_source(server, MAILS, CONNECTIONS, size))
        pools.append(yardstick.nodemailer(server, FEWER, template))
    report.detail(f"{place.name}, {name} ({size:,} bytes as sent), mails/s and CPU a mail:")
    report.detail(f"ours {_told(ours)}" + (f", PostgreSQL {median(database):.0f} µs" if median(database) else ""))
    report.detail(f"smtp-source {_told(sources)}; nodemailer {_told(pools)}")
    report.detail(f"before our first mail and after our last, to the end in the ledger: {median(idle):.2f} s")
    _ratio(f"{place.name} ÷ smtp-source, {name}", ours, sources, target)
    if not place.is_embedded:
        _ratio(f"{place.name} ÷ nodemailer's pool, {name}", ours, pools, 10)


def _ratio(name: str, ours: Sequence[Pace], base: Sequence[Pace | None], target: float) -> None:
    rates = [pace.rate for pace in base if pace]
    if rates:
        report.at_least(name, median(pace.rate for pace in ours) / median(rates), target)
    else:
        report.at_least(name, None, target, why="the yardstick is missing")


def _told(paces: Sequence[Pace | None]) -> str:
    known = [pace for pace in paces if pace]
    if not known:
        return "missing"
    return f"{median(pace.rate for pace in known):,.0f}/s {median(pace.cpu for pace in known):.0f} µs"


def _each(seconds: float) -> float:
    """µs a mail."""
    return seconds / MAILS * 1e6


def _check(done: Run, seen: Seen) -> None:
    """The ledger says sent to everybody, and so many mails came."""
    assert done.states == {"sent": MAILS} and seen.mails == MAILS, (done.states, seen)
