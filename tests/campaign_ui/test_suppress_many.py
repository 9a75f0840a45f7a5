"""Several addresses onto the suppression list, while others are still on their way."""

import pytest
from nicegui import ui
from nicegui.testing import User as Browser

from core import db
from core.audience import suppression
from tests.campaign_ui.audience import press, shown
from tests.campaign_ui.conftest import Held, SignIn, eventually


async def test_what_comes_while_the_last_ones_are_stored_is_not_lost(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    press(user, "Suppress several")
    await user.should_see("Suppress several addresses")
    (text,) = shown(user, ui.textarea, "Addresses to suppress")
    text.value = "anna@example.com"
    storing = Held(monkeypatch, suppression, "suppress_all")
    press(user, "Suppress all")
    await eventually(storing.begun.is_set)
    text.value = "ben@example.com"
    with user:
        file = ui.upload.SmallFileUpload("a.csv", "text/csv", b"email\ncem@example.com\n")
        await shown(user, ui.upload)[-1].handle_uploads([file])
    await user.should_see("Upload this file when they are done.")
    storing.go_on.set()
    await user.should_see("1 address suppressed.")
    assert text.value == "ben@example.com"
    press(user, "Suppress all")
    await eventually(lambda: kept(alice) == ["ben@example.com", "anna@example.com"])
    await eventually(lambda: text.value == "")


def kept(user_id: int) -> list[str]:
    with db.reading() as session:
        return [each.email for each in suppression.page(session, user_id).rows]


async def test_two_files_at_once_are_not_both_taken(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    press(user, "Suppress several")
    await user.should_see("Suppress several addresses")
    files = [
        ui.upload.SmallFileUpload(f"{name}.csv", "text/csv", f"email\n{name}@example.com\n".encode())
        for name in ("anna", "ben")
    ]
    with user:
        uploader = shown(user, ui.upload)[-1]
        for file in files:
            await uploader.handle_uploads([file])
    await user.should_see("Upload this file when they are done.")
    await user.should_see("1 address suppressed.")
    assert kept(alice) == ["anna@example.com"]
