from datetime import timedelta

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import col, select

from core import accounts, db, tries
from core.models import LoginFailure, User
from tests.campaign_ui.conftest import SignIn, eventually, press


async def test_zone_and_theme_are_kept(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/settings")
    zone, theme = sorted(user.find(ui.select).elements, key=lambda e: e.id)
    zone.value, theme.value = "Europe/Paris", "dark"
    await user.should_see("CET")
    press(user, "Save")
    await eventually(lambda: _read(alice).time_zone == "Europe/Paris")
    assert _read(alice).theme == "dark"
    await user.should_see("Saved.")


async def test_the_theme_can_be_changed_from_the_header(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/settings")
    press(user, "Dark")
    await eventually(lambda: _read(alice).theme == "dark")


async def test_a_new_password_signs_out_the_other_browsers(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user, password_hash=accounts._hash("correct horse"))
    with db.session() as session:
        accounts.start_session(session, alice)
    await user.open("/settings")
    await user.should_see("You are signed in here and in 1 other browser.")
    await user.should_see("alice@example.com")
    current, new = sorted(user.find(ui.input).elements, key=lambda e: e.id)
    current.value, new.value = "wrong", "battery staple"
    press(user, "Change password")
    await user.should_see("The current password is wrong.")
    current.value = "correct horse"
    press(user, "Change password")
    await user.should_see("You are signed in only here.")
    with db.session() as session:
        assert accounts.identify(session, "alice@example.com", "battery staple")


async def test_who_guesses_at_the_current_password_waits_and_others_who_guess_hold_up_nobody_here(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user, password_hash=accounts._hash("correct horse"))
    with db.session() as session:
        for _ in range(5):
            tries.begin(session, "alice@example.com", "203.0.113.7")
    await user.open("/settings")
    current, new = sorted(user.find(ui.input).elements, key=lambda e: e.id)
    current.value, new.value = "a guess", "short"
    press(user, "Change password")
    await user.should_see("at least 8 characters")  # no try
    new.value = "battery staple"
    for count in range(1, 6):
        press(user, "Change password")
        await eventually(lambda count=count: _guesses() == count)
    await user.should_see("The current password is wrong.")
    current.value = "correct horse"
    db.clock_offset = -timedelta(minutes=1)  # however slow this machine is, the wait is not over
    press(user, "Change password")
    await user.should_see("Too many tries. Wait")
    assert accounts._matches("correct horse", _read(alice).password_hash)
    db.clock_offset = timedelta(minutes=10)
    press(user, "Change password")
    await user.should_see("The password is changed.")
    assert accounts._matches("battery staple", _read(alice).password_hash) and _guesses() == 0


async def test_a_press_while_the_database_is_away_is_a_sentence_and_no_error_in_the_log(
    user: Browser, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(user)
    await user.open("/settings")
    db.connect("sqlite:////nowhere/at/all.db")
    press(user, "Change password")
    await user.should_see("The database is away. Nothing that was kept is lost; try again in a moment.")
    assert "Traceback" not in caplog.text
    db.connect()


async def test_sign_out_everywhere_else_leaves_others_alone(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        accounts.start_session(session, alice)
        charlie = User(email="charlie@example.com", password_hash="none", created_at=db.now(session))
        session.add(charlie)
        session.flush()
        assert charlie.id is not None
        accounts.start_session(session, charlie.id)
    await user.open("/settings")
    press(user, "Sign out everywhere else")
    await user.should_see("Other browsers must log in again.")
    press(user, "Sign out")
    await user.should_see("You are signed in only here.")
    with db.reading() as session:
        assert len(accounts.sessions_alive(session, alice)) == 1
        assert len(accounts.sessions_alive(session, charlie.id)) == 1


def _guesses() -> int:
    with db.reading() as session:
        here = col(LoginFailure.key).startswith("device:")
        return session.exec(select(LoginFailure.failure_count).where(here)).first() or 0


def _read(user_id: int) -> User:
    with db.reading() as session:
        return session.get_one(User, user_id)
