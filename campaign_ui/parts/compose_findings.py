"""The preflight list: what stands in the way, what to mend, what is good to know, each with a way to the very place."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from nicegui import ui

from campaign_ui.parts.blocks import card, skeleton
from campaign_ui.parts.kept import keep
from campaign_ui.parts.notices import notice
from core.campaigns import Finding, Level
from core.campaigns.preflight.survey import Survey

_LOOKS = {
    Level.error: ("error", "--cm-failed-text", "Blocks sending"),
    Level.serious: ("report", "--cm-failed-text", "Serious warning"),
    Level.warning: ("warning", "--cm-pending-text", "Warning"),
    Level.note: ("info", "--cm-info-text", "Good to know"),
}
_FINE = ("check_circle", "--cm-sent-text", "")
_NOTHING = Finding(Level.note, "Nothing stands in the way.", step="")
_STEPS = {"content": "Content", "audience": "Audience"}


@dataclass
class Ways:
    """What the buttons do. ``links``: how many addresses can be checked over the web."""

    go: Callable[[str, str, str], None]
    who: Callable[[Finding], Awaitable[None]]
    default: Callable[[Finding], Awaitable[None]]
    translate: Callable[[], Awaitable[None]]
    check_links: Callable[[], Awaitable[None]]
    ask_again: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Shown:
    """One state of the list; an equal one is not drawn again."""

    findings: tuple[Finding, ...] = ()
    looked: bool = False
    link_count: int = 0
    links_checked: bool = False
    asks_dns: bool = False
    waits: tuple[str, ...] = ()  # what is still being looked at


class FindingList:
    def __init__(self, ways: Ways) -> None:
        self.ways, self.shown = ways, Shown()
        self.notes_open: bool | None = None  # as the user left it
        self.refusal = ""  # what the user wanted and did not get
        self._rows: dict[Finding, ui.row] = {}
        self._notes: dict[Finding, ui.row] = {}
        with card() as self.box:
            with ui.row().classes("w-full items-center justify-between gap-2"):
                ui.label("Preflight").classes("font-semibold text-[15px]").props("role=heading aria-level=2")
                self.state = ui.label("Looking").classes("cm-badge is-quiet").props("role=status")
            self.refused = ui.column().classes("cm-refused w-full rounded-[10px]").props("role=alert tabindex=-1")
            self.progress = ui.column().classes("w-full gap-1.5 items-stretch")
            with self.progress:
                self.progress_words = ui.label().classes("text-xs cm-mute tabular-nums")
                self.bar = ui.linear_progress(0, show_value=False, size="6px").props(
                    'aria-label="Recipients looked at"'
                )
            self.skeleton = skeleton()
            self.rows = ui.column().classes("w-full gap-0 items-stretch")
            self._build_notes()
            self._build_tools()
        self.progress.set_visibility(False)
        self._draw()

    def _build_notes(self) -> None:
        """Folded away while there is something to mend, unless the user opened them."""
        self.more = ui.expansion().classes("w-full cm-notes").props("dense")
        self.more.props["toggle-aria-label"] = None  # it is named by what stands on it
        self.more.props["header-class"] = "text-[13px] px-0 cm-mute"
        self.more.on_value_change(lambda event: setattr(self, "notes_open", event.value))
        with self.more:
            self.notes = ui.column().classes("w-full gap-0 items-stretch")

    def _build_tools(self) -> None:
        with ui.row().classes("w-full gap-2 items-center"):
            self.check = ui.button(icon="link", on_click=self.ways.check_links).props("outline dense")
            with self.check:
                self.check_hint = ui.tooltip()
            self.ask = ui.button("Ask DNS again", icon="dns", on_click=self.ways.ask_again)
            self.ask.props("flat dense color=primary")

    def show(self, shown: Shown) -> None:
        if shown != self.shown:
            self.shown = shown
            self._draw()

    def refuse(self, what: str) -> None:
        """Say above the list that ``what`` (Not sent) is because of it, with the focus there, until all is mended."""
        self.refusal = what
        self._draw_refusal()
        self.refused.run_method("focus")

    def _draw_refusal(self) -> None:
        count = self._count(Level.error)
        self.refusal = self.refusal if count else ""
        self.refused.clear()
        self.refused.set_visibility(bool(self.refusal))
        if self.refusal:
            with self.refused:
                things = "1 thing" if count == 1 else f"{count:,} things"
                notice(f"{self.refusal}: mend {things} first.", "failed", "error")

    def _count(self, level: Level) -> int:
        return sum(each.level == level for each in self.shown.findings)

    def show_progress(self, now: Survey | None) -> None:
        """How far the walk through the audience is; None: it is not under way."""
        self.progress.set_visibility(now is not None)
        if now is not None:
            self.progress_words.set_text(f"{now.looked:,} of {now.listed:,} recipients looked at")
            self.bar.set_value(min(1.0, now.looked / max(1, now.listed)))

    def _draw(self) -> None:
        self._draw_state()
        self._draw_refusal()
        self.skeleton.set_visibility(not self.shown.looked)
        found = sorted(dict.fromkeys(self.shown.findings), key=lambda each: list(_LOOKS).index(each.level))
        notes = [each for each in found if each.level == Level.note]
        to_mend = [each for each in found if each.level != Level.note] or [_NOTHING] * self.shown.looked
        keep(self.rows, self._rows, to_mend, self._finding)
        keep(self.notes, self._notes, notes, self._finding)
        self.more.set_visibility(bool(notes))
        self.more.set_text(f"Good to know ({len(notes):,})")
        if self.notes_open is None:
            self.more.value = len(notes) == len(found)
            self.notes_open = None  # as it was not the user
        self.check.set_visibility(self.shown.link_count > 0)
        self.check.set_text("Check links again" if self.shown.links_checked else "Check links")
        self.check_hint.set_text(f"Fetches {self.shown.link_count:,} links and images over the web, once")
        self.ask.set_visibility(self.shown.asks_dns)

    def _finding(self, finding: Finding) -> ui.row:
        icon, colour, word = _FINE if finding is _NOTHING else _LOOKS[finding.level]
        row, words = _row(icon, colour, word, finding.text)
        with words:
            self._ways(finding)
        return row

    def _draw_state(self) -> None:
        errors, warnings = self._count(Level.error), self._count(Level.serious) + self._count(Level.warning)
        if not self.shown.looked:
            words, tone = "Looking", "quiet"
        elif errors:
            words, tone = f"{errors:,} to mend first", "failed"
        elif self.shown.waits:
            words, tone = f"Looking at {', '.join(self.shown.waits)}", "quiet"
        elif warnings:
            words, tone = "1 warning" if warnings == 1 else f"{warnings:,} warnings", "pending"
        else:
            words, tone = "Ready", "sent"
        self.state.set_text(words)
        self.state.classes(replace=f"cm-badge is-{tone}")

    def _ways(self, finding: Finding) -> None:
        def go() -> None:
            self.ways.go(finding.step, finding.place, finding.mark)

        with ui.row().classes("gap-x-1 gap-y-0 -ml-2.5"):
            if finding.gap:
                _button("Add a default", lambda: self.ways.default(finding))
            if finding.is_foreign:
                _button("Translate", self.ways.translate)
            if finding.people:
                _button("Show who", lambda: self.ways.who(finding))
            if finding.step == "senders":
                ui.link("Open Senders", _sender_href(finding.place)).classes("cm-link text-[13px] px-2.5 py-1.5")
            elif finding.step in _STEPS and finding.level != Level.note:
                _button(f"Fix in {_STEPS[finding.step]}", go)
            elif finding.step in _STEPS and finding.place and not finding.people:
                _button(f"Open {_STEPS[finding.step]}", go)
            elif finding.place == "hours":
                _button("Change the hours", lambda: self.ways.go("when", "hours", ""))


def _sender_href(place: str) -> str:
    """The page with the form of the sender, or the DKIM keys of the domain, open."""
    number = place.removeprefix("sender:")
    return f"/senders?edit={number}" if number.isdecimal() else f"/senders?dkim={quote(place)}"


def _button(words: str, call: Callable[[], object]) -> None:
    ui.button(words, on_click=call).props("flat dense color=primary").classes("text-[13px] whitespace-nowrap")


def _row(icon: str, colour: str, word: str, text: str) -> tuple[ui.row, ui.column]:
    """A line, and where its buttons go. The icon's meaning stands in its label too: colour alone tells nobody."""
    with ui.row().classes("cm-finding w-full items-start gap-2.5 flex-nowrap text-[13.5px] leading-snug") as row:
        mark = ui.icon(icon).classes("text-[18px] mt-px").style(f"color:var({colour})")
        if word:
            mark.props["role"], mark.props["aria-label"] = "img", word
        with ui.column().classes("grow min-w-0 gap-0.5") as words:
            ui.label(text).style("overflow-wrap:anywhere")
    return row, words
