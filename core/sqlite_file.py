"""The file of an SQLite database: how it is opened, that it is there, is the one that was opened, and can be written.

SQLite itself goes on writing into a file that was deleted or moved away (in WAL mode without a word), and makes an
empty one in its place for the next connection. Here both count as a database that is away: what must not be lost is
kept until the file is back, and is written then.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, event
from sqlalchemy import exc as sql_errors

from core.errors import StartError

BUSY_SECONDS = 30  # how long SQLite waits for another process that writes

log = logging.getLogger(__name__)
_checks: WeakKeyDictionary[Engine, Callable[[], None]] = WeakKeyDictionary()

_KEY = "file"  # in the info of a connection: which file it has open
_GONE = "The database file {path} is gone. Put it back; until then nothing is sent, and what is known is kept."
_OTHER = "The database file {path} was replaced by another one. It is opened anew."
_READ_ONLY = (
    "The database file {path} cannot be written. Give it and its folder to the user that runs this program, and see "
    "that the disk is not mounted read-only."
)


def prepare(engine: Engine) -> None:
    """What a connection of ``engine`` is given and how its transactions begin, while its file is the one it opened.

    Else they raise OperationalError.
    """
    event.listen(engine, "connect", _pragmas)
    _watch(engine)
    event.listen(engine, "begin", _begin)


def _pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.create_function("lower", 1, lambda word: word and str(word).lower(), deterministic=True)  # Ü too
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000:.0f}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    # A read that turns into a write fails "locked" at once, so writers say so from the start.
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _watch(engine: Engine) -> None:
    """Refuse transactions on ``engine`` while its file is not what it opened."""
    path = engine.url.database
    if not path or path == ":memory:":
        return
    told: set[str] = set()  # said once, not with every try

    def away(sentence: str) -> sql_errors.OperationalError:
        sentence = sentence.format(path=path)
        if sentence not in told:
            told.add(sentence)
            log.error(sentence)
        return sql_errors.OperationalError("BEGIN", None, sqlite3.OperationalError(sentence))

    def before_connect(_dialect: Any, _record: Any, _arguments: Any, _options: Any) -> None:
        if latest and not os.path.exists(path):  # SQLite would make an empty one
            raise away(_GONE)

    def connected(_connection: Any, record: Any) -> None:
        latest[:] = [_identity(path)]
        record.info[_KEY] = latest[0]

    def begin(connection: Any) -> None:
        now = _identity(path)
        if now is None:
            raise away(_GONE)
        if now != connection.info.get(_KEY):
            connection.invalidate()
            raise away(_OTHER)
        if told:
            told.clear()
            log.info("the database file %s can be used again", path)

    def failed(context: Any) -> None:
        if str(getattr(context.original_exception, "sqlite_errorname", "")).startswith("SQLITE_READONLY"):
            away(_READ_ONLY)
            context.is_disconnect = True  # a connection that began so stays so

    def still_there() -> None:
        now = _identity(path)
        if now is None:
            raise away(_GONE)
        if latest and now != latest[0]:
            latest[:] = [now]
            raise away(_OTHER)

    latest: list[tuple[int, int] | None] = []
    _checks[engine] = still_there
    for name, listener in (
        ("do_connect", before_connect),
        ("connect", connected),
        ("begin", begin),
        ("handle_error", failed),
    ):
        event.listen(engine, name, listener)


def check_open(engine: Engine) -> None:
    """For transactions that no event tells of. Raises OperationalError: then the connection is not to be used again."""
    if (still_there := _checks.get(engine)) is not None:
        still_there()


def check(path: Path) -> None:
    """Raises StartError where ``path`` (which may not be there yet) cannot be written by this process."""
    if not os.access(path if path.exists() else path.parent, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise StartError(_READ_ONLY.format(path=path))


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
