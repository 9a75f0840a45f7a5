"""NiceGUI's bare page: one label, as ui.run() serves it. Told "USER", it counts on all tabs of that user by itself."""

import sys
import threading
import time
from collections import defaultdict

from nicegui import core, ui

labels: dict[int, list[ui.label]] = defaultdict(list)
counts: dict[int, int] = defaultdict(int)


@ui.page("/{user}")
def page(user: int) -> None:
    labels[user].append(ui.label(f"{counts[user]:,}"))


def listen() -> None:
    for line in sys.stdin:
        user = int(line)
        counts[user] += 1
        at = time.time()
        assert core.loop is not None
        core.loop.call_soon_threadsafe(change, user)
        print("changed", counts[user], at, flush=True)


def change(user: int) -> None:
    for label in labels[user]:
        label.set_text(f"{counts[user]:,}")


if __name__ == "__main__":
    threading.Thread(target=listen, daemon=True).start()
    ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False)
