"""Hints: "something of this user changed" and "there may be work". No data; each may be lost, doubled or late."""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from core import config

log = logging.getLogger(__name__)

_HINTS, _WAKES = "campaigns:hints", "campaigns:wakes"


@dataclass(frozen=True)
class Hint:
    """``topic``: campaign, sender, audience, sandbox, template, image, session, first_steps.

    ``user_id`` None: anything may differ.
    """

    user_id: int | None
    topic: str = ""
    id: int | None = None


_hint_listeners: list[Callable[[Hint], None]] = []
_wake_listeners: list[Callable[[], None]] = []
_client: "redis.Redis | None" = None
_stop = threading.Event()
_thread: threading.Thread | None = None
_is_away = False


def subscribe(listener: Callable[[Hint], None]) -> Callable[[], None]:
    """Call ``listener`` with every hint, on any thread, so it must be quick and thread-safe. Returns the undo."""
    _hint_listeners.append(listener)
    return lambda: _hint_listeners.remove(listener)


def on_wake(listener: Callable[[], None]) -> Callable[[], None]:
    """Call ``listener`` on every wake-up, on any thread. Returns the undo."""
    _wake_listeners.append(listener)
    return lambda: _wake_listeners.remove(listener)


def publish(user_id: int | None, topic: str = "", id: int | None = None) -> None:
    """Tell every process that something of ``user_id`` (None: of anybody) changed. After the commit. Never raises."""
    hint = Hint(user_id, topic, id)
    if config.settings.redis_url:
        _send(_HINTS, json.dumps([hint.user_id, hint.topic, hint.id]))
    else:
        _tell(hint)


def wake() -> None:
    """Tell the workers that there may be work now. Call it after the commit. Never raises."""
    if config.settings.redis_url:
        _send(_WAKES, "")
    else:
        _tell_wake()


def start() -> None:
    """Listen to Redis when REDIS_URL is set (one connection per process); nothing to do otherwise."""
    global _thread
    if config.settings.redis_url and _thread is None:
        _stop.clear()
        _thread = threading.Thread(target=_listen, name="live", daemon=True)
        _thread.start()


def stop() -> None:
    """Stop listening and drop the connection."""
    global _thread, _client
    _stop.set()
    if _thread is not None:
        _thread.join(5)
    _thread = None
    if _client is not None:
        _client.close()
    _client = None


def redis_is_away(error: Exception) -> None:
    """Say it once, however many hints are lost until it is back."""
    global _is_away
    if not _is_away:
        _is_away = True
        log.warning("Redis is away, mails go on and pages may be late: %s", type(error).__name__)


def _redis_is_here() -> None:
    global _is_away
    if _is_away:
        _is_away = False
        log.info("Redis is back")


def _tell(hint: Hint) -> None:
    for listener in list(_hint_listeners):
        listener(hint)


def _tell_wake() -> None:
    for listener in list(_wake_listeners):
        listener()


def _redis() -> "redis.Redis":
    global _client
    if _client is None:
        # A hint must never hold up its sender: give up quickly when Redis is away.
        _client = redis.Redis.from_url(config.settings.redis_url, socket_connect_timeout=1, socket_timeout=2)
    return _client


def _send(channel: str, payload: str) -> None:
    try:
        _redis().publish(channel, payload)
        _redis_is_here()
    except redis.RedisError as error:
        redis_is_away(error)


def _listen() -> None:
    while not _stop.is_set():
        try:
            # get_message polls with a timeout below the socket's: redis-py 8 raises on blocking reads over 5 s.
            client = redis.Redis.from_url(config.settings.redis_url, socket_connect_timeout=2, health_check_interval=15)
            with client, client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                channel.subscribe(_HINTS, _WAKES)
                _redis_is_here()
                _tell(Hint(None))  # whatever was missed while nobody listened
                _tell_wake()
                while not _stop.is_set():
                    _hear(channel.get_message(timeout=1))
        except (redis.RedisError, OSError) as error:
            redis_is_away(error)
            _stop.wait(1)


def _hear(message: Any) -> None:
    if message is None:
        return
    if message["channel"] == _WAKES.encode():
        _tell_wake()
    else:
        user_id, topic, id = json.loads(message["data"])
        _tell(Hint(user_id, topic, id))
