"""Two worker processes beside one: four senders of 16 connections each, PostgreSQL + Redis, the fast sink."""

import asyncio
import os
import tempfile
from pathlib import Path
from statistics import median

from bench import mails, report, sink, stand
from bench.sink import Sink
from bench.stand import Worker

SENDERS, CONNECTIONS = 4, 16
MAILS = int(os.environ.get("BENCH_MAILS", "100000")) // SENDERS  # of each sender
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_compare, Path(folder))


def _compare(folder: Path) -> None:
    alone: list[float] = []
    together: list[float] = []
    with stand.postgres(folder) as place, sink.running() as server:
        list_id = stand.people(place, MAILS)
        sender_ids = [stand.sender(place, server.port, CONNECTIONS) for _ in range(SENDERS)]
        waiting = [
            [stand.ready(place, sender_id, list_id, mails.SIZES["3 KB"]) for sender_id in sender_ids]
            for _ in range(2 * ROUNDS)
        ]
        stand.tidy()
        with stand.worker(place) as first:
            for _ in range(ROUNDS):
                alone.append(_rate(server, [first], waiting.pop()))
                with stand.worker(place) as second:
                    together.append(_rate(server, [first, second], waiting.pop()))
    report.at_least("Two worker processes ÷ one, four senders", median(together) / median(alone), 1.4)


def _rate(server: Sink, workers: list[Worker], campaign_ids: list[int]) -> float:
    server.seen(forget=True)
    before = [worker.cpu() for worker in workers]
    done, seen = stand.go(workers, campaign_ids), server.seen()
    assert done.states == {"sent": SENDERS * MAILS}, done.states
    spent = [f"{worker.cpu() - used:.1f} s" for worker, used in zip(workers, before, strict=True)]
    report.detail(
        f"{len(workers)} worker{'s' if len(workers) > 1 else ''}: {seen.rate:,.0f} mails/s in {seen.seconds:.1f} s, "
        f"CPU {' + '.join(spent)}, PostgreSQL {done.cpu.database:.1f} s"
    )
    return seen.rate
