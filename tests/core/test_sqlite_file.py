"""A database file that is gone, replaced or not to be written: said clearly, nothing lost, and healed."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from core import db
from core.models import User
from tests import rows
from tests.conftest import KEY, Stack

ROOT = Path(__file__).parents[2]


def people() -> list[str]:
    with db.reading() as session:
        return list(session.exec(select(User.email).order_by(User.email)).all())


def add(email: str) -> None:
    with db.session() as session:
        rows.user(session, email)


def files(stack: Stack) -> list[Path]:
    return sorted(Path(stack.env["DATA_DIR"]).glob("campaigns.db*"))


def away(path: Path) -> Path:
    return path.with_name("away-" + path.name)


def test_a_file_that_is_moved_away_takes_no_writes_until_it_is_back(
    sqlite_stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    add("before@example.com")
    moved = files(sqlite_stack)
    for path in moved:
        path.rename(away(path))
    for use in (people, lambda: add("lost@example.com"), db.hot_engine):
        with pytest.raises(OperationalError, match="is gone") as refused:
            use()
        assert db.is_away(refused.value)
    db.engine().dispose()
    with pytest.raises(OperationalError, match="is gone"):
        people()
    assert not files(sqlite_stack), "an empty database in the place of the real one"
    for path in moved:
        away(path).rename(path)
    add("after@example.com")
    assert people() == ["after@example.com", "before@example.com"]
    db.hot_engine()
    assert caplog.text.count("is gone. Put it back") <= 2  # once per engine, not with every try


def test_a_file_that_was_replaced_by_a_backup_is_opened_anew(sqlite_stack: Stack, tmp_path: Path) -> None:
    add("before@example.com")
    place = Path(sqlite_stack.env["DATA_DIR"]) / "campaigns.db"
    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup, closing(sqlite3.connect(place)) as source:
        source.backup(backup)
    with db.session(hot=True) as session:
        rows.user(session, "later@example.com")
    for path in files(sqlite_stack):
        path.unlink()
    shutil.copy(tmp_path / "backup.db", place)
    with pytest.raises(OperationalError, match="was replaced by another one") as refused:
        add("first@example.com")
    assert db.is_away(refused.value)
    add("second@example.com")
    with pytest.raises(OperationalError, match="was replaced by another one"):
        db.hot_engine()
    db.hot_engine()
    assert people() == ["before@example.com", "second@example.com"]


def mere_mortal(program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``program`` without root's right to write whatever it likes."""
    weak = ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    env = {**os.environ, "DATA_DIR": str(folder), "SECRET_KEY": KEY, "PORT": "1"}
    command = [*weak, sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_the_program_does_not_start_on_a_file_that_it_cannot_write_and_says_what_to_do(sqlite_stack: Stack) -> None:
    folder = Path(sqlite_stack.env["DATA_DIR"])
    start = "from core import migrate; from core.errors import StartError\ntry: migrate.upgrade()\n"
    start += "except StartError as error: print(error)\nelse: print('started')"
    db.close()
    (folder / "campaigns.db").chmod(0o444)
    refused = mere_mortal(start, folder)
    assert f"{folder}/campaigns.db cannot be written. Give it and its folder to the user" in refused.stdout
    (folder / "campaigns.db").chmod(0o600)
    folder.chmod(0o500)
    assert "cannot be written" in mere_mortal(start, folder).stdout
    folder.chmod(0o700)
    assert mere_mortal(start, folder).stdout == "started\n"


def test_a_file_that_cannot_be_written_for_a_while_heals_without_a_restart(sqlite_stack: Stack) -> None:
    program = """
from sqlalchemy import text
from core import config, db
path = config.settings.data_dir / "campaigns.db"
def write():
    try:
        with db.session() as session:
            session.connection().execute(text("update meta set value = value"))
        return "written"
    except Exception as error:
        return db.is_away(error)
said = [write()]
for mode in (0o444, 0o600):
    for each in path.parent.glob("campaigns.db*"):  # as chown -R does
        each.chmod(mode)
    if mode == 0o444:
        db.engine().dispose()
    said.append(write())
print(*said)
"""
    db.close()
    found = mere_mortal(program, Path(sqlite_stack.env["DATA_DIR"]))
    assert found.stdout == "written True written\n", found
    assert "cannot be written. Give it" in found.stderr
