"""Ending by hand a wait that a mail server caused: where it is offered, and to whom."""

from datetime import timedelta

import pytest
from nicegui.testing import User as Browser
from sqlmodel import col, select

from core import db, live
from core.models import Message, Sender
from tests.campaign_ui.campaign import make
from tests.campaign_ui.conftest import SignIn, eventually, press


def cool(kind: str = "throttle_rate") -> None:
    with db.session() as session:
        sender = session.exec(select(Sender)).one()
        sender.state, sender.state_kind, sender.state_reply = "cooling", kind, "451 4.7.1 not now"
        sender.cooldown_step, sender.cooling_until = 1, db.now(session) + timedelta(minutes=30)
        db.after_commit(session, lambda: live.publish(sender.user_id, "sender", sender.id))


def state() -> str:
    with db.reading() as session:
        return session.exec(select(Sender.state)).one()


@pytest.mark.parametrize(("kind", "said"), [("throttle_rate", "Trying again now."), ("quota_day", "One mail is tried")])
async def test_the_campaigns_page_ends_the_wait_and_says_what_happens(
    user: Browser, sign_in: SignIn, kind: str, said: str
) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("sending starts as soon as a worker is free")
    await user.should_not_see("Try again now")
    woken: list[bool] = []
    undo = live.on_wake(lambda: woken.append(True))
    cool(kind)
    await user.should_see("not now: resuming at")
    await user.should_see("Try again now")
    press(user, "Try again now")
    await eventually(lambda: user.notify.contains(said))
    undo()
    assert state() == "ready" and woken
    await user.should_not_see("Try again now")
    cool(kind)
    await user.should_see("Try again now")  # refused again


async def test_the_page_of_senders_ends_it_too(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user), status="paused")
    assert campaign_id
    await user.open("/senders")
    await user.should_see("Hostinger")
    await user.should_not_see("Try again now")
    cool()
    await user.should_see("Try again now")
    press(user, "Try again now")
    await eventually(lambda: user.notify.contains("No mail is due now"))
    assert state() == "ready"
    await user.should_see("Ready")


async def test_mails_that_a_server_put_off_are_tried_again_by_hand_too(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    with db.session() as session:
        mail = session.exec(select(Message).where(col(Message.state) == "pending")).one()
        mail.retry_at, mail.reply = db.now(session) + timedelta(minutes=15), "450 4.2.0 Greylisted"
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("The last mail waits to be tried again at")
    woken: list[bool] = []
    undo = live.on_wake(lambda: woken.append(True))
    press(user, "Try again now")
    await eventually(lambda: user.notify.contains("1 mail tried again now."))
    undo()
    await user.should_not_see("The last mail waits to be tried again at")
    await user.should_not_see("Try again now")
    with db.session() as session:
        mail = session.exec(select(Message).where(col(Message.state) == "pending")).one()
        assert mail.retry_at <= db.now(session) and woken


async def test_who_is_late_is_told_that_it_does_not_wait_any_more(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    campaign_id = make(1)
    cool()
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("Try again now")
    with db.session() as session:  # without a hint
        sender = session.exec(select(Sender)).one()
        sender.state, sender.cooling_until = "ready", None
    press(user, "Try again now")
    await eventually(lambda: user.notify.contains("does not wait for its mail server any more"))


async def test_a_stranger_sees_neither_the_wait_nor_the_button(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    cool()
    sign_in(user, "charlie@example.com")
    assert (await user.http_client.get(f"/campaigns/{campaign_id}")).status_code == 404
    await user.open("/senders")
    await user.should_see("No senders yet")
    await user.should_not_see("Try again now")
    assert state() == "cooling"
