"""The mail server that benchmarks send to: sink.c where there is a C compiler, else its slow twin in Python."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench import report
from tests.e2e.product import free_port

FOLDER = Path(__file__).parent
BUILT = FOLDER.parent / "build" / "bench" / "sink"


@dataclass(frozen=True)
class Seen:
    """What the sink saw: mails, and the seconds from the first one's MAIL FROM to the reply to the last one."""

    mails: int
    seconds: float
    last_at: float  # of time.monotonic()

    @property
    def rate(self) -> float:
        return self.mails / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Sink:
    port: int

    def seen(self, *, forget: bool = False) -> Seen:
        """What it saw since it was last told to ``forget``."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as line, line.makefile("rb") as replies:
            replies.readline()
            line.sendall(b"ZERO\r\n" if forget else b"STAT\r\n")
            _, mails, first, last = replies.readline().split()
        return Seen(int(mails), (int(last) - int(first)) / 1e9, int(last) / 1e9)


@contextmanager
def running(round_trip_ms: float = 0) -> Iterator[Sink]:
    port = free_port()
    process = subprocess.Popen([*_program(), str(port), str(round_trip_ms)])
    while not _answers(port):
        assert process.poll() is None, "the sink did not start"
        time.sleep(0.01)
    try:
        yield Sink(port)
    finally:
        process.terminate()
        process.wait()


@cache
def _program() -> list[str]:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler:
        BUILT.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", str(BUILT), str(FOLDER / "sink.c")], check=True)
        return [str(BUILT)]
    report.note("No C compiler: the sink is the slow one in Python, which may limit the sender (apt-get install gcc).")
    return [sys.executable, str(FOLDER / "sink_slow.py")]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
