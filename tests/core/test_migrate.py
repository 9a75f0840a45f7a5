import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers

ROOT = Path(__file__).parents[2]
START = "from core import crypto, migrate; migrate.upgrade(); print(crypto.fingerprint())"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_processes_that_start_at_once_make_one_database_and_one_key(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "data"
    env = {**os.environ, "DATA_DIR": str(folder)}
    if database == "postgres":
        env["DATABASE_URL"] = servers.fresh_database(request.getfixturevalue("postgres_url"), "started_at_once")
    starts = [
        subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[0] for process in starts]
    assert [process.returncode for process in starts] == [0] * 4
    assert len(set(said)) == 1
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700  # sealed passwords and addresses are nobody else's to read
