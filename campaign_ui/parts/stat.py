"""A number that matters, with its share."""

from nicegui import ui

from campaign_ui.charts import rounded
from campaign_ui.parts.markup import Html, fill, icon
from campaign_ui.uncounted import NOT_COUNTED
from core.stats import NOT_YET, Counts


class StatCard:
    """A card whose two numbers can change while the page is open."""

    def __init__(self, label: str, tone: str, symbol: str, of: str) -> None:
        self._of = of
        self._shown: tuple[object, object] | None = None
        with ui.element("div").classes("cm-card flex flex-col gap-2.5") as self.element:
            Html(fill(_HEAD, label, tone, icon(symbol, "text-[19px]"))).classes(
                "flex flex-nowrap items-center justify-between"
            )
            self._value = ui.label().classes("cm-num text-[26px] lg:text-[30px]")
            self._share = ui.label().classes("text-xs cm-mute tabular-nums")
        self.element.props["role"] = "group"
        self.element.props["aria-label"] = label

    def set(self, value: int, percentage: float | None) -> None:
        """Show ``value`` and its share in per cent; None where there is nothing to take a share of."""
        if (value, percentage) != self._shown:
            share = f"{'0' if percentage is None else rounded(percentage)} % of {self._of}"
            self._shown = (value, percentage)
            self._value.set_text(f"{value:,}")
            self._share.set_text(share)

    def set_opens(self, counts: Counts, is_counted: bool, nothing_sent: str = NOT_YET) -> None:
        """Show opens: of what can be counted, and that they are not where nothing can or nothing was sent."""
        if is_counted and not counts.uncounted and (counts.sent or counts.opened):
            return self.set(counts.opened, counts.open_rate)
        rate = "–" if counts.open_rate is None else rounded(counts.open_rate)
        known = f"{rate} % of {counts.countable:,} that count opens" if counts.sent else nothing_sent
        words = known if is_counted else NOT_COUNTED
        value = f"{counts.opened:,}" if is_counted or counts.opened else "–"
        if (value, words) != self._shown:
            self._shown = (value, words)
            self._value.set_text(value)
            self._share.set_text(words)


_HEAD = '<div class="text-[13px] font-medium cm-mute">{}</div><div class="cm-tile is-{}">{}</div>'


def stat_card(
    label: str, value: int, percentage: float | None, tone: str, symbol: str, of: str = "recipients"
) -> StatCard:
    """A group named ``label`` whose first number is the value and whose second is the percentage."""
    made = StatCard(label, tone, symbol, of)
    made.set(value, percentage)
    return made


def stat_grid() -> ui.element:
    """Four cards in a row, two on phones."""
    return ui.element("div").classes("grid grid-cols-2 lg:grid-cols-4 gap-3 lg:gap-4 w-full")
