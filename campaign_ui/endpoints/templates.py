"""Pictures of templates: the mail itself, which the gallery shows small in a frame once it is scrolled to."""

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from campaign_ui import auth
from core import db
from core.content import bodies, merge, starters, templates
from core.errors import NotFound

_EXAMPLE = {"first_name": "Anna", "email": "anna@example.com", "unsubscribe_url": "#", "view_url": "#"}
# Nothing in it runs, leads anywhere or reaches our pages; its address has the moment of the last change.
_HEADERS = {
    "Cache-Control": "private, max-age=604800",
    "Content-Security-Policy": "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; "
    "font-src https: data:; sandbox; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}


def register(app: FastAPI) -> None:
    app.add_route("/templates/{template_id:int}/picture", _own, methods=["GET"])
    app.add_route("/templates/starters/{key}/picture", _starter, methods=["GET"])


async def _own(request: Request) -> Response:
    return await asyncio.to_thread(_picture, request.cookies.get(auth.COOKIE), request.path_params["template_id"])


async def _starter(request: Request) -> Response:
    try:
        starter = starters.get(request.path_params["key"])
    except NotFound as error:
        return PlainTextResponse(str(error), 404)
    return _shown(starter.body, starter.body_kind)


def _picture(token: str | None, template_id: int) -> Response:
    user = auth.find(token)
    if user is None:
        return PlainTextResponse("Log in first.", 401)
    try:
        with db.reading() as session:
            template = templates.get(session, user.id, template_id)
    except (NotFound, OverflowError):  # the latter: a number that no row can have
        return PlainTextResponse(str(NotFound.of("template")), 404)
    return _shown(template.body, template.body_kind)


def _shown(body: str, kind: str) -> Response:
    return HTMLResponse(merge.render_html(bodies.whole(body, kind), _EXAMPLE), headers=_HEADERS)
