"""A copy of the SQLite database and its key, taken while the program runs: ``make backup TO=folder``."""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from core import config, errors
from core.errors import StartError


def main() -> None:
    """Raises StartError where there is nothing to copy, or no room for it."""
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        raise StartError("Name a new folder for the copy: make backup TO=/var/backups/campaigns-monday")
    to = Path(sys.argv[1].strip())
    copy(to)
    print(f"The database is in {to}. To go back to it, stop the program and start it with DATA_DIR={to}.")
    if config.settings.secret_key:
        print("Keep SECRET_KEY with it: without that the passwords in it cannot be read.")


def copy(to: Path) -> None:
    """Into the new folder ``to``, which nobody else can read and which can be a DATA_DIR. Raises StartError."""
    source = config.settings.sqlite_path
    if source is None:
        raise StartError("The database is PostgreSQL: copy it with pg_dump, and keep SECRET_KEY with the copy.")
    if not source.exists():
        raise StartError(f"There is no database {source}. Set DATA_DIR as the program has it.")
    if to.exists():
        raise StartError(f"{to} is there already. Name a new folder.")
    try:
        to.mkdir(mode=0o700, parents=True)
        copied = to / source.name
        copied.touch(mode=0o600)
        # All of it, also what SQLite has in its other files, as it is at one moment; who writes goes on.
        with closing(sqlite3.connect(source)) as opened, closing(sqlite3.connect(copied)) as made:
            opened.backup(made)
        if (key := config.settings.data_dir / "secret_key").exists():
            shutil.copy2(key, to)
    except (OSError, sqlite3.Error) as error:
        raise StartError(f"The copy in {to} is not complete: {error}.") from None


if __name__ == "__main__":
    try:
        main()
    except StartError as error:
        errors.end(error)
