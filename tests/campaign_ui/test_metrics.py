"""What Prometheus is told, and who may hear it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from nicegui import Client
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text, update
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui.endpoints import health, metrics
from campaign_ui.traffic import Counted, Traffic
from core import config, db, stats
from core.delivery import workers
from core.delivery.workers import Figures
from core.models import Message, SenderUsage
from tests import rows
from tests.conftest import Stack

TOKEN = "sixteen letters or more"


@pytest.fixture
async def web(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(_app()) as client:
        yield client


def _app() -> FastAPI:
    app = FastAPI()
    app.state.traffic = Traffic()
    app.add_middleware(Counted, traffic=app.state.traffic)
    for endpoint in (metrics, health):
        endpoint.register(app)
    return app


def _client(app: FastAPI, peer: str = "127.0.0.1", url: str = "http://127.0.0.1:8080") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 40123)), base_url=url)


async def _told(web: httpx.AsyncClient, **headers: str) -> dict[str, float]:
    answer = await web.get("/metrics", headers=headers)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_an_operator_sees_mails_queue_senders_workers_and_traffic(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "instances", {})  # other tests leave tabs open
    with db.session() as session:
        alice, now = rows.user(session), db.now(session)
        ready = rows.sender(session, alice)
        rows.sender(session, alice, state="blocked")
        rows.sender(session, alice, state="cooling", cooling_until=now - timedelta(seconds=1))
        states = {"sent": ["a@x.io", "b@x.io"], "failed": ["c@x.io"], "pending": ["d@x.io"]}
        rows.campaign(session, alice, states, opened=1, sender_id=ready.id)
        later = {"sender_id": ready.id, "hold_until": now + timedelta(hours=1)}
        rows.campaign(session, alice, {"pending": ["e@x.io", "f@x.io"]}, **later)
        session.execute(update(Message).values(retry_at=now - timedelta(seconds=90)))
        minute = now.replace(second=0, microsecond=0) - timedelta(minutes=2)
        session.add(SenderUsage(sender_id=ready.id, minute_at=minute, started_count=20))
        workers.tell(session, "host:1", Figures(2, 3, 10, 400, 1.5, 0.25, {"sent": 390}))
    await web.get("/healthz")
    told = await _told(web)
    expected = {
        "database_up": 1,
        "mails sent": 2,
        "mails failed": 1,
        "mails pending": 3,
        "mails unknown": 0,
        "mail_events opened": 1,
        "mails_started_per_minute": 4,
        "campaigns sending": 2,
        "campaigns draft": 0,
        "senders ready": 2,
        "senders blocked": 1,
        "senders cooling": 0,
        "senders_unattended": 1,
        "queue_mails": 1,
        "queue_held_mails": 2,
        "kept_results": 0,
        "worker_senders host:1": 2,
        "worker_kept_results host:1": 3,
        "worker_groups_total host:1": 10,
        "worker_group_writes_total host:1": 400,
        "worker_group_seconds_total host:1": 1.5,
        "worker_slowest_group_seconds host:1": 0.25,
        "worker_results_total sent host:1": 390,
        "http_answers_total 2xx": 1,
        "http_requests_running": 1,
        "websockets": 0,
        "tabs": 0,
    }
    assert {name: told[f"campaigns_{name}"] for name in expected} == expected
    assert 90 <= told["campaigns_queue_oldest_due_seconds"] < 150
    assert 0 <= told["campaigns_worker_heartbeat_age_seconds host:1"] < 60
    assert told["process_resident_memory_bytes"] > 0


async def test_a_crash_is_counted_as_an_answer_with_an_error(stack: Stack) -> None:
    app = _app()

    async def crash(_request: Request) -> Response:
        raise ZeroDivisionError

    app.add_route("/crash", crash)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, False), base_url="http://127.0.0.1:8080") as web:
        assert (await web.get("/crash")).status_code == 500
        told = await _told(web)
    assert (told["campaigns_http_answers_total 5xx"], told["campaigns_http_requests_running"]) == (1, 1)


async def test_nothing_of_any_user_is_told(web: httpx.AsyncClient) -> None:
    with db.session() as session:
        alice = rows.user(session, "alice@private.example")
        by = rows.sender(session, alice, name="Secret shop", from_address="shop@private.example")
        rows.campaign(session, alice, {"sent": ["reader@private.example"]}, name="Secret sale", sender_id=by.id)
    told = (await web.get("/metrics")).text.lower()
    assert "secret" not in told and "private" not in told and "@" not in told


async def test_without_a_token_only_this_machine_is_answered(web: httpx.AsyncClient, stack: Stack) -> None:
    app = _app()
    assert (await web.get("/metrics")).status_code == 200
    async with _client(app, "::1", "http://localhost:8080") as here:
        assert (await here.get("/metrics")).status_code == 200
    strangers = [
        _client(app, "203.0.113.7"),
        _client(app, "203.0.113.7", "http://mail.example.com"),
        _client(app, url="http://mail.example.com"),  # a proxy on this machine, or a name that was made to lead here
    ]
    for stranger in strangers:
        async with stranger:
            assert (await stranger.get("/metrics")).status_code == 404
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert (await web.get("/metrics", headers={name: "203.0.113.7"})).status_code == 404
    config.use(config.load({**stack.env, "BASE_URL": "https://mail.example.com"}))
    assert (await web.get("/metrics")).status_code == 404  # a proxy that adds nothing may stand here


async def test_with_a_token_only_who_knows_it_is_answered(web: httpx.AsyncClient, stack: Stack) -> None:
    config.use(config.load({**stack.env, "METRICS_TOKEN": TOKEN, "BASE_URL": "https://mail.example.com"}))
    for wrong in ("", "Bearer", f"Bearer {TOKEN}x", TOKEN, "Bearer é"):
        answer = await web.get("/metrics", headers={"Authorization": wrong.encode()})
        assert answer.status_code == 404 and "campaigns_" not in answer.text
    async with _client(_app(), "203.0.113.7", "http://mail.example.com") as prometheus:
        told = await _told(prometheus, Authorization=f"Bearer {TOKEN}")
    assert told["campaigns_database_up"] == 1


async def test_with_the_database_away_the_rest_is_told(web: httpx.AsyncClient, tmp_path: Path) -> None:
    kept = config.settings.data_dir / "results-1-abc.journal"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(b'{"id": 1}\n{"id": 2}\n' + bytes(70_000))
    db.connect("sqlite:////nowhere/at/all.db")
    told = await _told(web)
    assert (told["campaigns_database_up"], told["campaigns_kept_results"]) == (0, 2)
    assert "campaigns_mails sent" not in told


def test_messages_are_looked_up_by_an_index_and_never_counted(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        by = rows.sender(session, alice)
        rows.many(session, rows.campaign(session, alice, sender_id=by.id), 500, "pending")
    asked: list[tuple[str, Any]] = []

    def note(_on: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with db.reading() as session:
        event.listen(db.engine(), "before_cursor_execute", note)
        assert stats.operation(session).queued == 500
        event.remove(db.engine(), "before_cursor_execute", note)
        if not db.is_sqlite():
            session.execute(text("set local enable_seqscan = off"))
        explain = "explain query plan " if db.is_sqlite() else "explain "
        about = [(statement, parameters) for statement, parameters in asked if "FROM message" in statement]
        plans = [str(session.connection().exec_driver_sql(explain + each, given).all()) for each, given in about]
    assert len(plans) == 2
    assert not any("Seq Scan on message" in plan or "SCAN message" in plan for plan in plans)
    # Without statistics PostgreSQL takes either.
    assert "ix_message_due" in plans[0] or (not db.is_sqlite() and "ix_message_state" in plans[0])
    assert not any("count(" in statement.lower() for statement, _ in about)
