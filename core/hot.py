"""A transaction on the database's driver itself, for the few statements that run thousands of times a second.

A session around the same statements costs five times as much.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import exc as sql_errors
from sqlmodel import Session

from core import clock, db

_SAID_SO = ("22012", "SQLITE_CONSTRAINT_TRIGGER")  # division by zero is PostgreSQL's


class StatementFailed(Exception):
    """The statement found something else than it was told, and said so: by 1 / 0, or by RAISE(ABORT) in a trigger."""


class Hot:
    """SQL has ``:names``. On its own connections PostgreSQL keeps the plan of each ``sql``: there may be few of them.

    Errors are those of ``Session.execute``.
    """

    def __init__(self, connection: Connection) -> None:
        self.engine = connection.engine
        self.dialect = connection.dialect.name
        self._dialect: Any = connection.dialect
        self._connection = connection
        self._driver = connection.connection
        self._kept = self._driver.info
        self._keeps_plans = self.engine is db.hot_engine()
        self._is_one_statement = False

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """What ``sql`` returns."""
        return list(self._run(sql, values).fetchall())

    def count(self, sql: str, **values: Any) -> int:
        """How many rows an UPDATE or INSERT changed, that returns none.

        SQLite's driver lets other threads run between any two rows, so rows that nobody looks at cost most.
        """
        return int(self._run(sql, values).rowcount)

    def run(self, sql: str, **values: Any) -> None:
        """Do it. Raises StatementFailed."""
        self._run(sql, values)

    def now(self) -> datetime:
        """As ``now``; PostgreSQL's clock is asked once a second and carried on by this machine's steady one."""
        if self.dialect == "sqlite":
            return clock.utcnow() + db.clock_offset
        at: float
        moment: datetime
        at, moment = self._kept.get("now", (float("-inf"), datetime.min))
        if not at <= monotonic() < at + 1:
            at, moment = monotonic(), self.rows("select clock_timestamp()")[0][0].astimezone(UTC)
            self._kept["now"] = at, moment
        return moment + timedelta(seconds=monotonic() - at) + db.clock_offset

    def stored(self, moment: datetime | None) -> str | None:
        """A moment as JSON has it, for a column of moments."""
        if moment is None:
            return None
        return str(_sqlite_value(moment)) if self.dialect == "sqlite" else moment.isoformat()

    def _run(self, sql: str, values: dict[str, Any]) -> Any:
        with self._driver_errors():
            cursor = self._driver.cursor()
            if self.dialect == "sqlite":
                cursor.execute(sql, {name: _sqlite_value(value) for name, value in values.items()})
                return cursor
            plan = _plan(sql)
            if not self._keeps_plans:
                cursor.execute(plan.once, values)
                return cursor
            if plan.name not in self._kept:
                cursor.execute(plan.prepare)
                self._kept[plan.name] = True
            cursor.execute(plan.execute, [values[name] for name in plan.names])
            return cursor

    @contextmanager
    def _driver_errors(self) -> Iterator[None]:
        try:
            yield
        except self._dialect.loaded_dbapi.Error as error:
            if (getattr(error, "pgcode", None) or getattr(error, "sqlite_errorname", None)) in _SAID_SO:
                raise StatementFailed from None
            gone = self._dialect.is_disconnect(error, self._driver.dbapi_connection, None)
            if gone:
                self._connection.invalidate(error)
            raise sql_errors.DBAPIError.instance(
                None, None, error, self._dialect.loaded_dbapi.Error, connection_invalidated=gone, dialect=self._dialect
            ) from error

    def begin(self, alone: bool, temporary: Sequence[str]) -> None:
        self._is_one_statement = alone
        if self.dialect != "sqlite":
            if self._of_psycopg2().autocommit is not alone:  # else psycopg2 begins by itself
                with self._driver_errors():
                    self._of_psycopg2().autocommit = alone
            return
        if "temporary" not in self._kept:
            for statement in temporary:
                self._run(statement, {})
            self._kept["temporary"] = True
        if not self._is_one_statement:
            self._run("BEGIN IMMEDIATE", {})

    def commit(self) -> None:
        if not self._is_one_statement:
            with self._driver_errors():
                self._driver.commit()

    def close(self) -> None:
        """For good; what was not committed is rolled back."""
        self._connection.invalidate()
        self._connection.close()

    def _of_psycopg2(self) -> Any:
        return self._driver.dbapi_connection


class Kept:
    """A connection that one thread keeps for all its groups of the ledger, as to fetch one costs as much as to use it.

    Its caller tries again where ``db.is_away``: after any error the next transaction has a new connection.
    """

    def __init__(self) -> None:
        self._hot: Hot | None = None

    @contextmanager
    def transaction(self, alone: bool = False, temporary: Sequence[str] = ()) -> Iterator[Hot]:
        """``alone``: it is a single statement.

        ``temporary``: statements that make what a connection to SQLite needs, always the same; before any transaction,
        as one that is rolled back would take it away again.
        """
        with db.write_turn if db.is_sqlite() else nullcontext():
            try:
                opened = self._opened()
                opened.begin(alone, temporary)
                yield opened
                opened.commit()
            except BaseException:
                self.close()
                raise

    def _opened(self) -> Hot:
        if self._hot is None or self._hot.engine is not db.hot_engine():
            self.close()
            self._hot = Hot(db.hot_engine().connect())
        return self._hot

    def close(self) -> None:
        """What was not committed is rolled back."""
        opened, self._hot = self._hot, None
        if opened is not None:
            opened.close()


def within(session: Session) -> Hot:
    """The same in a session's transaction."""
    return Hot(session.connection())


def _sqlite_value(value: Any) -> Any:
    """As SQLAlchemy stores it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return value


@dataclass(frozen=True)
class _Plan:
    name: str
    once: str
    prepare: str
    execute: str
    names: tuple[str, ...]  # of the values, in order


@cache
def _plan(sql: str) -> _Plan:
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    name = "kept_" + hashlib.sha256(sql.encode()).hexdigest()[:16]
    numbered = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", sql)
    given = f"({', '.join(['%s'] * len(names))})" if names else ""
    once = _PARAMETER.sub(r"%(\1)s", sql)
    return _Plan(name, once, f"prepare {name} as {numbered}", f"execute {name} {given}", names)


_PARAMETER = re.compile(r"(?<!:):(\w+)")
