"""What can be made of the recipients of a campaign: a file, a list, a copy to some of them."""

from nicegui import ui

from campaign_ui.parts.blocks import link_button
from campaign_ui.parts.make_list import MAKE_LIST, SEND_AGAIN, ask_list
from core.models import CampaignStatus
from core.stats import Summary


class RecipientButtons:
    """``show`` offers what the campaign has people for."""

    def __init__(self, user_id: int, campaign_id: int) -> None:
        self.user_id, self.campaign_id, self.is_open = user_id, campaign_id, False
        self.place = ui.element("div").classes("absolute")  # of the dialog
        with ui.row().classes("items-center gap-2"):
            self.again = ui.button(SEND_AGAIN, icon="forward_to_inbox", on_click=lambda: self._ask(True))
            self.make = ui.button(MAKE_LIST, icon="playlist_add", on_click=lambda: self._ask(False))
            for button in (self.again, self.make):
                button.props("outline dense")
            link_button("Export CSV", f"/campaigns/{campaign_id}/recipients.csv", "download", "outline dense")

    def show(self, campaign: Summary) -> None:
        counts = campaign.counts
        self.make.set_visibility(counts.sent + counts.failed > 0)
        is_over = campaign.status == CampaignStatus.sent
        self.again.set_visibility(is_over and campaign.is_counted and counts.sent > counts.opened)

    async def _ask(self, again: bool) -> None:
        if not self.is_open:  # else pressed twice, while it is read who there is
            self.is_open = True
            try:
                await ask_list(self.user_id, self.campaign_id, self.place, again)
            finally:
                self.is_open = False
