"""A mail of the sandbox as a file, for its owner only."""

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from campaign_ui import auth
from core import db
from core.delivery import sandbox
from core.errors import NotFound


def register(app: FastAPI) -> None:
    app.add_route("/sandbox/{mail_id:int}.eml", _download, methods=["GET"])


async def _download(request: Request) -> Response:
    user = await asyncio.to_thread(auth.find, request.cookies.get(auth.COOKIE))
    if user is None:
        return RedirectResponse("/login", 303)
    mail_id: int = request.path_params["mail_id"]
    try:
        raw = await asyncio.to_thread(_raw, user.id, mail_id)
    except NotFound as error:
        return PlainTextResponse(str(error), 404)
    headers = {
        "Content-Disposition": f'attachment; filename="sandbox-{mail_id}.eml"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(raw, media_type="message/rfc822", headers=headers)


def _raw(user_id: int, mail_id: int) -> bytes:
    with db.reading() as session:
        return sandbox.raw(session, user_id, mail_id)
