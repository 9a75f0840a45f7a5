"""A mail in full size, and on a phone."""

import pytest
from nicegui import ui
from nicegui.testing import User as Browser

from core import campaigns, db
from tests.campaign_ui import conftest
from tests.campaign_ui.conftest import SignIn, eventually, press


async def test_a_preview_is_shown_in_full_size(user: Browser, sign_in: SignIn) -> None:
    await user.open(f"/campaigns/{_draft(sign_in(user))}/edit")
    (small,) = _frames(user)
    (kind,) = [each for each in user.find(kind=ui.toggle).elements if each.props.get("aria-label") == "Preview as"]
    kind.value = "phone"
    press(user, "Dark mail program")
    press(user, "Full size")
    await eventually(lambda: len(_frames(user)) == 2)
    _, large = _frames(user)
    assert "Ahoj" in str(large.props["data-mail"]) and large.props["data-mail"] == small.props["data-mail"]
    assert _kinds(user) == ["phone", "phone"]


async def test_the_full_size_is_shown_before_the_mail_is_in_it(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[tuple[ui.dialog, str]]()
    monkeypatch.setattr(conftest, "_say", lambda *what: said.append(what))
    await user.open(f"/campaigns/{_draft(sign_in(user))}/edit")
    press(user, "Full size")
    await eventually(lambda: said)
    assert user.client is not None
    assert len(_frames(user)) == 1 and any("cm-skeleton" in each.classes for each in said[0][0].descendants())
    monkeypatch.undo()
    conftest._say(*said[0])
    await eventually(lambda: len(_frames(user)) == 2)
    assert not any("cm-skeleton" in each.classes for each in said[0][0].descendants())


async def test_a_preview_on_a_phone_begins_as_one(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    assert _kinds(user) == ["desktop"]
    user.http_client.headers["user-agent"] = "Mozilla/5.0 (Linux; Android 10; K) Chrome/130.0.0.0 Mobile Safari/537.36"
    await user.open(f"/campaigns/{draft}/edit")
    assert _kinds(user) == ["phone"]


def _draft(user_id: int) -> int:
    with db.session() as session:
        draft = campaigns.create(session, user_id)
        campaigns.save_draft(session, user_id, draft.id or 0, 1, subject="News", body="<p>Ahoj</p>")
    return draft.id or 0


def _frames(user: Browser) -> list[ui.element]:
    found = [each for each in user.find(kind=ui.element).elements if each.tag == "iframe"]
    return sorted(found, key=lambda each: each.id)


def _kinds(user: Browser) -> list[object]:
    toggles = user.find(kind=ui.toggle).elements
    return [each.value for each in toggles if each.props.get("aria-label") == "Preview as"]
