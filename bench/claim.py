"""A claim of 500 due messages where 10 million messages are kept, beside the same with 10 thousand; both databases.

The table and its indexes are the product's own. Half of the messages were sent by other campaigns, half wait in one.
Interleaved, each claim in a transaction that is committed, medians. What a round claimed goes back before the next.
"""

import asyncio
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import bindparam, text

from bench import mails, report, stand
from core import config, crypto, db, migrate
from core.delivery import batch, lease
from core.models import CampaignStatus, Message
from tests import rows, servers

MANY, FEW, SIZE = int(os.environ.get("BENCH_ROWS", "10000000")), 10_000, 500
OLD = 5  # campaigns that sent the first half
ROUNDS, CLAIMS = 6, 4  # the first claim of a round warms up and is not timed
_CHUNK, _COMMIT = 5_000, 500_000  # rows written down in one moment, and in one transaction

_FILL = text("""
    with recursive numbers(n) as (select :first union all select n + 1 from numbers where n < :last)
    insert into message (campaign_id, sender_id, contact_id, email, domain, fields, state, attempts, retry_at,
                         phase, reply, kind, rule_id)
    select :campaign_id, :sender_id, n, 'person' || n || '@mail' || (n % 100) || '.example',
           'mail' || (n % 100) || '.example', :fields, :state, 0, :at, '', '', '', ''
    from numbers
""").bindparams(bindparam("at", type_=db.UtcDateTime()), bindparam("fields", type_=db.Json))
_INDEXES = sorted(Message.__table__.indexes, key=lambda index: str(index.name))  # type: ignore[attr-defined]


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_sqlite, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_postgres, Path(folder))


def _sqlite(folder: Path) -> None:
    _compare("SQLite", {FEW: {"DATA_DIR": str(folder / "few")}, MANY: {"DATA_DIR": str(folder / "many")}})


def _postgres(folder: Path) -> None:
    (folder / "postgres").mkdir(mode=0o700)
    with servers.postgres(folder / "postgres" / "pg") as url:
        envs = {
            count: {"DATA_DIR": str(folder), "DATABASE_URL": servers.fresh_database(url, f"rows{count}")}
            for count in (FEW, MANY)
        }
        _compare("PostgreSQL", envs)


def _compare(name: str, envs: dict[int, dict[str, str]]) -> None:
    took: dict[int, list[float]] = {}
    key = crypto.new_token()
    for count, env in envs.items():
        env["SECRET_KEY"] = key
        began = perf_counter()
        _open(env)
        _fill(count)
        report.detail(f"{name}: {count:,} messages made in {perf_counter() - began:.0f} s")
    for _ in range(ROUNDS):
        for count, env in envs.items():
            _open(env)
            took.setdefault(count, []).extend(_claims())
    db.close()
    few, many = median(took[FEW]), median(took[MANY])
    report.detail(
        f"{name}: a claim of {SIZE} takes {few * 1000:.1f} ms at {FEW:,} and {many * 1000:.1f} ms at {MANY:,}"
    )
    report.at_most(f"{name}, claim of {SIZE} at {MANY:,} messages ÷ at {FEW:,}", many / few, 1.5)


def _open(env: dict[str, str]) -> None:
    config.use(config.load(env))
    db.connect()
    migrate.upgrade()


def _fill(count: int) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        sender_id = rows.sender(session, user_id, per_minute=None).id or 0
        old = [rows.campaign(session, user_id, status=CampaignStatus.sent, sender_id=sender_id) for _ in range(OLD)]
        new = rows.campaign(session, user_id, sender_id=sender_id, pending_count=count // 2)
        began = db.now(session) - timedelta(days=1)
    for index in _INDEXES:
        index.drop(db.engine())  # and made again when the rows are there, which is quicker
    half = count // 2
    for number, campaign_id in enumerate(old):
        _messages(campaign_id, sender_id, "sent", half * number // OLD, half * (number + 1) // OLD, began)
    _messages(new, sender_id, "pending", half, count, began)
    for index in _INDEXES:
        index.create(db.engine())
    stand.tidy()


def _messages(campaign_id: int, sender_id: int, state: str, after: int, upto: int, began: datetime) -> None:
    """Messages ``after`` + 1 to ``upto``, as a snapshot in chunks would write them down."""
    values = {"campaign_id": campaign_id, "sender_id": sender_id, "state": state, "fields": mails.fields(1)}
    for start in range(after, upto, _COMMIT):
        with db.session() as session:
            if not db.is_sqlite():
                session.connection().execute(text("set local session_replication_role = replica"))  # no check per row
            for first in range(start, min(start + _COMMIT, upto), _CHUNK):
                span = {"first": first + 1, "last": min(first + _CHUNK, upto)}
                session.connection().execute(_FILL, values | span | {"at": began + timedelta(seconds=first / _CHUNK)})


def _claims() -> list[float]:
    """Seconds of each claim; the sender is taken anew before, by which what was claimed goes back."""
    with db.session() as session:
        held = lease.take(session, 1, "bench")
        assert held is not None
    took = []
    for _ in range(1 + CLAIMS):
        began = perf_counter()
        with db.session() as session:
            got = batch.claim(session, 1, held.epoch, SIZE)
        took.append(perf_counter() - began)
        assert got and len(got) == SIZE
    return took[1:]
