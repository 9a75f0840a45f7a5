"""How much of each of a sender's limits is used, as bars that move."""

from nicegui import ui

from core.stats import Use

_WORDS = {"minute": "Last minute", "hour": "Last hour", "day": "Last 24 h", "warm-up": "Warm-up, 24 h"}

_BOX = "grid grid-cols-1 gap-x-5 gap-y-2.5 w-full"


class UseBars:
    """``set`` shows other numbers; nothing is drawn where there is no limit."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._box = ui.element("div").classes(_BOX)
        self._rows: dict[str, tuple[ui.element, ui.element, ui.label]] = {}

    def set(self, uses: tuple[Use, ...]) -> None:
        if list(self._rows) != [use.span for use in uses]:
            self._box.clear()
            with self._box:
                self._rows = {use.span: self._row(use.span) for use in uses}
        self._box.set_visibility(bool(uses))
        self._box.classes(replace=_BOX + (" sm:grid-cols-2" if len(uses) > 1 else ""))
        for use in uses:
            meter, bar, number = self._rows[use.span]
            over = use.used > use.limit  # the limit was lowered since: it was kept all the time
            number.set_text(f"{use.used:,} · at most {use.limit:,} now" if over else f"{use.used:,} of {use.limit:,}")
            colour = "pending" if use.is_tight and use.span != "minute" else "brand"
            bar.style(f"width:{100 * use.share:.1f}%;background:var(--cm-{colour})")
            meter.props(f"aria-valuemin=0 aria-valuemax={use.limit} aria-valuenow={min(use.used, use.limit)}")

    def _row(self, span: str) -> tuple[ui.element, ui.element, ui.label]:
        with ui.element("div").classes("min-w-0"):
            with ui.row().classes("w-full items-baseline justify-between flex-nowrap gap-2 text-xs"):
                ui.label(_WORDS[span]).classes("cm-mute truncate")
                number = ui.label().classes("font-medium tabular-nums shrink-0")
            with ui.element("div").classes("cm-progress w-full mt-1").style("height:5px") as meter:
                bar = ui.element("div")
        meter.props["role"] = "meter"
        meter.props["aria-label"] = f"{_WORDS[span]}, {self._name}"
        return meter, bar, number
