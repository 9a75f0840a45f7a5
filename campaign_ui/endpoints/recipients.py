"""Download of a campaign's ledger, for its owner only."""

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from core import accounts, db
from core.errors import NotFound
from core.tracking import export


def register(app: FastAPI) -> None:
    app.add_route("/campaigns/{campaign_id:int}/recipients.csv", _download, methods=["GET"])


async def _download(request: Request) -> Response:
    user_id = await asyncio.to_thread(_user_id, request.cookies.get("session", ""))
    if user_id is None:
        return RedirectResponse("/login", 303)
    campaign_id = request.path_params["campaign_id"]
    try:
        chunks = await asyncio.to_thread(export.recipients_csv, user_id, campaign_id)
    except (NotFound, OverflowError):  # the latter: a number that no row can have
        return PlainTextResponse("There is no such campaign.", 404)
    headers = {
        "Content-Disposition": f'attachment; filename="campaign-{campaign_id}-recipients.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(chunks, media_type="text/csv; charset=utf-8", headers=headers)


def _user_id(token: str) -> int | None:
    with db.reading() as session:
        found = accounts.session_user(session, token)
    return found[0].id if found else None
