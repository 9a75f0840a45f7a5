import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction
from sqlalchemy.exc import OperationalError

from core import config, db
from core.audience import book, contacts, parse, suppression
from tests.campaign_ui.conftest import SignIn, eventually

CSV = b"Email,First name\nanna@example.com,Anna\nben@example.com,Ben\nanna@example.com,Again\nnobody,Nobody\n"


def shown(browser: Browser, kind: type[ui.element], name: str = "") -> list[Any]:
    """What a person sees of ``kind``: its text, label or accessible name is ``name``."""
    with browser:
        found = [each for each in ElementFilter(kind=kind) if _visible(each)]
    return [each for each in found if not name or name in _names(each)]


def _visible(element: ui.element) -> bool:
    if isinstance(element, ui.dialog) and not element.value:
        return False
    return element.visible and (element.parent_slot is None or _visible(element.parent_slot.parent))


def _names(element: ui.element) -> set[object]:
    return {getattr(element, "text", None), element.props.get("label"), element.props.get("aria-label")}


def press(browser: Browser, name: str, kind: type[ui.element] = ui.button) -> None:
    """The last one of that name: a dialog stands after what it covers."""
    UserInteraction(browser, {shown(browser, kind, name)[-1]}, None).click()


def fill(browser: Browser, label: str, text: str) -> None:
    (field,) = shown(browser, ui.input, label)
    UserInteraction(browser, {field}, None).clear().type(text)


def table_of(browser: Browser, column: str) -> ui.table:
    (found,) = [each for each in shown(browser, ui.table) if column in {c["label"] for c in each.columns}]
    return found


async def upload(browser: Browser, content: bytes, name: str = "members.csv") -> None:
    (uploader,) = shown(browser, ui.upload)
    with browser:
        await uploader.handle_uploads([ui.upload.SmallFileUpload(name, "text/csv", content)])


def stored(user_id: int, text: str = "anna@example.com\nben@example.com", name: str = "members") -> int:
    return contacts.store(user_id, parse.parse_text(text), name).list_id


def people(user_id: int) -> list[str]:
    with db.reading() as session:
        return [each.email for each in book.page(session, user_id).rows]


def left_files() -> list[Path]:
    folder = config.settings.data_dir / "uploads"
    return list(folder.iterdir()) if folder.exists() else []


