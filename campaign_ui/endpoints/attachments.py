"""The files that a campaign's mails carry: taken in and given back, for its owner only."""

import asyncio
from functools import partial

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from campaign_ui import auth
from campaign_ui.endpoints import download
from campaign_ui.endpoints.taken import take_in
from core import db
from core.campaigns import attachments
from core.content.attached import Attachment
from core.errors import NotFound

_PATH = "/campaigns/{campaign_id:int}/attachments"


def register(app: FastAPI) -> None:
    app.add_route(_PATH, _take_in, methods=["POST"])
    app.add_route(_PATH + "/{attachment_id:int}", _give, methods=["GET"])


async def _take_in(request: Request) -> Response:
    return await take_in(request, partial(_keep, request.path_params["campaign_id"]))


async def _give(request: Request) -> Response:
    user = await asyncio.to_thread(auth.find, request.cookies.get(auth.COOKIE))
    if user is None:
        return RedirectResponse("/login", 303)
    campaign_id, attachment_id = (request.path_params[name] for name in ("campaign_id", "attachment_id"))
    try:
        file, raw = await asyncio.to_thread(_read, user.id, campaign_id, attachment_id)
    except NotFound as error:
        return PlainTextResponse(str(error), 404)
    # Never as what it is: a page of the user's would run here as one of ours.
    headers = {**download.named(file.name), "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(raw, media_type="application/octet-stream", headers=headers)


def _keep(campaign_id: int, user_id: int, name: str, raw: bytes) -> dict[str, int]:
    with db.session() as session:
        return {"id": attachments.add(session, user_id, campaign_id, name, raw)}


def _read(user_id: int, campaign_id: int, attachment_id: int) -> tuple[Attachment, bytes]:
    with db.reading() as session:
        return attachments.file(session, user_id, campaign_id, attachment_id)
