"""Step Audience: the lists it goes to, new people on the spot, and how many that makes."""

from nicegui import background_tasks, ui

from campaign_ui.parts.blocks import card, empty_state
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_sample import Sample
from campaign_ui.parts.compose_survey import SurveyRun
from campaign_ui.parts.kept import keep
from campaign_ui.parts.upload import upload_panel
from core.campaigns.preflight.survey import Survey
from core.models import ContactList

_SEARCH_ABOVE = 8
_FROM_CAMPAIGNS = (
    "To leave out those who got a campaign, or write to those who did not open it, make a list on its page."
)


class AudienceStep:
    """Lists on the left, people to add below, the sum on the right."""

    def __init__(self, compose: Compose, survey: SurveyRun) -> None:
        self.compose, self.survey = compose, survey
        self.search = ""
        self._kept: dict[int, _Row] = {}
        with ui.element("div").classes("grid grid-cols-1 xl:grid-cols-[minmax(0,1fr)_minmax(0,360px)] gap-4 w-full"):
            with ui.column().classes("gap-4 min-w-0 items-stretch"):
                with card("Lists", "Everybody in the chosen lists gets the mail once"):
                    self.filter = ui.input(placeholder="Search lists", on_change=self._filter)
                    self.filter.props('clearable debounce=150 aria-label="Search lists"').classes("w-full")
                    words = "Upload a file or paste addresses below: they become a list, and the draft stays as it is."
                    self.none = empty_state("group_add", "No list yet", words)
                    self.rows = ui.column().classes("w-full gap-0 max-h-[420px] overflow-y-auto flex-nowrap")
                    self.more = ui.row().classes("w-full gap-x-1 gap-y-0 text-[13px] cm-mute")
                    with self.more:
                        ui.label(_FROM_CAMPAIGNS)
                        ui.link("Open Campaigns", "/campaigns").classes("cm-link")
                with card("Add people", "They become a list, which is chosen at once"):
                    upload_panel(self._stored)
            with ui.column().classes("gap-4 min-w-0 items-stretch xl:sticky xl:top-[88px] self-start w-full"):
                with card():
                    self.sum = ui.column().classes("w-full gap-1").props("role=status aria-label=Recipients")
                self.sample = Sample(compose)
        self.summed: object = None
        compose.on_choices(self._changed)
        survey.on_progress(self._show_sum)
        self.show()
        background_tasks.create(self.sample.refresh(), name="sample")

    async def _changed(self) -> None:
        self.show()
        await self.sample.refresh()

    def show(self) -> None:
        """Everything from the choices again; the rows stay as they are where only the choice changed."""
        self._show_rows()
        self._show_sum()

    def _show_rows(self) -> None:
        choices = self.compose.choices
        known = {each.id: each for each in choices.lists if each.id is not None}
        self.none.set_visibility(not known)
        self.more.set_visibility(bool(known))
        self.filter.set_visibility(len(known) > _SEARCH_ABOVE)
        found = [list_id for list_id, each in known.items() if self.search in each.name.lower()]
        keep(self.rows, self._kept, found, lambda list_id: _Row(self, list_id))
        chosen, left_out = self.compose.ticked
        for list_id, row in self._kept.items():
            row.show(known[list_id], list_id in chosen, list_id in left_out)

    def _show_sum(self) -> None:
        """Only where it changed: a walk through the audience must not chatter to screen readers."""
        choices = self.compose.choices
        found = self.survey.found if choices.list_ids and not self.survey.is_running else None
        known = (choices.count, tuple(choices.list_ids), tuple(choices.fields), tuple(_gap_words(found)))
        if known == self.summed or self.sum.is_deleted:
            return
        self.summed = known
        self.sum.clear()
        with self.sum:
            ui.label("Recipients").classes("text-[13px] font-medium cm-mute").props("role=heading aria-level=2")
            ui.label(f"{choices.count.going:,}").classes("cm-num text-[30px]")
            lists = "1 list" if len(choices.list_ids) == 1 else f"{len(choices.list_ids):,} lists"
            words = f"Different addresses in {lists}" if choices.list_ids else "No list is chosen"
            ui.label(words).classes("text-sm cm-mute")
            if choices.list_ids:
                self._show_parts()
            if choices.fields and choices.list_ids:
                ui.label("Merge fields").classes("text-[13px] font-medium cm-mute mt-4")
                with ui.row().classes("gap-1.5 mt-1"):
                    for field in choices.fields:
                        ui.label(field).classes("compose-chip")
            for words, has_default in _gap_words(found):
                with ui.row().classes("w-full items-start gap-2 flex-nowrap text-[13px] leading-snug mt-2"):
                    icon, tone = ("info", "--cm-mute") if has_default else ("warning", "--cm-pending-text")
                    ui.icon(icon).classes("text-[17px]").style(f"color:var({tone})")
                    ui.label(words).classes("min-w-0").style("overflow-wrap:anywhere")

    def _show_parts(self) -> None:
        """How the number comes about; only what took somebody away."""
        count, chosen = self.compose.choices.count, set(self.compose.choices.list_ids)
        listed = sum(each.contact_count for each in self.compose.choices.lists if each.id in chosen)
        doubled = listed - count.recipients - count.left_out
        some_less = doubled > 0 or count.suppressed or count.left_out
        parts = [("On the chosen lists", f"{listed:,}")] if some_less else []
        parts += [("On more than one list", f"−{doubled:,}")] if doubled > 0 else []
        parts += [("On a list that is left out", f"−{count.left_out:,}")] if count.left_out else []
        parts += [("Suppressed (unsubscribed, bounced)", f"−{count.suppressed:,}")] if count.suppressed else []
        for words, number in parts:
            with ui.row().classes("w-full justify-between gap-3 flex-nowrap text-[13px] mt-1"):
                ui.label(words).classes("cm-mute")
                ui.label(number).classes("tabular-nums font-medium")

    def _filter(self) -> None:
        self.search = (self.filter.value or "").strip().lower()
        self.show()

    async def choose(self, list_id: int, chosen: bool) -> None:
        before, left_out = map(set, self.compose.ticked)
        if chosen != (list_id in before):
            await self.compose.choose_lists(sorted(before ^ {list_id}), sorted(left_out - {list_id}))

    async def leave_out(self, list_id: int) -> None:
        chosen, before = map(set, self.compose.ticked)
        await self.compose.choose_lists(sorted(chosen - {list_id}), sorted(before ^ {list_id}))

    async def _stored(self, list_id: int | None) -> None:
        if list_id is not None:
            await self.choose(list_id, True)


