"""For load balancers and people who watch: is the process there, and can it do its work."""

import asyncio
import logging

import redis
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core import config, db

log = logging.getLogger(__name__)


def register(app: FastAPI) -> None:
    app.add_route("/healthz", _healthz, methods=["GET", "HEAD"])
    app.add_route("/readyz", _readyz, methods=["GET", "HEAD"])


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _readyz(_request: Request) -> Response:
    database, queue = await asyncio.gather(asyncio.to_thread(_database), asyncio.to_thread(_queue))
    ready = database and queue
    parts = {"database": _word(database), "queue": _word(queue)}
    return JSONResponse({"status": _word(ready), **parts}, 200 if ready else 503)


def _word(well: bool) -> str:
    return "ok" if well else "unavailable"


def _database() -> bool:
    try:
        with db.reading() as session:
            session.connection().execute(text("select 1"))
    except SQLAlchemyError as error:
        log.warning("the database is unavailable: %s", type(error).__name__)
        return False
    return True


def _queue() -> bool:
    if not config.settings.redis_url:
        return True  # hints go through this process
    try:
        with redis.Redis.from_url(config.settings.redis_url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError as error:
        log.warning("the queue is unavailable: %s", type(error).__name__)
        return False
