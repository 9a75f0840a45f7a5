"""Postfix's smtp-sink, which misbehaves as its options say; unpacked from Debian's package by ``make test``."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers import free_port

SERVERS = Path(sys.prefix) / "servers"
_POSTFIX = SERVERS / "postfix"


class Sink:
    """A running sink. ``accepted``: the recipients of what it took, in order."""

    def __init__(self, *options: str, port: int = 0) -> None:
        self.port = port or free_port()
        self._folder = Path(tempfile.mkdtemp())
        libraries = [_POSTFIX / "usr" / "lib" / "postfix", *_POSTFIX.glob("usr/lib/*-linux-gnu*")]
        user = ["-u", "root"] if os.geteuid() == 0 else []
        dump = ["-D", f"{self._folder}/log."]
        self._process = subprocess.Popen(
            [_POSTFIX / "usr" / "sbin" / "smtp-sink", *user, *dump, *options, f"127.0.0.1:{self.port}", "100"],
            env={**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))},
            stderr=subprocess.DEVNULL,  # it tells of each client that hangs up
        )
        while not _answers(self.port):
            assert self._process.poll() is None, "smtp-sink did not start"

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        shutil.rmtree(self._folder)

    @property
    def accepted(self) -> list[str]:
        said = "".join(path.read_text(errors="replace") for path in sorted(self._folder.iterdir()))
        return re.findall(r"^X-Rcpt-Args: <(.*)>$", said, re.MULTILINE)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
