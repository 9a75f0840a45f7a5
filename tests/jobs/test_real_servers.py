"""Postfix, Exim and OpenSMTPD as Debian ships them, with a rate limit and greylisting: the mailboxes are the judge."""

import os
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep

import pytest
from sqlmodel import select

from core import db
from core.models import Attempt
from jobs.engine import Engine
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.jails import Jail, running

PEOPLE = world.people(45)
PER_SECOND = 25  # mails that each server takes


@contextmanager
def postfix() -> Iterator[Jail]:
    """Limited by anvil; a policy server greylists."""
    programs = [
        "master",
        "smtpd",
        "cleanup",
        "qmgr",
        "tlsmgr",
        "trivial-rewrite",
        "bounce",
        "virtual",
        "anvil",
        "proxymap",
    ]
    with greylisting() as port:

        def prepare(jail: Jail) -> None:
            spool = "var/spool/postfix"
            jail.folder(spool)
            for name in "active bounce corrupt defer deferred flush hold incoming saved trace private".split():
                jail.folder(f"{spool}/{name}", "postfix", "root", 0o700)
            jail.folder(f"{spool}/pid")
            jail.folder("var/log")
            jail.folder(f"{spool}/maildrop", "postfix", "postdrop", 0o1730)
            jail.folder(f"{spool}/public", "postfix", "postdrop", 0o2710)
            jail.folder("var/lib/postfix", "postfix", "postfix", 0o700)
            jail.write("etc/postfix/main.cf", POSTFIX_MAIN.format(per_second=PER_SECOND, policy=port))
            jail.write("etc/postfix/master.cf", POSTFIX_MASTER.format(port=jail.port))

        command = ["/usr/lib/postfix/sbin/master", "-d", "-c", "/etc/postfix"]
        with running("postfix", [f"usr/lib/postfix/sbin/{name}" for name in programs], prepare, command) as jail:
            yield jail


