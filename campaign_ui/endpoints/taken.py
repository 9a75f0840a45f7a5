"""A file that a signed-in user's browser sends as it is, its name beside it."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from campaign_ui import auth
from core.errors import NotFound, RuleError


async def take_in(request: Request, keep: Callable[[int, str, bytes], dict[str, Any]]) -> Response:
    """``keep`` gets the user, the name and the bytes, in a thread, and gives what is answered."""
    user = await asyncio.to_thread(auth.find, request.cookies.get(auth.COOKIE))
    if user is None:
        return JSONResponse({"error": "You are not signed in any more. Load the page again."}, 401)
    raw = await request.body()  # the guard ends one that is too large
    name = unquote(request.headers.get("x-file-name", ""))[:300]
    try:
        return JSONResponse(await asyncio.to_thread(keep, user.id, name, raw), 201)
    except RuleError as error:
        return JSONResponse({"error": str(error)}, 404 if isinstance(error, NotFound) else 422)
