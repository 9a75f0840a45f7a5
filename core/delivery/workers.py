"""The processes that send: each tells now and then that it lives, and what it did."""

import os
import secrets
import socket
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, exists
from sqlmodel import Session, col, select

from core import db, live
from core.models import Worker

EVERY = 15.0  # seconds
_MISSED_AFTER = timedelta(seconds=3 * EVERY)
KEPT_RESULTS = "results-*.journal"  # files in DATA_DIR
_FORGOTTEN_AFTER = timedelta(hours=1)

_worker: Any = Worker.__table__  # type: ignore[attr-defined]
_here = socket.gethostname()[:40]
_mine: set[str] = set()


@dataclass(frozen=True)
class Figures:
    """Since the worker began, but for ``senders`` it owns now, results ``kept`` out of the database now, and the
    ``slowest`` group (seconds) since it told the last time. ``results``: message state -> how many."""

    senders: int = 0
    kept: int = 0
    groups: int = 0
    writes: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    results: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """``age``: seconds since it told of itself."""

    name: str
    age: float
    figures: Figures


def new_name() -> str:
    """For a worker of this process."""
    name = f"{_here}:{os.getpid()}:{secrets.token_hex(4)}"
    _mine.add(name)
    return name


def has_ended(name: str) -> bool:
    """Whether it is known to have: it was of this machine, and no process has its number, or this one has it now."""
    host, _, number = name.rpartition(":")[0].rpartition(":")
    if host != _here or name in _mine or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return int(number) == os.getpid()


def tell(session: Session, name: str, figures: Figures) -> None:
    """The worker ``name`` lives."""
    now = db.now(session)
    again = _worker.update().where(_worker.c.name == name).values(seen_at=now, figures=asdict(figures))
    if not session.connection().execute(again).rowcount:
        row = {"name": name, "started_at": now, "seen_at": now, "figures": asdict(figures)}
        db.insert_ignore(session, _worker, [row])
        db.after_commit(session, lambda: live.publish(None))


def leave(session: Session, name: str) -> None:
    """The worker ``name`` ends in order: nobody need miss it."""
    session.execute(delete(Worker).where(col(Worker.name) == name))
    db.after_commit(session, lambda: live.publish(None))


def missing(now: datetime) -> Any:
    """The condition that no worker lives, as far as is known: none told of itself lately."""
    return ~exists().where(_worker.c.seen_at > now - _MISSED_AFTER)


def is_missing(session: Session) -> bool:
    """The same, looked up."""
    return bool(session.connection().execute(select(missing(db.now(session)))).scalar())


def forget_old(session: Session) -> None:
    """Workers that died long ago."""
    session.execute(delete(Worker).where(col(Worker.seen_at) < db.now(session) - _FORGOTTEN_AFTER))


def seen(session: Session) -> list[Seen]:
    """All that told of themselves in the last hour, dead ones too."""
    now = db.now(session)
    rows = session.exec(select(Worker).order_by(col(Worker.name))).all()
    return [Seen(row.name, max(0.0, (now - row.seen_at).total_seconds()), _figures(row.figures)) for row in rows]


def kept_results(folder: Path) -> int:
    """How many results wait in the journals in ``folder``, of living and of dead processes."""
    return sum(_lines(path) for path in folder.glob(KEPT_RESULTS))


def _lines(path: Path) -> int:
    """Up to the first NUL: the rest of a journal is reserved room."""
    count = 0
    try:
        with path.open("rb") as journal:
            while block := journal.read(1 << 16):
                count += block.partition(b"\0")[0].count(b"\n")
                if b"\0" in block:
                    break
    except OSError:  # another process has just stored what was in it
        return 0
    return count


def _figures(kept: dict[str, Any]) -> Figures:
    """Of another version of the program there may be more, or less."""
    return Figures(**{each.name: kept[each.name] for each in fields(Figures) if each.name in kept})
