"""What happened to one mail, opened from the ledger."""

import pytest
from nicegui import ui
from nicegui.testing import User as Browser

from core import db, stats
from tests import rows
from tests.campaign_ui.conftest import Held, SignIn, eventually, press


def titles(browser: Browser) -> list[str]:
    """Of the dialogs that are open."""
    assert browser.client is not None
    dialogs = [each for each in browser.client.elements.values() if isinstance(each, ui.dialog)]
    return [each.props["aria-label"] for each in dialogs if each.value]


async def test_an_address_that_is_pressed_twice_opens_once(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, {"sent": ["anna@example.com"]}, status="sent")
    await user.open(f"/campaigns/{campaign_id}")
    table = user.find(ui.table)
    [row] = next(iter(table.elements)).rows
    reading = Held(monkeypatch, stats, "timeline")
    table.trigger("open", row["id"])
    await eventually(reading.begun.is_set)
    table.trigger("open", row["id"])
    reading.go_on.set()
    await eventually(lambda: titles(user) == ["What happened to the mail to anna@example.com"])
    press(user, "Close")
    await user.should_not_see("What happened")
    assert titles(user) == []
    table.trigger("open", row["id"])
    await eventually(lambda: len(titles(user)) == 1)