class _Row(ui.row):
    """One list: taken, left out, or neither."""

    def __init__(self, step: AudienceStep, list_id: int) -> None:
        super().__init__()
        self.classes("compose-row w-full items-center gap-3 flex-nowrap")
        with self:
            self._box = ui.checkbox().classes("grow min-w-0 text-[14px]")
            self._box.on_value_change(lambda event: step.choose(list_id, event.value))
            self._count = ui.label().classes("text-sm cm-mute tabular-nums")
            self._leave = ui.button("Leave out", on_click=lambda: step.leave_out(list_id)).props("flat dense")
            self._leave.classes("compose-leave text-[12.5px]")
            self._leave.tooltip("Who is on this list gets nothing, whatever other list they are on")

    def show(self, each: ContactList, is_chosen: bool, is_left_out: bool) -> None:
        self._box.set_text(each.name)
        self._count.set_text(f"{each.contact_count:,}")
        self._box.set_value(is_chosen)
        self._leave.set_icon("check" if is_left_out else None)
        self._leave.props["aria-pressed"] = str(is_left_out).lower()
        self._leave.props["aria-label"] = f"Leave out {each.name}"


def _gap_words(found: Survey | None) -> list[tuple[str, bool]]:
    """(``25 of 40 have no first_name: its default is shown.``, whether there is a default) for each field."""
    words = list[tuple[str, bool]]()
    if found is None:
        return words
    for name, kind in found.gaps.items():
        if kind.count:
            who = "Nobody has" if kind.count == found.recipients else f"{kind.count:,} of {found.recipients:,} have no"
            shown = "the default is shown" if found.defaults[name] else "its place stays empty"
            words.append((f"{who} {name}: {shown}.", found.defaults[name]))
    return words
