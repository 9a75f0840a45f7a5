"""One contact: added, edited with its fields and lists, deleted."""

from nicegui import ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction

from core import db
from core.audience import book, contacts, parse, suppression
from tests.campaign_ui.audience import fill, people, press, shown, stored, table_of
from tests.campaign_ui.conftest import SignIn, eventually, undo


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
