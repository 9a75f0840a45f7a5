"""Mail servers that misbehave: the ledger says what happened, nothing goes twice, other senders keep their pace."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from core.delivery.smtp import Dropped, Server, Timeouts, connect, envelope
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.certificates import certificate, server_context, trust
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver

PEOPLE = world.people(12)
SHORT = Timeouts(connect=1, banner=0.6, tls=0.6, command=0.6, data=0.6, block=0.6, dot=0.6, quit=0.2)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.courier.Server", partial(Server, timeouts=SHORT))


# Servers of our own, all at once, beside a good one

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Bad:
    """How it talks, and what must become of five mails. ``doubtful``: unknown, of which it may have taken some."""

    talk: Talk
    states: set[str]
    security: str = "none"
    taken: list[str] = field(default_factory=list)
    port: int = 0


async def wait_for_ever(*_: Any) -> None:
    await asyncio.sleep(3600)


def says(data: bytes, again: float | None = None, then: Talk | None = None) -> Talk:
    """Write ``data``, again and again every so many seconds."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        while again is not None:
            await asyncio.sleep(again)
            writer.write(data)
            await writer.drain()
        await writer.drain()
        await (then or wait_for_ever)(reader, writer)

    return talk


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    handle = writer.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await writer.drain()
    writer.transport.abort()


async def closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    writer.close()


