"""Campaigns in rows: name, status, progress, open rate, time. On phones the second line tells the same."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from campaign_ui.charts import rounded, say_done
from campaign_ui.parts.badge import word_and_tone
from campaign_ui.parts.pager import MENU_HEADER
from campaign_ui.parts.progress import PARTS, parts
from core import clock
from core.models import CampaignStatus
from core.stats import Summary

Action = Callable[[int], Awaitable[None]]

_WIDE = "max-lg:hidden"  # Quasar's own "hidden" would win over lg:table-cell
COLUMNS: list[dict[str, Any]] = [
    {"name": "name", "label": "Campaign", "field": "name", "align": "left"},
    {"name": "status", "label": "Status", "field": "status", "align": "left", "classes": _WIDE, "headerClasses": _WIDE},
    {
        "name": "progress",
        "label": "Progress",
        "field": "done",
        "align": "left",
        "classes": _WIDE,
        "headerClasses": _WIDE,
    },
    {
        "name": "open_rate",
        "label": "Open rate",
        "field": "open_rate",
        "align": "right",
        "classes": _WIDE,
        "headerClasses": _WIDE,
    },
    {"name": "when", "label": "When", "field": "when", "align": "right", "classes": _WIDE, "headerClasses": _WIDE},
]
_ACTIONS = {"name": "actions", "label": "", "field": "id", "align": "right"}

_NAME = """
<q-td :props="props" class="max-lg:w-full max-lg:py-2" style="white-space:normal;min-width:140px">
  <a class="font-semibold no-underline hover:underline" style="color:inherit;overflow-wrap:anywhere"
     :href="props.row.href">{{ props.row.name }}</a>
  <div class="lg:hidden text-xs cm-mute mt-1 flex items-center gap-x-2 gap-y-1">
    <component :is="props.row.mend ? 'a' : 'span'" :href="props.row.mend" class="cm-badge"
      :class="'is-' + props.row.tone">{{ props.row.status }}</component>
    <span>{{ props.row.numbers }}</span><span>{{ props.row.when }}</span></div>
</q-td>
"""
_STATUS = """
<q-td :props="props"><component :is="props.row.mend ? 'a' : 'span'" :href="props.row.mend" class="cm-badge"
  :class="'is-' + props.row.tone">{{ props.row.status }}</component></q-td>
"""
_PROGRESS = """
<q-td :props="props">
  <div class="flex flex-col gap-1.5" style="min-width:220px">
    <div class="cm-progress" style="height:6px" role="progressbar" aria-valuemin="0" aria-valuemax="100"
         :aria-valuenow="props.row.percent" :aria-label="'Progress of ' + props.row.name">
      <div class="cm-progress-sent" :style="{width: props.row.sent + '%'}"></div>
      <div class="cm-progress-failed" :style="{width: props.row.failed + '%'}"></div>
      <div class="cm-progress-unknown" :style="{width: props.row.unknown + '%'}"></div>
      <div class="cm-progress-other" :style="{width: props.row.other + '%'}"></div>
    </div>
    <span class="text-xs cm-mute whitespace-nowrap tabular-nums">{{ props.row.done }}</span>
  </div>
</q-td>
"""
_MENU = """
<q-td :props="props" auto-width>
  <q-btn flat round dense color="grey-7" icon="more_vert" :aria-label="'Actions for ' + props.row.name">
    <q-menu auto-close anchor="bottom right" self="top right">
      <q-list role="none" style="min-width:160px">
        <q-item role="menuitem" clickable :href="props.row.href"><q-item-section>Open</q-item-section></q-item>
        <q-item role="menuitem" clickable @click="() => $parent.$emit('duplicate', props.row.id)">
          <q-item-section>Duplicate</q-item-section></q-item>
        <q-item role="menuitem" clickable @click="() => $parent.$emit('remove', props.row.id)">
          <q-item-section class="text-negative">Delete</q-item-section></q-item>
      </q-list>
    </q-menu>
  </q-btn>
</q-td>
"""
_NOT_BEGUN: dict[str, str] = {CampaignStatus.cancelled: "Cancelled before it began"}


class CampaignTable:
    """``set`` shows other rows; nothing is sent to the browser when nothing changed."""

    def __init__(self, zone: str, duplicate: Action | None = None, remove: Action | None = None) -> None:
        self._zone = zone
        columns = [*COLUMNS, _ACTIONS] if duplicate and remove else COLUMNS
        self._table = ui.table(columns=columns, rows=[], row_key="id", pagination=0).props("flat hide-bottom")
        self._table.classes("w-full")
        self._table.add_slot("body-cell-name", _NAME)
        self._table.add_slot("body-cell-status", _STATUS)
        self._table.add_slot("body-cell-progress", _PROGRESS)
        if duplicate and remove:
            self._table.add_slot("body-cell-actions", _MENU)
            self._table.add_slot("header-cell-actions", MENU_HEADER)
            self._table.on("duplicate", lambda event: duplicate(int(event.args)))
            self._table.on("remove", lambda event: remove(int(event.args)))

    def set(self, campaigns: list[Summary]) -> None:
        rows = [row(campaign, self._zone) for campaign in campaigns]
        if rows != self._table.rows:
            self._table.rows = rows

    def set_visibility(self, visible: bool) -> None:
        self._table.set_visibility(visible)


def row(campaign: Summary, zone: str) -> dict[str, Any]:
    """One campaign as the table shows it. ``mend``: where what holds it up is mended."""
    counts = campaign.counts
    word, tone = word_and_tone(campaign)
    done = say_done(counts) if campaign.has_begun else _NOT_BEGUN.get(campaign.status, "Not started")
    open_rate = "–" if counts.open_rate is None else f"{rounded(counts.open_rate)} %"
    if counts.sent and not campaign.is_counted:
        open_rate = "not counted"
    numbers = f"{done} · {open_rate} opened" if counts.open_rate is not None else done
    return {
        "id": campaign.id,
        "href": f"/campaigns/{campaign.id}" + ("/edit" if campaign.status == CampaignStatus.draft else ""),
        "name": campaign.title,
        "status": word,
        "tone": tone,
        "mend": f"/senders?edit={campaign.sender_id}" if campaign.is_blocked else None,
        "percent": rounded(100 * counts.progress),
        **dict(zip(PARTS, parts(counts), strict=True)),
        "done": done,
        "open_rate": open_rate,
        "numbers": numbers,
        "when": when(campaign, zone),
    }


def when(campaign: Summary, zone: str) -> str:
    """The moment that matters most about a campaign now."""
    if campaign.status == CampaignStatus.draft:
        return f"Edited {clock.show(campaign.updated_at, zone)}"
    return clock.show(campaign.finished_at or campaign.started_at or campaign.scheduled_at, zone)
