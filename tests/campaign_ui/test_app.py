"""The whole web application, in a process of its own."""

import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import IO

import httpx
import pytest
from sqlmodel import select

from core import crypto, db
from core.models import LoginFailure, Message, MessageState
from tests import forked, rows
from tests.conftest import Stack
from tests.servers import free_port

PROGRAM = """
import sys
from starlette.testclient import TestClient
from campaign_ui.app import create_app
from core import db

with TestClient(create_app()) as web:
    db.connect("sqlite:////nowhere/at/all.db")
    assert web.get(sys.argv[1]).headers["content-type"] == "image/gif"
    db.connect()
"""


def test_opens_that_wait_in_memory_are_stored_when_the_program_ends(sqlite_stack: Stack) -> None:
    with db.session() as session:
        _, (message_id,) = rows.sent_campaign(session, rows.user(session), [MessageState.sent])
    url = f"/t/o/{crypto.sign('open', message_id)}.gif"
    _done(PROGRAM, sqlite_stack, url)
    with db.reading() as session:
        assert session.get_one(Message, message_id).opened_at is not None


def _start(script: str, env: dict[str, str], *arguments: str) -> tuple[BaseProcess, IO[str]]:
    process, output = forked.start_text(script, {**os.environ, **env}, *arguments)
    with output:
        return process, os.fdopen(os.dup(output.fileno()))


def _done(script: str, stack: Stack, *arguments: str) -> str:
    """What ``script`` said until it ended, well."""
    code, said = forked.ended(*forked.start_text(script, {**os.environ, **stack.env}, *arguments))
    assert code == 0, said
    return said


BROKEN = """
import os
from starlette.testclient import TestClient
from campaign_ui.app import create_app
from core import db

with TestClient(create_app(), raise_server_exceptions=False) as web:
    db.connect("sqlite:///" + os.environ["DATA_DIR"] + "/empty.db")
    web.cookies.set("session", "x" * 43)
    for path in ("/login", "/", "/campaigns/1"):
        answer = web.get(path)
        assert answer.status_code == 500, path
        assert "Something went wrong here" in answer.text and "Nothing was lost." in answer.text, path
        assert "Traceback" not in answer.text and "sqlite" not in answer.text.lower(), path
    db.connect()
"""


def test_an_error_of_ours_is_a_page_with_a_sentence_and_never_a_stack_trace(sqlite_stack: Stack) -> None:
    _done(BROKEN, sqlite_stack)


AWAY = """
import logging, sys, warnings
warnings.simplefilter("ignore")
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from campaign_ui.app import create_app
from core import db

logging.basicConfig()
with TestClient(create_app()) as web:
    db.connect(sys.argv[1])
    web.cookies.set("session", "x" * 43)
    for path in ("/login", "/", "/campaigns/1", "/senders"):
        answer = web.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert "The database is away" in answer.text and "this page tries again by itself" in answer.text, path
        assert '<meta http-equiv="refresh" content="5">' in answer.text, path
        assert "frame-ancestors" in answer.headers["content-security-policy"]
    answer = web.post("/login", data={"email": "a@example.com", "password": "correct horse"})
    assert answer.status_code == 503 and "Go back and try again" in answer.text and "refresh" not in answer.text
    try:
        with web.websocket_connect("/_nicegui_ws/socket.io/?EIO=4&transport=websocket"):
            assert False, "a socket that nobody could check"
    except WebSocketDisconnect as closed:
        assert closed.code == 1013
    db.connect()
    web.cookies.clear()
    assert web.get("/login").status_code == 200
"""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:////nowhere/at/all.db", "unable to open database file"),
        ("postgresql+psycopg2://anna:hidden@127.0.0.1:1/mails", "Connection refused"),
    ],
)
def test_while_the_database_is_away_pages_say_so_and_the_log_does_in_a_line(
    sqlite_stack: Stack, url: str, why: str
) -> None:
    [line] = _done(AWAY, sqlite_stack, url).splitlines()
    assert "the database is away, pages say so and try again: " in line and why in line and "hidden" not in line


