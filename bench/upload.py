"""10,000 recipients from a CSV file to the database, beside the same rows inserted by plain executemany / COPY."""

import csv
import io
import json
import sqlite3
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import psycopg2

from bench import report
from core import accounts, config, db, migrate
from core.audience import contacts, parse
from tests import servers

PEOPLE, ROUNDS = 10_000, 3
ROWS = [(f"person{n}@example{n % 50}.com", f"First{n}", f"Last{n}", f"City {n % 300}") for n in range(PEOPLE)]


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder, servers.postgres(Path(folder) / "pg") as url:
        path = Path(folder) / "members.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("Email", "First name", "Last name", "City"), *ROWS])
        _compare("SQLite", {"DATA_DIR": folder}, path, lambda: _plain_sqlite(Path(folder)), "executemany")
        _compare("PostgreSQL", {"DATA_DIR": folder, "DATABASE_URL": url}, path, lambda: _plain_copy(url), "COPY")


def _compare(name: str, env: dict[str, str], path: Path, plain: object, yardstick: str) -> None:
    config.use(config.load(env))
    db.connect()
    migrate.upgrade()
    assert callable(plain)
    ours, bare = [], []
    for number in range(ROUNDS):
        with db.session() as session:
            user = accounts.sign_up(session, f"user{number}@example.com", "bench password")
        ours.append(_upload(user.id or 0, path))
        bare.append(plain())
    db.close()
    median, base = statistics.median(ours), statistics.median(bare)
    report.detail(f"{yardstick} takes {base:.2f} s; ratio {median / base:.1f}")
    report.at_most(f"{name}, {PEOPLE:,} recipients parsed and stored", median, 5, " s")


def _upload(user_id: int, path: Path) -> float:
    began = perf_counter()
    parsed = parse.parse_file(path, "members.csv")
    contacts.store(user_id, parsed, "members")
    took = perf_counter() - began
    with db.reading() as session:
        assert sum(made.contact_count for made in contacts.lists(session, user_id)) == PEOPLE
    return took


def _fields(row: tuple[str, ...]) -> str:
    return json.dumps({"first_name": row[1], "last_name": row[2], "city": row[3]})


def _plain_sqlite(folder: Path) -> float:
    path = folder / "plain.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode=wal")
    connection.execute("create table contact (id integer primary key, email text unique, fields text)")
    began = perf_counter()
    with connection:
        connection.executemany("insert into contact (email, fields) values (?, ?)", [(r[0], _fields(r)) for r in ROWS])
    took = perf_counter() - began
    connection.close()
    return took


def _plain_copy(url: str) -> float:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("drop table if exists plain")
        cursor.execute("create table plain (id serial primary key, email text unique, fields jsonb)")
    began = perf_counter()
    with connection, connection.cursor() as cursor:
        text = io.StringIO("".join(f"{row[0]}\t{_fields(row)}\n" for row in ROWS))
        cursor.copy_expert("copy plain (email, fields) from stdin", text)
    took = perf_counter() - began
    connection.close()
    return took
