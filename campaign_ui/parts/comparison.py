"""Two campaigns in numbers: pure rows, and the tables and the chart that show them."""

from datetime import timedelta
from typing import Any

from nicegui import ui

from campaign_ui import lines, uncounted
from campaign_ui.charts import Picture
from campaign_ui.lines import HOURS, Course
from campaign_ui.parts.badge import word_and_tone
from campaign_ui.parts.blocks import card, scroll_box
from campaign_ui.parts.figure import Figure
from core import clock, stats
from core.campaigns.forecast import in_words
from core.stats.report import Report

Row = tuple[str, str, str, str]


class Comparison:
    """``set`` shows other numbers of the same two campaigns."""

    def __init__(self, a: Report, b: Report) -> None:
        with card("Figures").classes("overflow-hidden"):
            with scroll_box("Figures"):
                self._figures = _table(("Figure", f"A: {a.campaign.title}", f"B: {b.campaign.title}", "B against A"))
            self._notes = ui.label().classes("text-[13px] cm-mute")
        caption = "Per cent of sent, by time since each one’s own start"
        self._opens = Figure("Opened since the start", caption, _picture(a, b), "h-72")
        with card("Why mails failed").classes("overflow-hidden") as self._failures_card, scroll_box("Why mails failed"):
            self._failures = _table(("What the servers meant", "A", "B", "B against A"))
        self.set(a, b)

    def set(self, a: Report, b: Report) -> None:
        _fill(self._figures, figures(a, b))
        self._notes.set_text(notes(a, b))
        self._notes.set_visibility(bool(notes(a, b)))
        self._opens.set(_picture(a, b))
        failed = reasons(a, b)
        _fill(self._failures, failed)
        self._failures_card.set_visibility(bool(failed))


def notes(a: Report, b: Report) -> str:
    """What to know before comparing: whose opens nobody counts, and whose may be simulated."""
    named = {"A": a, "B": b}
    unknown = [name for name, each in named.items() if not each.campaign.is_counted]
    played = [name for name, each in named.items() if each.in_sandbox]
    said = [uncounted.why(" and ".join(unknown))] if unknown else []
    if played:
        said.append(f"{' and '.join(played)} went to the sandbox: to nobody, and opens may be simulated.")
    return " ".join(said)


def figures(a: Report, b: Report) -> list[Row]:
    """Name, of A, of B, and what of it is more in B: shares in points, nothing where more says nothing."""
    both = (a, b)
    rows: list[Row] = [
        _said("Status", *(word_and_tone(each.campaign)[0] for each in both)),
        _said("Started", *(clock.show(each.campaign.started_at, each.zone) for each in both)),
        _said("Took", *(in_words(each.took) if each.took is not None else "–" for each in both)),
        _said("Recipients", *(f"{each.campaign.counts.recipients:,}" for each in both)),
        _said("Sent", *(f"{each.campaign.counts.sent:,}" for each in both)),
    ]
    opens, clicks = ([why(each.campaign) for each in both] for why in (uncounted.why_opens, uncounted.why_clicks))
    asked = ["" if each.campaign.counts.knows_unsubscribed else "not counted" for each in both]
    for name, part, whole, why in (
        ("Opened, of sent", "opened", "countable", opens),
        ("Clicked, of sent", "clicked", "countable", clicks),
        ("Bounced, of sent", "bounced", "sent", ["", ""]),
        ("Unsubscribed, of sent", "unsubscribed", "sent", asked),
        ("Failed, of recipients", "failed", "recipients", ["", ""]),
    ):
        rows.append(_uncounted(_rate(name, *(_share(each, part, whole) for each in both)), why))
    for hours in (1, 24):
        row = _rate(f"Opened after {hours} h, of sent", *(course("", each).shares[HOURS.index(hours)] for each in both))
        rows.append(_uncounted(row, opens))
    return rows


def _uncounted(row: Row, why: list[str]) -> Row:
    a, b = (instead or words for words, instead in zip(row[1:3], why, strict=True))
    return row[0], a, b, "" if any(why) else row[3]


def reasons(a: Report, b: Report) -> list[Row]:
    """The reasons of failures of either, those with most mails first."""
    counts: dict[str, list[int]] = {}
    for side, each in enumerate((a, b)):
        for failure in each.failures:
            counts.setdefault(failure.explanation, [0, 0])[side] += failure.count
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))
    return [
        (words, f"{first:,}", f"{second:,}", f"{second - first:+,}".replace("-", "−"))
        for words, (first, second) in ordered
    ]


def course(title: str, of: Report) -> Course:
    """Opens by time since the start, as far as it has come."""
    sent, start = of.campaign.counts.countable, of.campaign.started_at
    if start is None or not sent:
        why = of.campaign.nothing_sent.lower() if of.campaign.is_counted else "opens were not counted"
        return Course(title, tuple(None for _ in HOURS), why)
    opened = stats.since_start(of.quarters, start, HOURS)
    over = [start + timedelta(hours=hours) <= of.made_at for hours in HOURS]
    shares = tuple(100 * n / sent if past else None for n, past in zip(opened, over, strict=True))
    return Course(title, shares, "its line begins 15 minutes after its start")


def _picture(a: Report, b: Report) -> Picture:
    return lines.since_start([course(f"A: {a.campaign.title}", a), course(f"B: {b.campaign.title}", b)])


def _share(of: Report, part: str, whole: str) -> float | None:
    return of.campaign.counts.share(getattr(of.campaign.counts, part), getattr(of.campaign.counts, whole))


def _said(name: str, a: str, b: str) -> Row:
    return name, a, b, ""


def _rate(name: str, a: float | None, b: float | None) -> Row:
    shown = [f"{share:.1f} %" if share is not None else "–" for share in (a, b)]
    if a is None or b is None:
        return name, shown[0], shown[1], ""
    points = f"{b - a:+.1f} points".replace("-", "−")
    return name, shown[0], shown[1], points if points[1:4] != "0.0" else "equal"


def _table(head: tuple[str, str, str, str]) -> ui.table:
    narrow = {"classes": "max-sm:hidden", "headerClasses": "max-sm:hidden"}  # on a phone there is room for three
    columns: list[dict[str, Any]] = [
        {"name": f"c{n}", "label": label, "field": f"c{n}", "align": "right" if n else "left"}
        | (narrow if n == 3 else {})
        for n, label in enumerate(head)
    ]
    table = ui.table(columns=columns, rows=[], row_key="c0", pagination=0).props("flat hide-bottom wrap-cells")
    return table.classes("w-full")


def _fill(table: ui.table, rows: list[Row]) -> None:
    shown = [{f"c{number}": cell for number, cell in enumerate(row)} for row in rows]
    if shown != table.rows:
        table.rows = shown
