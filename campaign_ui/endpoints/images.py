"""Images of mails: taken in from a signed-in user's browser, given out to everybody who knows the signed address."""

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from campaign_ui.endpoints.taken import take_in
from core import db
from core.content import images, picture
from core.errors import NotFound

_TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_FOR_EVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # web mail shows it on its own pages
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_KEPT_BYTES, _KEPT_SECONDS = 32_000_000, 60  # in memory, so that the readers of a campaign ask the database once


def register(app: FastAPI) -> None:
    kept = _Kept()

    async def show(request: Request) -> Response:
        number, kind = images.number(request.path_params["token"]), request.path_params["kind"]
        if number is None or kind not in _TYPES:
            return _gone()
        headers = {**_FOR_EVER, "ETag": f'"{number}"'}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        data = kept.get(number)
        if data is None:
            data = await asyncio.to_thread(_read, number)
            if data is None:
                return _gone()
            kept.add(number, data)
        return Response(data, media_type=_TYPES[kind], headers=headers)

    app.add_route("/i/{token}.{kind}", show, methods=["GET", "HEAD"])
    app.add_route("/images", _take_in, methods=["POST"])


async def _take_in(request: Request) -> Response:
    return await take_in(request, _keep)


def _keep(user_id: int, name: str, raw: bytes) -> dict[str, Any]:
    made = picture.read(raw)  # may take a second: not in a transaction
    with db.session() as session:
        image = images.add(session, user_id, made, name)
        return {"id": image.id, "path": images.path(image)}


def _read(number: int) -> bytes | None:
    with db.reading() as session:
        return images.data(session, number)


def _gone() -> Response:
    return PlainTextResponse(str(NotFound.of("image")), 404, {"Cache-Control": "no-store"})


class _Kept:
    """The images asked for last, each for a minute: one that is deleted is gone soon, in every process."""

    def __init__(self) -> None:
        self._data: OrderedDict[int, tuple[float, bytes]] = OrderedDict()
        self._size = 0

    def get(self, number: int) -> bytes | None:
        until, data = self._data.get(number, (0.0, None))
        return data if monotonic() < until else None

    def add(self, number: int, data: bytes) -> None:
        self._size += len(data) - len(self._data.pop(number, (0.0, b""))[1])
        self._data[number] = monotonic() + _KEPT_SECONDS, data
        while self._size > _KEPT_BYTES:
            self._size -= len(self._data.popitem(last=False)[1][1])
