"""Download of a campaign's ledger, for its owner only."""

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from campaign_ui import auth
from campaign_ui.endpoints import download
from core import db, stats
from core.errors import NotFound
from core.tracking import export


def register(app: FastAPI) -> None:
    app.add_route("/campaigns/{campaign_id:int}/recipients.csv", _download, methods=["GET"])


async def _download(request: Request) -> Response:
    user = await asyncio.to_thread(auth.find, request.cookies.get(auth.COOKIE))
    if user is None:
        return RedirectResponse("/login", 303)
    campaign_id = request.path_params["campaign_id"]
    try:
        chunks = await asyncio.to_thread(export.recipients_csv, user.id, campaign_id)
        title = await asyncio.to_thread(_title, user.id, campaign_id)
    except (NotFound, OverflowError):  # the latter: a number that no row can have
        return PlainTextResponse(str(NotFound.of("campaign")), 404)
    return download.csv(chunks, "Recipients", title, user.today)


def _title(user_id: int, campaign_id: int) -> str:
    with db.reading() as session:
        return stats.summary(session, user_id, campaign_id).title
