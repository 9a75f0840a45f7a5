"""The first five minutes: steps that tick themselves, and Try it now."""

from collections.abc import Callable

import pytest
from nicegui import app, ui
from nicegui.testing import User as Browser

from core import campaigns, db, live
from core.audience import book, contacts
from core.campaigns import first_steps, trial
from core.delivery import senders
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, sign_in_as
from tests.conftest import Stack

TITLE = "Your first campaign in three steps"
REAL = senders.Values(name="R", host="smtp.example.com", username="u", password="p", from_address="a@example.com")


def own_sender_and_contacts(user_id: int) -> int:
    with db.session() as session:
        sender = senders.create(session, user_id, REAL)
        own = contacts.create_list(session, user_id, "My own")
        contacts.add_people(session, user_id, own, [("anna@example.com", {})], [])
        return sender.id or 0


async def test_each_step_ticks_itself_while_one_looks(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await user.open("/")
    await user.should_see("0 of 3 done")
    sender_id = own_sender_and_contacts(user_id)
    await user.should_see("2 of 3 done")
    with db.session() as session:
        made = rows.campaign(session, user_id, {"sent": ["anna@example.com"]}, status="sent", sender_id=sender_id)
        campaigns.drafts.hint(session, user_id, made)
    await user.should_see("All three are done.")
    await user.open("/")  # the next visit finds it gone, and for good
    await user.should_not_see(TITLE)
    with db.session() as session:
        book.delete_contact(session, user_id, book.page(session, user_id).rows[0].id or 0)
    await user.open("/")
    await user.should_not_see(TITLE)


async def test_it_can_be_hidden_and_stays_so_for_this_user_only(
    create_user: Callable[[], Browser], sign_in: SignIn
) -> None:
    alice, charlie = create_user(), create_user()
    alice_id = sign_in(alice)
    sign_in(charlie, "charlie@example.com")
    await alice.open("/")
    await charlie.open("/")
    press(alice, "Hide the first steps")
    await alice.should_not_see(TITLE)
    await eventually(lambda: closed(alice_id))
    await alice.open("/")
    await alice.should_not_see(TITLE)
    await charlie.should_see(TITLE)


def closed(user_id: int) -> bool:
    with db.reading() as session:
        return first_steps.steps(session, user_id).is_closed


async def test_try_it_now_on_both_stacks(create_user: Callable[[], Browser], stack: Stack) -> None:
    alice, charlie = create_user(), create_user()
    alice_id = sign_in_as(alice)
    sign_in_as(charlie, "charlie@example.com")
    live.start()
    await charlie.open("/")
    await alice.open("/")
    press(alice, "Try it now")
    await alice.should_see("See the whole job in a minute")
    press(alice, "Not now")
    await alice.should_not_see("See the whole job in a minute")
    assert not there(alice_id)
    press(alice, "Try it now")
    await alice.should_see("Nobody receives anything")
    press(alice, "Send to the sandbox")
    await alice.should_see("Sent to the sandbox: nobody receives these mails.")
    await alice.should_see("Sample campaign")
    await alice.open("/")
    await alice.should_see("Your sample campaign is here: watch it")
    await alice.should_see("0 of 3 done")
    await charlie.should_see("See the whole job with sample contacts")
    press(alice, "Remove samples")
    await alice.should_see("Remove the samples?")
    press(alice, "Keep it")
    await alice.should_not_see("Remove the samples?")
    assert there(alice_id)
    await alice.open("/sandbox")
    await alice.should_see("Send samples again")
    press(alice, "Remove samples")
    await alice.should_see("Remove the samples?")
    press(alice, "Remove samples")
    await eventually(lambda: not there(alice_id))
    await alice.should_not_see("Send samples again")


def there(user_id: int) -> bool:
    with db.reading() as session:
        return trial.found(session, user_id).is_there


async def test_a_draft_only_opens_compose(user: Browser, sign_in: SignIn) -> None:
    user_id = sign_in(user)
    await user.open("/sandbox")
    press(user, "Try it now")
    await user.should_see("Draft only")
    press(user, "Draft only")
    await eventually(lambda: user.back_history[-1].endswith("/edit"))
    with db.reading() as session:
        (made,) = campaigns.list_all(session, user_id)
        assert made.status == "draft" and user.back_history[-1] == f"/campaigns/{made.id}/edit"


async def test_a_try_that_fails_leaves_the_button_as_it_was(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(trial, "begin", broken)
    told: list[Exception] = []
    sign_in(user)
    await user.open("/sandbox")
    press(user, "Try it now")
    await user.should_see("Draft only")
    monkeypatch.setattr(app, "handle_exception", told.append)
    press(user, "Draft only")
    await eventually(lambda: told)
    assert not [each for each in user.find(kind=ui.button).elements if "loading" in each.props]
