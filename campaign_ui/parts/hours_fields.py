"""When mails may go out: the fields of a sending window and of a warm-up, for a sender or a campaign."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from nicegui import ui

from campaign_ui.parts.zone_select import zone_select
from core import clock
from core.delivery import warmup as ramps
from core.delivery import windows
from core.errors import RuleError

_GRID = "grid grid-cols-2 sm:grid-cols-4 gap-x-4 gap-y-3 w-full"
_OFFICE = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00"}
_CAP = 500
_GENTLE = {"start": 50, "factor": 1.5, "days": 14}


class HoursFields:
    """Shows what is kept; ``sending_window`` and ``warmup`` are what is typed now, None where it is switched off.

    ``changed`` is called after each key; ``zone`` is the user's. ``with_cap``: offer a daily cap too, which is kept as
    a warm-up that does not grow (a sender has limits of its own for that).
    """

    def __init__(
        self,
        sending_window: dict[str, Any] | None,
        warmup: dict[str, Any] | None,
        zone: str,
        changed: Callable[[], Any] = lambda: None,
        with_cap: bool = False,
    ) -> None:
        self._zone, self._changed = zone, changed
        self._build_window(sending_window)
        is_cap = with_cap and warmup is not None and bool((ramp := ramps.from_json(warmup)) and ramp.is_cap)
        self._build_cap(warmup if is_cap else None, with_cap)
        self._build_warmup(None if is_cap else warmup)

    @property
    def sending_window(self) -> dict[str, Any] | None:
        if not self.limited.value:
            return None
        hours = {"from": self.opens.value or "", "until": self.closes.value or ""}
        return {"days": sorted(self.days), **hours, "zone": self.zone.value or self._zone}

    @property
    def warmup(self) -> dict[str, Any] | None:
        if self.capped.value:
            return ramps.daily_cap(self.cap.value, date.fromisoformat(self._cap_began), self._cap_zone)
        if not self.warming.value:
            return None
        typed = {"start": self.start.value, "factor": self.factor.value, "days": self.length.value}
        return {**typed, "began": self.began.value or "", "zone": self._ramp_zone}

    def problems(self) -> dict[str, str]:
        """``sending_window`` and ``warmup`` -> what is wrong with them."""
        found = {}
        for name, check in (("sending_window", windows.from_json), ("warmup", ramps.from_json)):
            try:
                check(getattr(self, name))
            except RuleError as error:
                is_cap = name == "warmup" and self.capped.value
                found[name] = f"Enter a daily cap from 1 to {ramps.MOST_START:,}." if is_cap else str(error)
        return found

    def show_problems(self, problems: dict[str, str]) -> None:
        """Sentences below the fields they are about; the others lose theirs."""
        ramp_problem, other = self.ramp_problem, self.cap_problem
        if self.capped.value:
            ramp_problem, other = other, ramp_problem
        other.set_visibility(False)
        for name, place in (("sending_window", self.window_problem), ("warmup", ramp_problem)):
            place.set_text(problems.get(name, ""))
            place.set_visibility(name in problems)

    def _build_window(self, kept: dict[str, Any] | None) -> None:
        shown: dict[str, Any] = {**_OFFICE, "zone": self._zone} | (kept or {})
        self.days = set(shown["days"])
        with ui.column().classes("w-full gap-2 items-stretch"):
            self.limited = ui.switch("Only on certain days and hours", value=kept is not None, on_change=self._typed)
            self.limited.classes("-ml-2")
            with ui.column().classes("w-full gap-3 items-stretch") as box:
                with ui.row().classes("gap-1.5").props('role=group aria-label="Days"'):
                    for day, name in enumerate(windows.DAYS):
                        self._day(day, name)
                with ui.element("div").classes(_GRID):
                    self.opens = self._input("From", shown["from"], "type=time stack-label")
                    self.closes = self._input("Until", shown["until"], "type=time stack-label")
                    zone = shown["zone"]
                    self.zone = zone_select("Time zone", zone, self._typed)
                    self.zone.classes("w-full col-span-2")
                self.window_words = ui.label().classes("text-xs cm-mute tabular-nums")
            box.bind_visibility_from(self.limited, "value")
            self.window_problem = _problem()

    def _build_cap(self, kept: dict[str, Any] | None, offered: bool) -> None:
        today = clock.to_zone(clock.utcnow(), self._zone).date().isoformat()
        shown: dict[str, Any] = {"start": _CAP, "began": today, "zone": self._zone} | (kept or {})
        self._cap_began, self._cap_zone = shown["began"], shown["zone"]
        with ui.column().classes("w-full gap-2 items-stretch") as whole:
            self.capped = ui.switch("At most so many mails a day", value=kept is not None)
            self.capped.classes("-ml-2").on_value_change(lambda: self._one_of(self.capped, "warming"))
            with ui.element("div").classes(_GRID) as box:
                self.cap = self._number("Mails a day", shown["start"], "step=1")
            box.bind_visibility_from(self.capped, "value")
            self.cap_problem = _problem()
        whole.set_visibility(offered)

    def _one_of(self, chosen: ui.switch, other: str) -> None:
        """A cap and a warm-up are both a number a day: one of them holds."""
        if chosen.value and hasattr(self, other):
            getattr(self, other).value = False
        self._typed()

    def _build_warmup(self, kept: dict[str, Any] | None) -> None:
        today = clock.to_zone(clock.utcnow(), self._zone).date()
        shown: dict[str, Any] = {**_GENTLE, "began": today.isoformat(), "zone": self._zone} | (kept or {})
        self._ramp_zone = shown["zone"]
        with ui.column().classes("w-full gap-2 items-stretch"):
            self.warming = ui.switch("Warm up: a few mails at first, more each day", value=kept is not None)
            self.warming.classes("-ml-2").on_value_change(lambda: self._one_of(self.warming, "capped"))
            with ui.column().classes("w-full gap-3 items-stretch") as box:
                with ui.element("div").classes(_GRID):
                    self.start = self._number("Mails on the first day", shown["start"], "step=1")
                    self.factor = self._number("Times more each day", shown["factor"], "step=0.1")
                    self.length = self._number("Days of warm-up", shown["days"], "step=1")
                    self.began = self._input("First day", shown["began"], "type=date stack-label")
                self.bars = ui.element("div").classes("cm-ramp").props("aria-hidden=true")
                self.ramp_words = ui.label().classes("text-xs cm-mute tabular-nums")
            box.bind_visibility_from(self.warming, "value")
            self.ramp_problem = _problem()
        self._typed()

    def _day(self, day: int, name: str) -> None:
        with ui.element("button").classes("cm-chip").props("type=button") as chip:
            ui.label(name)
        chip.props["aria-pressed"] = str(day in self.days).lower()

        def toggle() -> None:
            self.days ^= {day}
            chip.props["aria-pressed"] = str(day in self.days).lower()
            self._typed()

        chip.on("click", toggle)

    def _input(self, label: str, value: str, props: str) -> ui.input:
        field = ui.input(label, value=value, on_change=self._typed).props(f"{props} hide-bottom-space")
        return field.classes("w-full")

    def _number(self, label: str, value: float, props: str) -> ui.number:
        field = ui.number(label, value=value, on_change=self._typed).props(
            f"{props} inputmode=decimal hide-bottom-space"
        )
        return field.classes("w-full")

    def _typed(self) -> None:
        if not hasattr(self, "ramp_problem"):
            return  # still being built
        wrong = self.problems()
        if "sending_window" not in wrong:
            self.window_words.set_text(_say_window(windows.from_json(self.sending_window)))
        if "warmup" not in wrong and not self.capped.value:
            self._show_ramp(ramps.from_json(self.warmup))
        self.show_problems(wrong)
        self._changed()

    def _show_ramp(self, ramp: ramps.Warmup | None) -> None:
        self.bars.clear()
        if ramp is None:
            return
        most = max(ramp.caps)
        with self.bars:
            for number, cap in enumerate(ramp.caps, 1):
                bar = ui.element("div").style(f"height:{max(4, 100 * cap / most):.1f}%")
                bar.tooltip(f"Day {number}: {cap:,}")
        self.ramp_words.set_text(say_ramp(ramp))


def say_ramp(ramp: ramps.Warmup) -> str:
    """``50, 75, 112, … 9,730 mails a day; without this cap from 9 Dec 2026 on.``"""
    if ramp.is_cap:
        return f"at most {ramp.start:,} mails a day."
    caps = [f"{cap:,}" for cap in ramp.caps]
    listed = ", ".join(caps) if len(caps) <= 5 else f"{', '.join(caps[:3])}, … {caps[-1]}"
    free = ramp.began + timedelta(days=ramp.days)
    return f"{listed} mails a day; without this cap from {_say_day(free)} on."


def _say_window(window: windows.Window | None) -> str:
    if window is None:
        return ""
    if window.is_always:
        return "That is always."
    night = ", until the next morning" if window.closes <= window.opens else ""
    return f"Mails go out {windows.say(window, clock.utcnow())}{night}. What is left then waits for the next time."


def _say_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _problem() -> ui.label:
    label = ui.label().classes("text-xs").style("color:var(--cm-failed-text)").props("role=alert")
    label.set_visibility(False)
    return label
