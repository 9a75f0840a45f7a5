"""Where a benchmark runs: a fresh database, people and campaigns in it, and the product's own processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sqlalchemy import bindparam, text
from sqlmodel import Session

from bench import mails, report
from core import accounts, campaigns, config, crypto, db, live, migrate
from core.delivery import snapshot
from core.models import Campaign, CampaignList, CampaignStatus, ContactList
from tests import rows, servers
from tests.e2e.product import ROOT, free_port

EMAIL, PASSWORD = "anna@example.com", "bench password"

# main.py with the worker inside. SIGUSR1 is the wake-up that a click in its own pages would give it.
_EMBEDDED = """
import signal, main
from core import live
signal.signal(signal.SIGUSR1, lambda *_: live.wake())
main.main()
"""

# As mails.fields says.
_FIELDS = """('{"first_name": "First' || n || '", "last_name": "' || case when n % 10 = 0 then 'Müller' else 'Last' end
    || '", "city": "Pune"}')"""
_PEOPLE = """
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :count)
    insert into contact (user_id, email, domain, fields, created_at)
    select :user_id, 'person' || n || '@' || :domain, :domain, {fields}, :now from numbers
"""
_MEMBERS = text("""
    insert into list_member (list_id, contact_id)
    select :list_id, id from contact where user_id = :user_id and domain = :domain
""")


@dataclass
class Stand:
    """A database with one user in it. ``env`` is what processes of the product need to run on it."""

    name: str
    env: dict[str, str]
    folder: Path
    user_id: int = 0

    @property
    def is_embedded(self) -> bool:
        return "REDIS_URL" not in self.env

    def database(self) -> psutil.Process | None:
        """The database server, where it is one of our own."""
        path = self.folder / "pg" / "postmaster.pid"
        return psutil.Process(int(path.read_text().split()[0])) if path.exists() else None


@contextmanager
def sqlite(folder: Path) -> Iterator[Stand]:
    with _using(Stand("SQLite, embedded", {}, folder / "sqlite")) as stand:
        yield stand


@contextmanager
def postgres(folder: Path) -> Iterator[Stand]:
    (folder / "postgres").mkdir(mode=0o700)
    with servers.postgres(folder / "postgres" / "pg") as url, servers.redis(folder / "postgres") as redis_url:
        env = {"DATABASE_URL": url, "REDIS_URL": redis_url}
        with _using(Stand("PostgreSQL + Redis", env, folder / "postgres")) as stand:
            yield stand


@contextmanager
def _using(stand: Stand) -> Iterator[Stand]:
    """The stand, which this process has open too."""
    ours = {
        "DATA_DIR": str(stand.folder),
        "BASE_URL": "http://127.0.0.1:9",
        "SECRET_KEY": crypto.new_token(),
        "PORT": str(free_port()),
    }
    stand.env = ours | stand.env
    config.use(config.load(stand.env))
    db.connect()
    migrate.upgrade()
    with db.session() as session:
        stand.user_id = accounts.sign_up(session, EMAIL, PASSWORD).id or 0
    yield stand
    live.stop()
    db.close()


@dataclass
class Worker:
    """A process of the product that sends."""

    process: subprocess.Popen[bytes]
    stand: Stand
    log: Path

    def wake(self) -> None:
        """It looks for due mail at once."""
        if self.stand.is_embedded:
            self.process.send_signal(signal.SIGUSR1)
        else:
            live.wake()

    def cpu(self) -> float:
        """Seconds of CPU, user and system, that it used so far."""
        return _cpu(psutil.Process(self.process.pid))

    def peak_mb(self) -> float:
        """Its largest resident size so far, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


