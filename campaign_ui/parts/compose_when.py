"""Step When: now, or at a time that is asked about until it means one moment."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from nicegui import ui

from campaign_ui.parts import compose_time
from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_forecast import ForecastChart
from campaign_ui.parts.compose_review import Review
from campaign_ui.parts.compose_survey import SurveyRun
from campaign_ui.parts.hours_fields import HoursFields
from campaign_ui.parts.notices import notice, notify_error
from campaign_ui.parts.zone_select import zone_select
from core import campaigns, clock
from core.audience import addresses
from core.campaigns.preflight import places
from core.clock import AmbiguousTime
from core.errors import RuleError


class WhenStep:
    """The time on the left, what it means on the right."""

    def __init__(self, compose: Compose, survey: SurveyRun) -> None:
        self.compose, self.draft, self.survey = compose, compose.draft, survey
        self.chosen: datetime | None = None  # of a time that happens twice
        self.moment: datetime | None = None
        self._said: list[str] = []
        self._filling = False
        with ui.element("div").classes("grid grid-cols-1 xl:grid-cols-[minmax(0,1fr)_minmax(0,440px)] gap-4 w-full"):
            with ui.column().classes("gap-4 min-w-0 items-stretch"):
                with card("At a time", "The campaign starts by itself, also while no browser is open"):
                    self._build_time()
                self._build_hours()
                self.chart = ForecastChart()
                with card("Right away", "The first mail goes out within seconds"), ui.row().classes("w-full"):
                    ui.button("Send now", icon="send", on_click=self._send_now).props("outline")
            side = ui.column().classes("gap-4 min-w-0 items-stretch xl:sticky xl:top-[88px] self-start w-full")
            with side.classes("order-first xl:order-none"):  # on phones what stands in the way comes before the buttons
                self.review = Review(compose, survey, self.chart)
        survey.on_progress(self._show_theirs)
        self._typed()

    def _build_time(self) -> None:
        values, zone = self.draft.values, self.draft.values["time_zone"]
        day, at = compose_time.typed(values["scheduled_at"], zone)
        with ui.element("div").classes("grid grid-cols-2 gap-3 w-full"):
            self.day = ui.input("Date", value=day, on_change=self._typed).props("type=date stack-label no-error-icon")
            self.at = ui.input("Time", value=at, on_change=self._typed).props("type=time stack-label no-error-icon")
            self.zone = zone_select("Time zone", zone, self._typed)
            self.zone.classes("col-span-2")
        with ui.row().classes("w-full items-center gap-1.5").props('role=group aria-label="Suggested times"'):
            for words, suggest in compose_time.SUGGESTIONS.items():
                with ui.element("button").classes("cm-chip").props("type=button") as chip:
                    ui.label(words)
                chip.on("click", partial(self._suggest, suggest))
        self.meaning = ui.row().classes("w-full items-start gap-2 min-h-[22px] flex-nowrap")
        self.theirs = ui.row().classes("w-full items-start gap-2 flex-nowrap")
        self.asks = ui.column().classes("w-full gap-2").props("role=alert")
        with ui.row().classes("w-full"):
            self.schedule = ui.button("Schedule", icon="schedule_send", on_click=self._schedule)

    def _build_hours(self) -> None:
        values = self.draft.values
        kept = values["sending_window"], values["warmup"]
        with card().classes("p-0"):
            self.more = more = ui.expansion("Hours and daily cap", value=any(kept)).classes("w-full")
            more.props["caption"] = "Of this campaign alone; those of its sender hold too"
            more.props["toggle-aria-label"] = None  # it is named by what stands on it
            more.props["header-class"] = "px-5 py-3 text-[15px]"
            with more, ui.column().classes("w-full gap-5 px-1 pb-2 items-stretch"):
                self.hours = HoursFields(*kept, self.compose.time_zone, self._hours_typed, with_cap=True)

    def _hours_typed(self) -> None:
        """Only hours that can be kept are; what is wrong with the others stands below them."""
        if not hasattr(self, "hours"):
            return
        wrong = self.hours.problems()
        typed = {"sending_window": self.hours.sending_window, "warmup": self.hours.warmup}
        self.draft.change(**{name: value for name, value in typed.items() if name not in wrong})
        self.review.plan_changed(self.review.plan)

    def _typed(self) -> None:
        if self._filling:
            return
        self.chosen = None
        self._look()

    def _suggest(self, suggest: Callable[[datetime], datetime]) -> None:
        """Fill in the three fields at once."""
        zone = self.zone.value or self.compose.time_zone
        local = suggest(clock.to_zone(clock.utcnow(), zone))
        self._filling = True
        self.day.value, self.at.value = f"{local:%Y-%m-%d}", f"{local:%H:%M}"
        self._filling = False
        self._typed()

    def _look(self) -> datetime | None:
        """Show what the three fields mean, keep it as the plan, and return it; None while they mean no one moment."""
        at, error = self._read()
        self.meaning.clear()
        self.asks.clear()
        self.day.error = self.at.error = None
        zone = self.zone.value or self.compose.time_zone
        if at is not None:
            self.draft.change(scheduled_at=at, time_zone=zone)
            with self.meaning:
                ui.icon("public").classes("text-[17px] cm-mute")
                words = compose_time.meaning(at, zone, self.compose.time_zone, clock.utcnow())
                ui.label(words).classes("text-sm cm-mute tabular-nums")
        elif error is not None and self.day.value and self.at.value:
            self._ask(error)
        self.moment = at
        self._show_theirs()
        self.review.plan_changed(at)
        return at

    def _show_theirs(self) -> None:
        """What the moment is where the recipients live, as far as their contacts tell."""
        found = self.survey.found
        said = places.local_times(found, self.moment) if found is not None and self.moment is not None else []
        if said == self._said or self.theirs.is_deleted:
            return
        self._said = said
        self.theirs.clear()
        with self.theirs:
            if said:
                ui.icon("groups").classes("text-[17px] cm-mute")
                ui.label("For your recipients: " + "; ".join(said)).classes("text-sm cm-mute tabular-nums")

    def _read(self) -> tuple[datetime | None, RuleError | None]:
        if self.chosen is not None:
            return self.chosen, None
        zone = self.zone.value or self.compose.time_zone
        try:
            at = compose_time.moment(self.day.value, self.at.value, zone)
        except RuleError as error:
            return None, error
        if at < clock.utcnow():
            return None, compose_time.past(at, zone, clock.utcnow())
        return at, None

    def _ask(self, error: RuleError) -> None:
        """Say what is wrong at its field, or ask which of two moments is meant."""
        if isinstance(error, compose_time.Wrong):
            (self.day if error.field == "Date" else self.at).error = str(error)
            return
        with self.asks:
            box = notice(str(error), "pending", "help")
            if isinstance(error, AmbiguousTime):
                zone = self.zone.value or self.compose.time_zone
                with box, ui.row().classes("gap-2 mt-1"):
                    for which, moment in zip(("First", "Second"), error.choices, strict=True):
                        words = f"{which}: {clock.show(moment, zone)} ({moment:%H:%M} UTC)"
                        ui.button(words, on_click=lambda moment=moment: self._choose(moment)).props("outline dense")

    def _choose(self, moment: datetime) -> None:
        self.chosen = moment
        self._look()

    async def _schedule(self) -> None:
        at = self._look()
        if at is None:
            _, error = self._read()
            self.asks.clear()
            if error is not None:
                self._ask(error)
            (self.at if self.at.error else self.day).run_method("focus")
        elif await self._may_go("Not scheduled"):
            zone = self.zone.value or self.compose.time_zone
            await self._leave_by(campaigns.schedule, at, zone)

    async def _send_now(self) -> None:
        if await self._may_go("Not sent") and await self._confirmed():
            await self._leave_by(campaigns.send_now)

    async def _may_go(self, refusal: str) -> bool:
        """Whether the draft is saved and nothing stands in its way; else the preflight says what, with the focus."""
        if not await self._saved():
            return False
        await self.compose.reload()  # and the preflight with it
        if self.review.looked is None:
            notify_error("This campaign cannot be sent now.")
        elif self.review.errors:
            self.review.list.refuse(refusal)
        else:
            return True
        return False

    async def _leave_by(self, do: Callable[..., Any], *args: Any) -> None:
        """To the campaign's page, if ``do`` makes the draft a campaign."""
        self.draft.close()
        if await act(do, self.draft.user_id, self.draft.id, *args):
            ui.navigate.to(f"/campaigns/{self.draft.id}")
        else:
            await self.draft.reopen()

    async def _saved(self) -> bool:
        if self.hours.problems():  # they stand below the hours
            self.more.set_value(True)
            self.compose.go_to("when", "hours", "")
            return False
        if await self.draft.flush():
            return True
        notify_error("The draft is not saved yet, so it was not sent. Look at the message above.")
        return False

    async def _confirmed(self) -> bool:
        count, forecast = self.review.going_count, self.review.forecast
        people = "1 recipient" if count == 1 else f"{count:,} recipients"
        with ui.dialog() as dialog, ui.card().classes("w-[440px] max-w-full p-6 gap-2"):
            title = f"Send to {people} now?"
            dialog.props["aria-label"] = title
            dialog_title(title)
            sender = self.compose.sender
            words = f"From {addresses.shown(sender.from_address)}. " if sender else ""
            words += f"It takes {forecast}. You can pause or cancel at any time." if forecast else ""
            words += self.review.doubts
            ui.label(words).classes("text-sm cm-mute")
            for serious in self.review.serious:
                notice(serious, "failed", "report")
            with ui.row().classes("w-full justify-end gap-2 mt-4"):
                ui.button("Not yet", on_click=lambda: dialog.submit(False)).props("flat color=grey-7")
                ui.button("Send now", icon="send", on_click=lambda: dialog.submit(True)).mark("confirm").props(
                    "autofocus"
                )
        return bool(await answer(dialog))
