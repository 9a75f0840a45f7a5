"""What a reader's mail client or browser fetches: no cookie, no session, no NiceGUI."""

import asyncio

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui.endpoints import reader
from campaign_ui.hits import HitBuffer
from core import clock, crypto, db
from core.content import merge
from core.content.links import verified
from core.tracking import links

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_HEADERS = {"Cache-Control": "no-store, max-age=0", "X-Robots-Tag": "noindex"}
_MOST_KNOWN = 10_000  # addresses kept in memory (some 2 MB), so that a crowd of readers asks the database once


def register(app: FastAPI) -> None:
    hits, known = HitBuffer(), dict[int, str]()

    async def pixel(request: Request) -> Response:
        # Verified before any database work; a forged token gets the same picture.
        message_id = crypto.verify("open", request.path_params["token"])
        if message_id is not None and _is_fetched(request):
            await hits.add(message_id, clock.utcnow())
        return Response(GIF, media_type="image/gif", headers=_HEADERS)

    async def click(request: Request) -> Response:
        # The address comes from the campaign's own links alone: nobody can make us lead elsewhere.
        token = verified(request.path_params["token"])
        if token is None:
            return reader.gone(request)
        message_id, link_id = token
        try:
            url = known.get(link_id) or await asyncio.to_thread(_find, link_id)
            leads = await asyncio.to_thread(_own, *token) if url and merge.fields_used(url) else url
        except SQLAlchemyError:
            return reader.later(request)
        if not url or not leads:
            return reader.gone(request)
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[link_id] = url
        if _is_fetched(request):
            await hits.add(message_id, clock.utcnow(), link_id)
        return Response(status_code=302, headers={**reader.HEADERS, "Location": leads})

    app.add_route("/t/o/{token}.gif", pixel, methods=["GET", "HEAD"])
    app.add_route("/t/c/{token}", click, methods=["GET", "HEAD"])
    app.state.hits = hits


def _is_fetched(request: Request) -> bool:
    """Whether somebody looks: programs that only check or fetch ahead say so."""
    asked = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    return request.method == "GET" and "prefetch" not in asked.lower()


def _find(link_id: int) -> str | None:
    with db.reading() as session:
        return links.find(session, link_id)


def _own(message_id: int, link_id: int) -> str | None:
    with db.reading() as session:
        return links.own(session, link_id, message_id)
