"""Real sockets: a browser's own, one of a stranger who knows every id of its page, and one of a thief."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
import websockets
from nicegui import Client, core
from nicegui.testing import User as Browser

from campaign_ui import auth, layout
from core import accounts, db
from core.models import User
from tests.campaign_ui.conftest import SignIn, eventually

TAB = {"tab_id": "a tab", "document_id": "a document", "next_message_id": "0", "implicit_handshake": "true"}
REFUSED = '44{"message":"Implicit handshake failed"}'


@pytest.fixture
async def port(user: Browser) -> AsyncIterator[int]:
    """Where the pages of ``user`` are served."""
    server = uvicorn.Server(uvicorn.Config(core.app, lifespan="off", log_level="error", ws="websockets-sansio"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(server.serve([listening]))
        await eventually(lambda: server.started)
        yield listening.getsockname()[1]
        server.should_exit = True
        await task


async def test_only_the_browser_that_loaded_a_page_gets_a_socket_for_it(
    user: Browser, sign_in: SignIn, port: int
) -> None:
    sign_in(user, "charlie@example.com")
    charlie = user.http_client.cookies[auth.COOKIE]
    sign_in(user, "alice@example.com")
    page, alice = await _load(user)
    for query in (
        f"client_id={page.id}",
        f"client%5Fid={page.id}",
        f"xclient_id=zzz&client_id={page.id}",
        f"client_id=&client_id={page.id}",
        f"client_id={page.id}&client_id=zzz",
    ):
        for cookie in ("", charlie):
            async with _socket(port, f"{query}&{urlencode(TAB)}", cookie) as (_, answer):
                assert answer == REFUSED, (query, cookie)
    for query in ("", "&client_id=unknown"):  # no hands are to be shaken
        for cookie in ("", alice):
            async with _socket(port, query, cookie) as (_, answer):
                assert answer == REFUSED, (query, cookie)
    async with _socket(port, f"client%5Fid={page.id}&{urlencode(TAB)}", alice) as (_, answer):
        assert answer.startswith('40{"sid":')


async def test_a_message_counts_for_the_page_of_its_socket_and_for_no_other(
    user: Browser, sign_in: SignIn, port: int
) -> None:
    owner = sign_in(user, "alice@example.com")
    page, alice = await _load(user)
    stranger = sign_in(user, "charlie@example.com")
    other, charlie = await _load(user)
    async with _open(port, page, alice) as hers, _open(port, other, charlie) as his:
        await _say(his, "handshake", page, **TAB)
        await _say(his, "ack", page, next_message_id=10**6)
        await _choose_theme(his, page, "dark")
        await _say(his, "event", page)
        await his.send('42["event","nonsense"]')
        await _choose_theme(his, other, "light")
        await eventually(lambda: _theme(stranger) == "light")
        assert _theme(owner) == "auto" and page.outbox.message_history
        await _choose_theme(hers, page, "dark")
        await eventually(lambda: _theme(owner) == "dark")


async def test_what_a_browser_logs_is_one_short_line_that_says_so(
    user: Browser, sign_in: SignIn, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "campaign_ui.sockets")
    forged = "x\n2026-11-27 00:00:00,000 INFO core.members user 1 reset the password of user 2 \x1b[31m\u202e"
    sign_in(user, "alice@example.com")
    page, alice = await _load(user)
    sign_in(user, "charlie@example.com")
    other, charlie = await _load(user)
    async with _open(port, page, alice) as hers, _open(port, other, charlie) as his:
        await _say(his, "log", page, level="error", message="of another page")
        await _say(his, "log", other, level="no level", message=["no words"])
        await _say(hers, "log", page, level="error", message=forged + 10_000 * "y")
        await eventually(lambda: "core.members" in caplog.text)
    said = [record for record in caplog.records if "another page" in record.getMessage() or "x" in record.getMessage()]
    [line] = said
    assert line.levelno == logging.DEBUG and line.getMessage().startswith("a browser says: 'x\\n2026-11-27 ")
    assert "\\x1b[31m\\u202eyy" in line.getMessage() and len(line.getMessage()) < 400


async def test_pages_of_a_session_that_ended_are_gone_whether_their_browser_is_there_or_not(
    user: Browser, sign_in: SignIn, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(core.app.config, "reconnect_timeout", 600.0)
    user.navigate.reload = lambda: None  # type: ignore[method-assign]  # a thief's browser does as it likes
    owner = sign_in(user, "alice@example.com")
    (stays, cookie), (left, _), (loaded, _) = [await _load(user) for _ in range(3)]
    async with _open(port, left, cookie):
        pass
    await eventually(lambda: left._delete_tasks)
    async with _open(port, stays, cookie) as thief:
        with db.session() as session:
            accounts.end_other_sessions(session, owner, keep_hash="another browser")
        await eventually(lambda: stays.is_deleted and left.is_deleted and loaded.is_deleted)
        while await thief.recv() != "1":  # "the connection is closed" (Engine.IO)
            pass
    assert not any(page.id in Client.instances for page in (stays, left, loaded))


async def _load(browser: Browser) -> tuple[Client, str]:
    """A page whose browser is not connected yet, and the cookie it was asked for with."""
    before = set(Client.instances)
    await browser.http_client.get("/settings")
    [client_id] = set(Client.instances) - before
    return Client.instances[client_id], browser.http_client.cookies[auth.COOKIE]


@asynccontextmanager
async def _socket(port: int, query: str, cookie: str) -> AsyncIterator[tuple[Any, str]]:
    """The socket, and what the answer to its wish to connect was."""
    url = f"ws://127.0.0.1:{port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket&{query}"
    headers = {"Cookie": f"{auth.COOKIE}={cookie}"} if cookie else {}
    async with websockets.connect(url, additional_headers=headers) as connection, asyncio.timeout(10):
        assert str(await connection.recv()).startswith("0")
        await connection.send("40")
        yield connection, str(await connection.recv())


@asynccontextmanager
async def _open(port: int, page: Client, cookie: str) -> AsyncIterator[Any]:
    """The socket of a page's own browser, once something was pushed to it."""
    async with _socket(port, urlencode(TAB | {"client_id": page.id}), cookie) as (connection, answer):
        assert answer.startswith("40"), answer
        page.run_javascript("'something'")
        await eventually(lambda: page.outbox.message_history)
        yield connection


async def _say(connection: Any, event: str, page: Client, **said: object) -> None:
    await connection.send("42" + json.dumps([event, {"client_id": page.id, **said}]))


async def _choose_theme(connection: Any, page: Client, theme: str) -> None:
    [listener] = [each for each in page.layout._event_listeners.values() if each.type == "cm_theme"]
    ids = {"id": page.layout.id, "listener_id": listener.id}
    await _say(connection, "event", page, **ids, args=[json.dumps(theme)])


def _theme(user_id: int) -> str:
    with db.reading() as session:
        return session.get_one(User, user_id).theme
