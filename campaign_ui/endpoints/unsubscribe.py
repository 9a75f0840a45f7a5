"""GET asks, POST acts (RFC 8058 one-click: no cookie, no redirect, any form content type)."""

import asyncio
from html import escape

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui.endpoints import reader
from core import crypto, db
from core.audience import addresses
from core.tracking import unsubscribe


def register(app: FastAPI) -> None:
    app.add_route("/u/{token}", _ask, methods=["GET", "HEAD"])
    app.add_route("/u/{token}", _act, methods=["POST"])


async def _ask(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    found = await asyncio.to_thread(_find, message_id) if message_id is not None else None
    if found is None:
        return reader.gone()
    email, name = escape(addresses.shown(found.email)), escape(found.from_name)
    if found.is_over:
        return reader.page("You are unsubscribed", f"<p>{email} gets no more mail from {name}.</p>")
    form = '<form method="post"><button type="submit">Unsubscribe</button></form>'
    return reader.page("Unsubscribe?", f"<p>{email} will get no more mail from {name}.</p>{form}")


async def _act(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    if message_id is None or not await asyncio.to_thread(_unsubscribe, message_id):
        return reader.gone()
    return reader.page("You are unsubscribed", "<p>You will get no more mail from this sender.</p>")


def _find(message_id: int) -> unsubscribe.Subscription | None:
    with db.reading() as session:
        return unsubscribe.find(session, message_id)


def _unsubscribe(message_id: int) -> bool:
    with db.session() as session:
        return unsubscribe.unsubscribe(session, message_id)
