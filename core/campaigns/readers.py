"""Whether opens and clicks of a campaign can be counted: only where its mails know where we are reached."""

from typing import Any

from sqlalchemy import false, true, update
from sqlmodel import Session, col, select

from core import config
from core.delivery import senders
from core.models import Campaign, CampaignStatus, Meta, Sender


def note(session: Session) -> None:
    """Keep it of every campaign that sends now. Once some of its mails went out without, its rates say nothing."""
    sending = col(Campaign.status) == CampaignStatus.sending
    known, reached = col(Campaign.readers_counted), _is_reached(session)
    table = update(Campaign).execution_options(synchronize_session=False)
    session.execute(table.where(sending, known.is_(None), reached).values(readers_counted=True))
    session.execute(table.where(sending, known.is_not(False), ~reached).values(readers_counted=False))


def _is_reached(session: Session) -> Any:
    """As ``senders.tracking_base``: by BASE_URL; mails of the sandbox also by the web's own address."""
    if config.settings.base_url:
        return true()
    if session.get(Meta, senders.WEB_KEY) is None:
        return false()
    return col(Campaign.sender_id).in_(select(Sender.id).where(col(Sender.is_sandbox)))
