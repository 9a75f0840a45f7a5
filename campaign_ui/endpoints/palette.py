"""What the command palette shows for some words: the signed-in user's own things only."""

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from campaign_ui import auth, commands
from core import db, stats
from core.stats import Found


def register(app: FastAPI) -> None:
    app.add_route("/palette.json", _palette, methods=["GET"])


async def _palette(request: Request) -> Response:
    words = request.query_params.get("q", "")
    user = await run_in_threadpool(auth.find, request.cookies.get(auth.COOKIE))
    headers = {"Cache-Control": "no-store"}
    if user is None:
        return JSONResponse({"sections": []}, 401, headers)
    found = await run_in_threadpool(_find, user.id, words)
    return JSONResponse({"sections": commands.sections(words, found)}, headers=headers)


def _find(user_id: int, words: str) -> list[Found]:
    with db.reading() as session:
        return stats.find(session, user_id, words)
