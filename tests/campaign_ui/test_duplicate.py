"""A copy of a campaign, from wherever it is made."""

import pytest
from nicegui.testing import User as Browser
from sqlalchemy import update
from sqlmodel import col, select

from core import db
from core.models import Campaign
from tests import rows
from tests.campaign_ui.conftest import SignIn, press


@pytest.mark.parametrize("path", ["/campaigns/{}", "/campaigns/{}/edit"])
async def test_a_campaign_that_is_gone_by_now_is_not_copied_and_that_is_said(
    user: Browser, sign_in: SignIn, path: str
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, {"sent": ["anna@example.com"]}, status="sent")
    await user.open(path.format(campaign_id))
    with db.session() as session:  # in another tab, which this one has not heard of yet
        session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(deleted_at=db.now(session)))
    press(user, "Duplicate")
    await user.should_see("There is no such campaign.")
    with db.reading() as session:
        assert session.exec(select(Campaign.id)).all() == [campaign_id]
