"""The suppression list: who is never mailed again, why, since when; and the way back."""

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act_undoably, taking_back
from campaign_ui.parts.ask import NOT_NOW, confirm
from campaign_ui.parts.audience_export import show_export
from campaign_ui.parts.blocks import card, link_button
from campaign_ui.parts.chips import Chips
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.pager import PAGE_ROWS, PagedTable, Rows
from campaign_ui.parts.suppress_many import ask_many
from campaign_ui.parts.undo import notify_undo
from core import clock, db
from core.audience import addresses, suppression
from core.errors import RuleError
from core.models import Suppression, SuppressionReason

_REASONS = {
    "unsubscribed": "Unsubscribed",
    "bounced": "Bounced",
    "complained": "Complained",
    "blocked": "Blocked",
    "manual": "Added by you",
}
_NOBODY = "Nobody is suppressed yet. Who unsubscribes, bounces or complains comes here by itself."
_EXPORT = "/audience/suppressed.csv"
_DETAIL = "max-md:hidden max-w-[380px] truncate"
_COLUMNS = [
    {"name": "email", "field": "shown", "label": "Email", "align": "left"},
    {
        "name": "reason",
        "field": "reason",
        "label": "Reason",
        "align": "left",
        "classes": "max-sm:hidden",
        "headerClasses": "max-sm:hidden",
    },
    {
        "name": "detail",
        "field": "detail",
        "label": "Details",
        "align": "left",
        "classes": _DETAIL,
        "headerClasses": _DETAIL,
    },
    {
        "name": "since",
        "field": "since",
        "label": "Since",
        "align": "right",
        "classes": "max-sm:hidden",
        "headerClasses": "max-sm:hidden",
    },
    {"name": "actions", "field": "id", "label": "", "align": "right"},
]
# Constant templates: addresses and servers' words arrive as data only.
_EMAIL = """
<q-td :props="props">
  <div class="truncate max-w-[200px] sm:max-w-[320px]">{{ props.row.shown }}</div>
  <div class="text-xs cm-mute sm:hidden">{{ props.row.reason }}</div>
</q-td>
"""
_ACTIONS = """
<q-td :props="props" auto-width>
  <q-btn flat dense no-caps color="primary" label="Allow again" :aria-label="'Allow again: ' + props.row.shown"
    @click="() => $parent.$emit('allow', props.row.email)" />
</q-td>
"""


class SuppressedCard:
    """With its own search, and a field to add an address by hand; ``words``, ``page``, ``on_move`` are PagedTable's.
    ``reason``: only those are shown; empty: all."""

    def __init__(
        self, user_id: int, time_zone: str, words: str, page: int, reason: str, on_move: Callable[[bool, bool], Any]
    ) -> None:
        self.user_id, self.time_zone, self.reason = user_id, time_zone, reason
        with card("Suppression list", "No campaign of yours mails these addresses.") as self.block:
            self.block.props("tabindex=-1").style("scroll-margin-top:80px")
            with ui.row().classes("w-full items-center justify-between gap-2"):
                with ui.row().classes("grow max-w-[480px] items-center gap-2 flex-nowrap"):
                    self.address = ui.input("Address to suppress").classes("grow min-w-0")
                    self.address.on("keydown.enter", self._suppress)
                    ui.button("Suppress", on_click=self._suppress).props("outline")
                with ui.row().classes("items-center gap-1"):
                    ui.button("Suppress several", icon="playlist_add", on_click=lambda: ask_many(user_id)).props("flat")
                    self.export = link_button("Export as CSV", _EXPORT, icon="download", look="flat download")
            self.nobody = ui.label(_NOBODY).classes("text-sm cm-mute")
            with ui.column().classes("w-full gap-3 items-stretch") as self.listed:
                self.paged = PagedTable(
                    _COLUMNS,
                    self._load,
                    "suppressed addresses",
                    "Search suppressed addresses",
                    "Nobody is suppressed here.",
                    words=words,
                    page=page,
                    on_move=on_move,
                )
            with self.paged.tools:
                self.chips = Chips("Reason", {"": "All", **_REASONS}, reason, self._choose)
        self.paged.table.add_slot("body-cell-email", _EMAIL)
        self.paged.table.add_slot("body-cell-actions", _ACTIONS)
        self.paged.table.on("allow", self._allow)

    def begin_at(self, words: str, page: int, reason: str) -> None:
        """What the next reload shows."""
        self.reason = reason
        self.chips.press(reason)
        self.paged.begin_at(words, page)

    async def _choose(self, reason: str) -> None:
        self.reason = reason
        await self.paged.restart()

    async def _load(self, search: str, after: dict[str, Any] | None, skip: int) -> Rows:
        show_export(self.export, _EXPORT, search, reason=self.reason)
        page, counts = await off_loop(_page, self.user_id, search, self.reason, after["id"] if after else None, skip)
        counts[""] = sum(counts.values())
        self.chips.show(counts, always=("",))
        is_listed = bool(counts[""] or search or self.reason)
        for element in (self.listed, self.export):
            element.set_visibility(is_listed)
        self.nobody.set_visibility(not is_listed)
        return Rows([self._row(each) for each in page.rows], page.more, counts.get(self.reason, 0))

    def _row(self, each: Suppression) -> dict[str, Any]:
        return {
            "id": each.id,
            "email": each.email,
            "shown": addresses.shown(each.email),
            "reason": _reason(each),
            "detail": (each.detail or each.source)[:160],
            "since": clock.show(each.created_at, self.time_zone),
        }

    async def _suppress(self) -> None:
        try:
            email = addresses.one(self.address.value or "")
        except RuleError as error:
            return notify_error(str(error))
        shown = addresses.shown(email)
        if await off_loop(_suppress, self.user_id, email):
            notify_undo(f"{shown} gets no more mail.", taking_back(suppression.lift, self.user_id, email))
        else:
            notify_done(f"{shown} is on the list already.")
        self.address.value = ""

    async def _allow(self, event: events.GenericEventArguments) -> None:
        email = str(event.args)
        shown = addresses.shown(email)
        text = f"Campaigns mail {shown} again. Do this only when the person asked for it, or the address works again."
        if await confirm("Allow this address again?", text, "Allow again", no=NOT_NOW):
            done = f"Campaigns mail {shown} again."
            await act_undoably(suppression.lift, email, done=done, undo=suppression.put_back, user_id=self.user_id)


def _reason(each: Suppression) -> str:
    words = _REASONS.get(each.reason, each.reason)
    return f"{words} elsewhere" if each.source and each.reason != SuppressionReason.manual else words


def _page(
    user_id: int, search: str, reason: str, before_id: int | None, skip: int
) -> tuple[suppression.Page, dict[str, int]]:
    """The rows, and how many there are for each reason."""
    where: dict[str, Any] = {"search": search, "reason": reason, "before_id": before_id, "skip": skip}
    with db.reading() as session:
        page = suppression.page(session, user_id, **where, limit=PAGE_ROWS)
        return page, suppression.counts(session, user_id, search)


def _suppress(user_id: int, email: str) -> bool:
    with db.session() as session:
        return suppression.suppress(session, user_id, email, "manual")
