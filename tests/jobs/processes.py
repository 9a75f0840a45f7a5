"""Workers of our own in processes that can be killed, forked from one that has everything imported: quick to start."""

import gc
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess

from sqlalchemy import update
from sqlmodel import col

import huey_worker
from core import config, db, live, migrate
from core.delivery import failpoints, lease
from core.models import Sender
from jobs import broker, runner
from tests.conftest import Stack

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__, "uvloop", "tests.preloaded"])


@contextmanager
def worker(stack: Stack, failpoint: str = "", prepare: Callable[[], None] | None = None) -> Iterator[BaseProcess]:
    """A worker on ``stack``: embedded on SQLite, a worker process on PostgreSQL. ``prepare`` is run in it first."""
    process = _forks.Process(target=_run, args=(stack.env, failpoint, prepare))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(10)


def ends(process: BaseProcess, seconds: float = 30) -> int | None:
    """Its exit code, negative for a signal."""
    process.join(seconds)
    return process.exitcode


def lapse() -> None:
    """As if the time of all leases had passed."""
    with db.session() as session:
        past = db.now(session) - timedelta(seconds=1)
        session.execute(update(Sender).where(col(Sender.owner) != "").values(lease_until=past))


def quick() -> None:
    """A short lease and a quick tick, so that the tests need not wait for half a minute."""
    db.STALE_SECONDS = 2
    lease.LEASE = timedelta(seconds=2)
    broker.Tick.periodic_task_seconds = 1


def _run(env: dict[str, str], failpoint: str, prepare: Callable[[], None] | None) -> None:
    gc.freeze()  # what all share stays shared
    os.environ.update(env)
    time.tzset()
    config.use(config.load(env))
    quick()
    failpoints.arm(failpoint)
    if prepare is not None:
        prepare()
    if config.settings.redis_url:
        huey_worker.main()
        return
    logging.basicConfig(level=logging.INFO)
    migrate.upgrade()
    live.start()
    runner.start_embedded()
    threading.Event().wait()
