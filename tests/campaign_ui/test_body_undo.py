"""The way back that Compose offers after the whole body changed: until it is typed on, and nothing typed is lost."""

from collections.abc import AsyncIterator

import pytest
from nicegui import ui
from nicegui.testing import User as Browser

from core import campaigns, db
from core.campaigns import versions
from tests.campaign_ui.conftest import Held, SignIn, eventually, let_rest, press
from tests.campaign_ui.test_body import _draft, _kept, _one, _switch, _versions

_LINED = "<p>Hi <u>all</u></p>"
_SAID = "The body is Markdown now."


@pytest.fixture
async def user(user: Browser) -> AsyncIterator[Browser]:
    yield user
    await let_rest(user)


async def _lose_the_lines(user: Browser, draft: int) -> None:
    """Rich text becomes Markdown, which has no underlining."""
    await user.open(f"/campaigns/{draft}/edit")
    _switch(user, "markdown")
    await user.should_see("Markdown would lose parts of this mail")
    press(user, "Switch and lose them")
    await user.should_see(_SAID)
    await eventually(lambda: _kept(draft).body_kind == "markdown")


async def test_the_offer_goes_when_the_kind_is_switched_again(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user), body=_LINED)
    await _lose_the_lines(user, draft)
    _switch(user, "rich")
    await eventually(lambda: _kept(draft).body == _LINED)
    await user.should_not_see(_SAID)
    _one(user, ui.editor).value = f"{_LINED}<p>More</p>"
    await eventually(lambda: "More" in _kept(draft).body)
    await user.should_not_see(_SAID)


async def test_the_offer_goes_when_markdown_was_typed_on_and_the_kind_is_switched(
    user: Browser, sign_in: SignIn
) -> None:
    draft = _draft(sign_in(user), body=_LINED)
    await _lose_the_lines(user, draft)
    _one(user, ui.codemirror).value = "Hi all\n\nMore\n"
    await user.should_not_see(_SAID)
    _switch(user, "rich")
    await eventually(lambda: _kept(draft).body_kind == "rich")
    assert "More" in _kept(draft).body
    await user.should_not_see(_SAID)


async def test_the_offer_is_there_again_once_what_was_typed_is_taken_back(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user), body=_LINED)
    await _lose_the_lines(user, draft)
    became = _kept(draft).body
    _one(user, ui.codemirror).value = f"{became}More\n"
    await user.should_not_see(_SAID)
    press(user, "Undo")  # by the key, before the browser heard that it is gone
    await eventually(lambda: "More" in _kept(draft).body)
    _one(user, ui.codemirror).value = became
    await user.should_see(_SAID)
    press(user, "Undo")
    await eventually(lambda: _kept(draft).body == _LINED)
    await user.should_not_see(_SAID)
    assert not any("Undo" in each.reason for each in _versions(draft))  # nothing was typed


async def test_the_offer_knows_rich_text_as_a_browser_spells_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice, body="<p>One<br />two</p>")
    with db.session() as session:
        versions.keep(session, alice, draft, "Before the template Newsletter")
        campaigns.save_draft(session, alice, draft, 2, body="<p>Later words</p>")
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Version history")
    await user.should_see("Before the template Newsletter")
    press(user, "Restore")
    await user.should_see("is back.")
    _one(user, ui.editor).value = "<p>One<br>two, x</p>"
    await user.should_not_see("is back.")
    _one(user, ui.editor).value = "<p>One<br>two</p>"
    await user.should_see("is back.")
    await eventually(lambda: _kept(draft).body == "<p>One<br>two</p>")


async def test_undo_keeps_the_subject_and_body_that_it_replaces(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    draft = _draft(alice, body="<p>The first words</p>")
    with db.session() as session:
        versions.keep(session, alice, draft, "Before the template Newsletter")
        campaigns.save_draft(session, alice, draft, 2, subject="Later", body="<p>Later words</p>")
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Version history")
    await user.should_see("Before the template Newsletter")
    press(user, "Restore")
    await eventually(lambda: _kept(draft).body == "<p>The first words</p>")
    _one(user, ui.input, "Subject").value = "Typed since"
    keeping = Held(monkeypatch, versions, "keep")
    press(user, "Undo")
    await eventually(keeping.begun.is_set)
    _one(user, ui.editor).value = "<p>Typed meanwhile</p>"
    keeping.go_on.set()
    await eventually(lambda: (_kept(draft).subject, _kept(draft).body) == ("Later", "<p>Later words</p>"))
    kept = [(each.subject, each.body) for each in _versions(draft) if each.reason.startswith("Before Undo")]
    assert kept == [("Typed since", "<p>The first words</p>"), ("Typed since", "<p>Typed meanwhile</p>")]
