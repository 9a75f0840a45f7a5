"""The real product in its own processes, and the mail server of the outside world."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests import forked
from tests.forked import ROOT as ROOT
from tests.servers import free_port as free_port

PATIENCE = 30.0  # seconds: nothing here measures time, and machines that test many things at once pause
expect.set_options(timeout=PATIENCE * 1000)
USERNAME, PASSWORD = "news@example.com", "a provider's password"
# Drawing what moves takes a quarter of a test's processor: the main job and tests of what is seen do it.
STILL: Mapping[str, Any] = {"reduced_motion": "reduce"}
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_shared: list[Browser] = []


@dataclass
class Provider:
    """A mail server that keeps a log of what it accepted; ``answers``: recipient -> its next refusals."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    port: int = 0

    async def handle_MAIL(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if refusals := self.answers.get(address):
            return refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.accepted.append((envelope.rcpt_tos[0], envelope.content))
        return "250 2.0.0 queued"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _method: str, data: object
    ) -> AuthResult:
        well = isinstance(data, LoginPassword) and (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
        return AuthResult(success=well, handled=False)


@contextmanager
def provider(answers: dict[str, list[str]]) -> Iterator[Provider]:
    """A running Provider on 127.0.0.1 that wants a password."""
    handler = Provider({address: list(refusals) for address, refusals in answers.items()})
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=handler.authenticate,
        auth_require_tls=False,
        decode_data=False,
    )
    controller.start()
    handler.port = controller.port
    try:
        yield handler
    finally:
        controller.stop()


@asynccontextmanager
async def running(script: str, env: dict[str, str], ready: str) -> AsyncIterator[BaseProcess]:
    """``script`` in its own process, once it has printed a line with ``ready``; stopped politely at the end."""
    process, output = forked.start(script, {**os.environ, **env})
    said: list[str] = []
    try:
        lines = await _lines(output)
        async with asyncio.timeout(2 * PATIENCE):
            await _until_said(lines, ready, said)
        draining = asyncio.create_task(_drain(lines, said))
        yield process
    except BaseException as error:
        error.add_note("".join(said[-60:]))
        raise
    finally:
        process.terminate()
        await asyncio.to_thread(process.join, PATIENCE)
    await draining
    problems = [line for line in said if "Traceback" in line or "ERROR" in line]
    assert not problems, "".join(said[-60:])


async def _lines(output: Connection) -> asyncio.StreamReader:
    lines = asyncio.StreamReader()
    file = os.fdopen(os.dup(output.fileno()), "rb", buffering=0)
    output.close()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), file)
    return lines


async def _until_said(lines: asyncio.StreamReader, ready: str, said: list[str]) -> None:
    while ready not in (line := (await lines.readline()).decode()):
        said.append(line)
        assert line, "the program ended:\n" + "".join(said)


async def _drain(lines: asyncio.StreamReader, said: list[str]) -> None:
    async for line in lines:
        said.append(line.decode())


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser that tests share, in the end without what was opened in it; where none is shared, one of its own."""
    if not _shared:
        async with _started() as browser:
            yield browser
        return
    try:
        yield _shared[0]
    finally:
        for context in _shared[0].contexts:
            await context.close()


@asynccontextmanager
async def sharing_chromium() -> AsyncIterator[None]:
    """One browser for all: a start takes a second of a processor."""
    async with _started() as browser:
        _shared.append(browser)
        yield
        _shared.clear()


@asynccontextmanager
async def _started() -> AsyncIterator[Browser]:
    """Debian's Chromium: where it is there, the one that has no windows and takes a quarter less of a processor."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


async def eventually(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until ``holds``; the outside world (a mail server's log) has no event to await."""
    deadline = monotonic() + seconds
    while not holds():
        assert monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def card(tab: Page, label: str, value: int, seconds: float = PATIENCE) -> None:
    """Until the first number of the card is ``value``."""
    await tab.wait_for_function(
        """([label, value]) => {
            const card = document.querySelector(`[role=group][aria-label="${label}"]`);
            const numbers = card?.innerText.split("\\n").filter(line => /^[\\d,]+$/.test(line.trim()));
            return numbers?.[0]?.trim() === value;
        }""",
        arg=[label, f"{value:,}"],
        polling=100,  # not with every frame, which would be drawn for it
        timeout=seconds * 1000,
    )


@dataclass
class Console:
    """What pages complained about; while the server is away, browsers say so, and that is no fault of the page."""

    wrong: list[str] = field(default_factory=list)
    server_is_away: bool = False

    def listen(self, page: Page) -> Page:
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        return page

    def _note(self, message: ConsoleMessage) -> None:
        away = self.server_is_away and ("WebSocket" in message.text or "ERR_CONNECTION" in message.text)
        if message.type == "error" and not away:
            self.wrong.append(message.text)
