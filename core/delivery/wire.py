"""The line to a mail server: replies in the order they come, deadlines, caps. No meaning."""

import asyncio
import functools
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

LINE_BYTES = 8_192  # RFC 5321 allows 512; some servers tell more
REPLY_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """``text``: all lines without their codes, joined by spaces in ``str``-safe characters."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.lines)


class Dropped(Exception):
    """The connection is gone; ``str(error)`` says how. What was not answered was not accepted for sure."""


class Wire(asyncio.Protocol):
    """One connection. One reader at a time; a reader past its deadline loses the connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._lines: list[str] = []
        self._size = 0
        self.ready: deque[Reply] = deque()  # replies that came and that nobody read yet
        self._reader: asyncio.Future[None] | None = None
        self._listener: Callable[[], None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._full = False
        self._deadline = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._lost: str | None = None
        self._deaf = False  # between STARTTLS and TLS

    # What the owner of the connection uses.

    @property
    def lost(self) -> bool:
        return self._lost is not None

    @property
    def encrypted(self) -> bool:
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is not None

    @property
    def own_address(self) -> str:
        """This machine's address on the line."""
        assert self._transport is not None
        return str((self._transport.get_extra_info("sockname") or ("127.0.0.1",))[0])

    def time(self) -> float:
        """Seconds on the loop's clock."""
        return self._loop.time()

    def write(self, data: bytes) -> None:
        """Hand bytes to the line. Raises Dropped when it is known to be gone: then nothing of them went out."""
        if self._lost is not None or self._transport is None or self._transport.is_closing():
            raise Dropped(self._lost or "The connection is closed.")
        self._transport.write(data)

    async def drained(self, seconds: float) -> None:
        """Wait until everything written is with the operating system. Raises Dropped."""
        if not self._full:
            return
        self._expect(seconds)
        self._drain = self._loop.create_future()
        try:
            await self._drain
        finally:
            self._drain = None
            self._deadline = 0.0

    async def read(self, seconds: float) -> Reply:
        """The next reply, whole, within ``seconds`` however slowly it trickles in. Raises Dropped."""
        if not self.ready:
            if self._lost is not None:
                raise Dropped(self._lost)
            self._expect(seconds)
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
                self._deadline = 0.0
        return self.ready.popleft()

    def unasked(self) -> Reply | None:
        """A reply that nobody waits for: a refusal before its time, or a server that is out of step."""
        return self.ready.popleft() if self.ready else None

    def listen(self, call: Callable[[], None] | None) -> None:
        """From now on ``call`` hears of every reply and of the end of the line, in place of a reader; None: no more."""
        self._listener = call
        self._deadline = 0.0

    def expect(self, seconds: float) -> None:
        """A reply is due within ``seconds``, else the line is dropped; 0: nothing is due."""
        if seconds:
            self._expect(seconds)
        else:
            self._deadline = 0.0

    def deaf(self) -> None:
        """From the next reply on drop whatever comes in before TLS: it may be an attacker's (CVE-2011-0411)."""
        self._deaf = True

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Encrypt the line. Raises Dropped, ssl.SSLError."""
        if self._lost is not None or self._transport is None:
            raise Dropped(self._lost or "The connection is closed.")
        started = await self._loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=seconds
        )
        if started is None:
            raise Dropped("The connection was lost while TLS began.")
        started.set_write_buffer_limits(high=1, low=0)
        self._transport = started
        self._buffer, self._lines, self._deaf = b"", [], False
        self.ready.clear()

    def abort(self, why: str = "The connection was dropped.") -> None:
        """Drop the line at once, unsent bytes too."""
        self._fail(why)
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End the line after what was written."""
        self._fail("The connection is closed.")
        if self._transport is not None:
            self._transport.close()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not of that class
        # So that ``drained`` means drained. Not high=0: the TLS transport would pause an empty buffer for ever.
        self._transport.set_write_buffer_limits(high=1, low=0)

    def data_received(self, data: bytes) -> None:
        if self._deaf and self.ready:
            return
        buffer = self._buffer + data if self._buffer else data
        start = 0
        while (end := buffer.find(b"\n", start)) >= 0:
            raw = buffer[start:end]
            if not self._lines and len(raw) < 200 and (reply := _one_line(raw)) is not None:
                self.ready.append(reply)
                self._size = 0
            elif not self._line(raw):
                return
            start = end + 1
            if self._deaf and self.ready:
                start = len(buffer)
        self._buffer = buffer[start:]
        if len(self._buffer) > LINE_BYTES:
            self.abort("The server sent a line without end.")
        elif self.ready:
            if self._listener is not None:
                self._listener()
            elif self._reader is not None and not self._reader.done():
                self._reader.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"The connection was lost: {error}" if error else "The server closed the connection.")

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)

    def _line(self, raw: bytes) -> bool:
        """Take one line in; False: the line is dropped."""
        self._size += len(raw)
        if len(raw) > LINE_BYTES or self._size > REPLY_BYTES:
            self.abort("The server sent a reply without end.")
            return False
        raw = raw.rstrip(b"\r")
        if len(raw) < 3 or not raw[:3].isdigit() or raw[3:4] not in (b"", b" ", b"-"):
            self.abort("The server does not speak SMTP.")
            return False
        self._lines.append(raw[4:].decode("utf-8", "replace").replace("\0", "\ufffd").strip())
        if raw[3:4] != b"-":
            self.ready.append(Reply(int(raw[:3]), tuple(self._lines)))
            self._lines, self._size = [], 0
        return True

    def _fail(self, why: str) -> None:
        if self._lost is None:
            self._lost = why
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for waiting in (self._reader, self._drain):
            if waiting is not None and not waiting.done():
                # Replies that came before the end are still read.
                if waiting is self._reader and self.ready:
                    waiting.set_result(None)
                else:
                    waiting.set_exception(Dropped(self._lost))
        if self._listener is not None:
            self._listener()

    def _expect(self, seconds: float) -> None:
        # One timer per connection that looks again, instead of one per command: cancelling timers costs more.
        self._deadline = self._loop.time() + seconds
        if self._watch is None or self._watch.when() > self._deadline:
            if self._watch is not None:
                self._watch.cancel()
            self._watch = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._deadline:
            return
        if self._loop.time() >= self._deadline:
            self.abort("The server did not answer in time.")
        else:
            self._watch = self._loop.call_at(self._deadline, self._look)


@functools.lru_cache(maxsize=512)
def _one_line(raw: bytes) -> Reply | None:
    """A whole reply in one line; servers say the same few to every mail."""
    if raw[3:4] != b" " or not raw[:3].isdigit():
        return None
    return Reply(int(raw[:3]), (raw[4:].decode("utf-8", "replace").replace("\0", "\ufffd").strip(),))
