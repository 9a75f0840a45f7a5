"""Two campaigns of one user, side by side."""

from dataclasses import dataclass

from nicegui import ui
from starlette.responses import Response

from campaign_ui import auth, layout, live, plain
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import card, empty_state
from campaign_ui.parts.comparison import Comparison
from core import clock, db, stats
from core.errors import NotFound
from core.stats import Summary
from core.stats.report import Report, report

_BEGUN = ("sending", "paused", "sent", "cancelled")
_MOST_OFFERED = 200


@dataclass(frozen=True)
class _Data:
    offered: list[Summary]
    a: Report | None
    b: Report | None


def register() -> None:
    @ui.page("/campaigns/compare", response_timeout=layout.PATIENCE)
    async def compare(a: str = "", b: str = "") -> Response | None:
        user = auth.current()
        try:
            chosen = [int(text) if text.isdecimal() and len(text) < 19 else 0 for text in (a, b)]
            data = await off_loop(_load, user.id, user.time_zone, *chosen)
        except NotFound:
            return plain.not_found()
        with layout.frame("Compare campaigns", "/campaigns"):
            page = _Compare(user, data)
            live.watch(page.again, "campaign")
        return None


def _load(user_id: int, zone: str, a: int, b: int) -> _Data:
    """A number of 0 is nothing chosen yet. Raises NotFound, for a stranger's too."""
    with db.reading() as session:
        offered = stats.summaries(session, user_id, statuses=_BEGUN, limit=_MOST_OFFERED)
        first, second = (report(session, user_id, number, zone) if number else None for number in (a, b))
        return _Data(offered, first, second)


class _Compare:
    def __init__(self, user: auth.CurrentUser, data: _Data) -> None:
        self.user = user
        self.chosen = [each.campaign.id if each else None for each in (data.a, data.b)]
        names = {each.id: f"{each.title} · {_started(each, user.time_zone)}" for each in data.offered}
        for each in (data.a, data.b):
            if each is not None:
                names.setdefault(each.campaign.id, each.campaign.title)
        with card(), ui.element("div").classes("grid grid-cols-1 sm:grid-cols-2 gap-3 w-full"):
            for side, letter in enumerate("AB"):
                choice = ui.select(names, label=f"Campaign {letter}", value=self.chosen[side], with_input=True)
                choice.classes("w-full").on_value_change(lambda event, side=side: self._choose(side, event.value))
        self.place = ui.column().classes("w-full gap-4")
        self._draw(data)

    async def again(self) -> None:
        """Read and show again; of the same two campaigns only the numbers move."""
        numbers = [number or 0 for number in self.chosen]
        try:
            data = await live.read(("compare", *numbers), _load, self.user.id, self.user.time_zone, *numbers)
        except NotFound:  # deleted in another tab
            return ui.navigate.to("/campaigns/compare")
        if data is None or numbers != [number or 0 for number in self.chosen]:  # another choice overtook it
            return
        if self.drawn != numbers:
            self._draw(data)
        elif self.comparison is not None and data.a is not None and data.b is not None:
            self.comparison.set(data.a, data.b)

    async def _choose(self, side: int, campaign_id: int | None) -> None:
        self.chosen[side] = campaign_id
        query = "&".join(f"{name}={number}" for name, number in zip("ab", self.chosen, strict=True) if number)
        ui.navigate.history.replace(f"/campaigns/compare?{query}")
        await self.again()

    def _draw(self, data: _Data) -> None:
        self.drawn = [number or 0 for number in self.chosen]
        self.comparison: Comparison | None = None
        self.place.clear()
        with self.place:
            if data.a is not None and data.b is not None and data.a.campaign.id != data.b.campaign.id:
                self.comparison = Comparison(data.a, data.b)
                return
            with card():
                words = "Choose two campaigns that have begun, to see their figures, opens and failures side by side."
                empty_state("compare_arrows", "Which two?", words)


def _started(campaign: Summary, zone: str) -> str:
    return clock.show(campaign.started_at, zone).partition(",")[0] if campaign.started_at else campaign.status
