"""The other programs that ours is measured beside. Each is None where the machine does not have it, with a note."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench import mails, report
from bench.sink import Sink

TOOLS = Path(__file__).parents[1] / "build" / "bench"  # what ``make bench`` fetched
POSTFIX = TOOLS / "postfix"
SCRIPT = Path(__file__).with_name("nodemailer.js")


@dataclass(frozen=True)
class Pace:
    """Mails per second as the sink saw them, and CPU (user + system) of the sender per mail in µs."""

    rate: float
    cpu: float


def smtp_source(sink: Sink, count: int, connections: int, size: int) -> Pace | None:
    """Postfix's smtp-source in C, without a database: ``count`` mails of ``size`` bytes, connections reused."""
    if (program := _smtp_source()) is None:
        report.note(
            "smtp-source is missing: make bench unpacks it from Debian's postfix, for which it needs apt-get and root."
        )
        return None
    length = str(size)
    command = [program, "-d", "-s", str(connections), "-m", str(count), "-l", length, f"127.0.0.1:{sink.port}"]
    return _pace(sink, count, lambda: subprocess.run(command, check=True, env=_environment()))


def nodemailer(sink: Sink, count: int, template_size: int) -> Pace | None:
    """nodemailer's pool of 5 connections, without a database: ``count`` mails with the same fields and links."""
    if not shutil.which("node") or not (TOOLS / "node_modules" / "nodemailer").is_dir():
        report.note("nodemailer is missing: make bench fetches it with npm (apt-get install nodejs npm).")
        return None
    command = ["node", str(SCRIPT), str(sink.port), str(count)]
    env = {**os.environ, "NODE_PATH": str(TOOLS / "node_modules")}
    mail = mails.as_json(template_size).encode()
    return _pace(sink, count, lambda: subprocess.run(command, input=mail, check=True, env=env))


def _pace(sink: Sink, count: int, send: Callable[[], object]) -> Pace:
    sink.seen(forget=True)
    before = _children()
    send()
    used, seen = _children() - before, sink.seen()
    assert seen.mails == count, seen
    return Pace(seen.rate, used / count * 1e6)


def _children() -> float:
    """Seconds of CPU of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@cache
def _smtp_source() -> str | None:
    """The path of one that runs: an installed one, else the unpacked one."""
    for path in (shutil.which("smtp-source", path=os.environ.get("PATH", "") + ":/usr/sbin"), _unpacked()):
        if path and "usage" in subprocess.run([path], capture_output=True, text=True, env=_environment()).stderr:
            return path
    return None


def _unpacked() -> str | None:
    path = POSTFIX / "usr" / "sbin" / "smtp-source"
    return str(path) if path.exists() else None


def _environment() -> dict[str, str]:
    """The unpacked program finds its libraries beside it."""
    found = [POSTFIX / "usr" / "lib" / "postfix", *POSTFIX.glob("usr/lib/*-linux-gnu*")]
    return (
        {**os.environ, "LD_LIBRARY_PATH": ":".join(str(folder) for folder in found)} if _unpacked() else {**os.environ}
    )
