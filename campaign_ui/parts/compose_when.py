"""Step When: now, or at a time that is asked about until it means one moment."""

from datetime import datetime

import pytz
from nicegui import ui

from campaign_ui.parts import compose_time
from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import answer
from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_review import Review
from campaign_ui.parts.hours_fields import HoursFields
from campaign_ui.parts.notices import notice, notify_error
from core import campaigns, clock
from core.clock import AmbiguousTime
from core.errors import RuleError


class WhenStep:
    """The time on the left, what it means on the right."""

    def __init__(self, compose: Compose) -> None:
        self.compose, self.draft = compose, compose.draft
        self.chosen: datetime | None = None  # of a time that happens twice
        with ui.element("div").classes("grid grid-cols-1 xl:grid-cols-[minmax(0,1fr)_minmax(0,440px)] gap-4 w-full"):
            with ui.column().classes("gap-4 min-w-0 items-stretch"):
                with card("At a time", "The campaign starts by itself, also while no browser is open"):
                    self._build_time()
                self._build_hours()
                with card("Right away", "The first mail goes out within seconds"), ui.row().classes("w-full"):
                    ui.button("Send now", icon="send", on_click=self._send_now).props("outline")
            with ui.column().classes("gap-4 min-w-0 items-stretch xl:sticky xl:top-[88px] self-start w-full"):
                self.review = Review(compose)
        self._typed()

    def _build_time(self) -> None:
        values, zone = self.draft.values, self.draft.values["time_zone"]
        day, at = compose_time.typed(values["scheduled_at"], zone)
        with ui.element("div").classes("grid grid-cols-2 md:grid-cols-[1fr_1fr_1.6fr] gap-3 w-full"):
            self.day = ui.input("Date", value=day, on_change=self._typed).props("type=date stack-label")
            self.at = ui.input("Time", value=at, on_change=self._typed).props("type=time stack-label")
            zones = pytz.common_timezones if zone in pytz.common_timezones else [zone, *pytz.common_timezones]
            self.zone = ui.select(zones, label="Time zone", value=zone, with_input=True, on_change=self._typed)
            self.zone.classes("col-span-2 md:col-span-1")
        self.meaning = ui.row().classes("w-full items-center gap-2 min-h-[22px] flex-nowrap")
        self.asks = ui.column().classes("w-full gap-2").props("role=alert")
        with ui.row().classes("w-full"):
            self.schedule = ui.button("Schedule", icon="schedule_send", on_click=self._schedule)

    def _build_hours(self) -> None:
        values = self.draft.values
        kept = values["sending_window"], values["warmup"]
        with card().classes("p-0"):
            more = ui.expansion("Hours and warm-up", value=any(kept)).classes("w-full compose-more")
            more.props["caption"] = "Of this campaign alone; those of its sender hold too"
            more.props["header-class"] = "px-5 py-3 text-[15px]"
            with more, ui.column().classes("w-full gap-5 px-1 pb-2 items-stretch"):
                self.hours = HoursFields(*kept, self.compose.time_zone, self._hours_typed)

    def _hours_typed(self) -> None:
        """Only hours that can be kept are; what is wrong with the others stands below them."""
        if not hasattr(self, "hours"):
            return
        wrong = self.hours.problems()
        typed = {"sending_window": self.hours.sending_window, "warmup": self.hours.warmup}
        self.draft.change(**{name: value for name, value in typed.items() if name not in wrong})
        self.review.show()

    def _typed(self) -> None:
        self.chosen = None
        self._look()

    def _look(self) -> datetime | None:
        """Show what the three fields mean, keep it as the plan, and return it; None while they mean no one moment."""
        at, error = self._read()
        self.meaning.clear()
        self.asks.clear()
        zone = self.zone.value or self.compose.time_zone
        if at is not None:
            self.draft.change(scheduled_at=at, time_zone=zone)
            with self.meaning:
                ui.icon("public").classes("text-[17px] cm-mute")
                words = compose_time.meaning(at, zone, self.compose.time_zone, clock.utcnow())
                ui.label(words).classes("text-sm cm-mute tabular-nums")
        elif error is not None and self.day.value and self.at.value:
            self._ask(error)
        self.review.plan = at
        self.review.show()
        return at

    def _read(self) -> tuple[datetime | None, RuleError | None]:
        if self.chosen is not None:
            return self.chosen, None
        zone = self.zone.value or self.compose.time_zone
        try:
            at = compose_time.moment(self.day.value, self.at.value, zone)
        except RuleError as error:
            return None, error
        if at < clock.utcnow():
            return None, RuleError(f"{clock.show(at, zone)} is in the past. Choose a later time, or send now.")
        return at, None

    def _ask(self, error: RuleError) -> None:
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
            self._ask(error or RuleError("Choose a date and a time."))
        elif await self._saved():
            zone = self.zone.value or self.compose.time_zone
            if await act(campaigns.schedule, self.draft.user_id, self.draft.id, at, zone):
                self._leave()

    async def _send_now(self) -> None:
        if not await self._saved():
            return
        await self.compose.reload()
        await self.review.refresh()
        if self.review.found is None or self.review.found.errors:
            missing = " ".join(each.text for each in self.review.found.errors) if self.review.found else ""
            notify_error(missing or "This campaign cannot be sent now.")
        elif await self._confirmed() and await act(campaigns.send_now, self.draft.user_id, self.draft.id):
            self._leave()

    def _leave(self) -> None:
        self.draft.close()
        ui.navigate.to(f"/campaigns/{self.draft.id}")

    async def _saved(self) -> bool:
        if wrong := self.hours.problems():
            notify_error(" ".join(wrong.values()))
            return False
        if await self.draft.flush():
            return True
        notify_error("The draft is not saved yet, so it was not sent. Look at the message above.")
        return False

    async def _confirmed(self) -> bool:
        count, forecast = self.review.going_count, self.review.forecast()
        people = "1 recipient" if count == 1 else f"{count:,} recipients"
        with ui.dialog() as dialog, ui.card().classes("w-[440px] max-w-full p-6 gap-2"):
            title = f"Send to {people} now?"
            dialog.props["aria-label"] = title
            ui.label(title).classes("text-[17px] font-semibold tracking-tight").props("role=heading aria-level=2")
            sender = self.compose.sender
            words = f"From {sender.from_address}. " if sender else ""
            words += f"It takes {forecast}. You can pause or cancel at any time." if forecast else ""
            ui.label(words).classes("text-sm cm-mute")
            with ui.row().classes("w-full justify-end gap-2 mt-4"):
                ui.button("Not yet", on_click=lambda: dialog.submit(False)).props("flat color=grey-7")
                ui.button("Send now", icon="send", on_click=lambda: dialog.submit(True)).mark("confirm").props(
                    "autofocus"
                )
        return bool(await answer(dialog))