LOOKED_AT = """
import gc, threading
all_objects = gc.get_objects

def looked_at():
    print("beside:", *(each.name for each in threading.enumerate()), flush=True)
    return all_objects()

gc.get_objects = looked_at
import main
main.main()
"""


def test_no_thread_works_while_the_web_looks_through_all_objects(sqlite_stack: Stack) -> None:
    """NiceGUI does as it starts: a tuple that grows in another thread then is a SystemError there."""
    with program(LOOKED_AT, sqlite_stack) as (_, said, _):
        beside = [line for line in said if line.startswith("beside: ")]
    assert beside == ["beside: MainThread Thread-1 (_run)\n"]  # the sandbox inbox, which waits for mails


HANGS = """
import asyncio
import main
from starlette.responses import Response

made = main.create_app

def create_app():
    web = made()
    async def hang(_request):
        print("hangs", flush=True)
        await asyncio.Event().wait()
        return Response()
    web.add_route("/hang", hang)
    web.router.routes.insert(0, web.router.routes.pop())
    return web

main.create_app = create_app
main.main()
"""


@contextmanager
def program(script: str, stack: Stack) -> Iterator[tuple[int, list[str], IO[str]]]:
    """``script`` in its own process: its port, the lines it said (in the end all of them), and those to come."""
    port = free_port()
    process, lines = _start(script, stack.env | {"PORT": str(port)})
    with lines:
        said = list(itertools.takewhile(lambda line: not line.startswith("Campaigns: "), lines))
        try:
            yield port, said, lines
        finally:
            process.terminate()
            said += lines
            process.join()


def test_a_request_that_is_cut_off_as_the_program_stops_is_a_line_and_no_traceback(sqlite_stack: Stack) -> None:
    with socket.socket() as reader, program(HANGS, sqlite_stack) as (port, said, lines):
        reader.connect(("127.0.0.1", port))
        reader.sendall(b"GET /hang HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        said += itertools.takewhile(lambda line: line != "hangs\n", lines)
    assert "Cancel 1 running task(s), timeout graceful shutdown exceeded" in "".join(said)
    assert not [line for line in said if "Traceback" in line or "ERROR" in line], "".join(said)


@pytest.mark.parametrize(("believed", "counted"), [("", "192.0.2.7"), ("10.0.0.0/8, 203.0.113.7", "127.0.0.1")])
def test_a_proxy_that_is_not_believed_is_said_once(sqlite_stack: Stack, believed: str, counted: str) -> None:
    env = {**sqlite_stack.env, "FORWARDED_ALLOW_IPS": believed}
    with program("import main; main.main()", Stack("sqlite", env)) as (port, said, _):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-Forwarded-For": "192.0.2.7"}) as web:
            for _ in range(2):
                assert web.post("/login", data={"email": "a@example.com", "password": "wrong horse"}).status_code == 401
    with db.reading() as session:
        keys = {failure.key for failure in session.exec(select(LoginFailure))}
    assert keys == {"account:a@example.com", f"client:{counted}"}
    told = [line for line in said if "what 127.0.0.1 says of its clients (X-Forwarded-For) is not believed" in line]
    assert len(told) == bool(believed), "".join(said)


def test_a_page_that_left_while_its_socket_was_made_is_no_error_in_the_log(sqlite_stack: Stack) -> None:
    with program(LEFT, sqlite_stack) as (port, said, _):
        with socket.create_connection(("127.0.0.1", port)) as page:
            path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket&sid=gone"
            page.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            assert b" 400 " in page.makefile("rb").readline()
    assert not [line for line in said if "Session is disconnected" in line], "".join(said)


LEFT = """
import main
from nicegui import core

made = main.create_app

class Left:
    closed, connected, upgraded = True, True, False

def create_app():
    web = made()
    core.sio.eio.sockets["gone"] = Left()
    return web

main.create_app = create_app
main.main()
"""