def smtp(taken: list[str], **answers: bytes | Talk) -> Talk:
    """A plain server; ``answers`` by ehlo, starttls, mail, rcpt, data, dot, rset replace its own."""
    replies: dict[str, bytes | Talk] = {
        "connect": b"220 bad.test ESMTP\r\n",
        "ehlo": b"250-bad.test\r\n250 SIZE 0\r\n",
        "mail": b"250 ok\r\n",
        "rcpt": b"250 ok\r\n",
        "data": b"354 go\r\n",
        "dot": b"250 ok\r\n",
        "rset": b"250 ok\r\n",
        "quit": b"221 bye\r\n",
        **answers,
    }

    async def answer(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = replies.get(name, b"500 what?\r\n")
        await (says(reply, then=done) if isinstance(reply, bytes) else reply)(reader, writer)

    async def done(*_: Any) -> None:
        pass

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer("connect", reader, writer)
        recipient = ""
        while line := await reader.readline():
            verb = line.decode("latin-1").strip().lower().split(" ")[0]
            if verb == "rcpt":
                recipient = line.decode().partition("<")[2].partition(">")[0]
            if verb == "data" and replies["data"] == b"354 go\r\n":
                await answer("data", reader, writer)
                while (line := await reader.readline()) not in (b".\r\n", b""):
                    pass
                if line:
                    taken.append(recipient)
                    await answer("dot", reader, writer)
            else:
                await answer(verb, reader, writer)

    return talk


def bad_servers(expired: ssl.SSLContext) -> dict[str, Bad]:
    """Name -> server. What is pending was surely not sent; what is unknown may have been."""
    made: dict[str, Bad] = {}

    def add(name: str, states: set[str], talk: Talk | None = None, security: str = "none", **answers: Any) -> None:
        taken: list[str] = []
        made[name] = Bad(talk or smtp(taken, **answers), states, security, taken)

    waits = {"pending"}
    add("says nothing", waits, wait_for_ever)
    add("one byte at a time", waits, says(b"2", again=0.02))
    add("a greeting without end", waits, says(b"220-more\r\n" * 500, again=0.001))
    add("a line of 100 KB", waits, says(b"220 " + b"x" * 100_000 + b"\r\n"))
    add("garbage", waits, says(bytes(range(256)) * 40))
    add("hangs up at once", waits, closes)
    add("resets at once", waits, resets)
    add("421 to EHLO", waits, ehlo=b"421 4.3.2 closing\r\n")
    add("an EHLO reply without end", waits, ehlo=says(b"250-x\r\n" * 500, again=0.001))
    add("does not answer MAIL", waits, mail=wait_for_ever)
    add("does not answer DATA", waits, data=wait_for_ever)
    add("drops at DATA", waits, data=closes)
    add("421 at RCPT", waits, rcpt=says(b"421 4.3.2 closing\r\n", then=closes))
    add("STARTTLS is not offered", waits, security="starttls")
    stall = {"ehlo": b"250-bad.test\r\n250 STARTTLS\r\n"}
    add("TLS stalls", waits, security="starttls", starttls=says(b"220 go\r\n"), **stall)
    add("TLS is refused", waits, security="starttls", starttls=b"454 4.7.0 not now\r\n", **stall)
    add("TLS stalls from the start", waits, wait_for_ever, security="tls")
    add("a certificate that expired", waits, security="starttls", starttls=encrypts(expired), **stall)
    add("does not answer the dot", {"unknown", "pending"}, dot=wait_for_ever)
    add("drops after the dot", {"unknown", "pending"}, dot=closes)
    add("garbage after the dot", {"unknown", "pending"}, dot=b"\xff\xfe\x00\r\n")
    add("resets after the dot", {"unknown", "pending"}, dot=resets)
    add("250, then a reset", {"sent"}, dot=says(b"250 ok\r\n", then=resets))
    add("a reply of many lines", {"sent"}, dot=b"250-one\r\n" * 300 + b"250 two\r\n")
    add("NUL and odd bytes in the reply", {"sent"}, dot=b"250 \x00\xff ok\r\n")
    add("a code without words", {"sent"}, dot=b"250\r\n")
    add("a mail too big", {"pending", "failed"}, ehlo=b"250-bad.test\r\n250 SIZE 100\r\n")
    add("250 to everything, 354 never", {"pending", "failed"}, data=b"250 ok\r\n")
    return made


def encrypts(context: ssl.SSLContext) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 go\r\n")
        await writer.drain()
        await writer.start_tls(context)

    return talk


class Listening:
    """All of ``servers`` in a thread."""

    def __init__(self, servers: dict[str, Bad]) -> None:
        self._servers = servers
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop, tasks = asyncio.Event(), set[asyncio.Task[None]]()

        def guarded(talk: Talk) -> Talk:
            async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                tasks.add(task)
                try:
                    await talk(reader, writer)
                except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
                    pass
                finally:
                    writer.transport.abort()
                    tasks.discard(task)

            return run

        listening = []
        for bad in self._servers.values():
            server = await asyncio.start_server(guarded(bad.talk), "127.0.0.1", 0)
            bad.port = server.sockets[0].getsockname()[1]
            listening.append(server)
        self._ready.set()
        await self._stop.wait()
        for server in listening:
            server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(5):
            await asyncio.sleep(0)


def memory() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_servers_that_misbehave_cost_nobody_else_anything(
    sqlite_stack: Stack, short: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(certificate(tmp_path, 10), monkeypatch)
    servers = bad_servers(server_context(certificate(tmp_path, -1)))
    people = world.people(250, "good.example")
    with Listening(servers), Receiver() as receiver, world.engine() as engine:
        user_id = world.add_user()
        good = world.add_sender(user_id, receiver.port, per_minute=6_000)
        kept = world.add_campaign(user_id, good, people)
        made = {}
        for number, (name, bad) in enumerate(servers.items()):
            sender_id = world.add_sender(user_id, bad.port, security=bad.security)
            made[name] = sender_id, world.add_campaign(user_id, sender_id, world.people(5, f"n{number}.example"))
        before = memory()
        world.dispatch(engine)
        world.until(lambda: world.campaign(kept).status == "sent", 20)
        world.until(lambda: all(world.over(*ids) for ids in made.values()), 30, poke=lambda: world.dispatch(engine))
        grown = memory() - before
    for name, (sender_id, campaign_id) in made.items():
        states, bad = world.states(campaign_id), servers[name]
        assert set(states) <= bad.states, f"{name}: {states}, {world.sender(sender_id).state_reply}"
        assert states.get("sent", 0) in (0, 5), f"{name}: {states}"
        assert len(bad.taken) == len(set(bad.taken)), f"{name}: twice: {bad.taken}"
        assert len(bad.taken) <= states.get("sent", 0) + states.get("unknown", 0), f"{name}: {states} {bad.taken}"
    assert assert_kept(receiver, {kept: people}, unknown=0) == {"sent": 250}
    took = receiver.starts[-1] - receiver.starts[0]
    assert took < 3 * 250 * 1.03 * 60 / 6_000, f"the good sender needed {took:.2f} s"
    assert grown < 40e6, f"{grown / 1e6:.0f} MB more"


def test_the_program_stops_at_once_though_a_server_does_not_greet(sqlite_stack: Stack) -> None:
    silent = {"silent": Bad(wait_for_ever, set())}
    with Listening(silent):
        sender_id = world.add_sender(world.add_user(), silent["silent"].port)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, PEOPLE)
        with world.engine() as engine:
            world.dispatch(engine)
            world.until(lambda: world.states(campaign_id).get("claimed", 0) > 0)
            began = monotonic()
        assert monotonic() - began < 3
    assert world.states(campaign_id) == {"pending": 12}
    assert (world.sender(sender_id).owner, world.sender(sender_id).state) == ("", "ready")


async def test_a_server_that_stops_reading_in_the_middle_of_a_large_mail_is_left() -> None:
    stops = {"stops": Bad(smtp([], data=says(b"354 go\r\n")), set())}
    with Listening(stops):
        connection = await connect(Server("127.0.0.1", stops["stops"].port, "none", timeouts=SHORT))
        mail = envelope(connection, "news@example.com", PEOPLE[0], 40_000_000)
        assert await connection.offered(mail) is None
        connection.write(bytes(40_000_000))
        with pytest.raises(Dropped, match="did not answer in time"):
            await connection.drained(connection.timeouts.block)
    assert connection.lost


def test_with_one_in_seven_refused_a_strict_server_takes_the_others_on_the_same_connections(stack: Stack) -> None:
    people = world.people(700)
    refused = {email for number, email in enumerate(people) if number % 7 == 3}

    def script(phase: str, recipient: str) -> str | None:
        return "550 5.1.1 User unknown in virtual mailbox table" if phase == "rcpt" and recipient in refused else None

    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(world.add_user(), receiver.port, connections=3)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.over(sender_id, campaign_id), 40)
    assert assert_kept(receiver, {campaign_id: people}, unknown=0) == {"sent": 600, "failed": 100}
    assert {email for email, state in world.by_address(campaign_id).items() if state == "failed"} == refused
    assert receiver.connection_count == 3
