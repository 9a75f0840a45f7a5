"""A campaign that waits says so: its badge, the header, the lists."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import select

from campaign_ui import silence
from campaign_ui.parts.markup import Html
from core import db, live
from core.delivery import workers
from core.models import Campaign, Sender
from tests import rows
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
    with db.reading() as session:
        its = session.exec(select(Sender.id)).one()
    [way] = user.find(kind=ui.link, content="Look at its sender").elements
    assert way.props["href"] == f"/senders?edit={its}"
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


async def test_a_blocked_sender_is_said_in_red_with_the_way_to_it(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user))
    change(state="blocked", state_kind="auth")
    with db.reading() as session:
        way = f"/senders?edit={session.exec(select(Sender.id)).one()}"
    for path in ("/", f"/campaigns/{campaign_id}"):
        await user.open(path)
        [badge] = user.find(kind=ui.label, content="Sender blocked").elements
        assert "is-failed" in badge.classes
        [link] = user.find(kind=ui.link, content="Look at its sender").elements
        assert link.props["href"] == way
    await user.open("/campaigns")
    [row] = [row for table in tables(user) for row in table.rows]
    assert (row["status"], row["tone"], row["mend"]) == ("Sender blocked", "failed", way)
    change(state="ready")
    await eventually(lambda: all(row["mend"] is None for table in tables(user) for row in table.rows))


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
    await user.should_see("The part of the program that sends does not answer; sending goes on by itself")
    await eventually(lambda: words(user).count("Waiting") == 2)
    change(lease_until=timedelta(seconds=30))  # it was only slow
    await user.should_see("Sending now.")


async def test_what_stopped_by_itself_is_said_on_every_page_with_a_link(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    reason = {"pause_reason": "auth", "pause_detail": "535 5.7.8 Bad credentials"}
    with db.session() as session:
        rows.campaign(session, rows.user(session, "charlie@example.com"), {}, status="paused", **reason)
        mine = rows.campaign(session, alice, {}, name="By me", status="paused", pause_reason="user")
    await user.open("/audience")
    assert "Idle" in texts(user) and stopped(user) == ("", "")
    campaign_id = make(alice, name="<b>Winter</b> sale")
    change(state="blocked", state_kind="auth")
    with db.session() as session:
        session.get_one(Campaign, campaign_id).sqlmodel_update({"status": "paused", **reason})
        db.after_commit(session, lambda: live.publish(alice, "campaign", campaign_id))
    await eventually(lambda: stopped(user)[1] == f"/campaigns/{campaign_id}")
    assert "Stopped: &lt;b&gt;Winter&lt;/b&gt; sale" in stopped(user)[0]
    with db.session() as session:
        session.get_one(Campaign, mine).pause_reason = "missed"
        db.after_commit(session, lambda: live.publish(alice, "campaign", mine))
    await eventually(lambda: "2 campaigns stopped" in stopped(user)[0])
    assert stopped(user)[1] == "/"
    await user.should_not_see("Idle")


def pill(browser: Browser) -> Html:
    assert browser.client is not None
    [link] = [e for e in browser.client.elements.values() if "cm-stopped" in e.classes]
    assert isinstance(link, Html)
    return link


def stopped(browser: Browser) -> tuple[str, str]:
    """What the header says of it, as HTML, and where it leads."""
    link = pill(browser)
    return (link.content, str(link.props["href"])) if link.visible else ("", "")


async def test_what_its_mended_sender_stopped_is_red_no_more(user: Browser, sign_in: SignIn) -> None:
    campaign_id = make(sign_in(user), status="paused", pause_reason="auth", pause_detail="535 5.7.8 no")
    change(state="blocked", state_kind="auth")
    for path in ("/", f"/campaigns/{campaign_id}"):
        await user.open(path)
        assert "Stopped: November newsletter" in stopped(user)[0] and badges(user) == [("Paused", True)]
        change(state="ready")
        await eventually(lambda: "Ready to resume: November newsletter" in stopped(user)[0])
        assert stopped(user)[1] == f"/campaigns/{campaign_id}" and "is-ready" in pill(user).classes
        await eventually(lambda: badges(user) == [("Ready to resume", False)])
        assert any(each.startswith("November newsletter is ready to be resumed.") for each in words(user))
        if path == "/":
            [way] = [e for e in user.find(kind=ui.link, content="Open the campaign").elements if e.visible]
            assert all(box.visible for box in way.ancestors())
        await user.should_not_see("Idle")
        change(state="blocked")
        await eventually(lambda: "Stopped: November newsletter" in stopped(user)[0])
        assert "is-ready" not in pill(user).classes
    await user.open("/campaigns")
    assert [row["tone"] for table in tables(user) for row in table.rows] == ["failed"]
    change(state="ready")
    await eventually(lambda: [row["status"] for table in tables(user) for row in table.rows] == ["Ready to resume"])


def badges(browser: Browser) -> list[tuple[str, bool]]:
    """What the badge of a campaign's state says, and whether it is red."""
    assert browser.client is not None
    found = [e for e in browser.client.elements.values() if isinstance(e, ui.label) and "cm-badge" in e.classes]
    return [(e.text, "is-failed" in e.classes) for e in found if e.text in ("Paused", "Ready to resume")]


async def test_the_dashboard_says_why_one_stopped_and_the_way_to_mend_it(user: Browser, sign_in: SignIn) -> None:
    reason = {"pause_reason": "auth", "pause_detail": "535 5.7.8 Bad credentials"}
    campaign_id = make(sign_in(user), status="paused", **reason)
    change(state="blocked", state_kind="auth")
    await user.open("/")
    await user.should_see("Paused because Hostinger refused the sign-in.")
    assert "535 5.7.8 Bad credentials" in words(user)
    assert user.client is not None
    links = [e for e in user.client.elements.values() if isinstance(e, ui.link) and e.visible]
    hrefs = {link.text: link.props["href"] for link in links}
    with db.reading() as session:
        its = session.exec(select(Sender.id)).one()
    assert hrefs["Look at its sender"] == f"/senders?edit={its}"
    assert hrefs["Open the campaign"] == f"/campaigns/{campaign_id}"
    [badge] = [e for e in user.client.elements.values() if isinstance(e, ui.label) and e.text == "Paused"]
    assert "is-failed" in badge.classes
