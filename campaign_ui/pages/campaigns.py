"""The list of campaigns."""

from dataclasses import dataclass

from nicegui import run, ui

from campaign_ui import auth, layout, live
from campaign_ui.parts import (
    STATUS_TONES,
    CampaignTable,
    act,
    card,
    confirm,
    empty_state,
    link_button,
    page_header,
)
from core import campaigns as rules
from core import db, stats
from core.stats import Summary

_PAGE = 25


@dataclass(frozen=True)
class _Data:
    campaigns: list[Summary]
    has_more: bool
    by_status: dict[str, int]


def register() -> None:
    @ui.page("/campaigns")
    async def campaigns(status: str = "", page: str = "") -> None:
        user = auth.current()
        status, number = (
            status if status in STATUS_TONES else "",
            max(1, int(page) if page.isdecimal() and len(page) < 7 else 1),
        )
        with layout.frame("Campaigns", "/campaigns"):
            shown: _Campaigns | None = None

            async def again() -> None:
                data = await live.read(("campaigns", status, number), _load, user.id, status, number)
                if data is not None and shown is not None:
                    shown.show(data)

            live.watch(again, "campaign")
            data = await run.io_bound(_load, user.id, status, number)
            shown = _Campaigns(user, status, number, data)


def _load(user_id: int, status: str, page: int) -> _Data:
    with db.reading() as session:
        by_status = stats.count_by_status(session, user_id)
        statuses = (status,) if status else ()
        found = stats.summaries(session, user_id, statuses=statuses, limit=_PAGE + 1, offset=(page - 1) * _PAGE)
        return _Data(found[:_PAGE], len(found) > _PAGE, by_status)


class _Campaigns:
    def __init__(self, user: auth.CurrentUser, status: str, page: int, data: _Data) -> None:
        self.user, self.status, self.page = user, status, page
        with page_header("Every mailing, newest first."):
            link_button("New campaign", "/campaigns/new", icon="add")
        with card().classes("overflow-hidden") as self.box:
            self.chips = ui.element("nav").props('aria-label="Status"').classes("flex flex-wrap gap-2")
            self.table = CampaignTable(user.time_zone, self._duplicate, self._remove)
            self.nothing = ui.label("No campaign has this status.").classes("text-sm cm-mute py-6 text-center w-full")
            with ui.row().classes("w-full justify-end items-center gap-2") as self.pager:
                self.newer = link_button("Newer", self._href(page - 1), look="outline dense")
                self.older = link_button("Older", self._href(page + 1), look="outline dense")
        with card() as self.empty:
            empty_state(
                "campaign",
                "No campaigns yet",
                "A campaign is one mailing: what you say, to whom, and when. Write the first one.",
                "Write a campaign",
                "/campaigns/new",
            )
        self.shown_chips: dict[str, int] | None = None
        self.show(data)

    def show(self, data: _Data) -> None:
        is_empty = not data.by_status
        self.empty.set_visibility(is_empty)
        self.box.set_visibility(not is_empty)
        self.table.set(data.campaigns)
        self.table.set_visibility(bool(data.campaigns))
        self.nothing.set_visibility(not data.campaigns)
        self.pager.set_visibility(data.has_more or self.page > 1)
        self.newer.set_visibility(self.page > 1)
        self.older.set_visibility(data.has_more)
        self._show_chips(data.by_status)

    def _show_chips(self, by_status: dict[str, int]) -> None:
        if by_status == self.shown_chips:
            return
        self.shown_chips = by_status
        self.chips.clear()
        with self.chips:
            _chip("All", sum(by_status.values()), "/campaigns", not self.status)
            for status, (word, _) in STATUS_TONES.items():
                if by_status.get(status) or status == self.status:
                    _chip(word, by_status.get(status, 0), f"/campaigns?status={status}", status == self.status)

    def _href(self, page: int) -> str:
        return f"/campaigns?status={self.status}&page={page}" if self.status else f"/campaigns?page={page}"

    async def _duplicate(self, campaign_id: int) -> None:
        await act(rules.duplicate, self.user.id, campaign_id, done="A copy is among your drafts.")

    async def _remove(self, campaign_id: int) -> None:
        text = "The campaign and its numbers disappear. Mails that were sent stay sent."
        if await confirm("Delete this campaign?", text, "Delete"):
            await act(rules.delete, self.user.id, campaign_id, done="Deleted.")


def _chip(word: str, count: int, href: str, is_current: bool) -> None:
    link = ui.element("a").classes("cm-chip").props(f"href={href}")
    if is_current:
        link.props("aria-current=true")
    with link:
        ui.label(word)
        ui.label(f"{count:,}").classes("font-semibold")