async def test_a_newcomer_is_told_how_to_begin(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/audience")
    await user.should_see("Nobody is here yet")
    await user.should_see("Paste addresses")


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
    (table,) = shown(user, ui.table)
    assert {key for column in table.columns for key in column} == {"name", "field", "label", "align"}
    assert {key for row in table.rows for key in row} == {"id", "c0", "c1", "c2", "c3"}


async def test_contacts_are_searched_on_the_server_and_paged(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "\n".join(f"p{n:02}@example.com" for n in range(60)))
    await user.open("/audience")
    table = table_of(user, "Merge fields")
    assert len(table.rows) == 25
    await user.should_see("1–25")
    for button, first, last in (("Next", 25, 49), ("Next", 50, 59), ("Previous", 25, 49)):
        press(user, f"{button} page of contacts")
        await eventually(lambda: (table.rows[0]["email"], table.rows[-1]["email"]) == (_p(first), _p(last)))  # noqa: B023
    user.find("Search: anna, or @example.com").type("p07")
    await eventually(lambda: [row["email"] for row in table.rows] == [_p(7)])


def _p(number: int) -> str:
    return f"p{number:02}@example.com"


async def test_a_list_is_opened_renamed_and_deleted(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "anna@example.com", "one")
    stored(alice, "ben@example.com", "two")
    await user.open("/audience")
    table = table_of(user, "Merge fields")
    assert len(table.rows) == 2
    opener = shown(user, ui.label, "two")[0].parent_slot.parent
    UserInteraction(user, {opener}, None).click()
    await eventually(lambda: [row["email"] for row in table.rows] == ["ben@example.com"])
    _menu(user, "two", "Rename")
    await user.should_see("Rename list")
    fill(user, "Name", "Second")
    press(user, "Save")
    await eventually(lambda: shown(user, ui.button, "Actions for Second"))
    _menu(user, "Second", "Delete")
    await user.should_see("Delete the list “Second”?")
    press(user, "Delete")
    await user.should_see("The list “Second” was deleted.")
    with db.reading() as session:
        assert [each.name for each in contacts.lists(session, alice)] == ["one"]
    assert people(alice) == ["anna@example.com", "ben@example.com"]


def _menu(browser: Browser, name: str, entry: str) -> None:
    (button,) = shown(browser, ui.button, f"Actions for {name}")
    (item,) = [each for each in button.descendants() if isinstance(each, ui.menu_item) and entry in _words(each)]
    UserInteraction(browser, {item}, None).click()


def _words(element: ui.element) -> set[object]:
    return {getattr(each, "text", None) for each in (element, *element.descendants())}


async def test_a_contact_is_edited_and_deleted(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "email,name\nanna@example.com,Anna\n")
    await user.open("/audience")
    table = table_of(user, "Merge fields")
    row = table.rows[0]
    assert (row["email"], row["fields"]) == ("anna@example.com", "name: Anna")
    UserInteraction(user, {table}, None).trigger("edit", row["id"])
    await user.should_see("Edit contact")
    fill(user, "name", "Anne")
    press(user, "Save")
    await eventually(lambda: table.rows[0]["fields"] == "name: Anne")
    UserInteraction(user, {table}, None).trigger("edit", row["id"])
    await user.should_see("Delete contact")
    press(user, "Delete contact")
    await user.should_see("Delete this contact?")
    press(user, "Delete")
    await eventually(lambda: people(alice) == [])


async def test_the_suppression_list_is_shown_and_an_address_is_allowed_again(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user, time_zone="Asia/Kolkata")
    with db.session() as session:
        suppression.suppress(session, alice, "anna@example.com", "bounced", detail="550 5.1.1 <b>No such user</b>")
    await user.open("/audience")
    table = table_of(user, "Reason")
    (row,) = table.rows
    assert (row["email"], row["reason"], row["detail"]) == (
        "anna@example.com",
        "Bounced",
        "550 5.1.1 <b>No such user</b>",
    )
    assert row["since"].endswith("IST")
    user.find("Address to suppress").type("Ben@Example.com")
    press(user, "Suppress")
    await eventually(lambda: [each["email"] for each in table.rows] == ["ben@example.com", "anna@example.com"])
    UserInteraction(user, {table}, None).trigger("allow", "anna@example.com")
    await user.should_see("Allow this address again?")
    press(user, "Allow again")
    await eventually(lambda: [each["email"] for each in table.rows] == ["ben@example.com"])


async def test_another_tab_follows_without_being_loaded_again(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await user.should_see("Nobody is here yet")
    await asyncio.to_thread(stored, alice)
    await user.should_see("members")
    await eventually(lambda: len(table_of(user, "Merge fields").rows) == 2)


async def test_the_panel_of_a_first_upload_stays_until_it_is_done(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, CSV)
    await user.should_see("Add 2 contacts")
    await asyncio.to_thread(stored, alice, "zoe@example.com", "meanwhile")
    press(user, "Add 2 contacts")
    await user.should_see("2 contacts added to the list “members”.")
    await user.should_see("meanwhile")


async def test_a_stranger_sees_and_changes_nothing(
    user: Browser, create_user: Callable[[], Browser], sign_in: SignIn
) -> None:
    alice = sign_in(user)
    stored(alice, "email,name\nanna@example.com,Anna\n", "secret list")
    with db.session() as session:
        suppression.suppress(session, alice, "gone@example.com", "manual")
    with db.reading() as session:
        contact_id = book.page(session, alice).rows[0].id
    charlie = create_user()
    charlie_id = sign_in(charlie, "charlie@example.com")
    await charlie.open("/audience")
    await charlie.should_see("Nobody is here yet")
    for words in ("anna@example.com", "secret list", "gone@example.com"):
        await charlie.should_not_see(words)
    stored(charlie_id, "zoe@example.com", "own list")
    await charlie.should_see("own list")
    contact_table, suppressed = table_of(charlie, "Merge fields"), table_of(charlie, "Reason")
    UserInteraction(charlie, {contact_table}, None).trigger("edit", contact_id)
    await charlie.should_see("There is no such contact any more.")
    UserInteraction(charlie, {suppressed}, None).trigger("allow", "gone@example.com")
    await charlie.should_see("Allow this address again?")
    press(charlie, "Allow again")
    await charlie.should_see("This address is not on the suppression list.")
    assert people(alice) == ["anna@example.com"]
    with db.reading() as session:
        assert suppression.is_suppressed(session, alice, "gone@example.com")


async def test_without_a_session_the_page_is_not_shown(user: Browser, sign_in: SignIn) -> None:
    response = await user.http_client.get("/audience")
    assert (response.status_code, response.headers["location"]) == (303, "/login?next=%2Faudience")
