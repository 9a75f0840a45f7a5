"""``make bench``: figures of the real product beside a yardstick in the same run.

``make bench ONLY=send`` runs those whose name begins so.
"""

import asyncio
import os
import sys
import traceback
from time import monotonic

from bench import claim, memory, pace, report, roundtrip, send, start, ui, upload, web, workers

BENCHES = {
    "start": start.run,
    "upload": upload.run,
    "send-sqlite": send.sqlite,
    "send-postgres": send.postgres,
    "roundtrip": roundtrip.run,
    "workers": workers.run,
    "claim": claim.run,
    "memory": memory.run,
    "web": web.run,
    "pace": pace.run,
    "ui-pages": ui.pages,
    "ui-idle": ui.idle,
    "ui-live": ui.live,
}


PROCESSORS = 2  # what the targets are for


def main(only: list[str]) -> None:
    began, failed = monotonic(), list[str]()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    if os.getloadavg()[0] > 0.7:
        report.note(f"Other programs kept this machine busy when this began (load {os.getloadavg()[0]:.1f}).")
    for name, run in BENCHES.items():
        if not only or name.startswith(tuple(only)):
            print(f"\n== {name}", flush=True)
            try:
                asyncio.run(run())
            except Exception as error:  # the others are still worth their time
                traceback.print_exc()
                failed.append(name)
                report.note(f"{name} FAILED: {type(error).__name__}: {error}")
    report.summary()
    print(f"Took {(monotonic() - began) / 60:.1f} minutes, on {len(os.sched_getaffinity(0))} processors.")
    sys.exit(bool(failed))


main(sys.argv[1:])
