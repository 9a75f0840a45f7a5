"""``make bench``: figures of the real product beside a yardstick in the same run.

``make bench ONLY=send`` runs those whose name begins so.
"""

import asyncio
import sys

from bench import report, screen, send, start, upload

BENCHES = {
    "start": start.run,
    "upload": upload.run,
    "screen": screen.run,
    "send-sqlite": send.sqlite,
    "send-postgres": send.postgres,
}


def main(only: list[str]) -> None:
    for name, run in BENCHES.items():
        if not only or name.startswith(tuple(only)):
            print(f"\n== {name}", flush=True)
            asyncio.run(run())
    report.summary()


main(sys.argv[1:])
