"""A campaign's report: one or two pages of paper, to print or to save as PDF."""

from collections.abc import Callable

from nicegui import ui
from starlette.responses import Response

from campaign_ui import auth, charts, heatmap, layout, lines, plain, uncounted
from campaign_ui.charts import Picture
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import Chart, link_button
from campaign_ui.parts.badge import word_and_tone
from campaign_ui.parts.links import link_label
from campaign_ui.parts.sandbox_play import sandbox_note
from core import clock, db
from core.campaigns.forecast import in_words
from core.errors import NotFound
from core.stats import Failure, Pace
from core.stats.report import Report, report

_MOST = 8  # failures and links on paper; the workbook has all


def register() -> None:
    @ui.page("/campaigns/{campaign_id}/report", response_timeout=layout.PATIENCE)
    async def report(campaign_id: str) -> Response | None:
        user = auth.current()
        try:
            number = int(campaign_id) if campaign_id.isdecimal() and len(campaign_id) < 19 else 0
            data = await off_loop(_load, user.id, user.time_zone, number)
        except NotFound:
            return plain.not_found()
        with layout.frame(f"Report: {data.campaign.title}", "/campaigns"):
            ui.add_head_html(f'<link rel="stylesheet" href="/static/paper.css?v={plain.version()}">')
            _buttons(number)
            with ui.element("article").classes("cm-sheet mx-auto") as sheet:
                sheet.props["aria-label"] = f"Report of {data.campaign.title}"
                await sandbox_note(user.id, number)
                _sheet(data)
        return None


def _load(user_id: int, zone: str, campaign_id: int) -> Report:
    with db.reading() as session:
        return report(session, user_id, campaign_id, zone)


def _buttons(campaign_id: int) -> None:
    with ui.row().classes("w-full items-center justify-between gap-3 print:hidden"):
        link_button("Back to the campaign", f"/campaigns/{campaign_id}", "arrow_back", "flat")
        with ui.row().classes("items-center gap-2"):
            link_button("Recipients as CSV", f"/campaigns/{campaign_id}/recipients.csv", "download", "outline")
            link_button("Workbook (XLSX)", f"/campaigns/{campaign_id}/report.xlsx", "table_chart", "outline")
            printing = ui.button("Print or save as PDF", icon="print")
            printing.on("click", js_handler="() => window.print()")


def _sheet(data: Report) -> None:
    campaign, counts, none = data.campaign, data.campaign.counts, data.campaign.nothing_sent
    _head(data)
    with ui.element("dl").classes("grid grid-cols-2 sm:grid-cols-4 gap-3 m-0"):
        _figure("Sent", counts.sent, counts.share(counts.sent), "of recipients", "sent", none)
        opens, clicks = uncounted.why_opens(campaign), uncounted.why_clicks(campaign)
        _figure("Opened", counts.opened, counts.open_rate, "of sent", "brand", none, opens)
        _figure("Clicked", counts.clicked, counts.click_rate, "of sent", "info", none, clicks)
        _figure("Failed", counts.failed, counts.share(counts.failed), "of recipients", "failed", none)
    ui.label(charts.say_sum(counts)).classes("text-[13px] font-medium tabular-nums")
    more = [("bounced", counts.bounced), ("reported as spam", counts.complained)]
    if counts.knows_unsubscribed:
        more.append(("unsubscribed", counts.unsubscribed))
    ui.label(", ".join(f"{count:,} {word}" for word, count in more) + ".").classes("text-[13px] cm-mute -mt-2")
    if not campaign.is_counted:
        ui.label(uncounted.why()).classes("text-[13px]")
    if data.minutes:
        _picture("Mails per minute", lines.rate(Pace(data.minutes)), "h-44")
    elif data.progress.of:
        _picture(f"Mails per {data.progress.unit}", charts.progress(data.progress, campaign.is_counted), "h-44")
    if data.readers.of:
        _picture("Opens and clicks", lines.readers(data.readers, knows_clicks=campaign.knows_clicks), "h-44")
        _picture("When they read", heatmap.weekdays(data.heat), "h-44")
    if data.links and campaign.is_counted:
        head, rows = ("Link", "People"), [(link.url, f"{link.people:,}") for link in data.links[:_MOST]]
        _table("Links", head, rows, len(data.links), link_label)
    if data.failures:
        failed = [(_why(each), f"{each.count:,}") for each in data.failures[:_MOST]]
        _table("Why mails failed", ("What the servers meant, and said", "Mails"), failed, len(data.failures))
    made = clock.show(data.made_at, data.zone)
    ui.label(f"Made {made}. All times in {data.zone.replace('_', ' ')}.").classes("text-xs cm-mute")
    if campaign.status in ("sending", "paused"):
        ui.label("The campaign was still going out then.").classes("text-xs cm-mute -mt-3")


