"""A campaign's report as an XLSX workbook with charts that Excel draws from its cells."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.chart import BarChart, DoughnutChart, LineChart, Reference
from openpyxl.styles import Font
from sqlmodel import Session

from core import clock
from core.audience.export import harmless
from core.stats.counts import Summary
from core.stats.report import Report
from core.tracking import export

MOST_RECIPIENTS = 10_000  # the CSV has all of them
_CELL_CHARS = 32_767  # of Excel
_UNCOUNTED, _NO_LINKS = "not counted: BASE_URL was not set", "no counted links"
_BOLD = Font(bold=True)
_FORMATS: dict[type, str] = {datetime: "yyyy-mm-dd hh:mm", date: "yyyy-mm-dd", time: "hh:mm"}
_COLOURS = {"Sent": "0F9F6E", "Failed": "E11D48", "Opened": "6366F1", "Clicked": "0284C7"}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def write(session: Session, report: Report, to: IO[bytes]) -> None:
    """Write the workbook into ``to``. Times are the user's (``report.zone``), without a zone, as Excel wants them.

    No text that a user or a server wrote becomes a formula. At most 10,000 recipients are listed.
    """
    book = Workbook(write_only=True)
    zone = clock.zone_label(report.made_at, report.zone)
    _summary(book, report, zone)
    _progress(book, report, zone)
    _readers(book, report, zone)
    _week(book, report)
    head = ("Mails", "What it means", "What to do", "The servers’ words", "Where")
    failed = [
        (each.count, each.explanation, each.advice, "\n".join(words for words, _ in each.replies), each.where)
        for each in report.failures
    ]
    _sheet(book, "Failures", head, failed, (8, 60, 60, 80, 40))
    links = [(link.url, link.people) for link in report.links if report.campaign.is_counted]
    sheet = _sheet(book, "Links", ("Link", "People who clicked"), links, (70, 20))
    if links:
        sheet.add_chart(_chart(BarChart(), sheet, "People who clicked", links, [2], ("Clicked",)), "D2")
    _recipients(book, session, report, zone)
    book.save(to)


def _summary(book: Any, report: Report, zone: str) -> None:
    campaign, counts = report.campaign, report.campaign.counts
    unclicked = _UNCOUNTED if not campaign.is_counted else "" if campaign.knows_clicks else _NO_LINKS
    states = ("sent", "failed", "pending", "suppressed", "cancelled", "unknown")
    rows: list[Sequence[Any]] = [
        ("Campaign", campaign.title),
        ("Subject", report.subject),
        ("From", report.sender),
        ("Status", campaign.status if campaign.is_stopped else campaign.shown_status),
        (f"Started ({zone})", _local(campaign.started_at, report.zone)),
        (f"Finished ({zone})", _local(campaign.finished_at, report.zone)),
        (f"Report made ({zone})", _local(report.made_at, report.zone)),
        (),
        ("Recipients", counts.recipients),
        *((state.capitalize(), counts.in_state(state)) for state in states),
        (),
        ("Opened", counts.opened if campaign.is_counted else _UNCOUNTED),
        ("Clicked", unclicked or counts.clicked),
        ("Open rate, % of sent", _rate(campaign, counts.open_rate) if campaign.is_counted else _UNCOUNTED),
        ("Click rate, % of sent", unclicked or _rate(campaign, counts.click_rate)),
        ("Bounced", counts.bounced),
        ("Unsubscribed", counts.unsubscribed if counts.knows_unsubscribed else _UNCOUNTED),
        ("Reported as spam", counts.complained),
    ]
    sheet = _sheet(book, "Summary", ("", report.campaign.title), rows, (24, 60))
    chart = DoughnutChart()
    first = 2 + rows.index(("Sent", counts.sent))
    chart.add_data(Reference(sheet, min_col=2, min_row=first, max_row=first + len(states) - 1))
    chart.set_categories(Reference(sheet, min_col=1, min_row=first, max_row=first + len(states) - 1))
    chart.title, chart.holeSize = "Recipients", 60
    sheet.add_chart(chart, "D2")


def _rate(campaign: Summary, share: float | None) -> float | str:
    return campaign.nothing_sent.lower() if share is None else round(share, 2)


def _progress(book: Any, report: Report, zone: str) -> None:
    unit = "minute" if report.minutes else report.progress.unit
    rows = [(_start(each.at, unit), each.sent, each.failed) for each in report.minutes or report.progress.of]
    sheet = _sheet(book, f"By {unit}", (f"{unit.capitalize()} ({zone})", "Sent", "Failed"), rows, (20, 10, 10))
    if rows:
        chart = _chart(BarChart(), sheet, f"Mails per {unit}", rows, [2, 3], ("Sent", "Failed"))
        chart.grouping, chart.overlap = "stacked", 100
        sheet.add_chart(chart, "E2")


def _readers(book: Any, report: Report, zone: str) -> None:
    unit = report.readers.unit
    names = ("Opened", "Clicked") if report.campaign.knows_clicks else ("Opened",)
    head = (f"{'15 minutes' if unit == 'quarter' else unit.capitalize()} from ({zone})", *names)
    rows = [(_start(span.at, unit), *(span.opened, span.clicked)[: len(names)]) for span in report.readers.of]
    sheet = _sheet(book, "Readers", head, rows, (24, 10, 10))
    if rows:
        title = "Opens and clicks" if report.campaign.knows_clicks else "Opens"
        chart = _chart(LineChart(), sheet, title, rows, range(2, 2 + len(names)), names)
        sheet.add_chart(chart, "E2")


def _week(book: Any, report: Report) -> None:
    rows = [(time(hour), *(day[hour] for day in report.heat.cells)) for hour in range(24)]
    sheet = _sheet(book, "When they read", ("Opens from", *_DAYS), rows, (12, *[12] * 7))
    if report.heat.total:
        chart = _chart(BarChart(), sheet, "Opens by hour of the day", rows, list(range(2, 9)), ())
        chart.grouping, chart.overlap = "stacked", 100
        sheet.add_chart(chart, "J2")


def _recipients(book: Any, session: Session, report: Report, zone: str) -> None:
    names, words = report.tried_by, ("The server’s last words", "Its code")
    head = (
        "Address",
        "State",
        "Attempts",
        f"Sent ({zone})",
        f"Opened ({zone})",
        *(f"{name} ({zone})" for name in ("Clicked", "Bounced", "Reported as spam", "Unsubscribed")),
        *words,
        *(["Sender"] if names else []),
    )
    listed = export.recipients(session, report.campaign.id, MOST_RECIPIENTS)
    rows = (
        (
            email,
            state,
            tries,
            *(_local(at, report.zone) for at in (sent, opened, *facts)),
            reply,
            code,
            names.get(sender),
        )
        for email, state, tries, sent, opened, reply, code, sender, *facts in listed
    )
    sheet = _sheet(book, "Recipients", head, rows, (36, 12, 10, *[18] * 6, 60, 10, 24))
    if report.campaign.counts.recipients > MOST_RECIPIENTS:
        count = report.campaign.counts.recipients
        sheet.append([f"The first {MOST_RECIPIENTS:,} of {count:,} are listed. The campaign's CSV has all."])


def _sheet(book: Any, title: str, head: Sequence[str], rows: Iterable[Sequence[Any]], widths: Sequence[int]) -> Any:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths):
        sheet.column_dimensions["ABCDEFGHIJKL"[number]].width = width
    sheet.append([_cell(sheet, word, bold=True) for word in head])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    return sheet


def _cell(sheet: Any, value: Any, bold: bool = False) -> Any:
    if isinstance(value, str):
        value = harmless(ILLEGAL_CHARACTERS_RE.sub(" ", value))[:_CELL_CHARS]
    if not bold and type(value) not in _FORMATS:
        return value
    cell = WriteOnlyCell(sheet, value)
    if bold:
        cell.font = _BOLD
    else:
        cell.number_format = _FORMATS[type(value)]
    return cell


def _chart(
    chart: Any, sheet: Any, title: str, rows: Sequence[Any], columns: Sequence[int], names: Sequence[str]
) -> Any:
    """Of ``columns`` with the first column as categories, in the colours of the screens."""
    count = len(rows)
    for column in columns:
        data = Reference(sheet, min_col=column, min_row=1, max_row=count + 1)
        chart.add_data(data, titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=count + 1))
    for series, name in zip(chart.series, names, strict=False):
        series.graphicalProperties.solidFill = series.graphicalProperties.line.solidFill = _COLOURS[name]
    chart.title, chart.width, chart.height = title, 22, 10
    chart.x_axis.number_format = _FORMATS.get(type(rows[0][0]), "General")
    chart.x_axis.delete = chart.y_axis.delete = False  # else newer Excel hides the axes
    return chart


def _start(at: datetime, unit: str) -> datetime | date:
    return at.date() if unit == "day" else at.replace(tzinfo=None, microsecond=0)


def _local(moment: datetime | None, zone: str) -> datetime | None:
    return clock.to_zone(moment, zone).replace(tzinfo=None, microsecond=0) if moment is not None else None
