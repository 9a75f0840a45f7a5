"""Who of an upload left at another mail program: told, asked about, and not mailed."""

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy.exc import OperationalError

from campaign_ui.parts.chips import Chips
from core import db
from core.audience import book, contacts, suppression
from tests import rows
from tests.campaign_ui.audience import people, press, shown, stored, table_of, upload
from tests.campaign_ui.conftest import SignIn, eventually

LISTMONK = b"""uuid,email,name,attributes,status,created_at
5f9a,anna@example.com,Anna,{},enabled,2024-01-02 03:04:05
6a0b,ben@example.com,Ben,{},blocklisted,2024-01-02 03:04:05
7b1c,cem@example.com,Cem,{},disabled,2024-01-02 03:04:05
"""
CLEANED = b"""Email Address,First Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE
ben@example.com,Ben,2023-03-04 05:06:07,Spring
cem@example.com,Cem,2023-03-04 05:06:07,Spring
"""
SAYS = "2 of these 3 people were blocked elsewhere (column status: blocklisted, disabled)."


def suppressed(user_id: int) -> dict[str, str]:
    with db.reading() as session:
        return {each.email: each.reason for each in suppression.page(session, user_id).rows}


def tiles(browser: Browser) -> dict[str, str]:
    groups = [each for each in shown(browser, ui.element) if each.props.get("role") == "group"]
    found = [each for each in groups if not isinstance(each, Chips)]
    return {each.props["aria-label"]: each.default_slot.children[1].text for each in found}


def choose(browser: Browser, suppress: bool) -> None:
    (choice,) = shown(browser, ui.radio, "Who left elsewhere")
    with browser:
        choice.value = suppress


async def test_who_unsubscribed_elsewhere_is_told_and_suppressed_while_the_others_are_added(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, LISTMONK)
    await user.should_see(SAYS)
    assert tiles(user) == {"Valid": "3", "Invalid": "0", "Duplicates": "0", "Suppressed": "2"}
    press(user, "Add 1 contact, suppress 2")
    await user.should_see("1 contact added to the list “members”. 2 people suppressed.")
    assert people(alice) == ["anna@example.com"]
    assert suppressed(alice) == {"ben@example.com": "blocked", "cem@example.com": "blocked"}
    told = [("Blocked elsewhere", f"members, column status: {word}") for word in ("disabled", "blocklisted")]
    await eventually(lambda: [(row["reason"], row["detail"]) for row in table_of(user, "Reason").rows] == told)


async def test_they_may_be_added_like_anybody_else(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, LISTMONK)
    await user.should_see(SAYS)
    choose(user, suppress=False)
    await user.should_see("Add 3 contacts")
    assert tiles(user)["Suppressed"] == "0"
    choose(user, suppress=True)
    await user.should_see("Add 1 contact, suppress 2")
    choose(user, suppress=False)
    press(user, "Add 3 contacts")
    await user.should_see("3 contacts added to the list “members”.")
    assert len(people(alice)) == 3 and suppressed(alice) == {}


async def test_of_a_file_in_which_all_have_left_nobody_is_added(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, CLEANED)
    await user.should_see("All 2 people bounced elsewhere (column CLEAN_TIME).")
    await user.should_not_see("No row has a valid address")
    assert not shown(user, ui.input, "List name")
    press(user, "Suppress 2 people")
    await user.should_see("2 people suppressed.")
    assert suppressed(alice) == {"ben@example.com": "bounced", "cem@example.com": "bounced"}
    with db.reading() as session:
        assert contacts.lists(session, alice) == [] and book.count(session, alice) == 0
    await upload(user, CLEANED)
    await user.should_see("Nothing new: 2 are suppressed already")
    assert not shown(user, ui.button, "Nothing new: 2 are suppressed already")[0].enabled


async def test_the_dialog_closes_when_all_are_suppressed_and_says_who_was_already(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    stored(alice, "anna@example.com\ncem@example.com", "members")
    with db.session() as session:
        suppression.suppress(session, alice, "ben@example.com", "complained")
    await user.open("/audience?upload=1")
    await upload(user, CLEANED)
    await user.should_see("1 is suppressed already.")
    press(user, "Suppress 1 person")
    await user.should_see("1 person suppressed. 1 was suppressed already.")
    await eventually(lambda: not shown(user, ui.upload))
    assert suppressed(alice) == {"cem@example.com": "bounced", "ben@example.com": "complained"}
    assert len(people(alice)) == 2


async def test_the_button_tells_who_is_in_the_list_and_who_is_suppressed_already(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    members = stored(alice, "anna@example.com\nben@example.com", "members")
    with db.session() as session:
        suppression.suppress(session, alice, "anna@example.com", "manual")
        suppression.suppress(session, alice, "ben@example.com", "manual")
    await user.open("/audience?upload=1")
    await upload(user, LISTMONK)
    await user.should_see("Add 1 contact, suppress 1")
    await user.should_see("People whom you suppressed before are kept as contacts")
    assert tiles(user)["Suppressed"] == "3"
    (target,) = shown(user, ui.select, "Add to")
    with user:
        target.value = members
    await user.should_see("Update 1 contact, suppress 1")
    await user.should_see(
        "1 is in the list already. Of 1 contact you have, 1 gets new values. 1 is suppressed already."
    )
    choose(user, suppress=False)
    await user.should_see("Add 1 contact")
    await user.should_see("2 are in the list already. Of 2 contacts you have, 2 get new values.")
    assert tiles(user)["Suppressed"] == "2"


async def test_a_failure_after_they_were_suppressed_can_be_tried_again(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OperationalError("insert", {}, Exception("disk full"))

    alice = sign_in(user)
    await user.open("/audience")
    await upload(user, LISTMONK)
    await user.should_see(SAYS)
    with monkeypatch.context() as broken:
        broken.setattr(contacts, "_store_chunk", fails)
        press(user, "Add 1 contact, suppress 2")
        await user.should_see("This could not be finished.")
    assert len(suppressed(alice)) == 2
    press(user, "Add 1 contact, suppress 2")
    await user.should_see("1 contact added to the list “members”. 2 were suppressed already.")
    assert people(alice) == ["anna@example.com"]


async def test_a_stranger_keeps_their_suppression_list(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        suppression.suppress(session, charlie, "anna@example.com", "manual")
    await user.open("/audience")
    await upload(user, LISTMONK)
    await user.should_see(SAYS)
    assert tiles(user)["Suppressed"] == "2"
    press(user, "Add 1 contact, suppress 2")
    await user.should_see("2 people suppressed.")
    assert list(suppressed(charlie)) == ["anna@example.com"] and len(suppressed(alice)) == 2


async def test_the_upload_says_where_people_are_suppressed_and_that_a_cell_had_more_addresses(
    user: Browser, sign_in: SignIn
) -> None:
    sign_in(user)
    await user.open("/audience")
    await user.should_see("People who must not be mailed? Audience → Suppression list → Suppress several.")
    await upload(user, b"Name,E-mail 1 - Value\nAnna,anna@example.com ::: a@example.org\nBen,ben@example.com\n")
    await user.should_see("1 cell has several addresses: the first of each is taken.")
    await user.should_see("Add 2 contacts")