POSTFIX_MAIN = """
compatibility_level = 3.6
myhostname = mail.test
inet_protocols = ipv4
mydestination =
mynetworks =
alias_maps =
maillog_file = /var/log/mail.log
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = /mail
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:801
virtual_gid_maps = static:801
smtpd_client_event_limit_exceptions =
smtpd_client_message_rate_limit = {per_second}
anvil_rate_time_unit = 1s
smtpd_error_sleep_time = 0s
smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service inet:127.0.0.1:{policy}
"""
POSTFIX_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def greylisting() -> Iterator[int]:
    """A policy server of Postfix (SMTPD_POLICY_README): a recipient that it does not know may come again later."""
    known: set[str] = set()

    class Policy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = {}
            for line in self.rfile:
                name, _, value = line.decode().strip().partition("=")
                asked[name] = value
                if not name:
                    action = "DUNNO" if asked["recipient"] in known else "DEFER 4.2.0 Greylisted, try again later"
                    known.add(asked["recipient"])
                    self.wfile.write(f"action={action}\n\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Policy) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def exim() -> Iterator[Jail]:
    """Its own ``ratelimit`` does both: who comes for the first time within an hour is greylisted."""

    def prepare(jail: Jail) -> None:
        for path in ("var/spool/exim4", "var/log/exim4", "run/exim4"):
            jail.folder(path, "Debian-exim", "Debian-exim", 0o750)
        jail.write("etc/exim4/exim4.conf", EXIM.replace("PER_SECOND", str(PER_SECOND)))

    command = ["/usr/sbin/exim4", "-bdf", "-oX", "127.0.0.1.PORT"]
    with running("exim4-daemon-light", ["usr/sbin/exim4"], prepare, command) as jail:
        yield jail


EXIM = r"""
primary_hostname = mail.test
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
never_users =
keep_environment =
smtp_accept_queue_per_connection = 0
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
begin acl
check_mail:
  defer message = 4.7.1 Ratelimit exceeded: $sender_rate mails per $sender_rate_period
        ratelimit = PER_SECOND / 1s / per_mail / strict
  accept
check_rcpt:
  warn ratelimit = 1 / 1h / per_cmd / strict / grey-$local_part
  defer message = 4.2.0 Greylisted, try again later
        condition = ${if match{$sender_rate}{^(0|1\\.0)}}
  accept domains = example.org
  deny
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = /mail/all
  maildir_format
  user = mail
  group = mail
begin retry
* * F,2h,1m
"""


@contextmanager
def opensmtpd() -> Iterator[Jail]:
    """It has no limits of its own; a filter program does both."""

    def prepare(jail: Jail) -> None:
        for path in ("var/empty", "var/lib/opensmtpd/empty", "var/run"):
            jail.folder(path)
        jail.folder("var/spool/smtpd", mode=0o711)
        jail.folder("var/spool/smtpd/offline", "root", "opensmtpq", 0o770)
        for name in ("incoming", "purge", "queue", "temporary", "corrupt"):
            jail.folder(f"var/spool/smtpd/{name}", "opensmtpq", "root", 0o700)
        jail.folder("grey", "opensmtpd", "opensmtpd", 0o777)
        jail.write("usr/bin/grey", OPENSMTPD_FILTER.replace("PER_SECOND", str(PER_SECOND)), mode=0o755)
        jail.write("etc/mailname", "mail.test\n")
        jail.write("etc/smtpd.conf", OPENSMTPD.replace("PORT", str(jail.port)))

    programs = ["usr/sbin/smtpd", "usr/libexec/opensmtpd/mail.maildir"]
    with running("opensmtpd", programs, prepare, ["/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf"]) as jail:
        yield jail


OPENSMTPD = """
table all { "@" = "mail" }
filter grey proc-exec "/usr/bin/grey"
listen on 127.0.0.1 port PORT filter grey hostname mail.test
action box maildir "/mail/all" virtual <all>
match from any for domain example.org action box
"""
OPENSMTPD_FILTER = """#!/bin/sh
while read -r line; do [ "$line" = "config|ready" ] && break; done
echo "register|filter|smtp-in|mail-from"
echo "register|filter|smtp-in|rcpt-to"
echo "register|ready"
count=0
while IFS='|' read -r kind version time system phase session token rest; do
  answer=proceed
  if [ "$phase" = mail-from ]; then
    count=$((count + 1))
    [ $((count % PER_SECOND)) = 0 ] && answer="reject|451 4.7.1 Ratelimit exceeded"
  elif [ ! -e "/grey/$rest" ]; then
    : > "/grey/$rest"
    answer="reject|451 4.2.0 Greylisted, try again later"
  fi
  echo "filter-result|$session|$token|$answer"
done
"""


def given_back(sender_id: int, epoch: int) -> bool:
    """Whether the engine has taken the sender since, and given it back."""
    row = world.sender(sender_id)
    return row.epoch > epoch and row.owner == ""


def send_all(engine: Engine, sender_id: int, campaign_id: int) -> None:
    """Hours pass whenever nothing can be sent; only the limits of the real servers need real time."""
    deadline = monotonic() + 30
    while world.campaign(campaign_id).status != "sent":
        assert monotonic() < deadline, f"not sent: {world.states(campaign_id)}, {world.sender(sender_id).state_reply}"
        epoch = world.sender(sender_id).epoch
        world.dispatch(engine)
        world.until(lambda epoch=epoch: given_back(sender_id, epoch))  # type: ignore[misc]
        db.clock_offset += timedelta(minutes=61)
        sleep(0.1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root folder and users of a process")
@pytest.mark.parametrize("server", [postfix, exim, opensmtpd], ids=lambda server: str(server.__name__))
def test_a_real_mail_server_that_limits_and_greylists_has_every_mail_once_in_the_end(
    server: Callable[[], Iterator[Jail]], sqlite_stack: Stack
) -> None:
    with server() as jail, world.engine() as engine:  # type: ignore[attr-defined]
        sender_id = world.add_sender(world.add_user(), jail.port)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, PEOPLE)
        send_all(engine, sender_id, campaign_id)
        jail.wait(len(PEOPLE))
        assert sorted(jail.received) == PEOPLE
    assert world.states(campaign_id) == {"sent": 45}
    with db.reading() as session:
        kinds = Counter(session.exec(select(Attempt.kind)).all())
    assert kinds["greylist"] == 45 and kinds["throttle_rate"] >= 1, kinds
