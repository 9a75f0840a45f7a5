"""What every request passes before anything else: same origin, size of the body, security headers. Pure ASGI."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import config
from core.content import attached, picture

MAX_UPLOAD = 100_000_000
MAX_BODY = 1_000_000
# NiceGUI needs inline scripts and eval; what a user or a recipient wrote is sanitised or shown in a sandboxed frame.
CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: https:; font-src 'self' data:; connect-src 'self'; frame-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class _TooLarge(Exception):
    pass


def is_https(scope: Scope) -> bool:
    """Whether the browser came so: as a trusted proxy says, or as it asks for the host of a BASE_URL that is https."""
    scheme, _, host = config.settings.base_url.partition("://")
    return scope["scheme"] == "https" or (scheme == "https" and Headers(scope=scope).get("host") == host)


class SecurityHeaders:
    """Sets HEADERS on every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if is_https(scope):
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                if scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = "public, max-age=31536000, immutable"
            await send(message)

        await self.app(scope, receive, with_headers)


class Guard:
    """Refuses writes and sockets from other sites, and bodies that are too large.

    A cookie says who the browser belongs to, not which site asks: without this, another site could act for the user.
    The limits of ``ui.upload`` hold in the browser only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if not _same_origin(Headers(scope=scope)):
                return await send({"type": "websocket.close", "code": 1008})
            return await self.app(scope, receive, send)
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return await self.app(scope, receive, send)
        # One-click unsubscribe (RFC 8058) comes from mail providers; its token is the authority.
        if not scope["path"].startswith("/u/") and not _same_origin(Headers(scope=scope)):
            return await PlainTextResponse("This request came from another site.", 403)(scope, receive, send)
        await self._limited(scope, receive, send)

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = _limit(scope["path"])
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        declared = Headers(scope=scope).get("content-length", "0")
        try:
            if declared.isdigit() and int(declared) > limit:
                raise _TooLarge
            await self.app(scope, counted, noted)
        except _TooLarge:
            if not started:
                await PlainTextResponse("This is too large.", 413)(scope, receive, send)


def _limit(path: str) -> int:
    if path == "/images":
        return picture.MOST_BYTES
    if path.startswith("/campaigns/") and path.endswith("/attachments"):
        return attached.MOST_BYTES
    return MAX_UPLOAD if path.startswith("/_nicegui/client/") else MAX_BODY


def _same_origin(headers: Headers) -> bool:
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if origin is not None and origin != "null":
        theirs = urlsplit(origin).netloc  # none in "file://"
        return theirs != "" and theirs in (headers.get("host"), urlsplit(config.settings.base_url).netloc)
    return site not in ("cross-site", "same-site")
