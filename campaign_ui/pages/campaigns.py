"""The list of campaigns."""

from dataclasses import dataclass, replace

from nicegui import ui

from campaign_ui import auth, layout, live
from campaign_ui.off_loop import off_loop
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
from campaign_ui.parts.acts import taking_back
from campaign_ui.parts.address import address, on_back, page_number, say
from campaign_ui.parts.duplicate import draft_href
from campaign_ui.parts.undo import notify_undo
from core import campaigns as rules
from core import db, stats
from core.models import CampaignStatus
from core.stats import Summary

_PAGE = 25
_CHIPS = {status: word for status, (word, _) in STATUS_TONES.items()} | {"sending": "Sending or waiting"}
_SORTS = {"newest": "Newest", "oldest": "Oldest", "name": "Name", "opened": "Open rate"}


@dataclass(frozen=True)
class _View:
    """What of the list is shown: the whole of it stands in the address."""

    status: str = ""
    q: str = ""
    sort: str = "newest"
    page: int = 1

    def href(self, **changes: object) -> str:
        """The address of this view with ``changes``; a change of anything but the page begins at the first one."""
        return address("/campaigns", replace(self, **{"page": 1, **changes}), _View())  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Data:
    campaigns: list[Summary]
    has_more: bool
    by_status: dict[str, int]


def register() -> None:
    @ui.page("/campaigns", response_timeout=layout.PATIENCE)
    async def campaigns(status: str = "", q: str = "", sort: str = "", page: str = "") -> None:
        user, view = auth.current(), _view(status, q, sort, page)
        with layout.frame("Campaigns", "/campaigns"):
            shown: _Campaigns | None = None

            async def again() -> None:
                if shown is not None:
                    await shown.reload()

            for topic in ("campaign", "sender"):  # a campaign waits because its sender does
                live.watch(again, topic)
            data = await off_loop(_load, user.id, view)
            shown = _Campaigns(user, view, data)
            on_back(shown.go_to)


def _view(status: str = "", q: str = "", sort: str = "", page: str = "", **_: str) -> _View:
    """From an address, which anybody can type."""
    status = status if status in _CHIPS else ""
    return _View(status, q[:200], sort if sort in _SORTS else "newest", page_number(page))


def _load(user_id: int, view: _View) -> _Data:
    with db.reading() as session:
        by_status = stats.count_by_status(session, user_id)
        statuses = (view.status,) if view.status else ()
        found = stats.summaries(
            session,
            user_id,
            statuses=statuses,
            search=view.q,
            order=view.sort,
            limit=_PAGE + 1,
            offset=(view.page - 1) * _PAGE,
        )
        return _Data(found[:_PAGE], len(found) > _PAGE, by_status)


