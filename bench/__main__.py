"""``make bench``: figures of the real product beside a yardstick in the same run. ``make bench ONLY=send`` runs one."""

import asyncio
import sys

from bench import screen, send, start, upload

BENCHES = {"start": start.run, "upload": upload.run, "screen": screen.run, "send": send.run}


def main(names: list[str]) -> None:
    for name in names or BENCHES:
        print(f"\n== {name}", flush=True)
        asyncio.run(BENCHES[name]())


main(sys.argv[1:])
