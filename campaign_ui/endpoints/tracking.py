"""What a reader's mail client fetches: no cookie, no session, no NiceGUI."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui.hits import HitBuffer
from core import clock, crypto

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_HEADERS = {"Cache-Control": "no-store, max-age=0", "X-Robots-Tag": "noindex"}


def register(app: FastAPI) -> None:
    hits = HitBuffer()

    async def pixel(request: Request) -> Response:
        # Verified before any database work; a forged token gets the same picture.
        message_id = crypto.verify("open", request.path_params["token"])
        if message_id is not None and request.method == "GET":
            await hits.add(message_id, clock.utcnow())
        return Response(GIF, media_type="image/gif", headers=_HEADERS)

    app.add_route("/t/o/{token}.gif", pixel, methods=["GET", "HEAD"])
    app.state.hits = hits
