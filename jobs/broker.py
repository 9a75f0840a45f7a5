"""Huey as we use it: a wake-up instead of polling, JSON instead of pickle, a tick of 10 s, no signals of its own."""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from huey import Huey, RedisHuey
from huey.consumer import Consumer, Scheduler
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import MemoryStorage

from core import config, live

TICK_SECONDS = 10


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Pickle would run the code of whoever can write to Redis. Our tasks carry numbers only and no times."""

    def _serialize(self, data: Any) -> bytes:
        if not isinstance(data, Message):
            raise TypeError("only tasks go through the queue")
        return json.dumps([data.id, data.name, list(data.args), data.kwargs]).encode()

    def _deserialize(self, data: bytes) -> Any:
        id, name, args, kwargs = json.loads(data)
        return Message(id, name, None, 0, 0, None, tuple(args), kwargs)


class WakingStorage(MemoryStorage):  # type: ignore[misc]
    """In memory; whoever waits for a task is woken at once instead of looking every so often."""

    blocking = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._some = threading.Condition()

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        with self._some:
            super().enqueue(data, priority)
            self._some.notify()

    def dequeue(self) -> bytes | None:
        with self._some:
            self._some.wait_for(self.queue_size, timeout=0.5)
            data: bytes | None = super().dequeue()
            return data


class Tick(Scheduler):  # type: ignore[misc]
    periodic_task_seconds = TICK_SECONDS


class _RedisAway(logging.Filter):
    """Huey logs a traceback at every look into its queue; that Redis is away is said once."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, redis.RedisError):
            return True
        live.redis_is_away(error)
        return False


_redis_away = _RedisAway()


class QuietConsumer(Consumer):  # type: ignore[misc]
    """Runs in a thread of ours: signals belong to the web server or to ``run_worker``."""

    scheduler_class = Tick

    def __init__(self, huey: Huey, meanwhile: Callable[[], None], **options: Any) -> None:
        super().__init__(huey, **options)
        self._meanwhile = meanwhile
        logging.getLogger("huey").setLevel(logging.WARNING)  # it would log each tick
        for name in ("huey.consumer", "huey.consumer.Worker", "huey.consumer.Scheduler"):
            logging.getLogger(name).addFilter(_redis_away)

    def _set_signal_handlers(self) -> None:
        pass

    def run(self) -> None:
        self.start()
        looked = time.monotonic()
        while not self.stop_flag.wait(0.5):
            self._meanwhile()
            if time.monotonic() - looked >= self._health_check_interval:
                looked = time.monotonic()
                self.check_worker_health()

    def finish(self, seconds: float) -> None:
        """Stop taking tasks; those that run get ``seconds``."""
        self.shutdown_timeout = seconds
        self.stop(graceful=True)


def make_huey() -> Huey:
    """Redis when REDIS_URL is set, else in this process. Results are never kept: nobody reads them."""
    options: dict[str, Any] = {"results": False, "serializer": JsonSerializer(), "utc": True}
    if config.settings.redis_url:
        # read_timeout stays below redis-py's own socket timeout, else a task could be lost between the two.
        return RedisHuey("campaigns", url=config.settings.redis_url, read_timeout=1, **options)
    return Huey("campaigns", storage_class=WakingStorage, **options)
