"""When the mails of a campaign may go out: its sending window and its warm-up, changed while it waits or sends."""

from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from core import db, live
from core.campaigns.drafts import get, hint, owned
from core.delivery import warmup as ramps
from core.delivery import windows
from core.errors import RuleError
from core.models import Campaign, CampaignStatus

_OPEN = (CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)


def set_hours(
    session: Session,
    user_id: int,
    campaign_id: int,
    sending_window: dict[str, Any] | None,
    warmup: dict[str, Any] | None,
) -> None:
    """Replace both of a campaign that is scheduled, sending or paused; it holds from the next mail on.

    Either as ``from_json`` of its module reads it, None for none. Raises RuleError for what is neither, and for a
    campaign that is a draft or over; NotFound.
    """
    window, ramp = windows.from_json(sending_window), ramps.from_json(warmup)
    now = db.now(session)
    opening = windows.starts_at(window, now)
    values = {
        "sending_window": windows.to_json(window),
        "warmup": ramps.to_json(ramp),
        "hold_until": opening if opening > now else None,
        "version": col(Campaign.version) + 1,
    }
    changed = update(Campaign).where(*owned(user_id, campaign_id), col(Campaign.status).in_(_OPEN)).values(values)
    if not session.connection().execute(changed).rowcount:
        raise RuleError(f"This campaign is {get(session, user_id, campaign_id).status}: its hours cannot change now.")
    session.expire_all()
    hint(session, user_id, campaign_id)
    db.after_commit(session, live.wake)
