import asyncio
from collections.abc import Callable

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction

from core import db
from core.audience import book, contacts, matches, parse, suppression
from tests.campaign_ui.audience import fill, menu, people, press, shown, stored, table_of
from tests.campaign_ui.conftest import SignIn, eventually


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
