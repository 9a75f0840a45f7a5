"""The sandbox's mail server: aiosmtpd on this machine only, in a thread of its own, so that no other loop waits.

Each process that may send has its own, and sends to no other's: it is there as long as its sender is, on whatever
machine that runs. The mails are in the database, and every web process is told of them.
"""

import asyncio
import logging

from aiosmtpd.controller import Controller

from core import live
from core.delivery import senders
from jobs.sandbox_provider import PlayedSmtp, Provider, authenticate

log = logging.getLogger(__name__)

MAX_MAIL = 10_000_000  # bytes

_running: "_Inbox | None" = None


def start() -> None:
    """Listen on a free port of 127.0.0.1, for the senders of this process. Does nothing where it listens already."""
    global _running
    if _running is not None:
        return
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells every command
    inbox = _Inbox()
    inbox.start()
    _running = inbox
    senders.sandbox_listens(inbox.port)
    log.info("sandbox inbox listens on port %d", inbox.port)


def stop() -> None:
    """Keep what has come in, and close."""
    global _running
    inbox, _running = _running, None
    if inbox is None:
        return
    senders.sandbox_listens(None)
    asyncio.run_coroutine_threadsafe(inbox.handler.drain(), inbox.loop).result(10)
    inbox.unhear()
    inbox.stop()


class _Inbox(Controller):
    handler: Provider

    def __init__(self) -> None:
        super().__init__(
            Provider(),
            hostname="127.0.0.1",
            port=0,
            server_hostname="sandbox",
            ident="Campaigns sandbox",
            data_size_limit=MAX_MAIL,
            authenticator=authenticate,
            auth_require_tls=False,
        )

    def factory(self) -> PlayedSmtp:
        return PlayedSmtp(self.handler, **self.SMTP_kwargs)

    def _heard(self, hint: live.Hint) -> None:
        if hint.topic in ("", "sandbox") and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.handler.look_again, hint.user_id)

    def _trigger_server(self) -> None:
        self.unhear = live.subscribe(self._heard)
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]  # the one the system chose
        super()._trigger_server()  # type: ignore[no-untyped-call]
