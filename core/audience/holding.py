"""Which campaign still needs a list."""

from typing import Any

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from core import db
from core.errors import RuleError
from core.models import GONE_AFTER, Campaign, CampaignList, CampaignStatus

_HOLDING = (CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)


def using(session: Session, user_id: int, list_id: int) -> Any:
    """A query of the user's campaigns that are not over and use the list.

    Also one that was deleted and can be brought back with a part of its recipients still to be read from its lists.
    """
    half_read = (col(Campaign.status) == CampaignStatus.paused, col(Campaign.snapshot_done).is_(False))
    back = (col(Campaign.deleted_at) >= db.now(session) - GONE_AFTER, *half_read)
    return (
        select(Campaign)
        .join(CampaignList, col(CampaignList.campaign_id) == col(Campaign.id))
        .where(col(CampaignList.list_id) == list_id, col(Campaign.user_id) == user_id)
        .where(col(Campaign.status).in_(_HOLDING), or_(col(Campaign.deleted_at).is_(None), and_(*back)))
        .limit(1)
    )


def check_free(session: Session, user_id: int, list_id: int) -> None:
    """Raises RuleError with the name of the campaign while one needs the list."""
    held = session.exec(using(session, user_id, list_id)).first()
    if held is None:
        return
    name = held.name or "Untitled"
    if held.deleted_at is not None:
        raise RuleError(f"The campaign “{name}” needs this list if its deletion is undone. Try again in an hour.")
    raise RuleError(f"The campaign “{name}” is {held.status} and uses this list. Cancel or finish it first.")
