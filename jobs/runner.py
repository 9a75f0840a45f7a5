"""Starts and stops the worker: in the web process, or as a process of its own."""

import logging
import os
import signal
import threading
from time import monotonic

import redis
from huey import Huey

from core import config, db, live, migrate
from core.delivery import lease
from core.errors import StartError
from jobs import broker, sandbox_inbox
from jobs.bounces import read_mailboxes
from jobs.broker import QuietConsumer, make_huey
from jobs.dispatch import dispatch
from jobs.engine import Engine
from jobs.send import send
from jobs.upkeep import sample, upkeep

log = logging.getLogger(__name__)

_UPKEEP_EVERY = 60.0


class Worker:
    """Huey's consumer, the tasks and the engine of one process."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.huey = make_huey()
        self._upkept = float("-inf")
        self._dispatched = monotonic()
        self._asked: dict[tuple[int, int], float] = {}  # (sender id, epoch): when some worker was asked to take it
        self._dispatch, self._send = self._tasks(self.huey)
        self._consumer = QuietConsumer(self.huey, self._help_itself, workers=3, periodic=True)
        self._thread = threading.Thread(target=self._consumer.run, name="huey", daemon=True)

    def start(self) -> None:
        self.engine.start()
        self._unhear = live.on_wake(self.hint_dispatch)
        self._thread.start()

    def stop(self) -> None:
        """Mails under way end, everything else goes back, then Huey stops."""
        self._unhear()
        self.engine.stop()
        self._consumer.finish(5)
        self._thread.join(10)
        self.huey.storage.close()

    def hint_dispatch(self) -> None:
        """Dispatch soon. A lost hint costs at most one tick."""
        try:
            self._dispatch()
        except redis.RedisError as error:
            live.redis_is_away(error)

    def hint_send(self, sender_id: int) -> None:
        """Some worker should take this sender. Where none did by the next tick, this one: the other may be cut off
        from the database, and yet take what is in the queue."""
        now = monotonic()
        with db.reading() as session:
            key = sender_id, lease.epoch(session, sender_id)
        if now - self._asked.setdefault(key, now) > broker.Tick.periodic_task_seconds / 2:
            self._asked.pop(key, None)
            self.engine.wake(sender_id)
            return
        try:
            self._send(sender_id)
        except redis.RedisError as error:
            live.redis_is_away(error)
            self.engine.wake(sender_id)  # without Redis every worker helps itself

    def _tasks(self, huey: Huey):  # type: ignore[no-untyped-def]
        """Stable names: a task in the queue outlives a new version of the program."""
        dispatch_task = huey.task(name="dispatch")(lambda: self._dispatch_now())
        send_task = huey.task(name="send")(lambda sender_id: send(self.engine, sender_id))
        huey.periodic_task(lambda _: True, name="tick")(lambda: self._dispatch_now())
        huey.periodic_task(lambda _: True, name="sample")(lambda: sample())
        huey.periodic_task(lambda _: True, name="bounces")(lambda: read_mailboxes())
        huey.periodic_task(self._upkeep_is_due, name="upkeep")(lambda: upkeep())
        return dispatch_task, send_task

    def _dispatch_now(self) -> None:
        self._dispatched = now = monotonic()
        lately = now - 3 * broker.Tick.periodic_task_seconds
        self._asked = {key: at for key, at in list(self._asked.items()) if at > lately}
        dispatch(self.hint_send)

    def _help_itself(self) -> None:
        """With the queue away no task comes, not even the tick: the database is the truth, so look there."""
        if monotonic() - self._dispatched > 2 * broker.Tick.periodic_task_seconds:
            log.debug("no tick came through the queue: dispatching without it")
            self._dispatch_now()

    def _upkeep_is_due(self, _: object) -> bool:
        if monotonic() - self._upkept < _UPKEEP_EVERY:
            return False
        self._upkept = monotonic()
        return True


_embedded: Worker | None = None


def start_embedded() -> None:
    """The worker inside the web process; signals stay with the web server."""
    global _embedded
    if _embedded is None:
        _embedded = Worker()
        _embedded.start()


def stop_embedded() -> None:
    """Graceful; at most about 10 s for mails under way."""
    global _embedded
    if _embedded is not None:
        _embedded.stop()
        _embedded = None


def run_worker() -> None:
    """A worker process: until SIGTERM or SIGINT, then graceful; a second one ends it at once. Raises StartError."""
    if not config.settings.redis_url:
        raise StartError("A worker needs REDIS_URL: without Redis the web would not hear what it sends.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    stopping = threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    migrate.upgrade()  # may wait: until it is done a signal ends the process at once
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    live.start()
    sandbox_inbox.start()
    worker = Worker()
    worker.start()
    log.info("worker %s runs on %s", worker.engine.owner, "PostgreSQL" if not db.is_sqlite() else "SQLite")
    stopping.wait()
    log.info("worker %s stops", worker.engine.owner)
    worker.stop()
    sandbox_inbox.stop()
    live.stop()
    db.close()
    log.info("worker stopped")
