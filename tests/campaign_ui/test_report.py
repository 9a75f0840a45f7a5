"""The report on paper and as a workbook."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx
import openpyxl
import pytest
from fastapi import FastAPI
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy import delete, update
from sqlmodel import col, select

from campaign_ui.endpoints import report
from core import accounts, db, live
from core.delivery.replies import LEFT_OUT
from core.models import Activity, Campaign, CampaignLink, LinkClick, Message, Reading, Sender
from core.stats import workbook
from core.stats.report import report as whole_report
from tests import rows
from tests.campaign_ui.conftest import SignIn, texts
from tests.conftest import Stack

START = datetime(2026, 11, 22, 4, tzinfo=UTC)
EVIL = '=HYPERLINK("http://evil.test")'


def make(user_id: int) -> int:
    with db.session() as session:
        sender = rows.sender(session, user_id, from_name="Harbour Books")
        counts = {"sent_count": 90, "failed_count": 10, "recipients_count": 100, "opened_count": 45, "clicked_count": 9}
        values = {"name": EVIL, "subject": "@news", "status": "sent", "sender_id": sender.id, "started_at": START}
        finished = START.replace(hour=6, minute=30)
        campaign_id = rows.campaign(session, user_id, finished_at=finished, **values, **counts)
        campaign = session.get_one(Campaign, campaign_id)
        told = {"kind": "bad_recipient", "rule_id": "no-user", "reply": f"{EVIL}\x0b<b>", "attempts": 1}
        rows.message(session, campaign, "+1@example.com", "failed", START, **told)
        said = {"reply": "2.0.0 OK queued as 4711", "reply_code": 250, "opened_at": START.replace(minute=20)}
        rows.message(session, campaign, "anna@example.com", "sent", START, **said)
        for hours, sent in ((0, 60), (2, 30)):
            at = START.replace(hour=4 + hours)
            session.add(Activity(campaign_id=campaign_id, hour_at=at, sent_count=sent, failed_count=5))
        session.add(Reading(campaign_id=campaign_id, quarter_at=START.replace(minute=15), opened_count=45))
        link = CampaignLink(campaign_id=campaign_id, url="https://shop.example/")
        session.add(link)
        session.flush()
        session.add(LinkClick(link_id=link.id or 0, message_id=1, at=START))
    return campaign_id


def _left_out(campaign_id: int) -> None:
    """Mails for two domains fail."""
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        for number, domain in enumerate(("gmx.example", "web.example", "gmx.example")):
            left = {"kind": "policy", "rule_id": LEFT_OUT, "reply": f"Not tried, as {domain} refused others"}
            rows.message(session, campaign, f"left{number}@{domain}", "failed", START, **left)


async def test_the_page_tells_all_that_matters(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user, time_zone="Asia/Kolkata"))
    _left_out(campaign_id)
    await user.open(f"/campaigns/{campaign_id}/report")
    for words in (
        "Print or save as PDF",
        EVIL,
        "From: Harbour Books <news@example.com>",
        "22 Nov 2026, 09:30 IST to 22 Nov 2026, 12:00 IST (about 2 h 30 min)",
        "100 recipients = 90 sent + 10 failed + 0 pending",
        "45 opened, 0 clicked. Most opens in the 15 minutes from 22 Nov, 09:45: 45.",
        "https://shop.example/",
        "This mailbox does not exist. We do not mail it again.",
        "Most at gmx.example (2), web.example (1). Not tried, as gmx.example refused others",
        "All times in Asia/Kolkata.",
    ):
        await user.should_see(words)


async def test_the_subject_is_told_in_words_on_the_campaigns_page_its_report_and_the_workbook(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    campaign_id = make(alice)
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.name, campaign.subject = "", 'Hi {{ first_name | default: "there" }} of {{ city }}'
        message = session.exec(select(Message).order_by(col(Message.id))).first()
        assert message is not None
        message.fields = {"first_name": "<b>Bo", "city": "Pune"}
        file = io.BytesIO()
        session.flush()
        workbook.write(session, whole_report(session, alice, campaign_id, "Asia/Kolkata"), file)
    for path, words in (("", "Hi there of [city]"), ("/report", "Subject: Hi there of [city]")):
        await user.open(f"/campaigns/{campaign_id}{path}")
        await user.should_see(words)
        assert "{{" not in texts(user) and "Hi <b>Bo" not in texts(user)
    await user.open("/campaigns")
    assert "Hi there of [city]" in texts(user) and "{{" not in texts(user)
    rows_of = openpyxl.load_workbook(file)["Summary"].iter_rows(values_only=True)
    assert [row[1] for row in rows_of if row[0] in ("Campaign", "Subject")] == ["Hi there of [city]"] * 2


async def test_the_sender_has_the_letters_of_its_domain(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    with db.session() as session:
        session.exec(select(Sender)).one().from_address = "news@xn--mller-kva.de"
    await user.open(f"/campaigns/{campaign_id}/report")
    await user.should_see("From: Harbour Books <news@müller.de>")


async def test_moments_and_codes_are_no_text_in_the_workbook(sqlite_stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
    campaign_id = make(alice)
    book = written(alice, campaign_id)
    summary = {row[0].value: row[1] for row in book["Summary"].iter_rows(min_row=2)}
    assert summary["Started (IST)"].value == datetime(2026, 11, 22, 9, 30)
    assert summary["Finished (IST)"].value == datetime(2026, 11, 22, 12, 0)
    assert summary["Report made (IST)"].is_date
    assert book["Readers"]["A1"].value == "15 minutes from (IST)"
    assert book["Readers"]["A2"].value == datetime(2026, 11, 22, 9, 45)
    assert (book["When they read"]["A2"].value, book["When they read"]["A25"].value) == (time(0), time(23))
    [chart] = book["When they read"]._charts
    assert chart.x_axis.number_format.formatCode == "hh:mm"
    head, _, anna = book["Recipients"].iter_rows(values_only=True)
    facts = ("Clicked (IST)", "Bounced (IST)", "Reported as spam (IST)", "Unsubscribed (IST)")
    assert head[5:] == (*facts, "The server’s last words", "Its code")
    assert anna[5:] == (None, None, None, None, "2.0.0 OK queued as 4711", 250)
    for name in ("By hour", "Readers", "When they read", "Links", "Recipients"):
        for column in book[name].iter_cols(min_row=2):
            assert len({cell.data_type for cell in column if cell.value is not None}) <= 1, column


def unlink() -> None:
    """A mail without links."""
    with db.session() as session:
        session.execute(delete(LinkClick))
        session.execute(delete(CampaignLink))
        session.execute(update(Campaign).values(clicked_count=0))


async def test_clicks_of_a_mail_without_links_are_no_zero(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(alice := sign_in(user))
    unlink()
    for path in ("/report", ""):
        await user.open(f"/campaigns/{campaign_id}{path}")
        await user.should_see("45 opened; no links are counted. Most opens in the 15 minutes from 22 Nov, 09:45: 45.")
        assert "0 clicked" not in texts(user)
        if path:
            assert figure(user, "Clicked") == ["–", "no counted links"]
    book = written(alice, campaign_id)
    told = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert told["Clicked"] == told["Click rate, % of sent"] == "no counted links"
    assert (told["Opened"], told["Open rate, % of sent"]) == (45, 50)
    assert [cell.value for cell in book["Readers"][1]] == ["15 minutes from (IST)", "Opened"]
    assert len(book["Readers"]._charts[0].series) == 1


def figure(browser: Browser, label: str) -> list[str]:
    """What the report says below ``label``."""
    assert browser.client is not None
    [term] = [e for e in browser.client.elements.values() if e.tag == "dt" and label in _said(e)]
    assert term.parent_slot is not None
    return _said(term.parent_slot.parent)[1:]


def _said(element: ui.element) -> list[str]:
    return [each.text for each in element.descendants() if isinstance(each, ui.label)]


async def test_days_have_no_hour_in_the_workbook(sqlite_stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
    campaign_id = make(alice)
    with db.session() as session:
        for days in (0, 5):
            at = START + timedelta(days=days, hours=5)
            session.add(Activity(campaign_id=campaign_id, hour_at=at, sent_count=1, failed_count=0))
            session.add(Reading(campaign_id=campaign_id, quarter_at=at, opened_count=1))
    book = written(alice, campaign_id)
    for sheet, word in (("By day", "Day (IST)"), ("Readers", "Day from (IST)")):
        head, first = book[sheet]["A1"], book[sheet]["A2"]
        assert (head.value, first.value, first.number_format) == (word, datetime(2026, 11, 22), "yyyy-mm-dd")


def written(user_id: int, campaign_id: int) -> Any:
    """The workbook of a report, opened again."""
    file = io.BytesIO()
    with db.reading() as session:
        workbook.write(session, whole_report(session, user_id, campaign_id, "Asia/Kolkata"), file)
    return openpyxl.load_workbook(file)


async def test_a_short_campaign_is_shown_by_its_minutes(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user, time_zone="Asia/Kolkata")
    campaign_id = make(alice)
    with db.session() as session:
        session.get_one(Campaign, campaign_id).finished_at = START.replace(minute=2)
    await user.open(f"/campaigns/{campaign_id}/report")
    await user.should_see("Mails per minute")
    await user.should_see("1 mail sent in these 3 minutes. Most in that from 09:30: 1.")
    await user.should_not_see("Mails per hour")
    book = written(alice, campaign_id)
    assert list(book["By minute"].iter_rows(values_only=True))[1] == (datetime(2026, 11, 22, 9, 30), 1, 1)


def test_a_workbook_says_that_a_campaign_waits_and_that_nothing_was_sent_yet(stack: Stack) -> None:
    file = io.BytesIO()
    with db.session() as session:
        alice, later = rows.user(session), db.now(session) + timedelta(hours=2)
        campaign_id = rows.campaign(session, alice, {"pending": ["a@x.io"]}, hold_until=later)
        workbook.write(session, whole_report(session, alice, campaign_id, "Asia/Kolkata"), file)
    told = {row[0]: row[1] for row in openpyxl.load_workbook(file)["Summary"].iter_rows(values_only=True)}
    assert told["Status"] == "waiting"
    assert told["Open rate, % of sent"] == told["Click rate, % of sent"] == "nothing was sent yet"


@pytest.mark.parametrize(("status", "state"), [("cancelled", "cancelled"), ("sent", "failed")])
def test_a_workbook_of_a_campaign_that_is_over_says_that_nothing_was_sent(
    stack: Stack, status: str, state: str
) -> None:
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = rows.campaign(session, alice, {state: ["a@x.io"]}, status=status)
    told = {row[0]: row[1] for row in written(alice, campaign_id)["Summary"].iter_rows(values_only=True)}
    assert told["Open rate, % of sent"] == told["Click rate, % of sent"] == "nothing was sent"


@pytest.mark.parametrize("path", ["/campaigns/{}/report", "/campaigns/99999/report", "/campaigns/x/report"])
async def test_charlie_sees_no_report_of_alice(user: Browser, sign_in: SignIn, path: str) -> None:
    with db.session() as session:
        alice = rows.user(session)
    campaign_id = make(alice)
    sign_in(user, "charlie@example.com")
    response = await user.http_client.get(path.format(campaign_id))
    assert response.status_code == 404 and "HYPERLINK" not in response.text


@pytest.fixture
async def web(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    report.register(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web.test") as client:
        yield client


async def test_the_owner_downloads_a_workbook_with_charts_and_no_formula(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_RECIPIENTS", 1)
    with db.session() as session:
        owner, charlie = rows.user(session), rows.user(session, "charlie@example.com")
    campaign_id = make(owner)
    _left_out(campaign_id)
    with db.session() as session:
        tokens = [accounts.start_session(session, user_id) for user_id in (owner, charlie)]
    url = f"/campaigns/{campaign_id}/report.xlsx"
    assert (await web.get(url)).status_code == 303
    answers = [await web.get(url, headers={"Cookie": f"session={token}"}) for token in tokens]
    assert [answer.status_code for answer in answers] == [200, 404] and "HYPER" not in answers[1].text
    beyond = f"/campaigns/{'9' * 30}/report.xlsx"
    assert (await web.get(beyond, headers={"Cookie": f"session={tokens[0]}"})).status_code == 404
    book = openpyxl.load_workbook(io.BytesIO(answers[0].content))
    assert book.sheetnames == ["Summary", "By hour", "Readers", "When they read", "Failures", "Links", "Recipients"]
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    summary = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert (summary["Sent"], summary["Opened"], summary["Open rate, % of sent"]) == (90, 45, 50)
    assert summary["Campaign"] == "'" + EVIL and summary["Subject"] == "'@news"
    hours = list(book["By hour"].iter_rows(values_only=True))
    assert hours[0] == ("Hour (IST)", "Sent", "Failed")
    assert hours[1] == (datetime(2026, 11, 22, 9, 30), 60, 5) and hours[2][1:] == (0, 0) and hours[3][1:] == (30, 5)
    assert book["When they read"]["H11"].value == 45  # a Sunday, from 09:00
    failed = list(book["Failures"].iter_rows(min_row=2, values_only=True))
    assert failed[1][0] == 1 and failed[1][3].startswith("'=HYPERLINK")
    assert failed[0][0] == 3 and failed[0][4] == "Most at gmx.example (2), web.example (1)."
    assert [row[0] for row in book["Recipients"].iter_rows(values_only=True)] == [
        "Address",
        "'+1@example.com",
        "The first 1 of 100 are listed. The campaign's CSV has all.",
    ]
    charts = {sheet.title: len(sheet._charts) for sheet in book}
    assert {name for name, count in charts.items() if count} == {
        "Summary",
        "By hour",
        "Readers",
        "When they read",
        "Links",
    }


async def test_the_campaigns_own_page_tells_its_minutes_as_the_report_does(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user, time_zone="Asia/Kolkata")
    with db.session() as session:
        over = {"status": "sent", "started_at": START, "finished_at": START.replace(minute=3)}
        sent = {"sent": ["a@x.io", "b@x.io", "c@x.io", "d@x.io"]}
        campaign_id = rows.campaign(session, alice, sent, **over)
        for message, minute in zip(session.exec(select(Message)), (0, 0, 0, 3), strict=True):
            message.sent_at = START.replace(minute=minute)
    words = "4 mails sent in these 4 minutes. Most in that from 09:30: 3."
    for path in (f"/campaigns/{campaign_id}/report", f"/campaigns/{campaign_id}"):
        await user.open(path)
        await user.should_see(words)
    await user.should_see("The 4 minutes up to its end")
    with db.session() as session:  # one is tried again
        again = update(Campaign).values(status="sending", finished_at=None, sent_count=3, pending_count=1)
        session.execute(again)
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_not_see("The 4 minutes up to its end")
    with db.session() as session:
        session.execute(update(Message).where(col(Message.email) == "a@x.io").values(sent_at=START.replace(minute=5)))
        ended = {"status": "sent", "finished_at": START.replace(minute=6), "sent_count": 4, "pending_count": 0}
        session.execute(update(Campaign).values(**ended))
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_see("4 mails sent in these 7 minutes. Most in that from 09:30: 2.")
    with db.session() as session:  # all of them long after its end: as mails in doubt are settled
        session.execute(update(Message).values(sent_at=START.replace(hour=9)))
        session.execute(update(Campaign).values(finished_at=START.replace(minute=2)))
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await user.should_not_see("Mails per minute")
