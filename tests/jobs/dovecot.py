"""Dovecot as Debian ships it: a mailbox that a test drops mails into."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jobs.jails import Jail, running

USER, PASSWORD = "anna@example.com", "right horse"
_PROGRAMS = ["anvil", "auth", "config", "imap", "imap-login", "log", "stats"]


@dataclass
class Mailbox:
    """The maildir of USER."""

    jail: Jail

    @property
    def port(self) -> int:
        return self.jail.port

    @property
    def folder(self) -> Path:
        return self.jail.root / "mail" / USER

    def drop(self, *mails: bytes) -> None:
        """As a delivery does: written aside, then moved."""
        for mail in mails:
            number = sum(1 for _ in self.folder.glob("*/*"))
            for place in ("tmp", "new", "cur"):
                self.jail.folder(f"mail/{USER}/{place}", "mail", "mail", 0o700)
            aside = self.jail.root / "mail" / USER / "tmp" / f"{1_700_000_000 + number}.M{number}.mail.test"
            aside.write_bytes(mail)
            self.jail.own(aside, "mail")
            aside.rename(aside.parent.parent / "new" / aside.name)

    def empty(self) -> None:
        shutil.rmtree(self.folder)
        self.jail.folder(f"mail/{USER}", "mail", "mail", 0o700)

    def files(self) -> set[str]:
        """Names tell the flags too: what was read would be in cur, with an S."""
        return {str(path.relative_to(self.folder)) for path in self.folder.glob("[cn]*/*")}

    def begin_anew(self) -> None:
        """The server forgets its UIDs, as after a restored backup: another UIDVALIDITY."""
        for path in self.folder.glob("dovecot*"):
            path.unlink()
        (self.folder / "dovecot-uidlist").write_text("3 V987654321 N1\n")
        self.jail.own(self.folder / "dovecot-uidlist", "mail")


@contextmanager
def dovecot(certificate: Path | None = None) -> Iterator[Mailbox]:
    """With a certificate (and its key, in one file) it offers STARTTLS. The test is skipped where we are not root."""
    if os.geteuid() != 0:
        pytest.skip("Dovecot runs in a chroot, which needs root")

    def prepare(jail: Jail) -> None:
        jail.write("etc/dovecot/passwd", f"{USER}:{{PLAIN}}{PASSWORD}\n", "dovecot", 0o600)
        secured = "no"
        if certificate is not None:
            jail.write("etc/dovecot/server.pem", certificate.read_text(), "root", 0o600)
            secured = "yes\nssl_cert = </etc/dovecot/server.pem\nssl_key = </etc/dovecot/server.pem"
        jail.write("etc/dovecot/dovecot.conf", _CONFIG.format(port=jail.port, ssl=secured))
        jail.folder(f"mail/{USER}", "mail", "mail", 0o700)
        jail.folder("var/lib/dovecot", "root", "root")
        jail.folder("run/dovecot", "root", "root")

    programs = [f"usr/lib/dovecot/{name}" for name in _PROGRAMS] + [
        "usr/lib/dovecot/modules/libssl_iostream_openssl.so"
    ]
    command = ["/usr/sbin/dovecot", "-F", "-c", "/etc/dovecot/dovecot.conf"]
    with running("dovecot-imapd", ["usr/sbin/dovecot", *programs], prepare, command) as jail:
        yield Mailbox(jail)


_CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = /log
ssl = {ssl}
disable_plaintext_auth = no
auth_mechanisms = plain
auth_failure_delay = 0
first_valid_uid = 1
first_valid_gid = 1
mail_uid = 801
mail_gid = 801
mail_location = maildir:/mail/%u
default_internal_user = dovecot
default_login_user = dovenull
default_internal_group = dovecot
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u /etc/dovecot/passwd
}}
userdb {{
  driver = static
  args = uid=801 gid=801 home=/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""
