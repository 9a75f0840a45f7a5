"""The database: engine, transactions, time, and every difference between SQLite and PostgreSQL."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON as _JSON
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Integer, String, Table, bindparam, create_engine, text
from sqlalchemy import exc as sql_errors
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from core import clock, config, sqlite_file
from core.turns import FirstComeLock

# At most this many rows a transaction on SQLite, so that no other writer waits long (DESIGN 7).
CHUNK_ROWS = 500

# PostgreSQL ends a transaction that does nothing for so long: a frozen worker must not hold its locks for ever.
STALE_SECONDS = 30

clock_offset = timedelta()  # tests move the database's time with it


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out; a naive datetime is refused, so local time can never slip in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone must not reach the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Byte order, so that a prefix search can use the index on both databases.
EmailText = String(320).with_variant(postgresql.VARCHAR(320, collation="C"), "postgresql")
BigId = BigInteger().with_variant(Integer, "sqlite")
Json = _JSON().with_variant(JSONB(), "postgresql")
JsonOrNull = _JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

# That a database server's machine has died is noticed in half a minute: by default a connection waits for hours.
_NOTICED = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_READ_ONLY = "25006"  # PostgreSQL's code: a standby, or a server that is being switched over

_engine: Engine | None = None
_hot_engine: Engine | None = None

write_turn = FirstComeLock()


def connect(url: str | None = None) -> Engine:
    """Open the database of the settings, or ``url``; replaces an open one."""
    global _engine, _hot_engine
    close()
    url = url or config.settings.sqlalchemy_url
    if url.startswith("sqlite"):
        config.settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _engine, _hot_engine = create_engine(url, pool_size=8, max_overflow=24), create_engine(url, pool_size=2)
        for opened in (_engine, _hot_engine):
            sqlite_file.prepare(opened)
    else:
        options = f"-c idle_in_transaction_session_timeout={STALE_SECONDS * 1000}"
        pool = {"pool_size": 8, "max_overflow": 24, "pool_pre_ping": True, "pool_recycle": 1800}
        _engine = create_engine(url, connect_args={"options": options, **_NOTICED}, **pool)
        # Plans are kept there: one that was made while a table was small must not scan it when it is large.
        options += " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
        hot = {"options": options, **_NOTICED}
        _hot_engine = create_engine(url, connect_args=hot, pool_size=2, pool_recycle=1800)
    return _engine


def close() -> None:
    """Close every connection of this process."""
    global _engine, _hot_engine
    for opened in (_engine, _hot_engine):
        if opened is not None:
            opened.dispose()
    _engine = _hot_engine = None


def engine() -> Engine:
    """The open engine; connects on first use."""
    return _engine or connect()


def hot_engine() -> Engine:
    """Of ``core.hot``: on PostgreSQL with connections of its own, which are not tried before each use."""
    engine()  # opened on first use
    assert _hot_engine is not None
    sqlite_file.check_open(_hot_engine)
    return _hot_engine


def is_sqlite() -> bool:
    return engine().dialect.name == "sqlite"


@contextmanager
def session(hot: bool = False) -> Iterator[Session]:
    """A transaction that may write: commits at the end of the block, rolls back on any error.

    What was registered with ``after_commit`` runs once the data is durable. ``hot``: on a connection of ``core.hot``.
    """
    bind = hot_engine() if hot else engine()
    if bind.dialect.name == "sqlite":
        bind = bind.execution_options(writing=True)
        with write_turn, Session(bind, expire_on_commit=False) as opened, opened.begin():
            yield opened
    else:
        with Session(bind, expire_on_commit=False) as opened, opened.begin():
            yield opened
    for call in opened.info.pop("after_commit", ()):
        call()


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction that only reads: never waits for a writer on SQLite."""
    with Session(engine(), expire_on_commit=False) as opened:
        yield opened


def after_commit(session: Session, call: Callable[[], None]) -> None:
    """Run ``call`` when the surrounding ``session()`` block has committed; never on a rollback."""
    session.info.setdefault("after_commit", []).append(call)


