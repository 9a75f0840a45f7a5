"""Opens that cannot be counted are never counted as none."""

import io
from importlib import import_module

import openpyxl
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlmodel import col, select

from core import campaigns, db, stats
from core.delivery import senders
from core.models import Campaign, CampaignStatus, Meta
from core.stats import workbook
from core.stats.report import report
from tests import rows
from tests.conftest import Stack, using
from tests.core.campaigns.rows import NOW, read


def begin(campaign_id: int, user_id: int) -> bool | None:
    with db.session() as session:
        campaigns.send_now(session, user_id, campaign_id)
    with db.session() as session:
        campaigns.start_due(session)
    return read(campaign_id).readers_counted


def test_it_is_kept_at_the_start_whether_readers_can_be_counted(alice: int, draft: int, stack: Stack) -> None:
    assert read(draft).readers_counted is None
    assert begin(draft, alice) is False
    with using({**stack.env, "BASE_URL": "https://mail.example.com"}), db.session() as session:
        campaigns.start_due(session)
    assert read(draft).readers_counted is False  # some of its mails went out without


def test_with_an_address_they_are_counted_until_it_is_gone(alice: int, draft: int, stack: Stack) -> None:
    with using({**stack.env, "BASE_URL": "https://mail.example.com"}):
        assert begin(draft, alice) is True
    with db.session() as session:
        campaigns.start_due(session)
    assert read(draft).readers_counted is False


def test_mails_of_the_sandbox_are_counted_where_the_web_runs(alice: int, draft: int) -> None:
    with db.session() as session:
        session.get_one(Campaign, draft).sender_id = senders.add_sandbox(session, alice).id
        session.add(Meta(key=senders.WEB_KEY, value="http://127.0.0.1:8080"))
    assert begin(draft, alice) is True


def test_totals_averages_and_the_best_leave_out_what_is_not_counted(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        counted = rows.campaign(session, alice, status="sent", sent_count=50, opened_count=10, readers_counted=True)
        values = {"status": "sent", "sent_count": 100, "readers_counted": False}
        hidden = rows.campaign(session, alice, opened_count=90, **values)
        rows.campaign(session, alice, **values)
        session.flush()
        total = stats.overview(session, alice).total
        assert (total.sent, total.countable, total.opened, total.open_rate) == (250, 50, 10, 20.0)
        assert [each.id for each in stats.best(session, alice)] == [counted]
        assert stats.summaries(session, alice, order="opened")[0].id == counted
        alone = stats.summary(session, alice, hidden)
        assert (alone.is_counted, alone.counts.is_counted, alone.counts.open_rate) == (False, False, None)
        book = io.BytesIO()
        workbook.write(session, report(session, alice, hidden, "UTC"), book)
    sheet = openpyxl.load_workbook(book)["Summary"]
    told = {row[0].value: row[1].value for row in sheet.iter_rows()}
    assert {told[name] for name in ("Opened", "Clicked", "Open rate, % of sent", "Unsubscribed")} == {
        "not counted: BASE_URL was not set"
    }


@pytest.mark.parametrize(("base_url", "kept"), [("", [False, None, None, None]), ("https://x.example", [None] * 4)])
def test_of_older_campaigns_those_without_any_open_are_taken_as_not_counted(
    stack: Stack, base_url: str, kept: list[bool | None]
) -> None:
    with db.session() as session:
        alice = rows.user(session)
        box = rows.sender(session, alice, is_sandbox=True)
        for values in ({}, {"opened_count": 1}, {"sender_id": box.id}, {"started_at": None}):
            rows.campaign(session, alice, **{"status": CampaignStatus.sent, "started_at": NOW, **values})
    with using({**stack.env, **({"BASE_URL": base_url} if base_url else {})}):
        writing = db.engine().execution_options(writing=True)
        with writing.begin() as connection, Operations.context(MigrationContext.configure(connection)):
            step = import_module("core.migrations.versions.0010_readers_counted")
            step.downgrade()
            step.upgrade()
        with db.reading() as session:
            found = session.exec(select(Campaign.readers_counted).order_by(col(Campaign.id))).all()
    assert list(found) == kept
