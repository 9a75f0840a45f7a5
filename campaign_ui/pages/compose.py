"""Compose: a campaign's content, audience and time, kept as it is typed."""

import json
from collections.abc import Coroutine
from typing import Any

from fastapi.responses import RedirectResponse
from nicegui import background_tasks, events, ui
from sqlmodel import Session

from campaign_ui import auth, layout, live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import act, body_box, card, empty_state, link_button, notice, status_badge
from campaign_ui.parts.compose_audience import AudienceStep
from campaign_ui.parts.compose_content import ContentStep
from campaign_ui.parts.compose_data import STEPS, Choices, Compose, load
from campaign_ui.parts.compose_draft import Draft, flush_open, open_drafts
from campaign_ui.parts.compose_survey import SurveyRun
from campaign_ui.parts.compose_when import WhenStep
from campaign_ui.parts.duplicate import duplicate, open_draft
from campaign_ui.parts.preview import add_style
from campaign_ui.plain import version
from core import campaigns, db
from core.models import Campaign, CampaignStatus

_ICONS = {"content": "edit_note", "audience": "group", "when": "schedule"}
_STATES = {
    "saved": ("cloud_done", "--cm-mute"),
    "waiting": ("sync", "--cm-mute"),
    "failed": ("error", "--cm-failed-text"),
    "conflict": ("call_split", "--cm-pending-text"),
    "ended": ("lock", "--cm-pending-text"),
}
_SENDERS_EVERY = 5.0  # seconds: one that sends may change all the time, and Preflight looks at everything again


def register() -> None:
    @ui.page("/campaigns/new", response_timeout=layout.PATIENCE)
    async def new() -> RedirectResponse:
        user_id = auth.current().id
        made = await off_loop(_begin, user_id, open_drafts(user_id))
        return RedirectResponse(f"/campaigns/{made}/edit", 303)

    @ui.page("/campaigns/{campaign_id:int}/edit", response_timeout=layout.PATIENCE)
    async def edit(campaign_id: int, step: str = "content") -> None:
        user = auth.current()
        await flush_open(user.id, campaign_id)
        choices = await off_loop(load, user.id, campaign_id)
        with layout.frame("Compose", "/campaigns"):
            body_box.add_script()
            add_style()
            ui.add_head_html(f'<link rel="stylesheet" href="/static/preflight.css?v={version()}">')
            ui.add_head_html(f'<script src="/static/compose.js?v={version()}" defer></script>')
            if choices.campaign.status == CampaignStatus.draft:
                if opened := _Page(user, choices).open(step if step in STEPS else "content"):
                    await opened
            else:
                _not_a_draft(user.id, choices.campaign)


