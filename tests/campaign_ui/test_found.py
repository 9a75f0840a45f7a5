"""What is done with everybody that is found on the page Audience."""

import pytest
from nicegui import ui
from nicegui.testing import User as Browser

from core import db
from core.audience import contacts, selection
from tests.campaign_ui.audience import fill, people, press, shown, stored, table_of
from tests.campaign_ui.conftest import Held, SignIn, eventually

TOWNS = "email,town\n" + "".join(f"p{n:02}@example.com,{'Ulm' if n < 30 else 'Bonn'}\n" for n in range(60))


def lists(user_id: int) -> dict[str, int]:
    with db.reading() as session:
        return {each.name: each.contact_count for each in contacts.lists(session, user_id)}


async def test_everybody_found_is_put_on_a_new_list(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    stored(alice, TOWNS)
    await user.open("/audience?q=ulm")
    press(user, "Add to a list")
    await user.should_see("Add 30 contacts to a list")
    (name,) = shown(user, ui.input, "List name")
    assert name.value == "ulm"
    fill(user, "List name", "  ")
    press(user, "Add")
    await user.should_see("Give the list a name.")
    fill(user, "List name", "From Ulm")
    putting = Held(monkeypatch, selection, "put")
    press(user, "Add")
    await eventually(putting.begun.is_set)
    await user.should_see("Adding to the list…")
    assert not shown(user, ui.button, "Add to a list")
    putting.go_on.set()
    await user.should_see("30 contacts added to the list “From Ulm”.")
    await user.should_not_see("Adding to the list…")
    assert lists(alice) == {"members": 60, "From Ulm": 30} and shown(user, ui.button, "Add to a list")


async def test_who_is_found_on_an_open_list_is_put_on_another_that_has_some_of_them(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    some = stored(alice, "p00@example.com\np01@example.com", "some")
    members = stored(alice, TOWNS)
    stored(alice, "zoe@example.com", "others")
    await user.open(f"/audience?list={members}&q=ulm")
    press(user, "Add to a list")
    await user.should_see("Add 30 contacts to a list")
    (chosen,) = shown(user, ui.select, "Add to")
    assert list(chosen.options.values()) == ["New list", "others (1)", "some (2)"]
    chosen.value = some
    press(user, "Add")
    await user.should_see("28 contacts added to the list “some”. 2 were on it already.")
    assert lists(alice) == {"members": 60, "some": 30, "others": 1}


async def test_who_is_found_on_an_open_list_is_removed_from_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    members = stored(alice, TOWNS)
    await user.open("/audience")
    assert not shown(user, ui.button, "Remove from this list")
    await user.open(f"/audience?list={members}&q=bonn")
    press(user, "Remove from this list")
    await user.should_see("Remove 30 contacts from “members”?")
    press(user, "Keep it")
    await user.should_not_see("Remove 30 contacts from “members”?")
    press(user, "Remove from this list")
    await user.should_see("Remove 30 contacts from “members”?")
    press(user, "Remove")
    await user.should_see("30 contacts left the list “members”.")
    await eventually(lambda: table_of(user, "Merge fields").rows == [])
    assert lists(alice) == {"members": 30} and len(people(alice)) == 25


async def test_where_nobody_is_found_nothing_is_asked(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, TOWNS)
    await user.open("/audience?q=nobody")
    press(user, "Add to a list")
    await user.should_see("No contact is found.")
    assert lists(alice) == {"members": 60}


async def test_a_list_that_is_deleted_meanwhile_is_said(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    stored(alice, TOWNS)
    gone = stored(alice, "zoe@example.com", "gone")
    await user.open("/audience?q=ulm")
    press(user, "Add to a list")
    await user.should_see("Add 30 contacts to a list")
    shown(user, ui.select, "Add to")[0].value = gone
    putting = Held(monkeypatch, selection, "put")
    press(user, "Add")
    await eventually(putting.begun.is_set)
    with db.session() as session:
        contacts.delete_list(session, alice, gone)
    putting.go_on.set()
    await user.should_see("The list was deleted meanwhile.")
    assert lists(alice) == {"members": 60}
