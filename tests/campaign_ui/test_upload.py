import asyncio
from pathlib import Path

import openpyxl
import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy.exc import OperationalError

from core import db
from core.audience import book, contacts, parse
from tests.campaign_ui.audience import CSV, fill, left_files, menu, people, press, shown, stored, table_of, upload
from tests.campaign_ui.conftest import SignIn, eventually


async def test_a_file_is_shown_before_anything_is_stored_and_then_added(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, CSV)
    await user.should_see("Add 2 contacts")
    await user.should_see("1 row left out")
    await user.should_see("{{ first_name }}")
    tiles = [each for each in shown(user, ui.element) if each.props.get("role") == "group"]
    numbers = {each.props["aria-label"]: each.default_slot.children[1].text for each in tiles}
    assert numbers == {"Valid": "2", "Invalid": "1", "Duplicates": "1", "Suppressed": "0"}
    assert people(alice) == [] and len(left_files()) == 1
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts added to the list “members”.")
    await user.should_see("All contacts")
    await eventually(lambda: len(table_of(user, "Merge fields").rows) == 2)
    assert people(alice) == ["anna@example.com", "ben@example.com"]
    assert left_files() == []


async def test_a_workbook_is_added_under_the_name_the_user_gives(
    user: Browser, sign_in: SignIn, tmp_path: Path
) -> None:
    alice = sign_in(user)
    workbook = openpyxl.Workbook()
    for row in (["Mail", "City"], ["anna@example.com", "Pune"]):
        workbook.active.append(row)
    workbook.save(tmp_path / "a.xlsx")
    await user.open("/audience")
    await upload(user, (tmp_path / "a.xlsx").read_bytes(), "../../Kunden.xlsx")
    await user.should_see("Add 1 contact")
    fill(user, "List name", "Friends of Pune")
    press(user, "Add 1 contact")
    await user.should_see("1 contact added")
    with db.reading() as session:
        assert [(each.name, each.contact_count) for each in contacts.lists(session, alice)] == [("Friends of Pune", 1)]
    assert left_files() == []


async def test_pasted_addresses_are_added(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    user.find("Paste addresses").type("Anna Lee <anna@example.com>, ben@example.com")
    press(user, "Read addresses")
    await user.should_see("Add 2 contacts")
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts added to the list")
    assert people(alice) == ["anna@example.com", "ben@example.com"]


async def test_the_address_column_may_be_changed(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, b"email,other\na@example.com,b@example.com\nc@example.com,nobody\n")
    await user.should_see("Add 2 contacts")
    (column,) = shown(user, ui.select, "Address column")
    with user:
        column.value = 1
    await user.should_see("Add 1 contact")
    press(user, "Add 1 contact")
    await eventually(lambda: people(alice) == ["b@example.com"])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "empty"), (b"%PDF-1.4", "PDF"), (b"name,city\nAnna,Pune\n", "No column of this file")],
)
async def test_a_bad_file_gets_one_sentence_and_another_try(
    user: Browser, sign_in: SignIn, content: bytes, sentence: str
) -> None:
    sign_in(user)
    await user.open("/audience")
    await upload(user, content)
    await user.should_see(sentence)
    await user.should_see("Read addresses")
    assert left_files() == []