def now(session: Session) -> datetime:
    """The database's time, aware UTC, plus the tests' offset: what leases, schedules, cooldowns and limits use."""
    if session.get_bind().dialect.name == "sqlite":
        return clock.utcnow() + clock_offset  # the file's clock is this machine's
    moment: datetime = session.connection().execute(text("select clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC) + clock_offset


def insert_ignore(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert ``rows`` (column: value), leaving out those that a unique key already has. Returns how many went in."""
    if not rows:
        return 0
    sqlite_bound = session.get_bind().dialect.name == "sqlite"
    insert: Any = (sqlite.insert if sqlite_bound else postgresql.insert)(table).on_conflict_do_nothing()
    width = max(1, len(rows[0]))
    step = min(len(rows), 32_000 // width)  # SQLite and PostgreSQL both cap bound parameters near 32,766
    count = 0
    for start in range(0, len(rows), step):
        count += session.connection().execute(insert.values(list(rows[start : start + step]))).rowcount
    return count


def upsert(session: Session, table: Table, row: dict[str, Any], key: Sequence[str], add: Sequence[str] = ()) -> None:
    """Insert ``row``, or where ``key`` exists overwrite its other columns; columns in ``add`` are added to instead."""
    sqlite_bound = session.get_bind().dialect.name == "sqlite"
    insert: Any = (sqlite.insert if sqlite_bound else postgresql.insert)(table).values(row)
    new = insert.excluded
    changes = {each: table.c[each] + new[each] if each in add else new[each] for each in row if each not in key}
    session.connection().execute(insert.on_conflict_do_update(index_elements=list(key), set_=changes))


def skip_locked_in(dialect: str) -> str:
    """SQL of ``FOR UPDATE SKIP LOCKED`` where there are row locks; SQLite has one writer anyway."""
    return "" if dialect == "sqlite" else "for update skip locked"


def by_key(dialect: str, column: str) -> str:
    """SQL of ``column``, for a row that another condition finds by its key.

    Without statistics (a table that just grew) PostgreSQL takes any index on the column for better than the key.
    """
    return column if dialect == "sqlite" else f"({column} || '')"


def each_in(dialect: str, name: str) -> str:
    """SQL of the numbers in the JSON list that is bound as ``:name``, to look for with IN."""
    if dialect == "sqlite":
        return f"(select value from json_each(:{name}))"
    return f"(select cast(value as bigint) from json_array_elements_text(cast(:{name} as json)))"


def json_in(dialect: str, column: str) -> str:
    """SQL of a JSON column as a part of other JSON, not as a text in it."""
    return f"json({column})" if dialect == "sqlite" else column


def listed_in(dialect: str, *columns: str) -> str:
    """SQL of all rows of a query as one JSON list of lists, null where there are none.

    SQLite's driver lets other threads run between any two rows, so many rows are best one.
    """
    made, all_of = ("json_array", "json_group_array") if dialect == "sqlite" else ("json_build_array", "json_agg")
    return f"cast({all_of}({made}({', '.join(columns)})) as text)"


def one_at_a_time(session: Session, table: str) -> None:
    """Make this transaction wait for others that call this too; on SQLite writers are alone already."""
    if session.get_bind().dialect.name != "sqlite":
        session.connection().execute(text(f'lock table "{table}" in share row exclusive mode'))


def dialect(session: Session) -> str:
    """sqlite or postgresql."""
    return session.get_bind().dialect.name


def given_in(dialect: str, bound: str = "given", **columns: str) -> str:
    """SQL of a FROM item ``given``: rows that come as one JSON list of objects in the parameter ``:bound``.

    ``columns``: name = PostgreSQL type. One statement for any number of rows, so that it is compiled once.
    """
    if dialect == "sqlite":
        fields = ", ".join(f"json_extract(value, '$.{name}') as {name}" for name in columns)
        return f"(select {fields} from json_each(:{bound})) as given"
    fields = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"json_to_recordset(cast(:{bound} as json)) as given({fields})"


def pairs_in(dialect: str, bound: str) -> str:
    """SQL of a FROM item ``pair`` with ``key`` and ``value``, texts of the JSON object that is bound as ``:bound``."""
    return f"json_each(:{bound}) as pair" if dialect == "sqlite" else f"json_each_text(cast(:{bound} as json)) as pair"


def domain_of(session: Session, email: str) -> str:
    """SQL of the part after the @ of the column ``email``."""
    is_lite = dialect(session) == "sqlite"
    return f"substr({email}, instr({email}, '@') + 1)" if is_lite else f"split_part({email}, '@', 2)"


def chunk_rows(session: Session) -> int:
    """How many rows one transaction of a long job writes: few on SQLite, where every other writer waits for it."""
    return CHUNK_ROWS if session.get_bind().dialect.name == "sqlite" else 10 * CHUNK_ROWS


def merged_json(session: Session, old: str, new: str) -> str:
    """SQL of the JSON object ``old`` with the members of ``new`` over it (flat objects without nulls)."""
    return f"json_patch({old}, {new})" if session.get_bind().dialect.name == "sqlite" else f"{old} || {new}"


def has_value(session: Session, column: str, words: str, key: str = "") -> tuple[Any, Any]:
    """SQL of whether a text of the flat JSON object ``column``, that of ``key`` if one is named, has ``words``, which
    are ``folded``, in it in any case: first a quick look, which lets some through that do not; on SQLite, where a
    function of ours takes long, at all of the JSON. Few of a million rows are left for the second."""
    if dialect(session) == "sqlite":
        dotted = f" or {column} like '%\\u0130%'" if "i" in words else ""
        quick = _bound(f"({column} like :json{dotted})", json=f"%{''.join(map(_in_json, words))}%")
        has = f"{'key = :key and ' if key else ''}instr({_folded('value', words)}, :words)"
        return quick, _bound(f"exists (select 1 from json_each({column}) where {has})", words=words, key=key)
    value = f"{column} -> :key" if key else f"jsonb_path_query_array({column}, '$.*')"
    has, quoted = _folded(f"cast({value} as text)", words), json.dumps(words, ensure_ascii=False)[1:-1]
    return text("true"), _bound(f"strpos({has}, :words) > 0", words=quoted, key=key)


def _bound(sql: str, **values: str) -> Any:
    """SQL with those of ``values`` that it names."""
    named: Any = (bindparam(name, value, unique=True) for name, value in values.items() if f":{name}" in sql)
    return text(sql).bindparams(*named)


def folded(words: str) -> str:
    """In small letters; İ, as in İzmir, is an i as I is, not one with a dot of its own."""
    return words.lower().replace("i\u0307", "i")


def _folded(value: str, words: str) -> str:
    """The same as SQL, as far as it takes to find ``words``; PostgreSQL makes one letter of İ, or two, or leaves it."""
    return f"lower({value})" if "i" not in words else f"replace(replace(lower({value}), 'i\u0307', 'i'), '\u0130', 'i')"


def _in_json(letter: str) -> str:
    """What it, and its capital, are LIKE in JSON that is ASCII."""
    low, high = (json.dumps(each)[1:-1].lower() for each in (letter, letter.upper()))
    return "".join(a if a == b else "_" for a, b in zip(low, high, strict=True)) if len(low) == len(high) else "%"


def analyze(table: str) -> None:
    """Let PostgreSQL look at what ``table`` has in it by now, outside of any transaction: without that it plans for
    what it knew, minutes long. Plans that are kept are made anew after it. SQLite plans without numbers."""
    if not is_sqlite():
        with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'analyze "{table}"'))


def unindexed(session: Session, column: Any) -> Any:
    """``column``, most rows of which are wanted: SQLite would look each up by an index, ten times as slow as all."""
    return column + 0 if dialect(session) == "sqlite" else column


def is_away(error: Exception) -> bool:
    """Whether the database cannot be reached, is locked, or asks to try again: the same work may succeed later."""
    if isinstance(error, sql_errors.TimeoutError):
        return True
    if not isinstance(error, sql_errors.DBAPIError):
        return False
    # SQLite calls a wrong statement an operational error too.
    wrong = isinstance(error.orig, sqlite3.Error) and any(
        sign in str(error.orig) for sign in ("no such", "syntax error", "has no column", "misuse")
    )
    operational = isinstance(error, sql_errors.OperationalError | sql_errors.InterfaceError)
    read_only = getattr(error.orig, "pgcode", None) == _READ_ONLY
    return (operational or error.connection_invalidated or read_only) and not wrong
