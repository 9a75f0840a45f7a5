import csv
from datetime import UTC, datetime

import pytest

from core import db
from core.models import Campaign
from core.tracking import export
from tests import rows
from tests.conftest import Stack

AT = datetime(2026, 11, 22, 4, tzinfo=UTC)


def test_another_column_shifts_none_of_the_others(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        campaign_id = rows.campaign(session, user_id, status="sent")
        campaign = session.get_one(Campaign, campaign_id)
        said = {"attempts": 1, "opened_at": AT, "clicked_at": AT, "reply": "2.0.0 Ok", "reply_code": 250}
        rows.message(session, campaign, "a@example.com", "sent", AT, **said)
    before = {"email": "a@example.com", "state": "sent", "attempts": "1", "sent_at": "2026-11-22T04:00:00+00:00"}
    before |= {"opened_at": "2026-11-22T04:00:00+00:00", "reply": "250 2.0.0 Ok"}
    assert told(user_id, campaign_id) == before
    monkeypatch.setattr(export, "COLUMNS", ("email", "state", "domain", *export.COLUMNS[2:]))
    assert told(user_id, campaign_id) == before | {"domain": "example.com"}
    with db.reading() as session:
        [row] = export.recipients(session, campaign_id, 10)
    assert row == ("a@example.com", "sent", "example.com", 1, AT, AT, "2.0.0 Ok", 250, 0, AT, None, None, None)


def told(user_id: int, campaign_id: int) -> dict[str, str]:
    """The only row of the CSV."""
    [row] = csv.DictReader("".join(export.recipients_csv(user_id, campaign_id)).splitlines())
    return row
