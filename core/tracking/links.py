"""Where a click leads: only to an address that the campaign's own mail has, never to one from the request."""

from collections.abc import Iterable

from sqlalchemy import delete
from sqlmodel import Session, col, select

from core.models import CampaignLink


def keep(session: Session, campaign_id: int, urls: Iterable[str]) -> None:
    """Let clicks on these addresses be counted from now on, instead of those kept before."""
    session.connection().execute(delete(CampaignLink).where(col(CampaignLink.campaign_id) == campaign_id))
    session.add_all(CampaignLink(campaign_id=campaign_id, url=url) for url in urls)
    session.flush()


def of(session: Session, campaign_id: int) -> tuple[tuple[str, int], ...]:
    """The addresses of a campaign with the number of each, in the order of their numbers."""
    mine = col(CampaignLink.campaign_id) == campaign_id
    rows = session.execute(select(CampaignLink.url, CampaignLink.id).where(mine).order_by(col(CampaignLink.id)))
    return tuple((url, link_id) for url, link_id in rows)


def find(session: Session, link_id: int) -> str | None:
    """The address behind a number; None where the campaign is gone."""
    return session.exec(select(CampaignLink.url).where(col(CampaignLink.id) == link_id)).first()
