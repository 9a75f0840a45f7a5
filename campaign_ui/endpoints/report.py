"""Download of a campaign's report as a workbook, for its owner only."""

import asyncio
import tempfile
from collections.abc import Iterator
from typing import IO

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from campaign_ui import auth
from campaign_ui.endpoints import download
from core import db
from core.errors import NotFound
from core.stats import workbook
from core.stats.report import report

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_AT_ONCE = 2  # to make one costs up to a second of a core
_IN_MEMORY = 4_000_000
_CHUNK = 64 * 1024


def register(app: FastAPI) -> None:
    turn = asyncio.Semaphore(_AT_ONCE)

    async def send(request: Request) -> Response:
        user = await asyncio.to_thread(auth.find, request.cookies.get(auth.COOKIE))
        if user is None:
            return RedirectResponse("/login", 303)
        campaign_id = request.path_params["campaign_id"]
        try:
            async with turn:
                file, title = await asyncio.to_thread(_make, user.id, user.time_zone, campaign_id)
        except (NotFound, OverflowError):  # the latter: a number that no row can have
            return PlainTextResponse(str(NotFound.of("campaign")), 404)
        headers = download.attachment("Report", title, user.today, "xlsx")
        return StreamingResponse(_chunks(file), media_type=_XLSX, headers=headers)

    app.add_route("/campaigns/{campaign_id:int}/report.xlsx", send, methods=["GET"])


def _make(user_id: int, zone: str, campaign_id: int) -> tuple[IO[bytes], str]:
    """The workbook and its campaign's title; off the loop. A large one goes through the disk."""
    with db.reading() as session:
        told = report(session, user_id, campaign_id, zone)
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # closed when it was sent
        workbook.write(session, told, file)
    file.seek(0)
    return file, told.campaign.title


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
