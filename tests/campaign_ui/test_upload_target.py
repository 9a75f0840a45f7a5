"""Where an upload goes that was begun for another list, and what is kept of it."""

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy.exc import OperationalError

from core import db
from core.audience import book, contacts
from core.audience.parse import ParsedUpload
from tests.campaign_ui.audience import CSV, fill, menu, press, shown, stored, upload
from tests.campaign_ui.conftest import SignIn, eventually


async def test_an_upload_that_was_left_for_one_list_goes_to_the_one_that_is_added_to_next(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    for name in ("first", "second"):
        stored(alice, "zoe@example.com", name)
    await user.open("/audience")
    menu(user, "first", "Add contacts")
    await upload(user, CSV)
    await user.should_see("Add 2 contacts")
    press(user, "Close")
    menu(user, "second", "Add contacts")
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts added to the list “second”.")
    with db.reading() as session:
        assert {each.name: each.contact_count for each in contacts.lists(session, alice)} == {"first": 1, "second": 3}


async def test_columns_keep_their_new_names_when_another_column_cannot_be_read(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> ParsedUpload:
        raise OperationalError("select", {}, Exception("disk full"))

    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, b"Email,Other,City\nanna@example.com,anna@example.org,Pune\n")
    await user.should_see("Add 1 contact")
    fill(user, "City", "Home")
    monkeypatch.setattr(ParsedUpload, "with_email_column", fails)
    (column,) = shown(user, ui.select, "Address column")
    with user:
        column.value = 1
    await user.should_see("This could not be finished.")
    press(user, "Add 1 contact")
    await user.should_see("1 contact added")
    with db.reading() as session:
        assert book.page(session, alice).rows[0].fields == {"other": "anna@example.org", "home": "Pune"}


async def test_nothing_that_was_chosen_for_one_file_is_kept_for_the_next(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "anna@example.com", "old")
    await user.open("/audience?upload=1")
    await upload(user, b"Email,City\ncem@example.com,Ulm\n", "latin1.csv")
    await user.should_see("Add 1 contact")
    fill(user, "City", "Home")
    (known,) = shown(user, ui.select, "Who is a contact already")
    with user:
        known.value = True
    press(user, "Close")
    press(user, "Upload")
    await eventually(lambda: shown(user, ui.upload))
    await upload(user, CSV, "kunden.csv")
    await user.should_see("Add 2 contacts")
    assert [each.value for each in shown(user, ui.input, "List name")] == ["kunden"]
    assert [each.value for each in shown(user, ui.select, "Who is a contact already")] == [False]
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts added to the list “kunden”.")