def _why(failure: Failure) -> str:
    said = failure.replies[0][0] if failure.replies else ""
    return " ".join(filter(None, (failure.explanation, failure.where, said)))


def _head(data: Report) -> None:
    campaign, zone = data.campaign, data.zone
    word, tone = word_and_tone(campaign)
    with ui.element("header").classes("flex flex-col gap-1"):
        with ui.row().classes("items-center gap-3 flex-nowrap"):
            title = ui.label(campaign.title).classes("text-[22px] font-semibold tracking-tight leading-tight")
            title.props("role=heading aria-level=2").style("overflow-wrap:anywhere")
            ui.label(word).classes(f"cm-badge is-{tone} shrink-0")
        ui.label(f"Subject: {data.subject}").classes("text-sm cm-mute").style("overflow-wrap:anywhere")
        if data.sender:
            ui.label(f"From: {data.sender}").classes("text-sm cm-mute").style("overflow-wrap:anywhere")
        if campaign.started_at is not None and data.took is not None:
            end = f" to {clock.show(campaign.finished_at, zone)}" if campaign.finished_at else ", not finished"
            when = f"{clock.show(campaign.started_at, zone)}{end} ({in_words(data.took)})"
            ui.label(when).classes("text-sm cm-mute tabular-nums")


def _figure(label: str, value: int, share: float | None, of: str, tone: str, none: str, unknown: str = "") -> None:
    """``none``: what is said where there is no share; ``unknown``: why there is no number either."""
    with ui.element("div").classes("pl-3").style(f"border-left:3px solid var(--cm-{tone})"):
        with ui.element("dt").classes("text-xs cm-mute"):
            ui.label(label)
        with ui.element("dd").classes("m-0"):
            ui.label("–" if unknown else f"{value:,}").classes("cm-num text-[22px]")
            known = none if share is None else f"{charts.rounded(share)} % {of}"
            ui.label(unknown or known).classes("text-xs cm-mute tabular-nums")


def _picture(title: str, picture: Picture, height: str) -> None:
    with ui.element("section").classes("cm-keep"):
        ui.label(title).classes("font-semibold text-[14px]").props("role=heading aria-level=3")
        Chart(picture.options, picture.words, f"w-full {height}", on_paper=True)
        ui.label(picture.words).classes("text-xs cm-mute tabular-nums")


def _table(
    title: str,
    head: tuple[str, str],
    rows: list[tuple[str, str]],
    count: int,
    first: Callable[[str], ui.label] = ui.label,
) -> None:
    with ui.element("section").classes("cm-keep"):
        ui.label(title).classes("font-semibold text-[14px] mb-1").props("role=heading aria-level=3")
        with ui.element("table").classes("w-full text-[12.5px]").style("border-collapse:collapse"):
            with ui.element("thead"), ui.element("tr"):
                for number, word in enumerate(head):
                    with (
                        ui.element("th")
                        .props("scope=col")
                        .classes(f"py-1 cm-mute {'text-right' if number else 'text-left'}")
                    ):
                        ui.label(word)
            with ui.element("tbody"):
                for cells in rows:
                    with ui.element("tr").classes("cm-line align-top"):
                        for number, text in enumerate(cells):
                            classes = "py-1 text-right tabular-nums pl-3" if number else "py-1"
                            with ui.element("td").classes(classes).style("overflow-wrap:anywhere"):
                                (ui.label if number else first)(text)
        if count > len(rows):
            ui.label(f"{count - len(rows):,} more are in the workbook.").classes("text-xs cm-mute mt-1")
