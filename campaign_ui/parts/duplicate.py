"""A copy of a campaign as a new draft."""

from nicegui import ui

from campaign_ui.parts.acts import act
from core import campaigns
from core.models import Campaign


async def duplicate(user_id: int, campaign_id: int) -> None:
    """Make it and open it; a sentence where the campaign is gone."""
    await act(campaigns.duplicate, user_id, campaign_id, then=open_draft)


def open_draft(campaign: Campaign) -> None:
    ui.navigate.to(draft_href(campaign))


def draft_href(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.id}/edit"
