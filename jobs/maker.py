"""Makes the bytes of a lane's mails, and tells of those that cannot be made."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

from core import clock
from core.content.mail import BadMail, Recipient
from core.delivery import smtp
from core.delivery.ledger import Claimed
from core.delivery.smtp import Connection

if TYPE_CHECKING:
    from jobs.lane import Lane

log = logging.getLogger(__name__)


_MOST, _BYTES, _SECONDS = 31, 262_144, 0.002  # of the mails that are made ahead


@dataclass(slots=True)
class Mail:
    """``tail``: what comes behind the body, its attachments. ``marking``: the answer to its mark, where that was asked
    for already."""

    message: Claimed
    envelope: smtp.Envelope
    body: bytes
    tail: bytes
    marking: "asyncio.Future[bool] | None" = None


class Maker:
    """Of one lane."""

    def __init__(self, lane: "Lane") -> None:
        self._lane = lane

    def made(self, message: Claimed, connection: Connection) -> Mail | None:
        """The bytes of ``message`` for this connection; None: it cannot be made, which was told."""
        lane = self._lane
        try:
            body, tail = self._body(message), lane.compiled[message.campaign_id].tail
            size = len(body) + len(tail)
            if (refusal := smtp.too_big(connection, size)) is not None:
                lane.report.refused(message, "mail", refusal)
                return None
            return Mail(message, smtp.envelope(connection, lane.from_address, message.email, size), body, tail)
        except (BadMail, smtp.BadAddress) as error:
            lane.report.failed(message, str(error))
        except Exception:  # a mistake of ours in one mail must not stop the others
            log.exception("message %s could not be made", message.id)
            lane.report.failed(message, "This mail could not be made: a mistake in the program, see its log.")
        return None

    def _body(self, message: Claimed) -> bytes:
        """The bytes of ``message``. With them those of the mails that come next are made, as long as little waits for
        it: in a row each costs less, as what makes them is still in the caches of the processor."""
        lane, made, now = self._lane, message.made, clock.utcnow()
        message.made = None
        if made is not None and made[0] is lane.compiled[message.campaign_id]:
            return made[1]
        body = _render(lane, message, now)
        left, until = 0 if lane.slots.limited else _BYTES - len(body), monotonic() + _SECONDS
        for following in islice(lane.queue, _MOST):
            if left <= 0 or monotonic() > until:
                break
            with suppress(Exception):  # told when its turn comes
                ahead = _render(lane, following, now)
                following.made = lane.compiled[following.campaign_id], ahead
                left -= len(ahead)
        return body

    def follower(self, connection: Connection) -> Mail | None:
        """The next mail, to begin right behind the one under way; None: nothing may follow, or nothing is at hand."""
        lane = self._lane
        if not connection.pipelining or lane.slots.limited or connection.mail_count >= lane.refresh_after:
            return None
        while (message := lane.next_now()) is not None:
            if (mail := self.made(message, connection)) is not None:
                return mail
        return None

    def marked(self, mail: Mail) -> Mail:
        """``mail`` with its mark asked for."""
        if mail.marking is None:
            mail.marking = self._lane.writer.mark(mail.message)
        return mail


def _render(lane: "Lane", message: Claimed, at: datetime) -> bytes:
    recipient = Recipient(message.id, message.email, message.fields)
    return lane.compiled[message.campaign_id].render(recipient, at)
