"""When a draft goes: its daily cap, and times that are suggested."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from campaign_ui.parts import zone_select
from tests.campaign_ui.conftest import SignIn, let_rest
from tests.campaign_ui.preflight import draft, kept, labelled, sees, soon


@pytest.fixture
async def user(user: Browser) -> AsyncIterator[Browser]:
    yield user
    await let_rest(user)


async def test_a_daily_cap_is_kept_said_and_foreseen(user: Browser, sign_in: SignIn) -> None:
    made = draft(sign_in(user), "Hi {{ unsubscribe_url }}", [{}] * 30)
    await user.open(f"/campaigns/{made}/edit?step=when")
    with user:
        [cap] = [each for each in ElementFilter(kind=ui.switch) if "so many mails a day" in each.text]
        [ramp] = [each for each in ElementFilter(kind=ui.switch) if "Warm up" in each.text]
        ramp.value = True
        cap.value = True
        assert ramp.value is False
        labelled(user, ui.number, "Mails a day").value = 10
    await soon(lambda: (kept(made).warmup or {}).get("start") == 10)
    await sees(user, "at most 10 a day")
    await user.open(f"/campaigns/{made}/edit?step=when")
    assert labelled(user, ui.number, "Mails a day").value == 10
    with user:
        labelled(user, ui.number, "Mails a day").value = 0
    await sees(user, "Enter a daily cap from 1 to 1,000,000.")
    assert (kept(made).warmup or {})["start"] == 10


async def test_a_suggested_time_fills_the_fields_and_is_told_for_the_recipients(user: Browser, sign_in: SignIn) -> None:
    made = draft(sign_in(user), "Hi {{ unsubscribe_url }}", [{"country": "India"}, {"country": "Germany"}])
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "Preflight")
    with user:
        [chip] = [each for each in ElementFilter(kind=ui.label) if each.text == "Tomorrow 09:00"]
    parent = chip.parent_slot.parent  # type: ignore[union-attr]
    for listener in list(parent._event_listeners.values()):
        parent._handle_event({"listener_id": listener.id, "args": {}})
    assert labelled(user, ui.input, "Time").value == "09:00"
    await sees(user, "03:30 UTC")
    await sees(user, "India (1):")
    await sees(user, "Germany (1):")


def test_zones_are_found_by_country_and_distance() -> None:
    options = zone_select._options(datetime(2026, 11, 25, tzinfo=UTC))
    assert options["Asia/Kolkata"] == "Asia/Kolkata · UTC+05:30 · India"
    assert options["America/New_York"] == "America/New York · UTC−05:00 · United States"
