"""Many slow senders on one worker process: 500 with 30 mails a minute each, 250 mails a second in all.

Judged by the log of the receiving server: the part of its pace that each sender uses and the most mails in any minute,
over some minutes in which all of them have mail. Memory and threads are the worker's. BENCH_SENDERS and BENCH_SECONDS
make it smaller.
"""

import asyncio
import os
import tempfile
import threading
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from sqlmodel import col, func, select

from bench import mails, report, stand
from bench.stand import Stand
from core import clock, db
from core.models import Campaign, CampaignList, CampaignStatus, Message
from tests import rows

SENDERS = int(os.environ.get("BENCH_SENDERS", "500"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "180"))
PER_MINUTE = 30
_WARM = 20.0  # seconds after the last sender began


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_measure, stand.sqlite(Path(folder)))
        await asyncio.to_thread(_measure, stand.postgres(Path(folder)))


def _measure(opening: AbstractContextManager[Stand]) -> None:
    with opening as place, _receiving() as receiver:
        _fill(place, receiver.port)
        stand.tidy()
        with stand.worker(place) as worker:
            process = psutil.Process(worker.process.pid)
            idle = process.num_threads()
            worker.wake()
            receiver.until_all(SENDERS, 300)
            time.sleep(_WARM)
            began, used = time.monotonic(), worker.cpu()
            time.sleep(SECONDS)
            ended, used = time.monotonic(), worker.cpu() - used
            threads, memory = process.num_threads() - idle, worker.peak_mb()
        _tell(place, receiver.starts, began, ended)
    report.at_most(f"{place.name}, memory of the worker with {SENDERS} senders", memory, 300, " MB")
    report.detail(f"{place.name}: {threads} threads more than idle, {used / SECONDS:.0%} of a processor")


def _tell(place: Stand, starts: dict[str, list[float]], began: float, ended: float) -> None:
    wanted = PER_MINUTE * (ended - began) / 60
    shares = sorted(sum(began <= at < ended for at in each) / wanted for each in starts.values())
    most = max(_most_in_a_minute(each) for each in starts.values())
    report.at_least(f"{place.name}, slowest of {SENDERS} senders ÷ {PER_MINUTE} a minute", shares[0], 0.95)
    report.at_most(f"{place.name}, most mails of a sender in any 60 s", most, PER_MINUTE)
    below = sum(share < 0.95 for share in shares)
    report.detail(f"{place.name}: median {median(shares):.3f}, fastest {shares[-1]:.3f}, {below} senders below 0.95")


def _most_in_a_minute(starts: list[float]) -> int:
    return max(place + 1 - bisect_right(starts, at - 60, 0, place + 1) for place, at in enumerate(starts))


def _fill(place: Stand, port: int) -> None:
    """A campaign for each sender, whose recipients are written down."""
    count = int(PER_MINUTE * (SECONDS + 180) / 60)
    list_id, now = stand.people(place, count), clock.utcnow()
    with db.session() as session:
        for number in range(SENDERS):
            sender = rows.sender(
                session,
                place.user_id,
                name=f"Sender {number}",
                from_address=f"{number}@example.com",
                host="127.0.0.1",
                port=port,
                security="none",
                per_minute=PER_MINUTE,
            )
            campaign_id = rows.campaign(
                session,
                place.user_id,
                name=f"Campaign {number}",
                sender_id=sender.id,
                status=CampaignStatus.sending,
                snapshot_done=False,
                started_at=now,
                subject=mails.SUBJECT,
                body=mails.body(mails.SIZES["3 KB"]),
                body_kind="html",
            )
            session.add(CampaignList(campaign_id=campaign_id, list_id=list_id))
    _write_down(count)


def _write_down(count: int) -> None:
    from core.delivery import snapshot

    with db.reading() as session:
        waiting = list(session.exec(select(Campaign.id)).all())
    for campaign_id in waiting:
        more = True
        while more:
            with db.session() as session:
                more = snapshot.add_chunk(session, campaign_id or 0)
    with db.reading() as session:
        assert session.exec(select(func.count(col(Message.id)))).one() == count * SENDERS


@dataclass
class _Receiver:
    """``starts``: when each MAIL FROM came, by its address."""

    port: int = 0
    starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def until_all(self, count: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while len(self.starts) < count:
            assert time.monotonic() < deadline, f"{len(self.starts)} senders began"
            time.sleep(0.1)


class _Dialogue(asyncio.Protocol):
    def __init__(self, receiver: _Receiver) -> None:
        self.receiver, self.rest, self.body = receiver, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        transport.write(b"220 bench ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while True:
            end = b"\r\n.\r\n" if self.body else b"\r\n"
            said, found, rest = self.rest.partition(end)
            if not found:
                return
            self.rest = rest
            self.transport.write(self.answer(said))

    def answer(self, said: bytes) -> bytes:
        verb = said[:4].upper()
        if self.body:
            self.body = False
        elif verb == b"EHLO":
            return b"250-bench\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        elif verb == b"MAIL":
            address = said.partition(b"<")[2].partition(b">")[0].decode()
            self.receiver.starts[address].append(time.monotonic())
        elif verb == b"DATA":
            self.body = True
            return b"354 go\r\n"
        return b"250 ok\r\n"


@contextmanager
def _receiving() -> Iterator[_Receiver]:
    receiver, ready = _Receiver(), threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await loop.create_server(lambda: _Dialogue(receiver), "127.0.0.1", 0, backlog=2000)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()

    def serving() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=serving, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
