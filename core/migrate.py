"""Bring the database to this version's shape; safe when several processes start at once."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, text
from sqlalchemy import exc as sql_errors
from sqlmodel import col, select

from core import config, crypto, db, sqlite_file
from core.errors import StartError, why
from core.models import Meta

log = logging.getLogger(__name__)

# In the words of libpq and PostgreSQL; psycopg2 has no codes for them.
_NOT_YET = (
    "Connection refused",
    "No such file or directory",
    "starting up",
    "shutting down",
    "not yet accepting connections",
    "closed the connection unexpectedly",
)
_LOCK_NUMBER = 7_203_411  # any number that is only ours


def upgrade() -> None:
    """Apply every migration and check SECRET_KEY, once PostgreSQL is there. Raises StartError: it lets nobody in, is
    of a newer version, or has another key."""
    with _alone() as connection:
        _check_version(connection)
        command.upgrade(alembic_config(connection), "head")
        _check_key(connection)


def _check_version(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {each.revision for each in ScriptDirectory.from_config(alembic_config(connection)).walk_revisions()}
    if found is not None and found not in known:
        raise StartError(
            f"This database was made by a newer version of the program (shape {found[:20]}). Start that version, "
            "or restore the copy that you made before you went to it."
        )


def alembic_config(connection: Connection) -> Config:
    """Alembic on our migrations and this open connection."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["connection"] = connection
    return made


@contextmanager
def _alone() -> Iterator[Connection]:
    if db.is_sqlite():
        config.settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        sqlite_file.check(Path(db.engine().url.database or ""))
        with open(config.settings.data_dir / ".migrate.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with db.engine().execution_options(writing=True).connect() as connection, _rebuilding(connection):
                with connection.begin():
                    yield connection
    else:
        with _reached() as connection, connection.begin():
            connection.execute(text("select pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
            yield connection


@contextmanager
def _rebuilding(connection: Connection) -> Iterator[None]:
    """SQLite's columns are changed by making a table anew: while the old one is away nothing may refer to it."""
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _reached() -> Connection:
    """Waits for a server that does not answer yet: whoever starts them all need not know in which order."""
    told = False
    while True:
        try:
            return db.engine().connect()
        except sql_errors.OperationalError as error:
            if not _may_come(error):
                raise StartError(f"PostgreSQL cannot be used: {why(error)}. Change DATABASE_URL.") from None
            if not told:
                log.warning("PostgreSQL is not there, waiting for it (or change DATABASE_URL): %s", why(error))
        told = True
        time.sleep(1)


def _may_come(error: sql_errors.OperationalError) -> bool:
    last_try = str(error.orig).rpartition("failed:")[2]  # of several addresses of the server
    return any(sign in last_try for sign in _NOT_YET)


def _check_key(connection: Connection) -> None:
    kept = connection.execute(select(col(Meta.value)).where(col(Meta.key) == "secret_key")).scalar()
    if kept is None:
        connection.execute(insert(Meta).values(key="secret_key", value=crypto.fingerprint()))
    elif kept != crypto.fingerprint():
        raise StartError(
            "This database belongs to another SECRET_KEY: the kept passwords could not be read. "
            "Set SECRET_KEY (or the file secret_key in DATA_DIR) to the one it was made with."
        )
