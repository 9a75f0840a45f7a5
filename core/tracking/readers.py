"""Simulated readers of the sandbox: some open a mail, a few click, as the pixel and links in its own bytes allow.

No request is made: the token of the pixel is verified and the open is noted as the endpoint would note it.
"""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from core import crypto
from core.content import links
from core.delivery import sandbox
from core.models import Message, Sender
from core.tracking import links as followed
from core.tracking import opens

OPENING, CLICKING = 45, 12  # per cent of the recipients
SOONEST, LATEST = 2.0, 40.0  # seconds after the mail came
_PIXEL = re.compile(r"/t/o/([\w-]{32})\.gif")
_LINK = re.compile(r"/t/c/([\w.-]{20,100})")


@dataclass(frozen=True)
class Visit:
    """A simulated reader opens a mail ``after`` so many seconds, and clicks this link of it; 0 for none."""

    user_id: int
    message_id: int
    after: float
    link_id: int = 0


def visit(user_id: int, address: str, raw: bytes) -> Visit | None:
    """What the simulated reader at ``address`` does with this mail; None for nothing. The same on every run."""
    chance = zlib.crc32(address.lower().encode() + b"reads")
    if chance % 100 >= OPENING:
        return None
    words = sandbox.html(raw)
    message_id = next((id for token in _PIXEL.findall(words) if (id := crypto.verify("open", token))), None)
    if message_id is None:
        return None
    link_id = 0
    if chance % 100 < CLICKING:
        tokens = (links.verified(token) for token in _LINK.findall(words))
        mine = [token[1] for token in tokens if token is not None and token[0] == message_id]
        link_id = mine[chance // 7 % len(mine)] if mine else 0
    return Visit(user_id, message_id, SOONEST + (LATEST - SOONEST) * (chance // 100 % 1000 / 1000) ** 2, link_id)


def record(session: Session, visits: Iterable[Visit], at: datetime) -> int:
    """Note these opens and clicks, for mails that the sandbox sender of the same user sent. Returns the first opens."""
    asked = {visit.message_id: visit for visit in visits}
    rows = session.execute(
        select(Message.id, Sender.user_id)
        .join(Sender, col(Sender.id) == col(Message.sender_id))
        .where(col(Message.id).in_(asked), col(Sender.is_sandbox))
    )
    own = [asked[message_id] for message_id, user_id in rows if asked[message_id].user_id == user_id]
    clicks = [(visit.link_id, visit.message_id, at) for visit in own if visit.link_id]
    opened = [(visit.message_id, at) for visit in own]
    count = opens.record(session, opened, [(message_id, at) for _, message_id, at in clicks])
    followed.followed(session, clicks)
    return count
