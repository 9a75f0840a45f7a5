"""The campaigns that were opened most."""

from markupsafe import Markup
from nicegui import ui

from campaign_ui.charts import rounded
from campaign_ui.parts.blocks import card
from campaign_ui.parts.markup import Html, fill
from campaign_ui.uncounted import CANNOT, what_to_do
from core.stats import BEST_LEAST, Summary

_FIRST = "The first appears here when readers have opened it."


class BestCampaigns:
    def __init__(self) -> None:
        self._shown: list[tuple[object, ...]] = []
        with card("Best campaigns", f"By open rate, of those with at least {BEST_LEAST:,} mails sent") as self._box:
            self._list = Html(fill(""), "ol").classes("w-full m-0 p-0 list-none")
            self._nobody = ui.label().classes("text-[13px] cm-mute")

    def set(self, campaigns: list[Summary], can_count: bool) -> None:
        """``can_count``: whether opens of the next campaign are."""
        wanted: list[tuple[object, ...]] = [(c.id, c.title, c.counts.opened, c.counts.sent) for c in campaigns]
        self._nobody.set_text(_FIRST if can_count else f"{CANNOT} {what_to_do()}")
        self._nobody.set_visibility(not campaigns)
        if wanted != self._shown:
            self._shown = wanted
            self._list.set(fill("").join(_row(campaign) for campaign in campaigns))


_ROW = """
<li class="py-2 cm-line">
  <div class="w-full flex flex-nowrap items-baseline justify-between gap-3">
    <a href="/campaigns/{}" style="color:inherit"
       class="text-[13.5px] font-semibold no-underline truncate min-w-0">{}</a>
    <div class="text-[13.5px] font-semibold tabular-nums shrink-0">{}</div>
  </div>
  <div class="cm-progress w-full my-1" style="height:4px">
    <div style="width:{:.1f}%;background:var(--cm-brand)"></div>
  </div>
  <div class="text-xs cm-mute tabular-nums">{}</div>
</li>
"""


def _row(campaign: Summary) -> Markup:
    rate, counts = campaign.counts.open_rate or 0.0, campaign.counts
    said = f"{counts.opened:,} of {counts.sent:,} opened"
    return fill(_ROW, campaign.id, campaign.title, f"{rounded(rate)} %", min(100.0, rate), said)
