"""The mail server of the sandbox as its user set it: takes mails in, or plays the provider that refuses them."""

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as SmtpSession

from core import db
from core.delivery import sandbox, scenarios
from core.tracking import readers
from jobs.sandbox_readers import Readers

log = logging.getLogger(__name__)

_WAITING = 1_000  # mails; then senders wait
_WAITING_BYTES = 100_000_000  # then they are asked to come again
_COMMITTED_TOGETHER = 100
_LOOK_AGAIN = 0.5  # seconds that a setting is taken for what it was


@dataclass
class _Stage:
    """What is played for one user."""

    setting: sandbox.Setting
    play: scenarios.Play
    looked_at: float


class Provider:
    """aiosmtpd's handler. One writer keeps the mails, many in one transaction."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[sandbox.Received] = asyncio.Queue(_WAITING)
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._stages: dict[int, _Stage] = {}
        self._readers = Readers()
        self._met: WeakKeyDictionary[SmtpSession, bool] = WeakKeyDictionary()

    async def handle_MAIL(
        self, _server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 The sandbox takes mail from its own senders only"
        if refusal := (await self._stage(session)).play.mail(monotonic()):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, _server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := (await self._stage(session)).play.rcpt(address, monotonic()):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def drops_before(self, session: SmtpSession, address: str) -> bool:
        """Whether the connection ends in the middle of the body that comes now."""
        play = (await self._stage(session)).play
        return play.scenario.drop == "before" and play.drops(address)

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        play = (await self._stage(session)).play
        if play.scenario.delay:
            await asyncio.sleep(play.scenario.delay)
        if self._bytes > _WAITING_BYTES:
            return "452 4.3.1 The sandbox is busy, try again in 30 seconds"
        if play.scenario.drop == "after" and play.drops(envelope.rcpt_tos[0]):
            if play.keeps_dropped():
                await self._take(session, envelope)
            await hang_up(server)
        await self._take(session, envelope)
        play.taken()
        return "250 2.0.0 Kept in the sandbox"

    async def drain(self) -> None:
        """Until everything that came in is kept."""
        self._readers.stop()
        if self._writer is not None:
            await self._arrived.join()
            self._writer.cancel()

    def look_again(self, user_id: int | None) -> None:
        """The setting of this user (None: of anybody) was changed."""
        for stage_of, stage in self._stages.items():
            if user_id in (None, stage_of):
                stage.looked_at = 0.0

    async def _take(self, session: SmtpSession, envelope: Envelope) -> None:
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        for address in envelope.rcpt_tos:
            self._bytes += len(raw)
            await self._arrived.put(sandbox.Received(_whose(session), envelope.mail_from or "", address, raw))

    async def _stage(self, session: SmtpSession) -> _Stage:
        """What this user chose, looked up at each connection and again and again: it is changed while mails come."""
        user_id = _whose(session)
        stage = self._stages.get(user_id)
        is_new, self._met[session] = session not in self._met, True
        if stage is not None and not is_new and monotonic() - stage.looked_at < _LOOK_AGAIN:
            return stage
        setting = await asyncio.get_running_loop().run_in_executor(None, _setting, user_id)
        stage = self._stages.get(user_id)  # another connection may have looked meanwhile
        if stage is None or stage.setting.scenario != setting.scenario:
            stage = self._stages[user_id] = _Stage(setting, scenarios.Play(scenarios.get(setting.scenario)), 0.0)
        stage.setting, stage.looked_at = setting, monotonic()
        return stage

    async def _write(self) -> None:
        while True:
            mails = [await self._arrived.get()]
            while len(mails) < _COMMITTED_TOGETHER and not self._arrived.empty():
                mails.append(self._arrived.get_nowait())
            read = [mail for mail in mails if self._stages[mail.user_id].setting.readers]
            visits = await asyncio.get_running_loop().run_in_executor(None, _keep, mails, read)
            self._readers.expect(visits)
            for mail in mails:
                self._bytes -= len(mail.raw)
                self._arrived.task_done()


class PlayedSmtp(SMTP):
    """Can end a connection where aiosmtpd asks no handler: in the middle of a mail."""

    event_handler: Provider

    async def smtp_DATA(self, arg: str) -> None:
        assert self.session is not None and self.envelope is not None
        to = self.envelope.rcpt_tos
        if to and not arg and await self.event_handler.drops_before(self.session, to[0]):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.read(1)
            await hang_up(self)
        await super().smtp_DATA(arg)


async def hang_up(server: SMTP) -> None:
    """End the connection at once; what serves it is cancelled with it."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    await asyncio.Event().wait()


def authenticate(_server: SMTP, _session: SmtpSession, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    """Only a sandbox sender's own username and password open the door."""
    # Runs on the inbox's own thread: a short read may block it.
    if not isinstance(data, LoginPassword):
        return AuthResult(success=False, handled=False)
    with db.reading() as session:
        username, password = (part.decode("utf-8", "replace") for part in (data.login, data.password))
        user_id = sandbox.owner(session, username, password)
    return AuthResult(success=user_id is not None, handled=False, auth_data=user_id)


def _whose(session: SmtpSession) -> int:
    user_id: Any = session.auth_data  # as ``authenticate`` gave it
    return int(user_id)


def _setting(user_id: int) -> sandbox.Setting:
    with db.reading() as session:
        return sandbox.setting(session, user_id)


def _keep(mails: list[sandbox.Received], read: list[sandbox.Received]) -> list[readers.Visit]:
    """Keep ``mails``; what simulated readers will do with those in ``read``."""
    try:
        with db.session() as session:
            sandbox.store(session, mails)
        visits = [readers.visit(mail.user_id, mail.rcpt_to, mail.raw) for mail in read]
    except Exception:  # an outer edge: the inbox goes on with the next mails
        log.exception("%d sandbox mails could not be kept", len(mails))
        return []
    return [visit for visit in visits if visit is not None]
