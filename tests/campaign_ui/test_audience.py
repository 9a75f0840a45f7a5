import asyncio
from collections.abc import Callable

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction

from core import db
from core.audience import book, contacts, matches, parse, suppression
from tests.campaign_ui.audience import fill, menu, people, press, shown, stored, table_of
from tests.campaign_ui.conftest import SignIn, eventually, undo


async def test_a_newcomer_is_told_how_to_begin(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/audience")
    await user.should_see("Nobody is here yet")
    await user.should_see("Paste addresses")


async def test_contacts_are_searched_on_the_server_and_paged(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "\n".join(f"p{n:02}@example.com" for n in range(60)))
    await user.open("/audience")
    table = table_of(user, "Merge fields")
    assert len(table.rows) == 25
    await user.should_see("1–25 of 60")
    for button, first, last in (("Next", 25, 49), ("Next", 50, 59), ("Previous", 25, 49)):
        press(user, f"{button} page of contacts")
        await eventually(lambda: (table.rows[0]["email"], table.rows[-1]["email"]) == (address(first), address(last)))  # noqa: B023
    user.find("Search contacts").type("p07")
    await eventually(lambda: [row["email"] for row in table.rows] == [address(7)])
    await user.should_see("1–1 of 1")


async def test_contacts_are_found_by_their_names_and_many_are_not_counted(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    stored(alice, "email,name\n" + "".join(f"{address(n)},{'Anna MÜLLER' if n < 30 else 'Ben'}\n" for n in range(60)))
    await user.open("/audience")
    user.find("Search contacts").type("müller")
    await user.should_see("1–25 of 30")
    monkeypatch.setattr(matches, "MOST_COUNTED", 20)
    press(user, "Next page of contacts")
    await user.should_see("26–30 of more than 20")
    assert [row["email"] for row in table_of(user, "Merge fields").rows] == [address(n) for n in range(25, 30)]


async def test_the_fields_of_what_is_open_stand_beside_the_search_and_one_can_be_searched(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    stored(alice, "email,city\nanna@example.com,Ulm\nulm@example.com,Bonn\n", "one")
    two = stored(alice, "email,plan\nben@example.com,Ulm\n", "two")
    await user.open(f"/audience?list={two}")
    assert names(user) == ["plan"]
    await user.open("/audience?q=CITY%3Aulm")
    assert names(user) == ["city", "plan"]
    assert [row["email"] for row in table_of(user, "Merge fields").rows] == ["anna@example.com"]
    stored(alice, "carl@example.com", "two")
    await user.open("/audience?list=3")
    assert not shown(user, ui.button, "Search in one field")


def names(browser: Browser) -> list[str]:
    (button,) = shown(browser, ui.button, "Search in one field")
    items = [each for each in button.descendants() if isinstance(each, ui.menu_item)]
    return [each.text for item in items for each in item.descendants() if hasattr(each, "text")]


def address(number: int) -> str:
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
    menu(user, "two", "Rename")
    await user.should_see("Rename list")
    fill(user, "Name", "Second")
    press(user, "Save")
    await eventually(lambda: shown(user, ui.button, "Actions for Second"))
    menu(user, "Second", "Delete")
    await user.should_see("Delete the list “Second”?")
    await user.should_see("Its contact stays in your address book; who was on the list is forgotten.")
    press(user, "Delete")
    await user.should_see("The list “Second” was deleted.")
    with db.reading() as session:
        assert [each.name for each in contacts.lists(session, alice)] == ["one"]
    assert people(alice) == ["anna@example.com", "ben@example.com"]


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
    await user.should_not_see("Edit contact")
    assert user.notify.contains("Saved.")
    UserInteraction(user, {table}, None).trigger("edit", row["id"])
    await user.should_see("Delete contact")
    press(user, "Delete contact")
    await user.should_see("anna@example.com left your address book and all lists.")
    assert people(alice) == []
    await undo(user, "anna@example.com left your address book and all lists.")
    await eventually(lambda: people(alice) == ["anna@example.com"])
    with db.reading() as session:
        assert [each.contact_count for each in contacts.lists(session, alice)] == [1]


async def test_one_person_is_added_with_fields_and_lists(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "email,name\nanna@example.com,Anna\n", "one")
    two = stored(alice, "ben@example.com", "two")
    with db.session() as session:
        suppression.suppress(session, alice, "cem@example.com", "manual")
    await user.open(f"/audience?list={two}")
    press(user, "Add contact")
    await eventually(lambda: {each.text: each.value for each in boxes(user)} == {"one": False, "two": True})
    fill(user, "Email", "Cem@Example.com")
    assert not shown(user, ui.input, "name")
    press(user, "one", ui.checkbox)
    fill(user, "name", "Cem")
    press(user, "Add")
    await user.should_see("cem@example.com was added. This address is on the suppression list: no campaign mails it.")
    await eventually(lambda: [row["email"] for row in table_of(user, "Merge fields").rows][1:] == ["cem@example.com"])
    with db.reading() as session:
        assert {each.name: each.contact_count for each in contacts.lists(session, alice)} == {"one": 2, "two": 2}
        assert book.page(session, alice, search="cem@").rows[0].fields == {"name": "Cem"}


async def test_an_address_that_is_known_is_offered_to_be_edited_with_its_lists(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "email,name\nanna@example.com,Anna\n", "one")
    stored(alice, "ben@example.com", "two")
    with db.session() as session:
        suppression.suppress(session, alice, "anna@example.com", "manual")
    await user.open("/audience")
    press(user, "Add contact")
    await eventually(lambda: [each.value for each in boxes(user)] == [False, False])
    fill(user, "Email", "nobody")
    press(user, "Add")
    await user.should_see("This is not an email address: no @ sign.")
    fill(user, "Email", "anna@example.com")
    press(user, "Add")
    await user.should_see("anna@example.com is a contact already.")
    press(user, "Edit this contact")
    await user.should_see("Edit contact")
    await user.should_see("This address is on the suppression list: no campaign mails it.")
    await eventually(lambda: [(each.text, each.value) for each in boxes(user)] == [("one", True), ("two", False)])
    press(user, "one", ui.checkbox)
    press(user, "two", ui.checkbox)
    press(user, "Save")
    await user.should_see("Saved.")
    with db.reading() as session:
        assert {each.name: each.contact_count for each in contacts.lists(session, alice)} == {"one": 0, "two": 2}


def boxes(browser: Browser) -> list[ui.checkbox]:
    return shown(browser, ui.checkbox)


async def test_an_international_domain_is_shown_with_its_letters(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "\n".join(f"k{n:02}@müller.de" for n in range(30)))
    await user.open("/audience")
    table = table_of(user, "Merge fields")
    assert table.columns[0]["field"] == "shown" and table.rows[0]["shown"] == "k00@müller.de"
    user.find("Search contacts").type("müller")
    await user.should_see("1–25 of 30")
    press(user, "Next page of contacts")
    await eventually(lambda: table.rows[0]["shown"] == "k25@müller.de")
    UserInteraction(user, {table}, None).trigger("edit", table.rows[0]["id"])
    await user.should_see("Edit contact")
    assert [field.value for field in shown(user, ui.input, "Email")] == ["k25@müller.de"]
    press(user, "Save")
    await user.should_not_see("Edit contact")
    assert people(alice) == [f"k{n:02}@xn--mller-kva.de" for n in range(25)]
    with db.reading() as session:
        assert book.count(session, alice, "@xn--mller-kva.de") == 30


async def test_every_field_of_a_contact_can_be_filled_and_a_new_one_added(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "email,first_name\nanna@example.com,Anna\nben@example.com,\n")
    await user.open("/audience")
    table = table_of(user, "Merge fields")
    UserInteraction(user, {table}, None).trigger("edit", table.rows[1]["id"])
    await user.should_see("Edit contact")
    fill(user, "first_name", "Ben")
    fill(user, "Another field", "Home Town")
    press(user, "Add field")
    fill(user, "home_town", "Ulm")
    press(user, "Save")
    await eventually(lambda: table.rows[1]["fields"] == "first_name: Ben · home_town: Ulm")
    with db.reading() as session:
        assert [each.fields for each in contacts.lists(session, alice)] == [["first_name", "home_town"]]


async def test_a_contact_is_asked_for_the_fields_of_their_lists(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    contacts.store(alice, parse.parse_text("email,name\nanna@example.com,Anna\n"), "members")
    contacts.store(alice, parse.parse_text("email,fee\nben@example.com,12\n"), "treasurer")
    await user.open("/audience")
    with db.reading() as session:
        anna = book.page(session, alice, search="anna").rows[0].id
    user.find(ui.table).trigger("edit", anna)
    await user.should_see("Edit contact")
    assert user.client is not None
    shown = {e.props.get("label"): e for e in user.client.elements.values() if isinstance(e, ui.input)}
    assert "name" in shown and "fee" not in shown
    assert shown["Another field"].props["_autocomplete"] == ["name", "fee"]


async def test_somebody_new_is_asked_for_the_fields_of_the_lists_that_are_ticked(
    user: Browser, sign_in: SignIn
) -> None:
    def asked() -> list[str]:
        return list(dict.fromkeys(each.props["label"] for each in shown(user, ui.input) if "label" in each.props))[-4:]

    alice = sign_in(user)
    stored(alice, "email,name,city\nanna@example.com,Anna,Ulm\n", "members")
    stored(alice, "email,name,fee\nben@example.com,Ben,12\n", "treasurer")
    await user.open("/audience")
    press(user, "Add contact")
    await eventually(lambda: asked()[-2:] == ["Email", "Another field"])
    press(user, "treasurer", ui.checkbox)
    assert asked() == ["Email", "name", "fee", "Another field"]
    fill(user, "fee", "3")
    press(user, "treasurer", ui.checkbox)
    assert asked()[-3:] == ["Email", "fee", "Another field"]
    press(user, "members", ui.checkbox)
    assert asked() == ["fee", "name", "city", "Another field"]
    fill(user, "Another field", "name")
    press(user, "Add field")
    press(user, "members", ui.checkbox)
    assert asked() == ["Email", "fee", "name", "Another field"]


async def test_what_is_shown_stands_in_the_address(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "\n".join(address(number) for number in range(60)), "many")
    stored(alice, "ben@example.com", "two")
    with db.reading() as session:
        many, two = (each.id for each in contacts.lists(session, alice))
    await user.open(f"/audience?list={many}&page=3")
    table = table_of(user, "Merge fields")
    assert [row["email"] for row in table.rows] == [address(number) for number in range(50, 60)]
    press(user, "Previous page of contacts")
    await eventually(lambda: table.rows[0]["email"] == address(25))
    await user.open(f"/audience?list={two}&q=ben")
    assert [row["email"] for row in table_of(user, "Merge fields").rows] == ["ben@example.com"]
    await user.open("/audience?list=999999999&page=none&spage=-1")
    assert len(table_of(user, "Merge fields").rows) == 25
    await user.open("/audience?upload=1")
    await user.should_see("Add contacts")
    with db.reading() as session:
        [ben] = book.page(session, alice, search="ben", list_id=two).rows
    await user.open(f"/audience?contact={ben.id}")
    await user.should_see("Edit contact")
    await user.open("/audience?contact=999999999")
    await user.should_see("There is no such contact any more.")


async def test_the_export_is_of_what_is_shown_and_says_so(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    two = stored(alice, "email,city\nanna@example.com,Ulm\nben@example.com,Bonn\n", "two")
    with db.session() as session:
        suppression.suppress(session, alice, "gone@gmx.example", "manual")
    await user.open(f"/audience?list={two}")
    export = shown(user, ui.button, "Export as CSV")[0]
    assert export.props["href"] == f"/audience/contacts.csv?list={two}"
    user.find("Search contacts").type('city:"u & m"')
    await eventually(lambda: export.text == "Export found as CSV")
    assert export.props["href"] == f"/audience/contacts.csv?list={two}&q=city%3A%22u+%26+m%22"
    (export,) = shown(user, ui.button, "Export as CSV")
    assert export.props["href"] == "/audience/suppressed.csv"
    user.find("Search suppressed addresses").type("gmx")
    await eventually(lambda: export.props["href"] == "/audience/suppressed.csv?q=gmx")


async def test_another_tab_follows_without_being_loaded_again(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await user.should_see("Nobody is here yet")
    members = await asyncio.to_thread(stored, alice)
    await user.should_see("members")
    await eventually(lambda: len(table_of(user, "Merge fields").rows) == 2)
    (button,) = shown(user, ui.button, "Actions for members")
    await asyncio.to_thread(stored, alice, "carl@example.com", "others")
    await user.should_see("others")
    await asyncio.to_thread(contacts.store, alice, parse.parse_text("dora@example.com"), list_id=members)
    row = button.parent_slot.parent
    await eventually(lambda: [each.text for each in row.descendants() if isinstance(each, ui.label)][1] == "3")
    assert not button.is_deleted  # nor is its menu closed, if it is open


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
    with db.session() as session:
        suppression.suppress(session, charlie_id, "left@example.com", "manual")
    await charlie.should_see("Added by you")
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
