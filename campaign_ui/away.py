"""While the database is away: a page that says so and comes back by itself, and one line in the log instead of the
traceback of each request and event."""

import logging
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaign_ui import plain
from core import db
from core.errors import why

log = logging.getLogger(__name__)

_EVERY = 60.0  # seconds: it is said again, as long as somebody asks for pages
_next_line = float("-inf")


class Away:
    """Answers in the place of what the database was away for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except SQLAlchemyError as error:
            if begun or not db.is_away(error):
                raise
            _say(error)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1013})  # the browser tries again by itself
            else:
                await plain.away(scope["method"] == "GET")(scope, receive, send)


class InALine(logging.Filter):
    """For the logger of NiceGUI, which tells of the errors of events."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, Exception) or not db.is_away(error):
            return True
        _say(error)
        return False


def _say(error: Exception) -> None:
    global _next_line
    if monotonic() >= _next_line:
        _next_line = monotonic() + _EVERY
        log.warning("the database is away, pages say so and try again: %s", why(error))
