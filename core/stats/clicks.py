"""Which links of a campaign were followed, and by how many people."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.models import Campaign, CampaignLink, LinkClick


@dataclass(frozen=True)
class Link:
    """``people``: recipients who followed it at least once."""

    url: str
    people: int


def links(session: Session, user_id: int, campaign_id: int) -> list[Link]:
    """The counted links of a campaign, those most people followed first; a stranger's are none."""
    people = func.count(col(LinkClick.message_id)).label("people")
    statement: Any = (
        select(col(CampaignLink.url), people)
        .join(Campaign, col(Campaign.id) == col(CampaignLink.campaign_id))
        .outerjoin(LinkClick, col(LinkClick.link_id) == col(CampaignLink.id))
        .where(col(CampaignLink.campaign_id) == campaign_id)
        .where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
        .group_by(col(CampaignLink.id), col(CampaignLink.url))
        .order_by(people.desc(), col(CampaignLink.id))
    )
    return [Link(url, int(count)) for url, count in session.execute(statement)]
