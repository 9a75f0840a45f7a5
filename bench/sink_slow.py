"""The same as sink.c for a machine without a C compiler, somewhat slower: ``python sink_slow.py PORT MS``."""

import asyncio
import sys
from time import monotonic_ns

EHLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
mails, first_at, last_at = 0, 0, 0
round_trip = float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.0


class Sink(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.buffer, self.in_body = b"", False
        self.later(lambda: self.say(b"220 sink ESMTP\r\n"))

    def data_received(self, data: bytes) -> None:
        self.later(lambda: self.understand(data))

    def later(self, work) -> None:  # type: ignore[no-untyped-def]
        if round_trip:
            asyncio.get_running_loop().call_later(round_trip, work)
        else:
            work()

    def say(self, text: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(text)

    def understand(self, data: bytes) -> None:
        self.buffer += data
        replies: list[bytes] = []
        while self.buffer:
            mark = b"\r\n.\r\n" if self.in_body else b"\n"
            head, found, rest = self.buffer.partition(mark)
            if not found:
                break
            self.buffer = rest
            replies.append(self.accepted() if self.in_body else self.command(head.strip().upper()))
            if replies[-1].startswith(b"354"):
                self.buffer, self.in_body = b"\r\n" + self.buffer, True  # the first line may be the dot
        self.say(b"".join(replies))
        if replies and replies[-1].startswith(b"221"):
            self.transport.close()

    def accepted(self) -> bytes:
        global mails, last_at
        mails, last_at, self.in_body = mails + 1, monotonic_ns(), False
        return b"250 2.0.0 Ok: queued as 4F1A2B3C4D5E\r\n"

    def command(self, line: bytes) -> bytes:
        global mails, first_at, last_at
        verb, stat = line[:4], b"250 %d %d %d\r\n" % (mails, first_at, last_at)
        if verb == b"MAIL":
            first_at = first_at or monotonic_ns()
        if verb == b"ZERO":
            mails = first_at = last_at = 0
        other = {b"DATA": b"354 Go on\r\n", b"EHLO": EHLO, b"QUIT": b"221 2.0.0 Bye\r\n", b"STAT": stat, b"ZERO": stat}
        return other.get(verb, b"250 2.0.0 Ok\r\n")


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
