"""How far a campaign is: sent, failed, unknown and the rest, in one bar, in the colours of the other pictures."""

from nicegui import ui

from campaign_ui.charts import rounded
from core.stats import Counts

PARTS = ("sent", "failed", "unknown", "other")


class Progress:
    def __init__(self, counts: Counts, label: str, height: int = 8) -> None:
        self._shown: tuple[float, ...] | None = None
        with ui.element("div").classes("cm-progress w-full").style(f"height:{height}px") as self._bar:
            self._parts = [ui.element("div").classes(f"cm-progress-{name}") for name in PARTS]
        self._bar.props["role"] = "progressbar"
        self._bar.props["aria-label"] = label
        self.set(counts)

    def set(self, counts: Counts) -> None:
        shares = parts(counts)
        if shares != self._shown:
            self._shown = shares
            for part, share in zip(self._parts, shares, strict=True):
                part.style(replace=f"width:{share}%")
            self._bar.props(f"aria-valuemin=0 aria-valuemax=100 aria-valuenow={rounded(100 * counts.progress)}")


def parts(counts: Counts) -> tuple[float, ...]:
    """Per cent of each of PARTS; other: done with for another reason."""
    known = [counts.share(counts.in_state(state)) or 0.0 for state in PARTS[:-1]]
    return tuple(round(share, 2) for share in (*known, max(0.0, 100 * counts.progress - sum(known))))