async def test_the_size_is_checked_on_the_server_too(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(user)
    await user.open("/audience")
    monkeypatch.setattr(parse, "MAX_FILE_BYTES", 10)
    await upload(user, CSV)
    await user.should_see("This file is larger than")
    assert left_files() == []


async def test_a_failure_while_storing_loses_nothing_and_doubles_nothing(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, b"email\n" + b"".join(b"p%d@example.com\n" % n for n in range(1_200)))
    await user.should_see("Add 1,200 contacts")
    real, calls = contacts._store_chunk, 0

    def failing(*args: object) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OperationalError("insert", {}, Exception("disk full"))
        return real(*args)

    monkeypatch.setattr(contacts, "_store_chunk", failing)
    press(user, "Add 1,200 contacts")
    await user.should_see("This could not be finished")
    with db.reading() as session:
        assert book.count(session, alice) == 500
    press(user, "Add 1,200 contacts")
    await user.should_see("added to the list “members”")
    with db.reading() as session:
        assert book.count(session, alice) == 1_200
        assert [(each.name, each.contact_count) for each in contacts.lists(session, alice)] == [("members", 1_200)]


async def test_leaving_the_page_deletes_the_uploaded_file(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/audience")
    await upload(user, CSV)
    await user.should_see("Add 2 contacts")
    assert len(left_files()) == 1
    with user:
        ui.context.client.delete()
    assert left_files() == []


async def test_hostile_names_in_a_file_are_shown_as_text(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/audience")
    await upload(user, b'email,<b onclick=x>,":x","__proto__"\na@example.com,<script>alert(1)</script>,2,3\n')
    await user.should_see("Add 1 contact")
    table = table_of(user, "<b onclick=x>")
    keys = {"name", "field", "label", "align", "stored", "wrong", "classes"}
    assert {key for column in table.columns for key in column} == keys
    assert {key for row in table.rows for key in row} == {"id", "c0", "c1", "c2", "c3"}


async def test_an_upload_is_added_to_a_list_that_there_is(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "email,first_name\nanna@example.com,A\ncem@example.com,Cem\n", "members")
    await user.open("/audience")
    menu(user, "members", "Add contacts")
    await upload(user, CSV)
    await user.should_see("1 is in the list already. Of 1 contact you have, 1 gets new values.")
    press(user, "Add 1 contact")
    await user.should_see(
        "1 contact added to the list “members”. 1 was in it already. Of 1 contact you had, 1 got new values."
    )
    with db.reading() as session:
        assert [(each.name, each.contact_count) for each in contacts.lists(session, alice)] == [("members", 3)]
        found = {each.email: each.fields for each in book.page(session, alice).rows}
    assert found["anna@example.com"] == {"first_name": "Again"} and found["cem@example.com"] == {"first_name": "Cem"}


async def test_a_name_that_is_taken_is_said_and_known_contacts_may_be_kept(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "email,first_name\nanna@example.com,A\n", "members")
    await user.open("/audience?upload=1")
    await upload(user, CSV)
    await user.should_see("Add 2 contacts")
    (name,) = shown(user, ui.input, "List name")
    assert "There is a list of this name" in name.props["hint"]
    (known,) = shown(user, ui.select, "Who is a contact already")
    with user:
        known.value = True
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts added to the list “members (2)”. 1 contact you had stayed as they were.")
    with db.reading() as session:
        assert book.page(session, alice).rows[0].fields == {"first_name": "A"}


async def test_the_button_says_what_will_become_of_contacts_one_has(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    members = stored(alice, "email,first_name\nanna@example.com,Again\nben@example.com,Benny\n", "members")
    await user.open("/audience?upload=1")
    await upload(user, CSV)
    await user.should_see("Of 2 contacts you have, 1 gets new values.")
    button = shown(user, ui.button, "Add 2 contacts")[0]
    (target,), (known,) = shown(user, ui.select, "Add to"), shown(user, ui.select, "Who is a contact already")
    with user:
        target.value = members
    await eventually(lambda: button.text == "Update 1 contact" and button.enabled)
    await user.should_see("2 are in the list already. Of 2 contacts you have, 1 gets new values.")
    fill(user, "First name", "Called")
    await eventually(lambda: button.text == "Update 2 contacts")
    await user.should_see("2 contacts you have get these values.")
    with user:
        known.value = True
    await eventually(lambda: button.text == "Nothing new: 2 are in the list already" and not button.enabled)
    with user:
        known.value = False
    fill(user, "First name", "First name")
    await eventually(lambda: button.text == "Update 1 contact")
    press(user, "Update 1 contact")
    await user.should_see("2 were in it already. Of 2 contacts you had, 1 got new values.")


async def test_contacts_one_has_with_the_same_values_are_said_in_a_sentence(user: Browser, sign_in: SignIn) -> None:
    stored(sign_in(user), CSV.decode(), "members")
    await user.open("/audience?upload=1")
    await upload(user, CSV)
    await user.should_see("2 contacts you have already, with the same values.")
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts you had already, with the same values.")


async def test_duplicates_are_listed_and_columns_renamed_or_left_out(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, b"Email,First name,Secret\nanna@example.com,Anna,1\nanna@example.com,Anna,2\n")
    await user.should_see("1 duplicate")
    (doubled,) = shown(user, ui.table, "Duplicates")
    assert [(row["line"], row["value"]) for row in doubled.rows] == [("3", "anna@example.com")]
    assert "that of this row is taken" in doubled.rows[0]["reason"] and "left out" not in str(doubled.columns)
    fill(user, "Secret", "first name")
    press(user, "Add 1 contact")
    await user.should_see("would both become first_name")
    shown(user, ui.input, "Secret")[0].set_value("")
    fill(user, "First name", "Called")
    press(user, "Add 1 contact")
    await user.should_see("1 contact added")
    with db.reading() as session:
        assert book.page(session, alice).rows[0].fields == {"called": "Anna"}


async def test_the_preview_shows_columns_as_they_will_be_stored(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, b"Email,First name,Secret,Town\nanna@example.com,Anna,1,Ulm\n")
    await user.should_see("Add 1 contact")
    table = table_of(user, "First name")

    def heads() -> list[tuple[str, str, bool]]:
        return [(each["label"], each["stored"], "line-through" in each["classes"]) for each in table.columns]

    def chips() -> list[str]:
        return [each.text for each in shown(user, ui.label) if each.text.startswith("{{")]

    def field(name: str) -> ui.input:
        (found,) = shown(user, ui.input, name)
        assert isinstance(found, ui.input)
        return found

    assert "{{ props.col.stored }}" in table.slots["header-cell"].template
    assert heads() == [
        ("Email", "the address", False),
        ("First name", "stored as first_name", False),
        ("Secret", "stored as secret", False),
        ("Town", "stored as town", False),
    ]
    fill(user, "Town", "Größe der Stadt!")
    await eventually(lambda: heads()[3] == ("Town", "stored as grosse_der_stadt", False))
    assert field("Town").props["hint"] == "Stored as grosse_der_stadt"
    assert chips() == ["{{ first_name }}", "{{ secret }}", "{{ grosse_der_stadt }}"]
    fill(user, "Secret", "First Name")
    await eventually(lambda: heads()[2] == ("Secret", "needs another name", False))
    assert "would both become first_name" in str(field("Secret").error) and table.columns[2]["wrong"]
    field("Secret").set_value(None)
    await eventually(lambda: heads()[2] == ("Secret", "left out", True))
    assert field("Secret").error is None and field("Secret").props["hint"] == "Left out"
    assert chips() == ["{{ first_name }}", "{{ grosse_der_stadt }}"]
    press(user, "Add 1 contact")
    await user.should_see("1 contact added")
    with db.reading() as session:
        assert book.page(session, alice).rows[0].fields == {"first_name": "Anna", "grosse_der_stadt": "Ulm"}


async def test_the_time_column_of_our_own_export_is_shown_as_left_out(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, b"email,name,added_at,leid,notes\nanna@example.com,Anna,2026-01-02T03:04:05+00:00,7,\n")
    await user.should_see("Add 1 contact")
    (head,) = [each for each in table_of(user, "added_at").columns if each["label"] == "added_at"]
    assert head["stored"] == "left out" and "line-through" in head["classes"]
    (field,) = shown(user, ui.input, "added_at")
    assert field.value == "" and field.props["hint"] == "Left out"
    await user.should_see("Left out: added_at, leid, notes")
    press(user, "Keep leid")
    await user.should_see("Left out: added_at, notes")
    assert not shown(user, ui.button, "Keep leid")
    press(user, "Add 1 contact")
    await user.should_see("1 contact added")
    with db.reading() as session:
        assert book.page(session, alice).rows[0].fields == {"name": "Anna", "leid": "7"}


async def test_the_panel_of_a_first_upload_stays_until_it_is_done(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, CSV)
    await user.should_see("Add 2 contacts")
    await asyncio.to_thread(stored, alice, "zoe@example.com", "meanwhile")
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts added to the list “members”.")
    await user.should_see("meanwhile")
