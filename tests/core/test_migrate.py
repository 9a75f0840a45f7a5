import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core import config

ROOT = Path(__file__).parents[2]
START = "from core import crypto, migrate; migrate.upgrade(); print(crypto.fingerprint())"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_processes_that_start_at_once_make_one_database_and_one_key(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    env = {**os.environ, "DATA_DIR": str(tmp_path)}
    if database == "postgres":
        env["DATABASE_URL"] = _empty_database(request.getfixturevalue("postgres_url"))
    starts = [
        subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[0] for process in starts]
    assert [process.returncode for process in starts] == [0] * 4
    assert len(set(said)) == 1
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def _empty_database(url: str) -> str:
    """A database of its own on the test server."""
    name = "started_at_once"
    engine = create_engine(config.load({"DATABASE_URL": url}).sqlalchemy_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"drop database if exists {name}"))
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    base, _, options = url.partition("?")
    return f"{base.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")
