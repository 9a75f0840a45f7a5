"""``/metrics`` in the text format of Prometheus: counts of the whole installation, and nothing of any user."""

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Iterable, Iterator, Mapping

from fastapi import FastAPI
from nicegui import Client
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui import plain
from campaign_ui.traffic import Traffic
from core import config, db, stats
from core.delivery import workers
from core.delivery.workers import Seen
from core.stats import Operation

log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds for the database; who asks gives up after 10
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_Figures = tuple[Operation | None, int]


def register(app: FastAPI) -> None:
    reading = _Reading()

    async def metrics(request: Request) -> Response:
        if not _may_know(request):
            return plain.not_found()
        operation, kept = await reading.now()
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(_Installation(operation, kept))
        registry.register(_Web(app.state.traffic))
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app.add_route("/metrics", metrics, methods=["GET", "HEAD"])


def _may_know(request: Request) -> bool:
    """Who knows METRICS_TOKEN; without one, who asks from this machine itself and not through a proxy on it."""
    if token := config.settings.metrics_token:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    if config.settings.is_public or any(name in request.headers for name in _FORWARDED):
        return False
    return request.client is not None and _is_here(request.client.host) and _is_here(request.url.hostname or "")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Reading:
    """One at a time, in a thread: a database that does not answer holds up one thread and no page."""

    def __init__(self) -> None:
        self._running: asyncio.Future[_Figures] | None = None

    async def now(self) -> _Figures:
        running = self._running
        if running is None or running.done():
            running = self._running = asyncio.ensure_future(asyncio.to_thread(_load))
        try:
            return await asyncio.wait_for(asyncio.shield(running), _PATIENCE)
        except TimeoutError:
            return None, 0


def _load() -> _Figures:
    kept = workers.kept_results(config.settings.data_dir)
    try:
        with db.reading() as session:
            return stats.operation(session), kept
    except SQLAlchemyError as error:
        log.warning("metrics without the database: %s", type(error).__name__)
        return None, kept


class _Installation(Collector):
    """``operation`` None: the database is away."""

    def __init__(self, operation: Operation | None, kept: int) -> None:
        self._operation, self._kept = operation, kept

    def collect(self) -> Iterable[Metric]:
        yield _gauge("database_up", "Whether the database answered", self._operation is not None)
        yield _gauge("kept_results", "Results of mails in journals of DATA_DIR, out of the database", self._kept)
        if self._operation is not None:
            yield from _mails(self._operation)
            yield from _queue(self._operation)
            yield from _workers(self._operation.workers)


def _mails(now: Operation) -> Iterator[Metric]:
    yield _gauges("mails", "Mails by state, until their campaign is deleted for good", "state", now.mails)
    yield _gauges("mail_events", "What readers and their servers told of mails", "event", now.events)
    yield _gauge("mails_started_per_minute", "Mails started, mean of the last 5 full minutes", now.per_minute)
    yield _gauges("campaigns", "Campaigns by status", "status", now.campaigns)


def _queue(now: Operation) -> Iterator[Metric]:
    yield _gauge("queue_mails", "Mails that wait or are under way of campaigns that send now", now.queued)
    yield _gauge("queue_held_mails", "Mails of campaigns that wait for their hours or their next day", now.held)
    yield _gauge("queue_oldest_due_seconds", "Since when the mail at the head of the queue is due", now.oldest_due)
    yield _gauges("senders", "Senders by state", "state", now.senders)
    yield _gauge("senders_owned", "Senders in the hands of a worker", now.owned)
    yield _gauge("senders_unattended", "Senders with due mail that no worker has yet", now.unattended)


def _workers(seen: list[Seen]) -> Iterator[Metric]:
    yield _by_worker("heartbeat_age_seconds", "Since a worker told of itself (it does every 15 s)", _each(seen, "age"))
    yield _by_worker("senders", "Senders that this worker has", _each(seen, "senders"))
    yield _by_worker("kept_results", "Results in journals of its DATA_DIR", _each(seen, "kept"))
    yield _by_worker("slowest_group_seconds", "The slowest group of the last 15 s", _each(seen, "slowest"))
    for name, field, told in (
        ("groups", "groups", "Groups of results written"),
        ("group_writes", "writes", "Starts, marks and results in these groups"),
        ("group_seconds", "seconds", "Time it took to write these groups"),
    ):
        total = CounterMetricFamily(f"campaigns_worker_{name}", told, labels=["worker"])
        for worker, value in _each(seen, field).items():
            total.add_metric([worker], value)
        yield total
    results = CounterMetricFamily("campaigns_worker_results", "What became of mails", labels=["worker", "state"])
    for each in seen:
        for state, count in sorted(each.figures.results.items()):
            results.add_metric([each.name, state], count)
    yield results


class _Web(Collector):
    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def collect(self) -> Iterable[Metric]:
        answers = CounterMetricFamily("campaigns_http_answers", "Answers of this process", labels=["status"])
        for digit in range(1, 6):
            answers.add_metric([f"{digit}xx"], self._traffic.answers[digit])
        yield answers
        yield _gauge("http_requests_running", "Requests under way in this process", self._traffic.requests)
        yield _gauge("websockets", "Open sockets of this process", self._traffic.sockets)
        tabs = sum(client.has_socket_connection for client in Client.instances.values())
        yield _gauge("tabs", "Pages that are open in browsers, in this process", tabs)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(f"campaigns_{name}", told, value=float(value))


def _gauges(name: str, told: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"campaigns_{name}", told, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _by_worker(name: str, told: str, values: Mapping[str, float]) -> Metric:
    return _gauges(f"worker_{name}", told, "worker", values)


def _each(seen: list[Seen], field: str) -> dict[str, float]:
    return {worker.name: worker.age if field == "age" else getattr(worker.figures, field) for worker in seen}
