"""Pages that were left leave nothing in the process."""

import gc

from nicegui import Client, background_tasks, binding, ui
from nicegui.testing import User as Browser

from campaign_ui import live
from campaign_ui.parts.kept import keep
from core import db
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press


async def test_pages_that_were_left_leave_nothing_behind(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, {"sent": ["anna@example.com"]})
    paths = ("/", "/campaigns", f"/campaigns/{campaign_id}", f"/campaigns/{campaign_id}/edit", "/settings")
    for path in paths:
        await _come_and_go(user, path)
    before = _kept()
    for _ in range(4):
        for path in paths:
            await _come_and_go(user, path)
    await eventually(lambda: _kept() <= before)
    assert not live._channels


async def test_a_dialog_that_was_closed_leaves_nothing_behind(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        sender = rows.sender(session, alice, from_address="shop@example.com")
        draft = rows.campaign(session, alice, status="draft", sender_id=sender.id)
    await user.open("/senders")
    await _opens_and_closes(user, "Add sender", "Close")
    await _opens_and_closes(user, "Set up DKIM of example.com", "Close")
    await _opens_and_closes(user, "Delete Hostinger", "Keep it")
    await user.open(f"/campaigns/{draft}/edit")
    await _opens_and_closes(user, "Image", "Close")
    await _opens_and_closes(user, "Send test", "Close")


async def _opens_and_closes(user: Browser, button: str, close: str) -> None:
    assert user.client is not None
    elements = user.client.elements
    before = set(elements)
    press(user, button)
    await eventually(lambda: any(isinstance(each, ui.dialog) and each.value for each in elements.values()))
    press(user, close)
    await eventually(lambda: set(elements) == before)


async def _come_and_go(user: Browser, path: str) -> None:
    client = await user.open(path)
    for task in [task for task in background_tasks.running_tasks if "outbox" not in task.get_name()]:
        task.cancel()
    client.delete()


def _kept() -> int:
    gc.collect()
    elements = sum(isinstance(each, ui.element) for each in gc.get_objects())
    return elements + len(Client.instances) + len(binding.bindable_properties)


async def test_a_list_is_not_drawn_in_a_tab_that_was_left(user: Browser, sign_in: SignIn) -> None:
    """What was read for it comes late: on a busy machine long after the tab was closed."""
    sign_in(user)
    client = await user.open("/settings")
    with client.layout:
        box = ui.column()
    kept: dict[str, ui.label] = {}
    keep(box, kept, ["one"], ui.label)
    assert [label.text for label in kept.values()] == ["one"]
    client.delete()
    keep(box, kept, ["two", "one"], ui.label)
    assert list(kept) == ["one"]
