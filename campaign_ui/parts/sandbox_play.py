"""Which provider the sandbox plays, and whether simulated readers open its mails."""

import asyncio
from dataclasses import replace

from nicegui import events, ui

from campaign_ui import live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.blocks import card
from campaign_ui.parts.try_it import remove_samples, try_it_button
from core import db
from core.campaigns import trial
from core.delivery import sandbox, scenarios
from core.models import CampaignStatus
from core.tracking import readers

_RUNNING = (CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)


class SandboxPlay:
    """``reload`` shows what is chosen; it is chosen here or in another tab."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.chips: dict[str, ui.element] = {}
        with card("Provider it plays", "Change it while a campaign goes out, and watch what happens"):
            with ui.element("div").classes("flex flex-wrap gap-2").props("role=group aria-label=Provider"):
                for scenario in scenarios.ALL.values():
                    self.chips[scenario.key] = self._chip(scenario)
            with ui.element("dl").classes("cm-facts m-0"):
                self.story = _fact("It does")
                self.shows = _fact("You will see")
            ui.separator()
            with ui.row().classes("w-full items-center gap-x-6 gap-y-2"):
                self.readers = ui.switch("Simulated readers", on_change=self._set_readers)
                ui.label(
                    f"Of the mails that come in from now on, about {readers.OPENING} in 100 are opened and "
                    f"{readers.CLICKING} clicked within a minute."
                ).classes("text-[13px] cm-mute grow basis-60")
                self.again = try_it_button(user_id, is_again=True).props("outline dense")
                self.remove = ui.button("Remove samples", icon="delete_sweep", color=None)
                self.remove.on_click(lambda: remove_samples(user_id)).props("flat dense").classes("cm-mute")
        self.shown = sandbox.Setting()
        self.one_change = asyncio.Lock()  # on, then off: in the order they were chosen
        self._show(self.shown, False)

    def _chip(self, scenario: scenarios.Scenario) -> ui.element:
        with ui.element("button").classes("cm-chip").props("type=button") as chip:
            ui.label(scenario.name)
        return chip.on("click", lambda: self._play(scenario))

    async def reload(self) -> None:
        """Read it again."""
        found = await live.read("sandbox setting", _load, self.user_id)
        if found is not None:
            self._show(*found)

    def _show(self, setting: sandbox.Setting, has_samples: bool) -> None:
        self.shown = setting
        for key, chip in self.chips.items():
            chip.props(f"aria-pressed={'true' if key == setting.scenario else 'false'}")
        scenario = scenarios.get(setting.scenario)
        self.story.set_text(scenario.story)
        self.shows.set_text(scenario.shows)
        self.readers.value = setting.readers
        for button in (self.again, self.remove):
            button.set_visibility(has_samples)

    async def _play(self, scenario: scenarios.Scenario) -> None:
        if scenario.key != self.shown.scenario:
            if await act(sandbox.play, self.user_id, scenario.key, done=f"The sandbox plays: {scenario.name}."):
                await self.reload()

    async def _set_readers(self, event: events.ValueChangeEventArguments[bool | None]) -> None:
        if event.value != self.shown.readers:
            said = "Simulated readers open what comes in." if event.value else "Nobody opens what comes in."
            self.shown = replace(self.shown, readers=bool(event.value))
            async with self.one_change:
                await act(sandbox.set_readers, self.user_id, bool(event.value), done=said)
            await self.reload()


def _fact(name: str) -> ui.label:
    ui.element("dt")._text = name
    with ui.element("dd"):
        return ui.label()


def _load(user_id: int) -> tuple[sandbox.Setting, bool]:
    with db.reading() as session:
        return sandbox.setting(session, user_id), trial.found(session, user_id).is_there


async def sandbox_note(user_id: int, campaign_id: int) -> None:
    """On a campaign's page: that it goes to the sandbox, and what that plays; nothing for any other campaign."""
    played = await off_loop(_played, user_id, campaign_id)
    if not played:
        return

    async def again() -> None:
        said = await live.read(("sandbox note", campaign_id), _played, user_id, campaign_id)
        if said:
            words.set_text(said)

    live.watch(again, "sandbox")
    live.watch(again, "campaign", campaign_id)
    with ui.row().classes("cm-notice is-info w-full flex-nowrap").props("role=note"):
        ui.icon("science")
        with ui.row().classes("grow min-w-0 items-center gap-x-3 gap-y-1"):
            words = ui.label(played).classes("font-medium grow basis-60 min-w-0")
            ui.link("Change the provider, see the mails", "/sandbox").classes("cm-link")


def _played(user_id: int, campaign_id: int) -> str:
    with db.reading() as session:
        status, opened = sandbox.how_far(session, user_id, campaign_id)
        setting = sandbox.setting(session, user_id)
    if not status:
        return ""
    plays = f" It plays: {scenarios.get(setting.scenario).name}." if status in _RUNNING else ""
    return f"Sent to the sandbox: nobody receives these mails.{plays} {_whose_opens(setting.readers, opened)}"


def _whose_opens(readers_are_on: bool, opened: int) -> str:
    if readers_are_on:
        return "Opens and clicks are simulated, or your own."
    if opened:
        return "Simulated readers are off now: what was opened before may be theirs, what comes is your own."
    return "Simulated readers are off: only what you open yourself is counted."
