"""Tells pages that campaigns changed: merged, and off the threads that send."""

import threading

from core import live
from core.delivery.tally import Touched

_EVERY = 0.1  # seconds between two hints about the same campaign, at most


class Hints:
    def __init__(self) -> None:
        self._touched: Touched = set()
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._some.set()
        self._thread.join(5)

    def tell(self, touched: Touched) -> None:
        """From any thread, after the commit."""
        with self._lock:
            self._touched |= touched
        self._some.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._some.wait()
            self._publish()
            self._stopping.wait(_EVERY)
        self._publish()

    def _publish(self) -> None:
        with self._lock:
            touched, self._touched = self._touched, set()
            self._some.clear()
        for user_id, campaign_id in sorted(touched):
            live.publish(user_id, "campaign", campaign_id)
