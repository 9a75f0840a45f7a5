"""Stacks: every rule is tried on SQLite in process and on a real PostgreSQL with a real Redis."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

gc.disable()  # half of the time of importing and collecting; ``home`` lets it begin

# Before anything of ours is imported: never the developer's own data.
_HOME = Path(tempfile.mkdtemp(prefix="campaigns-tests-"))
for _name in (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "BASE_URL",
    "HOST",
    "PORT",
    "WORKER",
    "SIGNUP",
    "METRICS_TOKEN",
    "SMTP_ALLOW_PRIVATE",
    "FORWARDED_ALLOW_IPS",
):
    os.environ.pop(_name, None)
os.environ["DATA_DIR"] = str(_HOME / "data")

import pytest
from hypothesis import settings
from nicegui.testing import general as simulation
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from sqlmodel import SQLModel

from core import accounts, config, db, live, migrate
from tests import servers

KEY = "a secret key only for the tests"

# The same examples at every run, however slow the machine; HYPOTHESIS=random looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS", "same"))


_SMALL = 1_000_000  # bytes
_COMPILED: LRUCache[Any, Any] = LRUCache(2_000)


@dataclass(frozen=True)
class Stack:
    """Where a test runs; ``env`` is what a process of ours needs to run there too."""

    name: str
    env: dict[str, str]


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[Path]:
    # NiceGUI's simulation collects garbage twice a test, up to 0.2 s each. Python does it when there is enough.
    simulation.gc = SimpleNamespace(collect=lambda: 0)
    gc.collect()
    gc.freeze()  # nor does it look through all modules then
    gc.enable()
    gc.set_threshold(5_000, 20, 30)  # a tenth of the time of tests otherwise
    # 4 ms for a password instead of 50. A process of its own, as in a browser test, hashes as the product does.
    accounts._hasher = accounts._hasher.using(rounds=1, memory_cost=1024)
    # Every test has databases of its own; a statement is compiled once for all of them on SQLite or on PostgreSQL.
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg2):
        dialect.__eq__ = lambda one, other: type(one) is type(other)
        dialect.__hash__ = lambda one: hash(type(one))
    db.create_engine = _compiling_once
    yield _HOME
    shutil.rmtree(_HOME, ignore_errors=True)


def _compiling_once(url: str, **options: Any) -> Engine:
    made = create_engine(url, **options)
    made._compiled_cache = _COMPILED
    return made


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with servers.postgres(_HOME / "postgres") as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis(_HOME) as url:
        yield url


@pytest.fixture(scope="session")
def empty_sqlite() -> Path:
    """A migrated, empty SQLite database to copy."""
    folder = _HOME / "empty"
    with using({"DATA_DIR": str(folder), "SECRET_KEY": KEY}):
        migrate.upgrade()
    return folder / "campaigns.db"


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    engine = create_engine(_driver(postgres_url))
    with engine.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    engine.dispose()
    with using({"DATA_DIR": str(_HOME / "postgres-data"), "DATABASE_URL": postgres_url, "SECRET_KEY": KEY}):
        migrate.upgrade()
    return postgres_url


@pytest.fixture(scope="session")
def emptying(migrated_postgres: str) -> Iterator[Engine]:
    engine = create_engine(_driver(migrated_postgres), pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_stack(tmp_path: Path, empty_sqlite: Path) -> Iterator[Stack]:
    """SQLite, hints in process."""
    (tmp_path / "data").mkdir(exist_ok=True)
    shutil.copy(empty_sqlite, tmp_path / "data" / "campaigns.db")
    env = {"DATA_DIR": str(tmp_path / "data"), "SECRET_KEY": KEY}
    with using(env):
        yield Stack("sqlite", env)


@pytest.fixture
def postgres_stack(tmp_path: Path, migrated_postgres: str, emptying: Engine, redis_url: str) -> Iterator[Stack]:
    """PostgreSQL and Redis, emptied."""
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    env = {
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": migrated_postgres,
        "REDIS_URL": redis_url,
        "SECRET_KEY": KEY,
    }
    empty_postgres(emptying)
    with using(env):
        yield Stack("postgres", env)


def empty_postgres(engine: Engine) -> None:
    """No rows, and every id from 1 on: by a function of the connection, which keeps its plans."""
    with engine.begin() as connection:
        if "empties" not in connection.info:
            sequences = connection.exec_driver_sql("select sequencename from pg_sequences where schemaname = 'public'")
            connection.exec_driver_sql(_emptying(sequences.scalars().all()))
            connection.info["empties"] = True
        connection.exec_driver_sql("select pg_temp.empty()")


def _emptying(sequences: Sequence[str]) -> str:
    """TRUNCATE takes 200 ms, however little there is: it is for large tables only."""
    tables = [f'"{table.name}"' for table in reversed(SQLModel.metadata.sorted_tables) if table.name != "meta"]
    large = " or ".join(f"pg_relation_size('{table}') > {_SMALL}" for table in tables)
    delete = "".join(f"if exists (select 1 from {table}) then delete from {table}; end if;\n" for table in tables)
    restart = "".join(f"perform setval('{name}', 1, false) from {name} where is_called;\n" for name in sequences)
    return f"""
        create function pg_temp.empty() returns void language plpgsql as $$ begin
        delete from meta where key <> 'secret_key';
        if {large} then truncate {", ".join(tables)} restart identity cascade; return; end if;
        {delete}{restart}end $$
    """


@pytest.fixture(params=["sqlite", "postgres"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """The test runs once on each stack."""
    made: Stack = request.getfixturevalue(f"{request.param}_stack")
    return made


class using:
    """Settings from ``env`` and its database, until the block ends."""

    def __init__(self, env: dict[str, str]) -> None:
        self.settings = config.load(env)

    def __enter__(self) -> None:
        self.before = config.settings
        config.use(self.settings)
        db.connect()

    def __exit__(self, *_: object) -> None:
        live.stop()
        db.close()
        db.clock_offset *= 0
        config.use(self.before)


def _driver(url: str) -> str:
    return config.load({"DATABASE_URL": url}).sqlalchemy_url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in browsers, the longest, are first at every worker: at the end none of them is left to one alone."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if "tests/e2e/" in item.nodeid]
    short = [item for item in items if "tests/e2e/" not in item.nodeid]
    files = list(dict.fromkeys(item.path for item in long))
    items.clear()
    for number in range(workers):
        items += [item for item in long if item.path in files[number::workers]]
        items += short[len(short) * number // workers : len(short) * (number + 1) // workers]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seeds of tests by chance, so that a run can be repeated."""
    for report in (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())):
        for name, value in getattr(report, "user_properties", ()):
            terminalreporter.write_line(f"{name} {value}: {report.nodeid}")
