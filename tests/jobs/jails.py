"""Debian's mail servers, unpacked and run in a folder that is their whole world (chroot), on 127.0.0.1 only.

Their packages conflict, install daemons and want users of their own: here they get all that, and the machine is not
touched. Needs root, as chroot and changing users do.
"""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from tests.jobs.sink import SERVERS
from tests.servers import free_port

USERS = {
    "root": 0,
    "nobody": 65534,
    "mail": 801,
    "postfix": 802,
    "Debian-exim": 803,
    "opensmtpd": 804,
    "opensmtpq": 805,
    "dovecot": 807,
    "dovenull": 808,
}
GROUPS = {**USERS, "nogroup": 65534, "postdrop": 806}


@dataclass
class Jail:
    """A mail server in ``root`` that listens on ``port`` and puts what it takes under /mail."""

    root: Path
    port: int

    def write(self, path: str, text: str, owner: str = "root", mode: int = 0o644) -> None:
        made = self.root / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text)
        made.chmod(mode)
        os.chown(made, USERS[owner], GROUPS[owner])

    def own(self, path: Path, owner: str) -> None:
        os.chown(path, USERS[owner], GROUPS[owner])

    def folder(self, path: str, owner: str = "root", group: str = "root", mode: int = 0o755) -> None:
        made = self.root / path
        made.mkdir(parents=True, exist_ok=True)
        os.chown(made, USERS[owner], GROUPS[group])
        made.chmod(mode)

    @property
    def received(self) -> list[str]:
        """To whom the mails in the mailboxes went."""
        mails = [path for path in (self.root / "mail").rglob("new/*") if path.is_file()]
        found = [re.search(rb"^To: .*?([^\s<>]+@[^\s<>]+)", mail.read_bytes(), re.MULTILINE) for mail in mails]
        return [match[1].decode() for match in found if match]

    def wait(self, count: int) -> None:
        """Until so many mails are in the mailboxes."""
        deadline = monotonic() + 20
        while len(self.received) < count:
            assert monotonic() < deadline, f"only {len(self.received)} arrived: {self.log}"
            sleep(0.05)

    @property
    def log(self) -> str:
        paths = [self.root / "log", *self.root.glob("var/log/*")]
        said = [path.read_text(errors="replace") for path in paths if path.is_file()]
        return "\n".join(said)[-5_000:]


@contextmanager
def running(package: str, programs: list[str], prepare: Callable[["Jail"], None], command: list[str]) -> Iterator[Jail]:
    """The server of ``package``: ``prepare(jail)`` writes its configuration, ``command`` runs it in the foreground."""
    root = Path(tempfile.mkdtemp(prefix="jail-"))
    root.chmod(0o755)
    jail = Jail(root, free_port())
    _build(jail, SERVERS / package, programs)
    prepare(jail)
    log = (root / "log").open("wb")
    process = subprocess.Popen(
        ["chroot", root, *(part.replace("PORT", str(jail.port)) for part in command)],
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd="/",
    )
    try:
        _wait(jail, process)
        yield jail
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()
        shutil.rmtree(root, ignore_errors=True)


def _build(jail: Jail, package: Path, programs: list[str]) -> None:
    shutil.copytree(package, jail.root, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("doc", "man"))
    for place in ("bin", "lib", "lib64", "sbin"):  # as Debian has them today
        if not (jail.root / place).is_symlink():
            (jail.root / "usr" / place).mkdir(parents=True, exist_ok=True)
            if (jail.root / place).exists():
                shutil.copytree(jail.root / place, jail.root / "usr" / place, symlinks=True, dirs_exist_ok=True)
                shutil.rmtree(jail.root / place)
            (jail.root / place).symlink_to(f"usr/{place}")
    users = [
        f"{name}:x:{number}:{GROUPS.get(name, 65534)}::/nonexistent:/usr/sbin/nologin" for name, number in USERS.items()
    ]
    jail.write("etc/passwd", "\n".join(users) + "\n")
    jail.write("etc/group", "\n".join(f"{name}:x:{number}:" for name, number in GROUPS.items()) + "\n")
    jail.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\n")
    jail.write("etc/hosts", "127.0.0.1 localhost mail.test\n")
    jail.write("etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    jail.write("etc/services", "smtp 25/tcp\n")
    jail.folder("tmp", mode=0o1777)
    jail.folder("run")
    jail.folder("mail", "mail", "mail", 0o700)
    jail.folder("dev")
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(jail.root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        (jail.root / "dev" / name).chmod(0o666)
    wanted = [jail.root / program for program in programs] + [Path("/bin/sh")]
    shutil.copy("/bin/sh", jail.root / "usr/bin/sh")
    for library in _libraries(jail.root, wanted):
        target = jail.root / library.relative_to("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)


def _libraries(root: Path, programs: list[Path]) -> set[Path]:
    """The libraries of the machine that these need and that are not unpacked in ``root``."""
    places = [root / "usr/lib/postfix", root / "usr/lib/dovecot", *root.glob("usr/lib/*-linux-gnu*")]
    env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(map(str, places))}
    found: set[Path] = set()
    for program in programs:
        told = subprocess.run(["ldd", program], env=env, capture_output=True, text=True).stdout
        found |= {Path(path) for path in re.findall(r"(/\S+) \(0x", told)}
    return {path for path in found if not path.is_relative_to(root)}


def _wait(jail: Jail, process: "subprocess.Popen[bytes]") -> None:
    deadline = monotonic() + 10
    while True:
        with closing(socket.socket()) as client:
            if client.connect_ex(("127.0.0.1", jail.port)) == 0:
                return
        assert process.poll() is None and monotonic() < deadline, f"it did not start: {jail.log}"
        sleep(0.02)
