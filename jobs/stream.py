"""Mails behind each other over a connection whose server takes each at once.

The courier's steps without its waits: to wake a task three times for a mail costs more than the mail. What is not as
usual is left to the courier.
"""

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

from core.delivery.replies import is_success
from core.delivery.smtp import Connection, Dropped
from jobs.maker import Mail, Maker

if TYPE_CHECKING:
    from jobs.lane import Lane

# Seconds. Where the server answers so fast, the wait for a mark would cost much of the pace; where it does not, the
# mark comes as late as it can, so that a crash leaves only those mails unknown that may really have been delivered.
QUICK = 0.05
ONE_PIECE = 65_536  # bytes
_ENVELOPE = ("mail", "rcpt", "data")


class Place(Enum):
    """How far ``Stream.mail`` is."""

    envelope = "its envelope is written, no reply to it was read"
    body = "its body may come"
    dot = "it is written whole, and the envelope of Stream.follower"


class Stream:
    """After ``run`` its caller goes on with ``mail`` (None: there are no more), ``follower`` and ``ahead``, the one
    behind these, whose mark is asked for."""

    def __init__(self, lane: "Lane", maker: Maker, connection: Connection) -> None:
        self.mail: Mail | None = None
        self.ahead: Mail | None = None
        self.follower: Mail | None = None
        self.written_at = 0.0
        self.place = Place.envelope
        self._lane, self._maker, self._connection = lane, maker, connection
        self._loop = asyncio.get_running_loop()
        self._asked: asyncio.Future[bool] | None = None  # the answer that wakes this up
        self._over: asyncio.Future[None]

    async def run(self, mail: Mail, ahead: Mail | None) -> None:
        """Carry ``mail``, whose envelope is written, and others, while all is as usual. Raises Dropped: the dot of
        ``mail`` was not written."""
        self.mail, self.ahead, self.follower, self.place = mail, ahead, None, Place.envelope
        self._over = self._loop.create_future()
        self._connection.listen(self._go_on)
        try:
            self._go_on()
            await self._over
        finally:
            self._connection.listen(None)

    def _go_on(self) -> None:
        """Something came: a reply, the end of the line, the answer to a mark."""
        if self._over.done():
            return
        try:
            while (mail := self.mail) is not None and not self._lane.ending and self._step(mail):
                pass
        except Exception as error:
            self._over.set_exception(error)
            return
        if self.mail is None or self._lane.ending or self._connection.lost:
            self._end()

    def _step(self, mail: Mail) -> bool:
        """One step of ``mail``; False: it has to wait, or the stream is over."""
        if self.place is Place.envelope:
            return self._envelope(mail)
        return self._body(mail) if self.place is Place.body else self._dot(mail)

    def _end(self) -> bool:
        if not self._over.done():
            self._over.set_result(None)
        return False

    def _envelope(self, mail: Mail) -> bool:
        ready = self._connection.ready
        for phase, reply in zip(_ENVELOPE, ready, strict=False):
            if not is_success(phase, reply.code):
                return self._end()
        if self._connection.lost:
            return self._end()
        if len(ready) < len(_ENVELOPE):
            self._connection.expect(self._connection.timeouts.command)
            return False
        for _ in _ENVELOPE:
            ready.popleft()
        self._connection.expect(0)
        self.place = Place.body
        return True

    def _body(self, mail: Mail) -> bool:
        connection, marking = self._connection, mail.marking
        if marking is None or mail.tail or len(mail.body) > ONE_PIECE or connection.ready:
            return self._end()
        if not marking.done():
            if self._asked is not marking:
                self._asked = marking
                marking.add_done_callback(lambda _: self._go_on())
            return False
        if marking.cancelled() or marking.exception() is not None or not marking.result():
            return self._end()
        mail.message.marked = True
        follower: Mail | None = None
        if not self._lane.looks:
            follower, self.ahead = self.ahead or self._maker.follower(connection), None
        try:
            connection.finish(mail.body, follower.envelope if follower else None)
        except Dropped:
            self.ahead = follower
            raise
        self.written_at = self._loop.time()
        connection.expect(connection.timeouts.dot)
        self.place, self.follower = Place.dot, follower
        if follower is not None:
            self._lane.writer.used(self._lane.sender_id)
            self._maker.marked(follower)
        return False

    def _dot(self, mail: Mail) -> bool:
        ready = self._connection.ready
        if not ready:
            return False
        if not is_success("dot", ready[0].code) or self._loop.time() - self.written_at >= QUICK:
            return self._end()
        self._lane.report.accepted(mail.message, ready.popleft())
        self.mail, self.follower, self.place = self.follower, None, Place.envelope
        if self.mail is not None:
            # The result of one mail goes to the writer, so that the mark of one more may.
            ahead = self._maker.follower(self._connection)
            self.ahead = self._maker.marked(ahead) if ahead else None
        return True
