"""Who is signed in. Sessions are rows of our database; the cookie holds a random token (DESIGN 2)."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import parse_qs, quote, urlencode

from nicegui import Client, ui
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from campaign_ui.guard import is_https
from campaign_ui.off_loop import off_loop
from core import accounts, clock, crypto, db, stats, tries

COOKIE = "session"
MAX_AGE = accounts.SESSION_DAYS * 86_400
_DEVICE, _DEVICE_AGE = "device", 365 * 86_400
_NOTHING = stats.Outgoing()
_SOCKET, _CLIENT, _ASSETS = "/_nicegui_ws/", "/_nicegui/client/", "/_nicegui/"


@dataclass(frozen=True)
class CurrentUser:
    """The signed-in user as they were when the page was loaded."""

    id: int
    email: str
    is_admin: bool
    time_zone: str
    theme: str
    session_hash: str
    session_ends: datetime
    outgoing: stats.Outgoing = _NOTHING  # only pages show it

    @property
    def today(self) -> date:
        """By their clock."""
        return clock.to_zone(clock.utcnow(), self.time_zone).date()


def find(token: str | None, with_outgoing: bool = False) -> CurrentUser | None:
    """Whose session this cookie is; None for no, an unknown or an ended one."""
    if not token:
        return None
    with db.reading() as session:
        found = accounts.session_user(session, token)
        if found is None:
            return None
        user, its = found
        assert user.id is not None
        outgoing = stats.outgoing(session, user.id) if with_outgoing else _NOTHING
    words = (user.email, user.is_admin, user.time_zone, user.theme)
    return CurrentUser(user.id, *words, its.token_hash, its.expires_at, outgoing)


def current() -> CurrentUser:
    """The user of this page, in page builders and in event handlers alike."""
    user = user_of(ui.context.client)
    if user is None:
        raise PermissionError("nobody is signed in on this page")
    return user


def user_of(client: Client) -> CurrentUser | None:
    """Who loaded this page; None once their session ended."""
    return client.request.scope.get("state", {}).get("user")  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Entered:
    """Who has just signed in, and the token of the new session."""

    user_id: int
    token: str


def enter(request: HTTPConnection, target: str, entered: Entered) -> Response:
    """To ``target`` with the session's cookie, and one by which this browser is known when it signs in again."""
    response, secure = RedirectResponse(target, 303), is_https(request.scope)
    device = crypto.sign(_DEVICE, tries.device(entered.user_id))
    for name, value, age, path in ((COOKIE, entered.token, MAX_AGE, "/"), (_DEVICE, device, _DEVICE_AGE, "/login")):
        response.set_cookie(name, value, max_age=age, path=path, httponly=True, samesite="lax", secure=secure)
    return response


def known(request: HTTPConnection) -> int | None:
    """The number that this browser was given when it was signed in before."""
    token = request.cookies.get(_DEVICE)
    return crypto.verify(_DEVICE, token) if token else None


def safe_next(target: str | None) -> str:
    """``target`` where it is a path of ours, else the dashboard: a sign-in never sends people to another site."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return "/"
    if any(ord(char) < 33 for char in target) or target.startswith(("/login", "/signup", "/logout")):
        return "/"
    return target


class AuthMiddleware:
    """Around NiceGUI: guards pages, the websocket handshake and the upload routes alike."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        if (path.startswith(_ASSETS) and not path.startswith(_CLIENT)) or path == "/favicon.ico":
            return await self.app(scope, receive, send)
        is_page = not path.startswith((_SOCKET, _CLIENT))
        user = await off_loop(find, HTTPConnection(scope).cookies.get(COOKIE), is_page)
        scope.setdefault("state", {})["user"] = user
        if path.startswith(_SOCKET):
            _refuse_foreign_client(scope, user)
        elif path.startswith(_CLIENT):
            if not _owns(user, path.split("/")[3]):
                return await PlainTextResponse("Log in first.", 403)(scope, receive, send)
        elif user is None:
            query = scope["query_string"].decode("latin-1")
            target = quote(path + ("?" + query if query else ""), safe="")
            return await RedirectResponse(f"/login?next={target}", 303)(scope, receive, send)
        await self.app(scope, receive, send)


def _owns(user: CurrentUser | None, client_id: str) -> bool:
    """Whether this session built the page: a client id alone must not be enough to act on it."""
    client = Client.instances.get(client_id)
    owner = user_of(client) if client is not None else None
    return user is not None and owner is not None and user.session_hash == owner.session_hash


def _refuse_foreign_client(scope: Scope, user: CurrentUser | None) -> None:
    """Reads the query as NiceGUI does: what one of two readers does not see would pass."""
    query = parse_qs(scope["query_string"].decode(errors="replace"), keep_blank_values=True)
    client_ids = query.get("client_id", [])
    if len(client_ids) != 1 or not _owns(user, client_ids[0]):
        # A plain 403 leaves the tab on "Connection lost" (NiceGUI issue 6289). An id it does not know fails the
        # handshake instead: the browser loads the page again and our redirect takes it to the sign-in.
        kept = {name: query[name][0] for name in ("EIO", "transport") if name in query}
        unknown = {"client_id": "ended", "implicit_handshake": "true"}
        scope["query_string"] = urlencode(kept | unknown).encode()
