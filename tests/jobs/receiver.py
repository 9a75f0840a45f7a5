"""A scripted SMTP server on 127.0.0.1: the judge of what was really received."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

# (phase, recipient) -> a reply, "drop" (close now), or None: say yes.
# Phases: connect, ehlo, auth, mail, rcpt, data, body (an answer before its end), dot.
Script = Callable[[str, str], str | None]


def every(count: int, work: Callable[[], object], most: int = 1_000) -> Script:
    """Says yes, and does ``work`` at every so manieth dot."""
    dots = 0

    def script(phase: str, recipient: str) -> str | None:
        nonlocal dots
        if phase == "dot":
            dots += 1
            if dots % count == 0 and dots // count <= most:
                work()
        return None

    return script


class Once:
    """A script that gives each of these answers once: (phase, recipient) -> reply."""

    def __init__(self, answers: dict[tuple[str, str], str]) -> None:
        self.answers = dict(answers)

    def __call__(self, phase: str, recipient: str) -> str | None:
        return self.answers.pop((phase, recipient), None)


@dataclass
class Receiver:
    """``accepted``: recipients in order of the dot; ``starts``: when each MAIL FROM was read, and ``since`` when it may
    have come; ``commands``: all of them."""

    script: Script = lambda phase, recipient: None
    pipelining: bool = True
    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    password: str = ""
    more: tuple[str, ...] = ()  # further extensions to offer
    size: int = 1_000_000
    idle: float = 3600  # seconds without a command, then it hangs up
    slow: float = 0  # seconds until it greets
    inject: bytes = b""  # sent in clear behind the 220 to STARTTLS
    accepted: list[str] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    since: list[float] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connection_count: int = 0
    open_count: int = 0
    most_open: int = 0
    port: int = 0

    def __enter__(self) -> "Receiver":
        self._loop = asyncio.new_event_loop()
        self._changed = threading.Condition()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    @property
    def twice(self) -> list[str]:
        """Recipients that got more than one mail."""
        return [recipient for recipient, count in Counter(self.accepted).items() if count > 1]

    def wait(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Until ``condition`` holds; it is looked at after everything that happens here."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds), f"after {seconds} s: {len(self.accepted)} accepted"

    def most_within(self, seconds: float, first: int = 0) -> int:
        """The largest number of mails from the ``first`` on that surely came within such a time: beside other tests
        this thread itself reads one now and then late."""
        pairs = list(zip(self.starts, self.since, strict=True))[first:]
        return max(sum(at - since < seconds for _, since in pairs[: place + 1]) for place, (at, _) in enumerate(pairs))

    def hang_up(self) -> None:
        """Drop all connections that stand now."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])

    def _run(self, ready: threading.Event) -> None:
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self._looked = (monotonic(),) * 2
        looking = asyncio.create_task(self._look())
        ready.set()
        await self._stop.wait()
        server.close()
        looking.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(5):  # let the transports close
            await asyncio.sleep(0)

    async def _look(self) -> None:
        """What is read now came after the look before the last: the last one may have been in the same turn."""
        while True:
            self._looked = self._looked[1], monotonic()
            await asyncio.sleep(0.02)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connection_count += 1
        self.open_count += 1
        self.most_open = max(self.most_open, self.open_count)
        try:
            await _Dialogue(self, reader, writer).run()
        except (
            ConnectionError,
            asyncio.IncompleteReadError,
            ssl.SSLError,
            _Over,
            asyncio.CancelledError,
            TimeoutError,
        ):
            pass
        finally:
            self.open_count -= 1
            self._tasks.discard(task)
            writer.transport.abort()
            self.happened()

    def happened(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Over(Exception):
    pass


class _Dialogue:
    def __init__(self, receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.receiver, self.reader, self.writer = receiver, reader, writer
        self.recipient, self.mail = "", False

    async def say(self, phase: str, default: str) -> bool:
        """Answer by the script; whether it was the default."""
        answer = self.receiver.script(phase, self.recipient)
        if answer == "drop":
            self.writer.transport.abort()
            raise _Over
        self.writer.write(((answer or default) + "\r\n").encode())
        if answer is not None and answer.startswith("421"):
            await self.writer.drain()
            self.writer.close()
            raise _Over
        return answer is None

    async def run(self) -> None:
        await asyncio.sleep(self.receiver.slow)
        await self.say("connect", "220 receiver.test ESMTP")
        while line := await asyncio.wait_for(self.reader.readline(), self.receiver.idle):
            text = line.decode("utf-8", "replace").strip()
            self.receiver.commands.append(text)
            verb = text.upper().split(":")[0].split(" ")[0]
            handler = getattr(self, "do_" + verb.lower(), None)
            if handler is None:
                self.writer.write(b"500 5.5.2 what?\r\n")
            else:
                await handler(text)
            self.receiver.happened()

    async def do_ehlo(self, text: str) -> None:
        lines = ["receiver.test", f"SIZE {self.receiver.size}", "8BITMIME", *self.receiver.more]
        lines += ["PIPELINING"] if self.receiver.pipelining else []
        lines += ["STARTTLS"] if self.receiver.starttls else []
        lines += ["AUTH PLAIN LOGIN"] if self.receiver.password else []
        text = "\r\n".join(f"250-{line}" for line in lines[:-1]) + f"\r\n250 {lines[-1]}"
        await self.say("ehlo", text)

    async def do_helo(self, text: str) -> None:
        self.writer.write(b"250 receiver.test\r\n")

    async def do_starttls(self, text: str) -> None:
        assert self.receiver.starttls is not None
        self.writer.write(b"220 go\r\n" + self.receiver.inject)
        await self.writer.drain()
        await self.writer.start_tls(self.receiver.starttls)
        self.receiver.commands.append("(encrypted)")

    async def do_auth(self, text: str) -> None:
        await self.say("auth", "235 2.7.0 welcome")

    async def do_mail(self, text: str) -> None:
        self.receiver.starts.append(monotonic())
        self.receiver.since.append(self.receiver._looked[0])
        if self.mail:
            self.writer.write(b"503 5.5.1 nested MAIL\r\n")
            return
        self.mail = await self.say("mail", "250 2.1.0 ok")
        self.recipient = ""

    async def do_rcpt(self, text: str) -> None:
        self.recipient = text[text.index("<") + 1 : text.index(">")] if self.mail else ""
        if not self.mail:
            self.recipient = ""
            self.writer.write(b"503 5.5.1 MAIL first\r\n")
        elif not await self.say("rcpt", "250 2.1.5 ok"):
            self.recipient = ""

    async def do_data(self, text: str) -> None:
        if not self.recipient:
            self.writer.write(b"503 5.5.1 RCPT first\r\n")
            return
        if not await self.say("data", "354 go"):
            return
        if (early := self.receiver.script("body", self.recipient)) is not None:
            self.writer.write((early + "\r\n").encode())
            await self.writer.drain()
            self.writer.write_eof()
            while await self.reader.read(65_536):
                pass  # what is left unread when a connection is closed resets it, and the answer may get lost
            raise _Over
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise _Over
            lines.append(line)
        self.mail = False
        answer = self.receiver.script("dot", self.recipient)
        if answer is None or answer in ("drop", "silence"):
            self.receiver.accepted.append(self.recipient)
            self.receiver.bodies[self.recipient] = b"".join(lines)
            self.receiver.happened()
        if answer == "silence":
            await asyncio.sleep(3600)
        if answer == "drop":
            self.writer.transport.abort()
            raise _Over
        self.writer.write(((answer or "250 2.0.0 ok") + "\r\n").encode())

    async def do_rset(self, text: str) -> None:
        self.mail = False
        self.writer.write(b"250 2.0.0 ok\r\n")

    async def do_quit(self, text: str) -> None:
        self.writer.write(b"221 2.0.0 bye\r\n")
        await self.writer.drain()
        self.writer.close()
        raise _Over
