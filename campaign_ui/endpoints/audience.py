"""Downloads of a user's contacts, lists and suppression list."""

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from campaign_ui import auth
from campaign_ui.endpoints import download
from core import db
from core.audience import contacts, export
from core.errors import NotFound
from core.models import SuppressionReason


def register(app: FastAPI) -> None:
    app.add_route("/audience/contacts.csv", _contacts, methods=["GET"])
    app.add_route("/audience/suppressed.csv", _suppressed, methods=["GET"])


async def _contacts(request: Request) -> Response:
    user = await asyncio.to_thread(auth.find, request.cookies.get(auth.COOKIE))
    if user is None:
        return RedirectResponse("/login", 303)
    wanted, search = request.query_params.get("list", ""), _search(request)
    try:
        list_id = int(wanted) if wanted else None
        chunks = await asyncio.to_thread(export.contacts_csv, user.id, list_id, search)
        name = await asyncio.to_thread(_list_name, user.id, list_id) if list_id is not None else ""
    except (NotFound, OverflowError, ValueError):
        return PlainTextResponse(str(NotFound.of("list")), 404)
    what = "Contacts found" if search else "Contacts" if name else "All contacts"
    return download.csv(chunks, what, name, user.today)


async def _suppressed(request: Request) -> Response:
    user = await asyncio.to_thread(auth.find, request.cookies.get(auth.COOKIE))
    if user is None:
        return RedirectResponse("/login", 303)
    search, reason = _search(request), request.query_params.get("reason", "")
    reason = reason if reason in set(SuppressionReason) else ""
    what = "Suppressed addresses found" if search or reason else "Suppression list"
    return download.csv(export.suppressed_csv(user.id, search, reason), what, "", user.today)


def _search(request: Request) -> str:
    return request.query_params.get("q", "")[:200].strip()


def _list_name(user_id: int, list_id: int) -> str:
    with db.reading() as session:
        return contacts.get_list(session, user_id, list_id).name
