"""The ledger of a campaign as a spreadsheet-safe CSV."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from core import db
from core.audience import addresses
from core.audience.export import harmless
from core.delivery import replies
from core.errors import NotFound
from core.models import NOT_TRIED, Attempt, Campaign, Message
from core.tracking import bounces

COLUMNS = ("email", "state", "attempts", "sent_at", "opened_at", "reply")
FACTS = ("clicked_at", "bounced_at", "complained_at", "unsubscribed_at")
_CHUNK = 5_000


def recipients_csv(user_id: int, campaign_id: int) -> Iterator[str]:
    """The CSV text in chunks of 5,000 rows, header first, times in ISO 8601 UTC; flat memory at any size.

    Raises NotFound (on the call, not while iterating) for a campaign of somebody else.
    """
    with db.reading() as session:
        owned = select(Campaign.id).where(
            col(Campaign.id) == campaign_id, col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None)
        )
        if session.exec(owned).first() is None:
            raise NotFound.of("campaign")
    return _chunks(campaign_id)


def recipients(session: Session, campaign_id: int, most: int) -> Iterator[tuple[Any, ...]]:
    """The first ``most`` messages of a campaign that its caller was allowed to read: values of COLUMNS, then the code
    of the reply, the id of the sender that tried it (None: none did), and the times of FACTS."""
    last_id, left = 0, most
    while left > 0 and (rows := _rows(session, campaign_id, last_id, min(left, _CHUNK))):
        last_id, left = rows[-1][0], left - len(rows)
        yield from (row[1:] for row in rows)


def _chunks(campaign_id: int) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    last_id = 0
    while True:
        with db.reading() as session:  # a short transaction per chunk, however slow the reader is
            rows = _rows(session, campaign_id, last_id, coded=True)
        if not rows:
            return
        last_id = rows[-1][0]
        # As objects: pandas would turn a time that is missing into NaT, which is not false.
        frame = pd.DataFrame([row[1 : 1 + len(COLUMNS)] for row in rows], columns=list(COLUMNS), dtype=object)
        for name in ("sent_at", "opened_at"):
            frame[name] = [_time(moment) for moment in frame[name]]
        for name in ("email", "reply"):
            frame[name] = frame[name].map(harmless)
        yield frame.to_csv(index=False, header=False, lineterminator="\r\n")


def _rows(
    session: Session, campaign_id: int, after_id: int, most: int = _CHUNK, coded: bool = False
) -> list[tuple[Any, ...]]:
    """``coded``: the words of servers with their codes."""
    more = ("reply_code", "sender_id", *FACTS)
    columns = [col(getattr(Message, name)) for name in ("id", *COLUMNS, *more)]
    statement = (
        sa.select(*columns)
        .where(col(Message.campaign_id) == campaign_id, col(Message.id) > after_id)
        .order_by(col(Message.id))
        .limit(most)
    )
    rows = list(session.connection().execute(statement))
    told = bounces.words(session, [row.id for row in rows if row.bounced_at is not None])
    return [
        (
            row.id,
            addresses.shown(row.email),
            *row[2 : len(COLUMNS)],
            *_last_word(row, told.get(row.id), coded),
            _sender(row),
            *row[-len(FACTS) :],
        )
        for row in rows
    ]


def _sender(row: Any) -> int | None:
    return row.sender_id if row.state not in NOT_TRIED else None


def _last_word(row: Any, bounce: Attempt | None, coded: bool) -> tuple[str, int | None]:
    """What the server said and its code, or those of when the mail came back; and a complaint, which has no words."""
    last = row if bounce is None else bounce
    reply, code = last.reply, last.reply_code
    if coded:
        reply = replies.with_code(code, reply)
    if bounce is not None:
        reply = f"Bounced {_time(bounce.at)}: {reply}"
    return reply if row.complained_at is None else f"Complained {_time(row.complained_at)}. {reply}".strip(), code


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
