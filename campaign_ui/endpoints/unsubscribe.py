"""GET asks, POST acts (RFC 8058 one-click: no cookie, no redirect, any form content type)."""

import asyncio
from html import escape

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui.endpoints import reader
from core import crypto, db
from core.audience import addresses
from core.content import languages
from core.tracking import unsubscribe


def register(app: FastAPI) -> None:
    app.add_route("/u/{token}", _ask, methods=["GET", "HEAD"])
    app.add_route("/u/{token}", _act, methods=["POST"])


async def _ask(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    found = await asyncio.to_thread(_find, message_id) if message_id is not None else None
    if found is None:
        return reader.gone(request)
    if found.is_over:
        return _done(found)
    words = languages.of(found.language)
    form = f'<form method="post"><button type="submit">{words.leave}</button></form>'
    return reader.page(words.leave_asked, f"<p>{_said(words.will_stop, found)}</p>{form}", language=words.code)


async def _act(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    found = await asyncio.to_thread(_unsubscribe, message_id) if message_id is not None else None
    return reader.gone(request) if found is None else _done(found)


def _done(found: unsubscribe.Subscription) -> Response:
    words = languages.of(found.language)
    return reader.page(words.left, f"<p>{_said(words.has_stopped, found)}</p>", language=words.code)


def _said(sentence: str, found: unsubscribe.Subscription) -> str:
    """As HTML."""
    return sentence.format(email=escape(addresses.shown(found.email)), name=escape(found.from_name))


def _find(message_id: int) -> unsubscribe.Subscription | None:
    with db.reading() as session:
        return unsubscribe.find(session, message_id)


def _unsubscribe(message_id: int) -> unsubscribe.Subscription | None:
    with db.session() as session:
        return unsubscribe.find(session, message_id) if unsubscribe.unsubscribe(session, message_id) else None