class _Page:
    """The three steps under one row of tabs; each is built when it is first visited, then kept."""

    def __init__(self, user: auth.CurrentUser, choices: Choices) -> None:
        self.draft = Draft(user.id, user.time_zone, choices.campaign)
        self.compose = Compose(self.draft, user.email, user.time_zone, choices, ui.context.client, self._go)
        self.survey = SurveyRun(self.compose)
        with ui.row().classes("w-full items-center justify-between gap-x-4 gap-y-2"):
            with ui.tabs(on_change=lambda event: self.open(event.value)).classes("compose-steps") as self.tabs:
                self.tabs.props("no-caps inline-label dense indicator-color=transparent align=left")
                self.marks = {step: ui.tab(step, step.capitalize(), icon=_ICONS[step]) for step in STEPS}
            self._build_indicator()
        self.banner = ui.column().classes("w-full sticky top-[72px] z-10").props("role=alert")
        self.places = {step: ui.column().classes("w-full gap-4").props("role=tabpanel") for step in STEPS}
        for step, place in self.places.items():
            place.props["aria-label"] = step.capitalize()
            place.set_visibility(False)
        self.content: ContentStep | None = None
        self.audience: AudienceStep | None = None
        self.when: WhenStep | None = None
        self.shown = self.at = ""  # the step that is seen, and that of the browser's address
        self._follow()

    def _build_indicator(self) -> None:
        with ui.row().classes("items-center gap-1.5 text-[13px]") as self.indicator:
            self.icon = ui.icon("cloud_done").classes("text-[17px]")
            self.words = ui.label().classes("cm-mute tabular-nums")

    def _follow(self) -> None:
        """Everything that changes this page from elsewhere."""
        self.draft.on_state(self._show_state)
        self.compose.on_choices(self._check)
        ui.on("compose_step", self._stepped_back)
        live.watch(self.draft.look, "campaign", self.draft.id)
        live.watch(self.compose.reload, "audience")
        live.watch(self.compose.reload, "sender", every=_SENDERS_EVERY)
        ui.context.client.on_disconnect(self.draft.flush)
        self._show_state()

    def _go(self, step: str, place: str = "", mark: str = "") -> None:
        self.tabs.set_value(step)
        if place:
            self.compose.client.run_javascript(f"composeGo({json.dumps(place)}, {json.dumps(mark)})")
        else:
            self.compose.client.run_javascript("scrollTo(0, 0)")

    def _stepped_back(self, event: events.GenericEventArguments) -> None:
        """The browser went back or forth among the steps, and may have gone on by the time it is answered."""
        self.at = event.args if event.args in STEPS else STEPS[0]
        self.tabs.set_value(self.at)

    def open(self, step: str) -> Coroutine[Any, Any, None] | None:
        """Show ``step``; the address keeps it, so that a reload comes back to it and Back to the one before."""
        if step == self.shown:
            return None
        self.at, self.shown = self.at or step, step
        self.tabs.set_value(step)
        for name, place in self.places.items():
            place.set_visibility(name == step)
        if is_new := not self.places[step].default_slot.children:
            with self.places[step]:
                self._build(step)
        if step != self.at:
            came_from, self.at = self.at, step
            href = f"/campaigns/{self.draft.id}/edit?step={step}"
            self.compose.client.run_javascript(f"composeStep({json.dumps(href)}, {json.dumps(came_from)})")
        return self._complete(step, is_new)

    async def _complete(self, step: str, is_new: bool) -> None:
        if is_new and self.content is not None and step == "content":
            await self.content.preview.show()
        await self._check()

    def _build(self, step: str) -> None:
        if step == "content":
            self.content = ContentStep(self.compose)
        elif step == "audience":
            self.audience = AudienceStep(self.compose, self.survey)
        else:
            self.when = WhenStep(self.compose, self.survey)
        at = STEPS.index(step)
        with ui.row().classes("w-full items-center gap-2"):
            if at:
                before = STEPS[at - 1]
                back_button = ui.button(f"Back: {before.capitalize()}", on_click=lambda: self._go(before))
                back_button.props("outline icon=arrow_back")
            ui.space()
            if step != STEPS[-1]:
                following = STEPS[at + 1]
                next_button = ui.button(f"Next: {following.capitalize()}", on_click=lambda: self._go(following))
                next_button.props("icon-right=arrow_forward")

    async def _check(self) -> None:
        """Mark the steps that are complete; in When look at everything again."""
        await self.draft.flush()
        if self.shown == "when" and self.when is not None:
            await self.when.review.refresh()
        elif self.shown == "audience" and self.audience is not None:
            self.survey.begin()
        missing = await off_loop(_missing, self.draft.user_id, self.draft.id)
        if not self.tabs.is_deleted:
            for step in ("content", "audience"):
                done = step not in missing
                self.marks[step].props["icon"] = "check_circle" if done else _ICONS[step]
                self.marks[step].classes(add="is-done") if done else self.marks[step].classes(remove="is-done")

    def _show_state(self) -> None:
        if self.banner.is_deleted:
            return  # a save that ended after the tab was closed
        state = self.draft.state
        icon, colour = _STATES[state.kind]
        self.icon.set_name(icon)
        self.icon.style(f"color:var({colour})")
        self.words.set_text(state.words)
        self.banner.clear()
        self.banner.set_visibility(state.kind in ("conflict", "ended"))
        with self.banner:
            if state.kind == "conflict":
                self._conflict()
            elif state.kind == "ended":
                with notice(state.words, "pending", "lock"):
                    ui.link("Open the campaign", f"/campaigns/{self.draft.id}").classes("cm-link")
        if state.kind == "saved" and self.shown:
            background_tasks.create(self._check(), name="check draft")

    def _conflict(self) -> None:
        """Who typed nothing here has nothing to choose, and is told until something is typed."""
        if self.draft.is_all_saved:
            with notice("This draft was changed in another tab. Here it is as it was before.", "info", "call_split"):
                with ui.row().classes("mt-1"):
                    self._show_other()
            return
        words = "This draft was changed in another tab. Choose which version goes on."
        more = "Subject and body of the other one stay in the version history; a copy keeps both."
        with notice(words, "pending", "call_split"):
            ui.label(more)
            self._ways_out()

    def _ways_out(self) -> None:
        with ui.row().classes("gap-2 mt-1"):
            self._show_other()
            ui.button("Keep this version", on_click=self.draft.keep_mine).props("outline dense")
            ui.button("Keep this version as a copy", on_click=self._keep_as_copy).props("outline dense")

    def _show_other(self) -> None:
        ui.button("Show the other version", on_click=ui.navigate.reload).props("outline dense")

    async def _keep_as_copy(self) -> None:
        await act(_copy, self.draft.user_id, self.draft.id, dict(self.draft.values), then=open_draft)


def _not_a_draft(user_id: int, campaign: Campaign) -> None:
    """What it is now, and the way to change it all the same."""
    assert campaign.id is not None
    campaign_id, scheduled = campaign.id, campaign.status == CampaignStatus.scheduled

    async def unschedule() -> None:
        if await act(campaigns.unschedule, user_id, campaign_id):
            ui.navigate.reload()

    with card():
        text = "Its content stays as it is. " + (
            "Unschedule it to change it, or make a copy." if scheduled else "Duplicate it to make a new one from it."
        )
        with empty_state("lock", f"“{campaigns.title(campaign.name, campaign.subject)}” is no draft any more", text):
            status_badge(campaign.status)
            with ui.row().classes("gap-2 mt-4 justify-center"):
                link_button("Open the campaign", f"/campaigns/{campaign_id}")
                if scheduled:
                    ui.button("Unschedule", on_click=unschedule).props("outline")
                ui.button("Duplicate", on_click=lambda: duplicate(user_id, campaign_id)).props("outline")


def _begin(user_id: int, in_use: set[int]) -> int:
    with db.session() as session:
        return campaigns.begin(session, user_id, in_use)


def _missing(user_id: int, campaign_id: int) -> set[str]:
    """The steps with something missing."""
    with db.reading() as session:
        return campaigns.steps_missing(session, user_id, campaign_id)


def _copy(session: Session, user_id: int, campaign_id: int, values: dict[str, object]) -> Campaign:
    made = campaigns.duplicate(session, user_id, campaign_id)
    assert made.id is not None
    campaigns.save_draft(session, user_id, made.id, made.version, **{**values, "name": made.name})
    return made
