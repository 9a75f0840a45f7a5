"""The sandbox's mail server: aiosmtpd on this machine only, in its own thread, so that the web's loop never waits."""

import asyncio
import logging
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as SmtpSession

from core import config, db
from core.delivery import sandbox

log = logging.getLogger(__name__)

MAX_MAIL = 10_000_000  # bytes
_WAITING = 1_000  # mails; then senders wait
_WAITING_BYTES = 100_000_000  # then they are asked to come again
_COMMITTED_TOGETHER = 100

_running: "_Inbox | None" = None


def start() -> None:
    """Listen on a free port of 127.0.0.1 and announce it. Does nothing where it listens already."""
    global _running
    if _running is not None:
        return
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells every command
    inbox = _Inbox()
    inbox.start()
    _running = inbox
    with db.session() as session:
        sandbox.announce(session, inbox.where, _web_url())
    log.info("sandbox inbox listens on %s", inbox.where)


def stop() -> None:
    """Keep what has come in, and close."""
    global _running
    inbox, _running = _running, None
    if inbox is None:
        return
    asyncio.run_coroutine_threadsafe(inbox.handler.drain(), inbox.loop).result(10)
    inbox.stop()
    with db.session() as session:
        sandbox.withdraw(session, inbox.where)


def _web_url() -> str:
    host = config.settings.host
    if host in ("", "0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{config.settings.port}"


class _Handler:
    """Takes mails in; one writer keeps them, many in one transaction."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[sandbox.Received] = asyncio.Queue(_WAITING)
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None

    async def handle_MAIL(
        self, _server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 The sandbox takes mail from its own senders only"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_DATA(self, _server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        if self._bytes > _WAITING_BYTES:
            return "452 4.3.1 The sandbox is busy, try again in 30 seconds"
        for address in envelope.rcpt_tos:
            self._bytes += len(raw)
            await self._arrived.put(sandbox.Received(session.auth_data, envelope.mail_from or "", address, raw))
        return "250 2.0.0 Kept in the sandbox"

    async def drain(self) -> None:
        """Until everything that came in is kept."""
        if self._writer is not None:
            await self._arrived.join()
            self._writer.cancel()

    async def _write(self) -> None:
        while True:
            mails = [await self._arrived.get()]
            while len(mails) < _COMMITTED_TOGETHER and not self._arrived.empty():
                mails.append(self._arrived.get_nowait())
            await asyncio.get_running_loop().run_in_executor(None, _keep, mails)
            for mail in mails:
                self._bytes -= len(mail.raw)
                self._arrived.task_done()


def _keep(mails: list[sandbox.Received]) -> None:
    try:
        with db.session() as session:
            sandbox.store(session, mails)
    except Exception:  # an outer edge: the inbox goes on with the next mails
        log.exception("%d sandbox mails could not be kept", len(mails))


def _authenticate(_server: SMTP, _session: SmtpSession, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    # Runs on the inbox's own thread: a short read may block it.
    if not isinstance(data, LoginPassword):
        return AuthResult(success=False, handled=False)
    with db.reading() as session:
        username, password = (part.decode("utf-8", "replace") for part in (data.login, data.password))
        user_id = sandbox.owner(session, username, password)
    return AuthResult(success=user_id is not None, handled=False, auth_data=user_id)


class _Inbox(Controller):
    handler: _Handler

    def __init__(self) -> None:
        super().__init__(
            _Handler(),
            hostname="127.0.0.1",
            port=0,
            server_hostname="sandbox",
            ident="Campaigns sandbox",
            data_size_limit=MAX_MAIL,
            authenticator=_authenticate,
            auth_require_tls=False,
        )

    @property
    def where(self) -> str:
        return f"{self.hostname}:{self.port}"

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # the one the system chose
        super()._trigger_server()
