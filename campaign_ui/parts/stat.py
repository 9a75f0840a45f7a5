"""A number that matters, with its share."""

from nicegui import ui


class StatCard:
    """A card whose two numbers can change while the page is open."""

    def __init__(self, label: str, tone: str, icon: str, of: str) -> None:
        self._of = of
        self._shown: tuple[int, float | None] | None = None
        with ui.element("div").classes("cm-card flex flex-col gap-2.5") as self.element:
            with ui.row().classes("w-full items-center justify-between flex-nowrap"):
                ui.label(label).classes("text-[13px] font-medium cm-mute")
                with ui.element("div").classes(f"cm-tile is-{tone}"):
                    ui.icon(icon).classes("text-[19px]")
            self._value = ui.label().classes("cm-num text-[26px] lg:text-[30px]")
            self._share = ui.label().classes("text-xs cm-mute tabular-nums")
        self.element.props["role"] = "group"
        self.element.props["aria-label"] = label

    def set(self, value: int, percentage: float | None) -> None:
        """Show ``value`` and its share in per cent; None where there is nothing to take a share of."""
        if (value, percentage) != self._shown:
            self._shown = (value, percentage)
            self._value.set_text(f"{value:,}")
            self._share.set_text(f"{'0' if percentage is None else _rounded(percentage)} % of {self._of}")


def stat_card(
    label: str, value: int, percentage: float | None, tone: str, icon: str, of: str = "recipients"
) -> StatCard:
    """A group named ``label`` whose first number is the value and whose second is the percentage."""
    made = StatCard(label, tone, icon, of)
    made.set(value, percentage)
    return made


def stat_grid() -> ui.element:
    """Four cards in a row, two on phones."""
    return ui.element("div").classes("grid grid-cols-2 lg:grid-cols-4 gap-3 lg:gap-4 w-full")


def _rounded(percentage: float) -> str:
    """One decimal, but never 100 or 0 for what is not quite all or nothing."""
    if 0 < percentage < 0.1:
        return "0.1"
    if 99.9 < percentage < 100:
        return "99.9"
    return f"{percentage:.1f}".removesuffix(".0")
