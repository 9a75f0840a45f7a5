"""Sending windows, warm-up and the forecast on every page that shows them; a stranger sees and changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from core import campaigns, clock, db
from core.delivery import learned, senders
from core.errors import NotFound
from core.models import Campaign, CampaignList, Contact, ContactList, ListMember, Sender
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, texts
from tests.conftest import Stack

IST = "Asia/Kolkata"
OFFICE: dict[str, Any] = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": IST}
RAMP: dict[str, Any] = {"start": 50, "factor": 1.5, "days": 14, "began": "2026-11-25", "zone": IST}
NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)  # Wednesday, 20:30 in India
GOOD = senders.Values(name="News", host="smtp.example.com", from_address="a@example.com")


def fields(browser: Browser, label: str, kind: type[Any]) -> list[Any]:
    with browser:
        return [each for each in ElementFilter(kind=kind) if each.props.get("label") == label]


def type_in(browser: Browser, label: str, value: Any, kind: type[Any] = ui.input) -> None:
    with browser:
        fields(browser, label, kind)[-1].value = value


def switch(browser: Browser, words: str, value: bool = True) -> None:
    with browser:
        [each] = [each for each in ElementFilter(kind=ui.switch) if words in each.text]
        each.value = value


def stored(user_id: int, **changes: Any) -> int:
    with db.session() as session:
        return senders.create(session, user_id, replace(GOOD, **changes)).id or 0


def kept(sender_id: int) -> Sender:
    with db.reading() as session:
        return session.get_one(Sender, sender_id)


def sending(user_id: int, sender: dict[str, Any] | None = None, **values: Any) -> int:
    """A campaign with one mail sent and one waiting."""
    db.clock_offset = NOW - clock.utcnow()
    with db.session() as session:
        by = rows.sender(session, user_id, lease_until=NOW + timedelta(hours=9), **(sender or {}))
        states = {"sent": ["a@x.io"], "pending": ["b@x.io"]}
        return rows.campaign(session, user_id, states, sender_id=by.id, **values)


def draft(user_id: int) -> int:
    with db.session() as session:
        by = rows.sender(session, user_id)
        made = campaigns.create(session, user_id)
        people = ContactList(user_id=user_id, name="All", contact_count=1, created_at=db.now(session))
        contact = Contact(user_id=user_id, email="ada@example.org", created_at=db.now(session))
        session.add_all([people, contact])
        session.flush()
        assert made.id is not None and people.id is not None and contact.id is not None
        session.add_all(
            [ListMember(list_id=people.id, contact_id=contact.id), CampaignList(campaign_id=made.id, list_id=people.id)]
        )
        made.subject, made.body, made.sender_id = "Hi", "<p>Hi</p>", by.id
        return made.id


def campaign(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


async def test_a_senders_limits_window_and_warm_up_are_typed_kept_and_shown(user: Browser, sign_in: SignIn) -> None:
    sender_id = stored(sign_in(user, time_zone=IST))
    await user.open("/senders")
    press(user, "Edit")
    await user.should_see("Mails per minute to one domain")
    await user.should_see("delivers straight to the recipients’ servers")
    type_in(user, "Mails per second", 2, ui.number)
    type_in(user, "Mails per minute to one domain", 20, ui.number)
    switch(user, "Only on certain days")
    press(user, "Sat")
    type_in(user, "Until", "17:30")
    await user.should_see("Mails go out Mon–Sat 09:00–17:30 IST.")
    switch(user, "Warm up")
    type_in(user, "First day", "2026-11-25")
    type_in(user, "Times more each day", 2, ui.number)
    type_in(user, "Days of warm-up", 5, ui.number)
    await user.should_see("50, 100, 200, 400, 800 mails a day; without this cap from 30 Nov 2026 on.")
    press(user, "Save")
    await eventually(lambda: kept(sender_id).sending_window)
    row = kept(sender_id)
    assert row.sending_window == {**OFFICE, "days": [0, 1, 2, 3, 4, 5], "until": "17:30"}
    assert row.warmup == {**RAMP, "factor": 2.0, "days": 5}
    assert (row.per_second, row.domain_per_minute) == (2, 20)
    for words in ("2 per second", "20 per minute to one domain", "Mon–Sat 09:00–17:30 IST"):
        await user.should_see(words)


async def test_what_is_wrong_with_hours_stands_below_them_and_stays_typed(user: Browser, sign_in: SignIn) -> None:
    sender_id = stored(sign_in(user), sending_window={**OFFICE, "days": [2]}, warmup=RAMP)
    await user.open("/senders")
    press(user, "Edit")
    await user.should_see("Mails on the first day")
    press(user, "Wed")
    await user.should_see("Choose at least one day.")
    type_in(user, "Mails on the first day", 0, ui.number)
    await user.should_see("The mails on the first day are from 1 to 1,000,000.")
    press(user, "Save")
    await user.should_see("Not saved yet")
    assert fields(user, "Mails on the first day", ui.number)[-1].value == 0
    assert kept(sender_id).warmup == RAMP
    switch(user, "Warm up", False)
    switch(user, "Only on certain days", False)
    press(user, "Save")
    await eventually(lambda: kept(sender_id).warmup is None)
    assert kept(sender_id).sending_window is None


async def test_a_preset_fills_in_the_mails_per_second(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/senders")
    press(user, "Add sender")
    await user.should_see("Test connection")
    type_in(user, "Provider", "ses", ui.select)
    assert fields(user, "Mails per second", ui.number)[-1].value == 1
    type_in(user, "Provider", "gmail", ui.select)
    assert fields(user, "Mails per second", ui.number)[-1].value is None


async def test_compose_keeps_hours_as_they_are_typed_and_foresees_the_end(user: Browser, sign_in: SignIn) -> None:
    campaign_id = draft(sign_in(user, time_zone=IST))
    await user.open(f"/campaigns/{campaign_id}/edit?step=when")
    await user.should_see("Hours and daily cap")
    await user.should_see("Last mail")
    switch(user, "Only on certain days")
    await eventually(lambda: campaign(campaign_id).sending_window == OFFICE)
    type_in(user, "From", "18:00")
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        press(user, day)
    await user.should_see("Choose at least one day.")
    press(user, "Send now")
    await user.should_see("Choose at least one day.")
    assert campaign(campaign_id).status == "draft"
    press(user, "Sun")
    type_in(user, "From", "10:00")
    await eventually(lambda: (campaign(campaign_id).sending_window or {}).get("days") == [6])
    await user.should_see("Sun 10:00–18:00 IST")
    await user.open(f"/campaigns/{campaign_id}/edit?step=when")
    assert fields(user, "From", ui.input)[-1].value == "10:00"


async def test_the_campaigns_page_says_when_it_finishes_and_changes_its_hours(user: Browser, sign_in: SignIn) -> None:
    campaign_id = sending(sign_in(user, time_zone=IST))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("Finishes Wed 25 Nov, 20:30 IST at 30/min.")
    press(user, "Hours")
    await user.should_see("Of this campaign alone; those of its sender hold too.")
    switch(user, "Only on certain days")
    press(user, "Save")
    await user.should_see("Sends Mon–Fri 09:00–18:00 IST. Next mail Thu 26 Nov, 09:00 IST")
    await user.should_see("; 1 waiting.")  # a countdown stands between them
    await user.should_see("Finishes Thu 26 Nov, 09:00 IST")
    assert campaign(campaign_id).hold_until == datetime(2026, 11, 26, 3, 30, tzinfo=UTC)
    await user.should_not_see("Of this campaign alone")  # the page may follow before its dialog is gone
    press(user, "Hours")
    await user.should_see("Of this campaign alone")
    switch(user, "Only on certain days", False)
    press(user, "Save")
    await eventually(lambda: campaign(campaign_id).hold_until is None)
    await user.should_see("Sending now.")


async def test_the_dashboard_says_when_a_running_campaign_finishes(user: Browser, sign_in: SignIn) -> None:
    sending(sign_in(user, time_zone=IST), {"sending_window": OFFICE})
    await user.open("/")
    await user.should_see("1 waiting. Finishes Thu 26 Nov, 09:00 IST")


async def test_charlie_sees_and_changes_no_hours_of_alice(create_user: Callable[[], Browser], sign_in: SignIn) -> None:
    alice, charlie = create_user(), create_user()
    campaign_id = sending(sign_in(alice, "alice@example.com"), sending_window=OFFICE, warmup=RAMP)
    sign_in(charlie, "charlie@example.com")
    await charlie.open("/")
    assert "Mon–Fri" not in texts(charlie) and "Finishes" not in texts(charlie)
    response = await charlie.http_client.get(f"/campaigns/{campaign_id}")
    assert response.status_code == 404 and "Mon–Fri" not in response.text
    assert campaign(campaign_id).sending_window == OFFICE


async def test_a_learned_pace_is_explained_pinned_and_forgotten(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user, time_zone=IST)
    sender_id = stored(user_id, host="smtp.hostinger.com")
    db.clock_offset = NOW - clock.utcnow()
    with db.session() as session:
        row = session.get_one(Sender, sender_id)
        row.learned_per_minute, row.learned_connections, row.learned_rule = 12.0, 1, "hostinger-out"
        row.learned_at = NOW
    await user.open("/senders")
    await user.should_see(
        "News (Hostinger) slowed us down: 12/min instead of 30 and 1 connection instead of 2 "
        "since Wed 25 Nov, 20:30 IST."
    )
    await user.should_see("Rule hostinger-out")
    press(user, "Keep this pace")
    await eventually(lambda: kept(sender_id).learned_pinned)
    await user.should_see("It stays so.")
    press(user, "Let it grow again")
    await eventually(lambda: not kept(sender_id).learned_pinned)
    await user.should_see("It becomes faster by itself")
    press(user, "Use my limits again")
    await eventually(lambda: kept(sender_id).learned_per_minute is None)
    await user.should_not_see("slowed us down")
    assert (kept(sender_id).learned_connections, kept(sender_id).learned_rule) == (None, "")


def test_a_strangers_learned_pace_is_neither_pinned_nor_forgotten(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        sender_id = rows.sender(session, alice, learned_per_minute=12.0).id
        assert sender_id is not None
        for act in (learned.pin, learned.unpin, learned.forget):
            with pytest.raises(NotFound):
                act(session, charlie, sender_id)
        assert session.get_one(Sender, sender_id).learned_per_minute == 12.0
