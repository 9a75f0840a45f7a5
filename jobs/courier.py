"""One connection of a lane: takes mails one after the other and carries them to the server."""

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING

from core.crypto import SealBroken
from core.delivery import failpoints, hosts, senders, smtp, standing, tls
from core.delivery.ledger import Claimed
from core.delivery.replies import is_success
from core.delivery.smtp import Connection, Dropped, Refused, Server
from core.errors import RuleError
from jobs import batches
from jobs.maker import Mail, Maker
from jobs.stream import ONE_PIECE, QUICK, Place, Stream

if TYPE_CHECKING:
    from jobs.lane import Lane

log = logging.getLogger(__name__)


class Courier:
    """``busy`` with a mail; ``up``: its connection stands."""

    def __init__(self, lane: "Lane") -> None:
        self.busy = False
        self._lane, self._maker = lane, Maker(lane)
        self._connection: Connection | None = None
        self._last_start = lane.slots.take_line()
        self._quick = False  # the server took the last mail, at once
        self._ahead: Mail | None = None  # the mail after the next one: its mark is asked for
        self._home = False  # this connection is not to be opened again

    @property
    def up(self) -> bool:
        return self._connection is not None and not self._connection.lost

    async def run(self) -> None:
        """Carry mails until the lane has none."""
        try:
            while not self._home and (message := await self._lane.next(self)) is not None:
                self.busy = True
                await self._carry(message)
                self.busy = False
        finally:
            self.busy = False
            self._lane.slots.leave_line(self._last_start)
            await self._leave()

    def abort(self) -> None:
        """Drop the connection now."""
        self._home = True
        if self._connection is not None:
            self._connection.abort("The program stopped.")

    async def _carry(self, message: Claimed) -> None:
        lane = self._lane
        if lane.slots.limited:
            answer = await lane.slots.take(message, self._last_start, self._connect)
            if answer == "skip":
                await lane.unwanted()
            if answer in ("skip", "end"):
                return
        else:
            look_count = lane.look_count
            await self._connect()
            if lane.look_count != look_count:  # at what was in no courier's hands
                return lane.put_back([message])
        if not lane.may_start(message):
            return
        if not self.up:
            lane.requeue(message)
            return
        assert self._connection is not None
        if (mail := self._maker.made(message, self._connection)) is not None:
            await self._converse(self._connection, mail)

    async def _converse(self, connection: Connection, first: Mail) -> None:
        """Send ``first`` and, where nothing forbids it, others behind it without waiting (RFC 2920)."""
        mail: Mail | None = first
        try:
            if failpoints.ARMED:
                await failpoints.reach("before_mail")
            self._start(connection, first)
            while mail is not None:
                place = Place.envelope
                if self._quick and mail.marking is not None and not failpoints.ARMED:
                    stream = Stream(self._lane, self._maker, connection)
                    try:
                        await stream.run(mail, self._ahead)
                    finally:
                        mail, self._ahead, place = stream.mail, stream.ahead, stream.place
                if mail is None:
                    return
                if place is Place.dot:
                    mail = await self._answered(connection, mail, stream.follower, stream.written_at)
                    continue
                refusal = await connection.offered(mail.envelope) if place is Place.envelope else None
                if refusal is not None:
                    phase, reply = refusal
                    if await self._still_ours(mail):
                        self._lane.report.refused(mail.message, phase, reply)
                    await self._reset(connection, reply)
                    mail = self._resumed(connection)
                elif not await self._may_end(connection, mail):
                    return
                else:
                    mail = await self._finish(connection, mail)
        except Dropped as error:
            if mail is not None and (early := connection.unasked()) is not None:
                await self._early(connection, mail, early)
            elif mail is not None and await self._still_ours(mail):
                self._lane.report.unsent(mail.message, str(error))
        finally:
            ahead, self._ahead = self._ahead, None
            await self._back(ahead)

    async def _may_end(self, connection: Connection, mail: Mail) -> bool:
        """Write the body; whether its dot may follow. A small one waits for a mark that is asked for, and for its dot:
        one piece costs half of two."""
        small = not mail.tail and len(mail.body) <= ONE_PIECE
        whole = mail.marking is not None and small and not failpoints.ARMED
        if not whole:
            await self._body(connection, mail)
        if not await self._marked(mail):
            # It may not go out (paused, suppressed, sender lost): it ends here, without its dot.
            connection.abort()
            await self._lane.unwanted()
            return False
        if (early := connection.unasked()) is not None:
            await self._early(connection, mail, early)
            return False
        return True

    async def _body(self, connection: Connection, mail: Mail) -> None:
        if failpoints.ARMED:
            connection.write(mail.body[: len(mail.body) // 2])
            await failpoints.reach("mid_body")
            mail.body = mail.body[len(mail.body) // 2 :]
        await connection.send(mail.body)
        await connection.send(mail.tail)
        mail.body = mail.tail = b""
        await asyncio.sleep(0)  # a refusal that came meanwhile is heard before the dot

    def _resumed(self, connection: Connection) -> Mail | None:
        """After a refusal: the mail that was to come later begins now."""
        if self._ahead is None or connection.lost or self._lane.ending or self._lane.looks:
            return None
        try:
            self._start(connection, self._ahead)
        except Dropped as error:
            self._lane.report.dropped(str(error))
            return None
        mail, self._ahead = self._ahead, None
        return mail

    def _start(self, connection: Connection, mail: Mail) -> None:
        if connection.pipelining:
            connection.begin(mail.envelope)
        if self._lane.slots.limited:
            self._last_start = self._lane.slots.started()
        else:
            self._lane.writer.used(self._lane.sender_id)

    async def _marked(self, mail: Mail) -> bool:
        """Whether it is committed that the dot comes next."""
        mail.message.marked = await (mail.marking or self._lane.writer.mark(mail.message))
        if failpoints.ARMED:
            await failpoints.reach("after_mark")
        return mail.message.marked

    async def _early(self, connection: Connection, mail: Mail, reply: smtp.Reply) -> None:
        """A reply before the dot: some servers refuse a large mail so. Anything else means they are out of step."""
        connection.abort()
        if not await self._still_ours(mail):
            return
        if reply.code >= 400:
            self._lane.report.refused(mail.message, "dot", reply)
        else:
            self._lane.report.unsent(mail.message, f"The server answered unasked: {reply.code} {reply.text}")

    async def _still_ours(self, mail: Mail) -> bool:
        """Whether this mail, which does not go out now, is still in our hands."""
        return mail.marking is None or await self._marked(mail)

    async def _finish(self, connection: Connection, mail: Mail) -> Mail | None:
        """The dot, in one piece with what is left of the body and the next envelope. Returns the mail under way now."""
        follower = self._next(connection)
        try:
            connection.finish(mail.body, follower.envelope if follower else None)
        except Dropped:
            await self._back(follower)
            raise
        if follower is not None:
            self._lane.writer.used(self._lane.sender_id)
            if self._quick:
                # Its mark is committed while the replies travel: two mails of a connection are ``sending`` at most.
                self._maker.marked(follower)
        return await self._answered(connection, mail, follower, connection.time())

    async def _answered(
        self, connection: Connection, mail: Mail, follower: Mail | None, written_at: float
    ) -> Mail | None:
        """What the server says to the whole mail. Returns the one under way then."""
        message = mail.message
        try:
            if failpoints.ARMED:
                await failpoints.reach("after_dot")
            reply = await connection.read(connection.timeouts.dot)
            if failpoints.ARMED:
                await failpoints.reach("after_reply")
        except Dropped as error:
            self._lane.report.undecided(message, str(error))
            await self._back(follower)
            return None
        accepted = is_success("dot", reply.code)
        self._quick = accepted and connection.time() - written_at < QUICK
        if accepted:
            self._lane.report.accepted(message, reply)
        else:
            self._lane.report.refused(message, "dot", reply)
            if follower is None:
                await self._reset(connection, reply)
        if reply.code == 421 or (self._lane.ending and follower is not None):
            connection.abort()
            await self._back(follower)
            return None
        if self._quick and follower is not None and follower.marking is not None:
            self._look_ahead(connection)
        return follower

    def _next(self, connection: Connection) -> Mail | None:
        """The mail to begin behind this one; what was looked ahead at goes back where no mail may start any more."""
        if self._lane.ending or self._lane.looks:
            return None
        ahead, self._ahead = self._ahead, None
        return ahead or self._maker.follower(connection)

    def _look_ahead(self, connection: Connection) -> None:
        """The result of one mail goes to the writer, so that the mark of one more may."""
        if (ahead := self._maker.follower(connection)) is not None:
            self._ahead = self._maker.marked(ahead)

    async def _reset(self, connection: Connection, reply: smtp.Reply) -> None:
        """After the refusal ``reply`` the server forgets the mail, or the connection is dead."""
        if reply.code == 421:
            connection.abort()
            return
        try:
            await connection.reset()
        except Dropped as error:
            self._lane.report.dropped(str(error))

    async def _back(self, follower: Mail | None) -> None:
        if follower is not None and await self._still_ours(follower):
            self._lane.report.back(follower.message)

    async def _connect(self) -> bool:
        """See that a connection stands; a used-up one is replaced."""
        if self._connection is not None and self._connection.mail_count >= self._lane.refresh_after:
            await self._leave()
        if self.up:
            return True
        lane, why, reached = self._lane, "", True
        refused: Refused | None = None
        try:
            server = await self._server()
            self._connection = await lane.slots.unless_ended(smtp.connect(server))
            if self._connection is not None:
                lane.connected()
            return self._connection is not None
        except Refused as error:
            refused = error
        except SealBroken as error:
            refused = Refused("auth", smtp.Reply(535, (f"5.7.8 {error}",)))
        except ssl.SSLError as error:
            why = tls.why_not(error, server.name, server.port, server.security)
        except OSError as error:
            why, reached = hosts.why_not(error, server.name, server.port), False
        except RuleError as error:
            why, reached = str(error), False
        except (Dropped, asyncio.IncompleteReadError) as error:
            why = str(error) or type(error).__name__
        self._connection, self._home = None, True
        if refused is not None:
            lane.report.refused_connection(refused.phase, refused.reply)
        else:
            lane.report.no_connection(why, reached)
        return False

    async def _server(self) -> Server:
        """Where to connect, as the sender is set now. Raises RuleError where we may not or cannot."""
        lane = self._lane
        sender, host, port = await lane.writer.call(lambda session: batches.address(session, lane.sender_id))
        if standing.account(sender) != lane.report.account:
            lane.end("later", 0.0)  # another one was saved: with new connections only
        address = host if sender.is_sandbox else await asyncio.to_thread(hosts.resolve, host, port)
        return Server(address, port, sender.security, sender.username, senders.password(sender), host)

    async def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.lost:
            await connection.quit()
