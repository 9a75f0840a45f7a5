"""Step Audience: the lists it goes to, new people on the spot, and how many that makes."""

from nicegui import run, ui

from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.upload import upload_panel
from core import campaigns, db
from core.campaigns import Gap
from core.errors import NotFound

_SEARCH_ABOVE = 8


class AudienceStep:
    """Lists on the left, people to add below, the sum on the right."""

    def __init__(self, compose: Compose) -> None:
        self.compose = compose
        self.search = ""
        self.known: list[tuple[int, str, int]] | None = None
        self.boxes: dict[int, ui.checkbox] = {}
        with ui.element("div").classes("grid grid-cols-1 xl:grid-cols-[minmax(0,1fr)_minmax(0,360px)] gap-4 w-full"):
            with ui.column().classes("gap-4 min-w-0 items-stretch"):
                with card("Lists", "Everybody in the chosen lists gets the mail once"):
                    self.filter = ui.input(placeholder="Search lists", on_change=self._filter)
                    self.filter.props('clearable debounce=150 aria-label="Search lists"').classes("w-full")
                    self.rows = ui.column().classes("w-full gap-0 max-h-[420px] overflow-y-auto flex-nowrap")
                with card("Add people", "They become a list, which is chosen at once"):
                    upload_panel(self._stored)
            with ui.column().classes("gap-4 min-w-0 items-stretch xl:sticky xl:top-[88px] self-start w-full"):
                with card():
                    self.sum = ui.column().classes("w-full gap-1").props("role=status aria-label=Recipients")
        self.gaps: list[Gap] = []
        compose.on_choices(self.show)
        self.show()

    async def refresh(self) -> None:
        """Look at the audience again: who would see a hole in the text."""
        gaps = await run.io_bound(_gaps, self.compose.user_id, self.compose.draft.id)
        if gaps is not None and not self.sum.is_deleted:
            self.gaps = gaps
            self.show()

    def show(self) -> None:
        """Everything from the choices again; the rows stay as they are where only the choice changed."""
        known = [(each.id, each.name, each.contact_count) for each in self.compose.choices.lists]
        if known != self.known:
            self.known = known
            self._build_rows()
        for list_id, box in self.boxes.items():
            box.set_value(list_id in self.compose.choices.list_ids)
        self._show_sum()

    def _build_rows(self) -> None:
        self.filter.set_visibility(len(self.known) > _SEARCH_ABOVE)
        self.rows.clear()
        self.boxes.clear()
        with self.rows:
            if not self.known:
                ui.label("There is no list yet. Upload a file or paste addresses below.").classes("text-sm cm-mute")
            for list_id, name, count in self.known:
                if self.search not in name.lower():
                    continue
                with ui.row().classes("compose-row w-full items-center gap-3 flex-nowrap"):
                    box = ui.checkbox(name, value=list_id in self.compose.choices.list_ids)
                    box.classes("grow min-w-0 text-[14px]")
                    box.on_value_change(lambda event, list_id=list_id: self._choose(list_id, event.value))
                    self.boxes[list_id] = box
                    ui.label(f"{count:,}").classes("text-sm cm-mute tabular-nums pr-1")

    def _show_sum(self) -> None:
        count, chosen = self.compose.choices.count, self.compose.choices.list_ids
        going = count.recipients - count.suppressed
        self.sum.clear()
        with self.sum:
            ui.label("Recipients").classes("text-[13px] font-medium cm-mute").props("role=heading aria-level=2")
            ui.label(f"{going:,}").classes("cm-num text-[30px]")
            lists = "1 list" if len(chosen) == 1 else f"{len(chosen):,} lists"
            ui.label(f"Different addresses in {lists}" if chosen else "No list is chosen").classes("text-sm cm-mute")
            if count.suppressed:
                are = "is" if count.suppressed == 1 else "are"
                words = f"{count.suppressed:,} more {are} suppressed (unsubscribed, bounced) and left out."
                ui.label(words).classes("text-sm cm-mute mt-1")
            if self.compose.choices.fields and chosen:
                ui.label("Merge fields").classes("text-[13px] font-medium cm-mute mt-4")
                with ui.row().classes("gap-1.5 mt-1"):
                    for field in self.compose.choices.fields:
                        ui.label(field).classes("compose-chip")
            for gap in self.gaps if chosen else ():
                with ui.row().classes("w-full items-start gap-2 flex-nowrap text-[13px] leading-snug mt-2"):
                    icon, tone = ("info", "--cm-mute") if gap.has_default else ("warning", "--cm-pending-text")
                    ui.icon(icon).classes("text-[17px]").style(f"color:var({tone})")
                    ui.label(_gap_words(gap)).classes("min-w-0").style("overflow-wrap:anywhere")

    def _filter(self) -> None:
        self.search = (self.filter.value or "").strip().lower()
        self._build_rows()

    async def _choose(self, list_id: int, chosen: bool) -> None:
        before = set(self.compose.choices.list_ids)
        if chosen != (list_id in before):
            await self.compose.choose_lists(sorted(before ^ {list_id}))

    async def _stored(self, list_id: int) -> None:
        await self._choose(list_id, True)


def _gap_words(gap: Gap) -> str:
    """``25 recipients have no first_name: they see its default.``"""
    who = "Nobody has" if gap.is_unknown else f"{gap.empty_count:,} of {gap.recipients_count:,} have no"
    return f"{who} {gap.name}: {'the default is shown' if gap.has_default else 'its place stays empty'}."


def _gaps(user_id: int, campaign_id: int) -> list[Gap]:
    with db.reading() as session:
        try:
            return campaigns.gaps(session, user_id, campaign_id)
        except NotFound:
            return []
