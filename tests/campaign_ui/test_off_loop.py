import asyncio
import threading

import pytest
from nicegui import core as ng
from nicegui.app.app import State
from nicegui.testing import User as Browser
from sqlmodel import Session

from campaign_ui.off_loop import off_loop
from campaign_ui.parts import act
from campaign_ui.parts.compose_draft import Draft
from core import campaigns, db
from tests.campaign_ui.conftest import SignIn


async def test_what_the_work_gives_is_given_a_nothing_too(user: Browser) -> None:
    assert await off_loop(int, "7") == 7
    assert await off_loop({"a": 1}.get, "b") is None


async def test_who_is_cancelled_while_it_waits_ends_there(user: Browser) -> None:
    began, may_end = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait(10)

    waiting = asyncio.ensure_future(off_loop(work))
    await asyncio.to_thread(began.wait, 10)
    waiting.cancel()
    await asyncio.wait([waiting])
    may_end.set()
    assert waiting.cancelled()


async def test_nothing_is_said_to_be_done_that_the_end_of_the_program_kept_from_it(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(user)
    await user.open("/settings")
    done: list[str] = []

    def save(session: Session) -> None:
        done.append("saved")

    with user:
        await act(save, done="Saved once.")
        with monkeypatch.context() as ending, pytest.raises(asyncio.CancelledError):
            ending.setattr(ng.app, "_state", State.STOPPING)
            await act(save, done="Saved twice.")
    assert done == ["saved"] and user.notify.messages == ["Saved once."]


async def test_a_draft_is_not_said_to_be_deleted_because_the_program_ends(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        draft = Draft(alice, "UTC", campaigns.create(session, alice))
    with monkeypatch.context() as ending, pytest.raises(asyncio.CancelledError):
        ending.setattr(ng.app, "_state", State.STOPPING)
        await draft.look()
    assert draft.state.words.startswith("Saved")
