"""The web application: plain endpoints in front, NiceGUI's pages behind (DESIGN 2)."""

import logging

from fastapi import FastAPI
from nicegui import app as pages_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from campaign_ui import auth, endpoints, lighter, live, plain, quicker, silence, sockets, theme, traffic
from campaign_ui.away import Away, InALine
from campaign_ui.guard import Guard, SecurityHeaders
from campaign_ui.pages import (
    audience,
    campaign,
    campaigns,
    compare,
    compose,
    dashboard,
    report,
    sandbox,
    senders,
    settings,
    templates,
    users,
)
from core.errors import NotFound

PAGES = (
    dashboard,
    campaigns,
    compose,
    compare,
    report,
    campaign,
    audience,
    settings,
    templates,
    senders,
    sandbox,
    users,
)

_in_a_line = InALine()


def create_app() -> FastAPI:
    """Our own app: what mail clients and forms ask for never touches NiceGUI, which is mounted behind it."""
    web = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    web.mount("/static", StaticFiles(directory=plain.STATIC))
    web.state.traffic = traffic.Traffic()
    endpoints.register(web)
    pages_app.on_shutdown(web.state.hits.drain)
    web.add_exception_handler(Exception, _broken)
    web.add_middleware(Away)
    web.add_middleware(Guard)
    web.add_middleware(SecurityHeaders)
    web.add_middleware(traffic.Counted, traffic=web.state.traffic)
    register_pages()
    ui.run_with(
        web,
        title="Campaigns",
        favicon=plain.STATIC / "favicon.svg",
        language="en-US",
        reconnect_timeout=30,  # seconds a tab may be away and still go on where it was; also less pinging
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    return web


def register_pages() -> None:
    """Everything of NiceGUI's side: look, sign-in, live hints, error pages and the pages themselves."""
    quicker.setup()
    lighter.setup()
    sockets.setup()
    theme.setup()
    pages_app.add_middleware(auth.AuthMiddleware)
    pages_app.add_middleware(Away)
    logging.getLogger("nicegui").addFilter(_in_a_line)
    pages_app.on_startup(live.start)
    pages_app.on_startup(silence.start)
    pages_app.on_shutdown(silence.stop)
    pages_app.on_shutdown(live.stop)
    pages_app.add_exception_handler(404, _not_found)
    pages_app.add_exception_handler(NotFound, _not_found)
    pages_app.add_exception_handler(OverflowError, _not_found)  # a number that no row can have
    pages_app.add_exception_handler(Exception, _broken)
    for page in PAGES:
        page.register()


async def _not_found(_request: Request, _error: Exception) -> Response:
    return plain.not_found()


async def _broken(_request: Request, _error: Exception) -> Response:
    return plain.broken()  # Starlette raises the error again after this answer; the server logs it
