"""A mail in the browser of its reader, for whoever holds its link."""

import asyncio

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from campaign_ui.endpoints import reader
from core import crypto, db
from core.campaigns import viewed

# Somebody's own HTML on our address: it may run nothing, and is of no origin, so that it reaches no session of ours.
_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline' https:; "
    "img-src http: https: data:; font-src https: data:; media-src https:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def register(app: FastAPI) -> None:
    app.add_route("/v/{token}", _show, methods=["GET", "HEAD"])


async def _show(request: Request) -> Response:
    message_id = crypto.verify("view", request.path_params["token"])
    try:
        html = await asyncio.to_thread(_read, message_id) if message_id is not None else None
    except SQLAlchemyError:
        return reader.later(request)
    if html is None:
        return reader.gone(request)
    return HTMLResponse(html, headers={**reader.HEADERS, "Content-Security-Policy": _POLICY})


def _read(message_id: int) -> str | None:
    with db.reading() as session:
        return viewed.html(session, message_id)