class _Campaigns:
    def __init__(self, user: auth.CurrentUser, view: _View, data: _Data) -> None:
        self.user, self.view = user, view
        with page_header("Every mailing of yours."):
            link_button("New campaign", "/campaigns/new", icon="add")
        with card().classes("overflow-hidden") as self.box:
            with ui.row().classes("w-full items-center justify-between gap-3"):
                self.chips = ui.element("nav").props('aria-label="Status"').classes("flex flex-wrap gap-2")
                with ui.row().classes("items-center gap-2 flex-nowrap w-full md:w-auto"):
                    search = ui.input("Search campaigns", value=view.q, on_change=lambda e: self._search(e.value or ""))
                    self.search = search
                    search.props("clearable debounce=250 maxlength=200").classes("grow md:w-56")
                    self.sort = ui.select(_SORTS, value=view.sort, label="Sort by").classes("w-[136px] shrink-0")
                    self.sort.on_value_change(lambda event: self._sort(event.value))
            self.table = CampaignTable(user.time_zone, self._duplicate, self._remove)
            self.nothing = ui.label().classes("text-sm cm-mute py-6 text-center w-full").props("role=status")
            with ui.row().classes("w-full justify-end items-center gap-2") as self.pager:
                self.newer = link_button("Previous", view.href(page=view.page - 1), look="outline dense")
                self.older = link_button("Next", view.href(page=view.page + 1), look="outline dense")
        with card() as self.empty:
            empty_state(
                "campaign",
                "No campaigns yet",
                "A campaign is one mailing: what you say, to whom, and when. Write the first one.",
                "Write a campaign",
                "/campaigns/new",
            )
        self.shown_chips: tuple[object, ...] = ()
        self.show(data)

    async def reload(self) -> None:
        view = self.view
        data = await live.read(("campaigns", view), _load, self.user.id, view)
        if data is not None and view == self.view:  # else a later search overtook this one
            self.show(data)

    async def _search(self, words: str) -> None:
        """In place, so that typing goes on; the address says it too."""
        if words == self.view.q:
            return  # shown as its user went back to it
        self.view = replace(self.view, q=words, page=1)
        say(self.view.href(), is_typed=True)
        await self.reload()

    async def go_to(self, asked: dict[str, str]) -> None:
        """Show what an address asks for."""
        self.view = _view(**asked)
        self.search.value, self.sort.value = self.view.q, self.view.sort
        await self.reload()

    def _sort(self, sort: str) -> None:
        if sort != self.view.sort:
            ui.navigate.to(self.view.href(sort=sort))

    def _say_deleted(self, campaign_id: int) -> None:
        back = taking_back(rules.restore, self.user.id, campaign_id, done=_say_back)
        notify_undo("The campaign was deleted.", back)

    def show(self, data: _Data) -> None:
        is_empty = not data.by_status
        self.empty.set_visibility(is_empty)
        self.box.set_visibility(not is_empty)
        self.shown_campaigns = {each.id: each for each in data.campaigns}
        self.table.set(data.campaigns)
        self.table.set_visibility(bool(data.campaigns))
        self.nothing.set_text(_nothing(self.view))
        self.nothing.set_visibility(not data.campaigns)
        self.pager.set_visibility(data.has_more or self.view.page > 1)
        for button, step, is_there in ((self.newer, -1, self.view.page > 1), (self.older, 1, data.has_more)):
            button.props["href"] = self.view.href(page=self.view.page + step)
            button.set_visibility(is_there)
        self._show_chips(data.by_status)

    def _show_chips(self, by_status: dict[str, int]) -> None:
        if (shown := (self.view, *by_status.items())) == self.shown_chips:
            return
        self.shown_chips = shown
        self.chips.clear()
        status = self.view.status
        with self.chips:
            _chip("All", sum(by_status.values()), self.view.href(status=""), not status)
            for name, word in _CHIPS.items():
                if by_status.get(name) or name == status:
                    _chip(word, by_status.get(name, 0), self.view.href(status=name), name == status)

    async def _duplicate(self, campaign_id: int) -> None:
        words = "A copy is among your drafts."
        await act(rules.duplicate, self.user.id, campaign_id, done=words, href=draft_href)

    async def _remove(self, campaign_id: int) -> None:
        shown = self.shown_campaigns.get(campaign_id)
        is_draft = shown is not None and shown.status == CampaignStatus.draft
        text = "Nothing of it was sent." if is_draft else "Its numbers disappear too. Mails that were sent stay sent."
        if await confirm(f"Delete {_named(shown)}?", text, "Delete") and await act(
            rules.delete, self.user.id, campaign_id
        ):
            self._say_deleted(campaign_id)


def _named(campaign: Summary | None) -> str:
    if campaign is None:
        return "this campaign"
    kind = "draft" if campaign.status == CampaignStatus.draft else "campaign"
    return f"the {kind} “{campaign.title}”"


def _say_back(status: CampaignStatus) -> str:
    if status == CampaignStatus.draft:
        return "It is back as a draft. Nothing is sent before you schedule it."
    return "It is back."


def _nothing(view: _View) -> str:
    return "No campaign has these words in its name or subject." if view.q else "No campaign has this status."


def _chip(word: str, count: int, href: str, is_current: bool) -> None:
    link = ui.element("a").classes("cm-chip").props(f"href={href}")
    if is_current:
        link.props("aria-current=true")
    with link:
        ui.label(word)
        ui.label(f"{count:,}").classes("font-semibold")
