"""``make profile``: what the engine, the writer and the claims do while 20,000 mails of 3 KB are sent, in µs per mail.

In this process, to the sink. Words: ``postgres`` (else SQLite); ``cpu`` counts CPU (by a slow clock: all looks
dearer) instead of the time that passes, in which a call that lets the GIL go waits until it has it again.
"""

import cProfile
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import mails, sink, stand
from core import campaigns, db, live
from jobs import runner
from jobs.beside import Beside
from jobs.engine import Engine
from jobs.writer import Writer

MAILS = int(os.environ.get("BENCH_MAILS", "20000"))
LINES = 40


def main(words: list[str]) -> None:
    timer = time.thread_time if "cpu" in words else time.perf_counter
    profiles = {
        "engine": _profiled(Engine, timer),
        "writer": _profiled(Writer, timer),
        "claims": _profiled(Beside, timer),
    }
    opening = stand.postgres if "postgres" in words else stand.sqlite
    with tempfile.TemporaryDirectory() as folder, opening(Path(folder)) as place, sink.running() as server:
        list_id = stand.people(place, MAILS)
        sender_id = stand.sender(place, server.port, 16)
        campaign_id = stand.ready(place, sender_id, list_id, mails.SIZES["3 KB"])
        stand.tidy()
        live.start()
        runner.start_embedded()
        with db.session() as session:
            campaigns.resume(session, place.user_id, campaign_id)
        live.wake()
        while server.seen().mails < MAILS:
            time.sleep(0.2)
        runner.stop_embedded()
        rate = server.seen().rate
    print(f"{place.name}: {rate:,.0f} mails/s under the profiler")
    for name, profile in profiles.items():
        _show(name, profile)


def _profiled(kind: Any, timer: Callable[[], float]) -> cProfile.Profile:
    """Profiles the thread of the next object of ``kind``."""
    profile, run = cProfile.Profile(timer), kind._run
    kind._run = lambda self: profile.runcall(run, self)
    return profile


def _show(name: str, profile: cProfile.Profile) -> None:
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    print(f"\n{name}: own µs a mail, with what it calls, calls a mail")
    for where, (_, calls, own, whole, _) in sorted(stats.items(), key=lambda item: -item[1][2])[:LINES]:
        path, line, function = where
        place = f"{'/'.join(Path(path).parts[-2:])}:{line} {function}" if line else function
        print(f"{own / MAILS * 1e6:9.2f} {whole / MAILS * 1e6:9.2f} {calls / MAILS:7.2f}  {place}")


main(sys.argv[1:])
