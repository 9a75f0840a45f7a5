"""A campaign that waits says so: its badge, the header, the lists."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from nicegui.testing import User as Browser
from sqlmodel import select

from campaign_ui import silence
from core import db, live
from core.delivery import workers
from core.models import Sender
from tests.campaign_ui.campaign import make, tables
from tests.campaign_ui.conftest import SignIn, eventually, texts


def change(**values: object) -> None:
    """The sender's row; moments are counted from now. Pages hear of it."""
    with db.session() as session:
        sender, now = session.exec(select(Sender)).one(), db.now(session)
        told = {name: now + value if isinstance(value, timedelta) else value for name, value in values.items()}
        sender.sqlmodel_update(told)
        db.after_commit(session, lambda: live.publish(sender.user_id, "sender", sender.id))


def worker(does: Callable[..., None], *about: object) -> None:
    with db.session() as session:
        does(session, *about)


def words(browser: Browser) -> list[str]:
    return texts(browser).splitlines()


async def test_a_cooldown_is_said_in_the_badge_and_the_header_and_its_end_too(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    change(owner="w", lease_until=timedelta(seconds=29))
    await user.open(f"/campaigns/{campaign_id}")
    assert "Sending" in words(user) and "Sending…" in words(user)
    change(owner="", state="cooling", cooling_until=timedelta(minutes=5), state_reply="451 slow down")
    await eventually(lambda: words(user).count("Waiting") == 2)
    assert "Sending" not in words(user) and "Sending…" not in words(user)
    assert any(each.startswith("November newsletter waits. 32 of 33 done") for each in words(user))  # to who cannot see
    await user.should_see("Look at its sender")
    change(state="ready", cooling_until=None)
    await eventually(lambda: "Waiting" not in words(user))
    assert "Sending" in words(user) and "Sending…" in words(user)


async def test_lists_say_it_too_and_follow(user: Browser, sign_in: SignIn) -> None:
    make(sign_in(user))
    await user.open("/campaigns")
    assert [row["status"] for table in tables(user) for row in table.rows] == ["Sending"]
    change(next_start_at=timedelta(hours=3))
    await eventually(lambda: [row["status"] for table in tables(user) for row in table.rows] == ["Waiting"])
    await user.open("/")
    assert words(user).count("Waiting") >= 2 and "Sending…" not in words(user)
    await user.open("/campaigns")
    assert "Sending or waiting" in words(user) and "Sending" not in words(user)


async def test_the_last_worker_that_goes_dies_or_comes_is_told(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("sending starts as soon as a worker is free.")
    assert any(word.startswith("Finishes") for word in words(user))
    await silence.look()
    await asyncio.to_thread(worker, workers.leave, "host:1")
    await user.should_see("No worker is running, so nothing is sent.")
    await eventually(lambda: words(user).count("Waiting") == 2)
    assert not any(word.startswith("Finishes") for word in words(user))
    await asyncio.to_thread(worker, workers.tell, "host:2", workers.Figures())
    await user.should_see("sending starts as soon as a worker is free.")
    await silence.look()
    db.clock_offset += timedelta(seconds=46)  # killed
    await silence.look()
    await user.should_see("No worker is running, so nothing is sent.")


async def test_a_worker_that_falls_silent_is_told_by_nobody_and_yet_shown(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    change(owner="w", lease_until=timedelta(seconds=29))
    await user.open(f"/campaigns/{campaign_id}")
    await user.should_see("Sending now.")
    db.clock_offset += timedelta(seconds=16)  # killed: two heartbeats are missing
    await silence.look()
    await user.should_see("Its worker does not answer; sending goes on as soon as a worker is free. 1 waiting.")
    await eventually(lambda: words(user).count("Waiting") == 2)
    change(lease_until=timedelta(seconds=30))  # it was only slow
    await user.should_see("Sending now.")
