"""The ledger of a campaign as a spreadsheet-safe CSV."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from core import db
from core.errors import NotFound
from core.models import Campaign, Message

COLUMNS = ("email", "state", "attempts", "sent_at", "opened_at", "reply")
_CHUNK = 5_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def recipients_csv(user_id: int, campaign_id: int) -> Iterator[str]:
    """The CSV text in chunks of 5,000 rows, header first, times in ISO 8601 UTC; flat memory at any size.

    Raises NotFound (on the call, not while iterating) for a campaign of somebody else.
    """
    with db.reading() as session:
        owned = select(Campaign.id).where(
            col(Campaign.id) == campaign_id, col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None)
        )
        if session.exec(owned).first() is None:
            raise NotFound("There is no such campaign.")
    return _chunks(campaign_id)


def _chunks(campaign_id: int) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    last_id = 0
    while True:
        with db.reading() as session:  # a short transaction per chunk, however slow the reader is
            rows = _rows(session, campaign_id, last_id)
        if not rows:
            return
        last_id = rows[-1][0]
        # As objects: pandas would turn a time that is missing into NaT, which is not false.
        frame = pd.DataFrame([row[1:] for row in rows], columns=list(COLUMNS), dtype=object)
        for name in ("sent_at", "opened_at"):
            frame[name] = [moment.isoformat(timespec="seconds") if moment else "" for moment in frame[name]]
        for name in ("email", "reply"):
            frame[name] = frame[name].map(harmless)
        yield frame.to_csv(index=False, header=False, lineterminator="\r\n")


def _rows(session: Session, campaign_id: int, after_id: int) -> list[tuple[Any, ...]]:
    columns = [col(getattr(Message, name)) for name in ("id", *COLUMNS)]
    statement = (
        sa.select(*columns)
        .where(col(Message.campaign_id) == campaign_id, col(Message.id) > after_id)
        .order_by(col(Message.id))
        .limit(_CHUNK)
    )
    return [tuple(row) for row in session.connection().execute(statement)]


def harmless(text: str) -> str:
    """``text`` that no spreadsheet takes for a formula: a leading quote before ``= + - @`` TAB CR."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
