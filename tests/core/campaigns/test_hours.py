from datetime import UTC, datetime

import pytest

from core import campaigns, clock, db
from core.errors import NotFound, RuleError
from core.models import Campaign
from tests import rows
from tests.conftest import Stack

OFFICE = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": "Asia/Kolkata"}
RAMP = {"start": 50, "factor": 1.5, "days": 14, "began": "2026-11-25", "zone": "Asia/Kolkata"}


@pytest.fixture
def alice(stack: Stack) -> int:
    db.clock_offset = datetime(2026, 11, 25, 15, tzinfo=UTC) - clock.utcnow()
    with db.session() as session:
        return rows.user(session)


@pytest.mark.parametrize("status", ["scheduled", "sending", "paused"])
def test_hours_change_until_it_is_over_and_hold_at_once(alice: int, status: str) -> None:
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, status=status)
        campaigns.set_hours(session, alice, campaign_id, OFFICE, RAMP)
        row = session.get_one(Campaign, campaign_id)
        assert (row.sending_window, row.warmup) == (OFFICE, RAMP)
        assert row.hold_until == datetime(2026, 11, 26, 3, 30, tzinfo=UTC)
        campaigns.set_hours(session, alice, campaign_id, None, None)
        assert (row.sending_window, row.warmup, row.hold_until) == (None, None, None)


@pytest.mark.parametrize("status", ["draft", "sent", "cancelled"])
def test_hours_of_a_draft_or_of_what_is_over_do_not_change_so(alice: int, status: str) -> None:
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, status=status)
        with pytest.raises(RuleError, match=f"This campaign is {status}"):
            campaigns.set_hours(session, alice, campaign_id, OFFICE, None)


def test_what_is_no_window_or_ramp_is_refused(alice: int) -> None:
    with db.session() as session:
        campaign_id = rows.campaign(session, alice)
        draft = rows.campaign(session, alice, status="draft")
        with pytest.raises(RuleError, match="at least one day"):
            campaigns.set_hours(session, alice, campaign_id, {**OFFICE, "days": []}, None)
        with pytest.raises(RuleError, match="The factor"):
            campaigns.save_draft(session, alice, draft, 1, warmup={**RAMP, "factor": 0})
        assert campaigns.save_draft(session, alice, draft, 1, warmup=RAMP, sending_window=OFFICE) == 2
        assert campaigns.duplicate(session, alice, draft).sending_window == OFFICE


def test_a_strangers_hours_do_not_change(alice: int) -> None:
    with db.session() as session:
        campaign_id = rows.campaign(session, alice)
        charlie = rows.user(session, "charlie@example.com")
        with pytest.raises(NotFound):
            campaigns.set_hours(session, charlie, campaign_id, OFFICE, None)
        assert session.get_one(Campaign, campaign_id).sending_window is None
