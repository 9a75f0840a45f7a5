"""Results that the database cannot take now, in a file of this process that survives SIGKILL, replayed at a start.

Exim's idea: what the mail server said after the dot must not be forgotten. One file per process, held by a lock for
its life; its room is reserved at the start, so that a full disk cannot keep a result out.
"""

import fcntl
import json
import logging
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path

from sqlmodel import Session, col, select

from core.delivery.ledger import Claimed, Outcome
from core.delivery.workers import KEPT_RESULTS
from core.models import Message

log = logging.getLogger(__name__)

_RESERVED = 64 * 1024  # bytes
_REPLY_CHARS = 300
_OUTCOME = [field.name for field in fields(Outcome) if field.name != "message"]
_MESSAGE = ["id", "campaign_id", "user_id", "sender_id", "attempts", "epoch", "marked"]  # no address, no merge fields


class Journal:
    """Of this process; for any thread."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._waiting: set[Outcome] = set()
        self._end = 0
        self._file = -1
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path = folder / f"results-{os.getpid()}-{secrets.token_hex(4)}.journal"
            new = self._path.with_suffix(".new")
            self._file = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            os.pwrite(self._file, bytes(_RESERVED), 0)
            os.fsync(self._file)
            new.rename(self._path)  # only now may another process see it
        except OSError as error:
            log.warning("results cannot be kept in %s while the database is away: %s", folder, error.strerror)

    def keep(self, outcomes: Iterable[Outcome]) -> None:
        """Write down, durable when this returns, what is not there yet."""
        with self._lock:
            new = [outcome for outcome in outcomes if outcome not in self._waiting]
            self._waiting.update(new)
            if not new or self._file < 0:
                return
            try:
                self._append("".join(_line(outcome) for outcome in new).encode())
            except OSError as error:
                log.error("%d results are kept in memory only: %s", len(new), error.strerror)

    def forget(self, outcomes: Iterable[Outcome]) -> None:
        """They are in the database."""
        if not self._waiting:
            return
        with self._lock:
            self._waiting.difference_update(outcomes)
            if not self._waiting and self._end:
                with suppress(OSError):  # told twice, they count once
                    os.pwrite(self._file, bytes(self._end), 0)
                self._end = 0

    def close(self) -> None:
        """At the end of the process; what still waits is replayed by the next one."""
        if self._file >= 0:
            if not self._waiting:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        written = 0
        while written < len(data):
            written += os.pwrite(self._file, data[written:], self._end + written)
        os.fsync(self._file)
        self._end += len(data)


@contextmanager
def left_behind(folder: Path) -> Iterator[list[tuple[Path, list[Outcome]]]]:
    """What processes that died could not store: files of theirs, locked meanwhile, and the results in them."""
    held: list[int] = []
    try:
        found = []
        for path in sorted(folder.glob(KEPT_RESULTS)):
            with suppress(OSError):
                file = os.open(path, os.O_RDWR)
                held.append(file)
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a living process holds its own
                found.append((path, list(_read(path))))
        yield found
    finally:
        for file in held:
            os.close(file)


def with_addresses(session: Session, outcomes: list[Outcome]) -> list[Outcome]:
    """Those whose messages still exist, as they were, fit to be settled."""
    ids = [outcome.message.id for outcome in outcomes]
    addresses = dict(session.exec(select(Message.id, Message.email).where(col(Message.id).in_(ids))).all())
    for outcome in outcomes:
        outcome.message.email = addresses.get(outcome.message.id, "")
    return [outcome for outcome in outcomes if outcome.message.email]


def _line(outcome: Outcome) -> str:
    row = {name: getattr(outcome, name) for name in _OUTCOME} | {"reply": outcome.reply[:_REPLY_CHARS]}
    return json.dumps(row | {"message": {name: getattr(outcome.message, name) for name in _MESSAGE}}) + "\n"


def _read(path: Path) -> Iterator[Outcome]:
    for line in path.read_bytes().split(b"\0", 1)[0].splitlines():
        try:
            row = json.loads(line)
            message = Claimed(email="", fields={}, **row.pop("message"))
            yield Outcome(message=message, **row)
        except (ValueError, TypeError, KeyError, AttributeError):  # torn: the process was killed while it wrote it
            log.warning("a line of %s cannot be read", path.name)
