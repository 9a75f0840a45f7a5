"""Mails per second of a sender without limits, the whole way with the ledger kept, beside Postfix's smtp-source.

Both send to Postfix's smtp-sink on this machine, 16 connections, interleaved; the ratio is of the medians.
"""

import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from sqlmodel import Session

from core import accounts, campaigns, clock, config, crypto, db, live, migrate
from core.content import mail
from core.models import Campaign, CampaignList, CampaignStatus, Contact, ContactList, ListMember
from jobs import runner
from tests import rows, servers
from tests.e2e.product import free_port

MAILS = int(os.environ.get("BENCH_MAILS", "20000"))
ROUNDS, CONNECTIONS = 3, 16
PATHS = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin"}
LINKS = "".join(
    f'<p><a href="https://example.com/offer/{n}">Offer number {n} of this week</a></p>\n' for n in range(10)
)
BODY = (
    "<html><head><style>p { font: 16px sans-serif }</style></head><body><h1>Hello {{ first_name }}</h1>\n"
    + LINKS
    + "<p>Greetings to {{ city }}, {{ last_name }}.</p>\n<p>"
    + "We thought you would like to know. " * 30
    + "</p></body></html>"
)


async def run() -> None:
    if not shutil.which("smtp-sink", path=PATHS["PATH"]):
        print("skipped: smtp-sink and smtp-source are missing (Debian's package postfix; no daemon is needed)")
        return
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_compare, "SQLite, one process", {"DATA_DIR": f"{folder}/sqlite"})
        with servers.postgres(Path(folder) / "pg") as url, servers.redis(Path(folder)) as redis_url:
            env = {"DATA_DIR": f"{folder}/postgres", "DATABASE_URL": url, "REDIS_URL": redis_url}
            await asyncio.to_thread(_compare, "PostgreSQL + Redis, one worker", env)


def _compare(name: str, env: dict[str, str]) -> None:
    config.use(config.load({**env, "BASE_URL": "http://127.0.0.1:9", "SECRET_KEY": crypto.new_token()}))
    db.connect()
    migrate.upgrade()
    with db.session() as session:
        user_id = accounts.sign_up(session, "anna@example.com", "bench password").id or 0
        list_id = _people(session, user_id)
    ours, yardstick = [], []
    with _sink() as port:
        for _ in range(ROUNDS):
            ours.append(MAILS / _campaign(user_id, list_id, port))
            yardstick.append(MAILS / _smtp_source(port))
    db.close()
    rate, base = statistics.median(ours), statistics.median(yardstick)
    print(f"{name}: {rate:,.0f} mails/s; smtp-source {base:,.0f}; ratio {rate / base:.2f}", flush=True)


def _people(session: Session, user_id: int) -> int:
    now = db.now(session)
    made = ContactList(user_id=user_id, name="everybody", contact_count=MAILS, created_at=now)
    session.add(made)
    session.flush()
    people = [
        {
            "id": number,
            "user_id": user_id,
            "email": f"person{number}@example.com",
            "fields": {
                "first_name": f"First{number}",
                "last_name": "Müller" if number % 10 == 0 else "Last",
                "city": "Pune",
            },
            "created_at": now,
        }
        for number in range(1, MAILS + 1)
    ]
    db.insert_ignore(session, Contact.__table__, people)
    members = [{"list_id": made.id, "contact_id": row["id"]} for row in people]
    db.insert_ignore(session, ListMember.__table__, members)
    assert made.id is not None
    return made.id


def _campaign(user_id: int, list_id: int, port: int) -> float:
    """Seconds from "Send now" to the last settled mail, snapshot of the recipients included."""
    with db.session() as session:
        sender_id = rows.sender(
            session,
            user_id,
            host="127.0.0.1",
            port=port,
            security="none",
            per_minute=None,
            connections=CONNECTIONS,
            delay_seconds=0,
            batch_size=500,
            refresh_after=MAILS,
        ).id
        campaign_id = rows.campaign(
            session,
            user_id,
            sender_id=sender_id,
            status=CampaignStatus.draft,
            snapshot_done=False,
            body=BODY,
            body_kind="html",
        )
        session.add(CampaignList(campaign_id=campaign_id, list_id=list_id))
    done = threading.Event()
    undo = live.subscribe(lambda hint: done.set() if _is_sent(campaign_id) else None)
    with _worker():
        began = perf_counter()
        with db.session() as session:
            campaigns.send_now(session, user_id, campaign_id)
        assert done.wait(600), "the campaign did not end"
        took = perf_counter() - began
    undo()
    with db.reading() as session:
        kept = session.get_one(Campaign, campaign_id)
        assert kept.sent_count == MAILS == kept.recipients_count, kept
    return took


def _is_sent(campaign_id: int) -> bool:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id).status == CampaignStatus.sent


@contextmanager
def _worker() -> Iterator[None]:
    live.start()
    runner.start_embedded()
    try:
        yield
    finally:
        runner.stop_embedded()
        live.stop()


def _smtp_source(port: int) -> float:
    size = len(_one_mail())
    command = ["smtp-source", "-d", "-s", str(CONNECTIONS), "-m", str(MAILS), "-l", str(size), f"127.0.0.1:{port}"]
    began = perf_counter()
    subprocess.run(command, check=True, env=PATHS)
    return perf_counter() - began


def _one_mail() -> bytes:
    content = mail.Content(
        subject="Hello",
        preheader="",
        body=BODY,
        body_kind="html",
        from_name="Anna",
        from_address="anna@example.com",
        reply_to="",
        base_url="http://127.0.0.1:9",
        campaign_id=1,
        user_id=1,
    )
    return mail.compile_mail(content).render(mail.Recipient(1, "person1@example.com", {}), clock.utcnow())


@contextmanager
def _sink() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"], env=PATHS)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None, "smtp-sink did not start"
    try:
        yield port
    finally:
        process.terminate()
        process.wait()
