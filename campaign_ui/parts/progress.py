"""How far a campaign is: sent, failed and the rest, in one bar."""

from nicegui import ui

from core.stats import Counts


class Progress:
    def __init__(self, counts: Counts, label: str, height: int = 8) -> None:
        self._shown: tuple[float, float, float] | None = None
        with ui.element("div").classes("cm-progress w-full").style(f"height:{height}px") as self._bar:
            self._parts = [ui.element("div").classes(f"cm-progress-{name}") for name in ("sent", "failed", "other")]
        self._bar.props["role"] = "progressbar"
        self._bar.props["aria-label"] = label
        self.set(counts)

    def set(self, counts: Counts) -> None:
        shares = parts(counts)
        if shares != self._shown:
            self._shown = shares
            for part, share in zip(self._parts, shares, strict=True):
                part.style(replace=f"width:{share}%")
            self._bar.props(f"aria-valuemin=0 aria-valuemax=100 aria-valuenow={100 * counts.progress:.1f}")


def parts(counts: Counts) -> tuple[float, float, float]:
    """Per cent sent, failed, and done with for another reason."""
    sent, failed = counts.share(counts.sent) or 0.0, counts.share(counts.failed) or 0.0
    return round(sent, 2), round(failed, 2), round(max(0.0, 100 * counts.progress - sent - failed), 2)