@contextmanager
def worker(stand: Stand) -> Iterator[Worker]:
    """main.py with the worker inside, or a huey_worker.py; ends politely. Errors in its log are told."""
    words = ["-c", _EMBEDDED] if stand.is_embedded else ["huey_worker.py"]
    log = stand.folder / f"worker{time.monotonic_ns()}.log"
    with log.open("wb") as out:
        env = {**os.environ, **stand.env}
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=env, stdout=out, stderr=out)
    ready = "http://" if stand.is_embedded else "runs on"
    while ready not in log.read_text():
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    try:
        yield Worker(process, stand, log)
    finally:
        process.terminate()
        process.wait(30)
    if problems := [line for line in log.read_text().splitlines() if " ERROR " in line]:
        report.note(f"{stand.name}: {len(problems)} errors in the log, the first: {problems[0]}")


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU that the workers and the database server used in a run (0 where the database is no server)."""

    workers: float
    database: float


def cpu(workers: list[Worker]) -> Cpu:
    server = workers[0].stand.database()
    family = [server, *server.children()] if server else []
    return Cpu(sum(one.cpu() for one in workers), sum(_cpu(process) for process in family))


def people(stand: Stand, count: int) -> int:
    """A list with ``count`` contacts; returns its id."""
    with db.session() as session:
        now = db.now(session)
        made = ContactList(user_id=stand.user_id, name=f"{count} people", contact_count=count, created_at=now)
        session.add(made)
        session.flush()
        values = {"user_id": stand.user_id, "list_id": made.id, "domain": f"list{made.id}.example", "count": count}
        fill = text(_PEOPLE.format(fields=_FIELDS if db.is_sqlite() else f"cast({_FIELDS} as json)"))
        session.connection().execute(fill.bindparams(bindparam("now", type_=db.UtcDateTime())), values | {"now": now})
        session.connection().execute(_MEMBERS, values)
    return made.id or 0


def sender(stand: Stand, port: int, connections: int) -> int:
    """A sender without limits whose connections are never refreshed."""
    values = {"security": "none", "per_minute": None, "delay_seconds": 0, "batch_size": 500}
    with db.session() as session:
        made = rows.sender(
            session,
            stand.user_id,
            host="127.0.0.1",
            port=port,
            connections=connections,
            refresh_after=10**9,
            **values,
        )
    return made.id or 0


def draft(stand: Stand, sender_id: int, list_id: int, size: int) -> int:
    """A campaign to everybody on the list that nobody has sent yet."""
    with db.session() as session:
        campaign_id = rows.campaign(
            session,
            stand.user_id,
            sender_id=sender_id,
            status=CampaignStatus.draft,
            snapshot_done=False,
            subject=mails.SUBJECT,
            body=mails.body(size),
            body_kind="html",
        )
        session.add(CampaignList(campaign_id=campaign_id, list_id=list_id))
    return campaign_id


def ready(stand: Stand, sender_id: int, list_id: int, size: int) -> int:
    """A campaign whose recipients are written down; it is paused, so that ``go`` starts it. No worker may run yet."""
    campaign_id = draft(stand, sender_id, list_id, size)
    with db.session() as session:
        campaigns.send_now(session, stand.user_id, campaign_id)
        campaigns.start_due(session)
    more = True
    while more:
        with db.session() as session:
            more = snapshot.add_chunk(session, campaign_id)
    with db.session() as session:
        campaigns.pause(session, stand.user_id, campaign_id)
    return campaign_id


def tidy() -> None:
    """What each database does by itself in time, after so many new rows."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("pragma wal_checkpoint(truncate)",) if db.is_sqlite() else ("vacuum analyze", "checkpoint"):
            connection.execute(text(statement))


@dataclass
class Run:
    """Of sending some campaigns: seconds from its start to the end in the ledger, and of CPU."""

    seconds: float
    cpu: Cpu
    states: dict[str, int] = field(default_factory=dict)


def go(workers: list[Worker], campaign_ids: list[int], *, drafts: bool = False) -> Run:
    """Resume these campaigns (or "Send now", for drafts) and wait until the ledger says that all is sent."""
    stand, before = workers[0].stand, cpu(workers)
    began = time.monotonic()
    start = campaigns.send_now if drafts else campaigns.resume
    with db.session() as session:
        for campaign_id in campaign_ids:
            start(session, stand.user_id, campaign_id)
    workers[0].wake()
    while not all(_status(campaign_id) == CampaignStatus.sent for campaign_id in campaign_ids):
        assert all(one.process.poll() is None for one in workers), "a worker ended"
        assert time.monotonic() - began < 600, "the campaigns did not end"
        time.sleep(0.1)
    seconds, after = time.monotonic() - began, cpu(workers)
    spent = Cpu(after.workers - before.workers, after.database - before.database)
    with db.reading() as session:
        return Run(seconds, spent, _kept(session, campaign_ids))


def _status(campaign_id: int) -> str:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id).status


def _kept(session: Session, campaign_ids: list[int]) -> dict[str, int]:
    """State -> messages of the campaigns, which their counters must agree with."""
    found: dict[str, int] = {}
    for campaign_id in campaign_ids:
        counted = text("select state, count(*) from message where campaign_id = :id group by state")
        states: dict[str, int] = dict(session.connection().execute(counted, {"id": campaign_id}).tuples().all())
        kept = session.get_one(Campaign, campaign_id)
        counters = {state: getattr(kept, f"{state}_count") for state in states}
        assert counters == states and kept.recipients_count == sum(states.values()), (counters, states)
        for state, count in states.items():
            found[state] = found.get(state, 0) + count
    return found
