import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from core import backup, config, crypto, db, migrate
from core.errors import StartError
from core.models import Sender
from tests import rows
from tests.conftest import Stack, using

ROOT = Path(__file__).parents[2]


def test_a_copy_made_while_the_program_writes_is_a_data_dir_with_all_that_was_committed(tmp_path: Path) -> None:
    home, to = tmp_path / "home", tmp_path / "made" / "monday"
    with using({"DATA_DIR": str(home)}):
        migrate.upgrade()
        with db.session() as session:
            rows.sender(session, rows.user(session), name="Shop", password_sealed=crypto.seal("a secret", "sender"))
        with db.session() as session:  # open while it is copied
            rows.sender(session, rows.user(session, "bob@example.com"), name="Late")
            session.flush()
            env = {**os.environ, "DATA_DIR": str(home)}
            command = [sys.executable, "-m", "core.backup", str(to)]
            done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and f"DATA_DIR={to}" in done.stdout, done.stderr
    assert {path.name: path.stat().st_mode & 0o777 for path in to.iterdir()} == {
        "campaigns.db": 0o600,
        "secret_key": 0o600,
    }
    assert to.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(home)
    with using({"DATA_DIR": str(to)}):
        migrate.upgrade()
        with db.reading() as session:
            (sender,) = session.exec(select(Sender)).all()
            assert sender.name == "Shop" and crypto.unseal(sender.password_sealed, "sender") == "a secret"


def test_a_copy_that_cannot_be_made_says_why_and_touches_nothing(sqlite_stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="Name a new folder"):
        backup.copy(tmp_path)
    config.use(config.load({"DATA_DIR": str(tmp_path / "mistyped")}))
    with pytest.raises(StartError, match="no database"):
        backup.copy(tmp_path / "copy")
    config.use(config.load({"DATABASE_URL": "postgresql://h/d"}))
    with pytest.raises(StartError, match="pg_dump"):
        backup.copy(tmp_path / "copy")
    assert not (tmp_path / "mistyped").exists() and not (tmp_path / "copy").exists()


def test_an_account_is_not_looked_for_in_a_new_database(tmp_path: Path) -> None:
    env = {**os.environ, "DATA_DIR": str(tmp_path / "mistyped")}
    command = [sys.executable, "-m", "core.reset_password", "anna@example.com"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("There is no database") and "DATA_DIR" in done.stderr
    assert not (tmp_path / "mistyped").exists()
