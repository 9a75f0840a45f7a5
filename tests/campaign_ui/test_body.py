"""The body in Compose: its kinds, images, blocks and versions, as far as the server has a hand in it."""

import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import select

from core import campaigns, db
from core.campaigns import versions
from core.content import images, mail, picture
from core.delivery import senders
from core.models import Campaign, DraftVersion, Image
from tests import rows
from tests.campaign_ui.conftest import Held, SignIn, eventually, let_rest, press, texts
from tests.core.content.test_picture import drawn


@pytest.fixture
async def user(user: Browser) -> AsyncIterator[Browser]:
    yield user
    await let_rest(user)


def _draft(user_id: int, **values: str) -> int:
    with db.session() as session:
        if not senders.list_all(session, user_id):
            senders.add_sandbox(session, user_id)
        made = campaigns.create(session, user_id)
        given = {"name": "November", "subject": "News", "body": "<p>Hi {{ first_name }}</p>"} | values
        campaigns.save_draft(session, user_id, made.id or 0, 1, **given)
        return made.id or 0


def _kept(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def _image(user_id: int, name: str = "sea.png") -> Image:
    with db.session() as session:
        return images.add(session, user_id, picture.read(drawn("PNG", (900, 300))), name)


def _versions(campaign_id: int) -> list[DraftVersion]:
    with db.reading() as session:
        return list(session.exec(select(DraftVersion).where(DraftVersion.campaign_id == campaign_id)))


def _one(user: Browser, kind: type[Any], label: str = "") -> Any:
    found = user.find(kind=kind).elements
    [element] = [e for e in found if not label or label in (e.props.get("label"), e.props.get("aria-label"))]
    return element


def _switch(user: Browser, into: str) -> None:
    _one(user, ui.toggle, "Kind of body").value = into


def _tell(user: Browser, **said: object) -> None:
    """What the browser's script says after a paste."""
    editor = next(iter(user.find(kind=ui.editor).elements))
    for listener in editor._event_listeners.values():
        if listener.type.startswith("paste"):
            editor._handle_event({"listener_id": listener.id, "args": said})


def _scripts(user: Browser) -> list[str]:
    """What is put into the editor goes there as a call in the browser; hear those from now on."""
    assert user.client is not None
    heard: list[str] = []
    client, run = user.client, user.client.run_javascript

    def hear(code: str, **how: Any) -> Any:
        if "cmBody.insert(" in code:
            heard.append(code)
        return run(code, **how)

    client.run_javascript = hear  # type: ignore[method-assign]
    return heard


async def test_rich_text_becomes_markdown_and_comes_back_as_it_was(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    rich = _kept(draft).body
    _switch(user, "markdown")
    await eventually(lambda: _kept(draft).body_kind == "markdown")
    assert _kept(draft).body == "Hi {{ first_name }}\n"
    assert _one(user, ui.codemirror).props["language"] == "Markdown"
    _switch(user, "rich")
    await eventually(lambda: _kept(draft).body_kind == "rich")
    assert _kept(draft).body == rich
    [version] = [each for each in _versions(draft) if each.reason]
    assert (version.reason, version.body) == ("Before it became Markdown", rich)


async def test_a_switch_that_loses_something_says_what_and_can_be_undone(user: Browser, sign_in: SignIn) -> None:
    coloured = '<p style="text-align: center">Hi</p>'
    draft = _draft(sign_in(user), body=coloured)
    await user.open(f"/campaigns/{draft}/edit")
    _switch(user, "markdown")
    await user.should_see("Markdown would lose parts of this mail")
    await user.should_see("alignment")
    press(user, "Stay in Rich text")
    await user.should_not_see("would lose parts")
    assert _kept(draft).body_kind == "rich"
    _switch(user, "markdown")
    await user.should_see("Markdown would lose parts of this mail")
    press(user, "Switch and lose them")
    await user.should_see("The body is Markdown now.")
    await eventually(lambda: _kept(draft).body == "Hi\n")
    press(user, "Undo")
    await eventually(lambda: (_kept(draft).body, _kept(draft).body_kind) == (coloured, "rich"))


async def test_a_pasted_image_is_asked_what_it_shows_and_goes_in_at_the_cursor(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft, image = _draft(alice), _image(alice)
    await user.open(f"/campaigns/{draft}/edit")
    put = _scripts(user)
    _tell(user, begin=1)
    _tell(user, id=image.id)
    _tell(user, end=True)
    await user.should_see("Insert image")
    press(user, "Insert")
    assert "error" in _one(user, ui.input, "Alternative text").props and not put
    _one(user, ui.input, "Alternative text").value = 'The "sea"'
    _one(user, ui.input, "Caption (optional)").value = "<b>Noon</b>"
    press(user, "Insert")
    await eventually(lambda: put)
    [call] = put
    assert f'src=\\"{images.path(image)}\\" alt=\\"The &quot;sea&quot;\\" width=\\"520\\"' in call
    assert "&lt;b&gt;Noon" in call
    with db.reading() as session:
        assert images.get(session, alice, image.id or 0).alt == 'The "sea"'  # offered when it is used again


async def test_what_cannot_go_into_a_mail_is_refused_in_words(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    _tell(user, refused="file")
    _tell(user, refused="large")
    _tell(user, refused="heavy")
    _tell(user, error="This file is no picture that mails can show.")
    said = " ".join(user.notify.messages)
    for words in (
        "Only images can be put into a mail",
        "too long for one mail",
        "at most 10 MB",
        "no picture that mails can show",
    ):
        assert words in said


async def test_the_way_out_goes_in_as_a_link_in_the_mails_language(user: Browser, sign_in: SignIn) -> None:
    link = '<a href="{{ unsubscribe_url }}">Abmelden</a>'
    kinds = {"rich": link, "html": link, "markdown": "[Abmelden]({{ unsubscribe_url }})"}
    alice = sign_in(user)
    for kind, wanted in kinds.items():
        await user.open(f"/campaigns/{_draft(alice, body='Hi', body_kind=kind, language='de')}/edit")
        put = _scripts(user)
        press(user, "Unsubscribe link")  # the subject's menu has none
        await eventually(lambda put=put: put)
        assert json.dumps(wanted) in put[0]


async def test_pasted_text_with_images_is_sanitised_before_it_goes_in(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    put = _scripts(user)
    _tell(user, end=True, html='<p onclick=x>Words</p><img src="/i/x.png" onerror="alert(1)"><script>alert(1)</script>')
    await eventually(lambda: put)
    assert "Words" in put[0] and "/i/x.png" in put[0]
    assert not any(word in put[0] for word in ("onclick", "onerror", "script>", "alert"))


async def test_a_stranger_cannot_put_in_somebody_elses_image(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    image = _image(alice, "secret.png")
    charlie = sign_in(user, "charlie@example.com")
    draft = _draft(charlie)
    await user.open(f"/campaigns/{draft}/edit")
    _tell(user, id=image.id, end=True)
    await eventually(lambda: any("There is no such image" in each for each in user.notify.messages))
    press(user, "Image")
    await user.should_see("No images yet")
    assert "secret.png" not in texts(user) and "Insert image" not in texts(user)


async def test_the_library_says_which_mails_show_an_image_before_it_is_deleted(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    image = _image(alice)
    draft = _draft(alice, body=f'<p><img src="{images.path(image)}" alt="Sea"></p>')
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Image")
    await user.should_see("900 × 300")
    press(user, "Delete sea.png")
    await user.should_see("It is shown in November.")
    press(user, "Delete")
    await user.should_see("No images yet")
    with db.reading() as session:
        assert images.list_all(session, alice) == []


async def test_without_base_url_compose_says_that_readers_will_not_see_the_images(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    image, draft = _image(alice), _draft(alice)
    with db.session() as session:
        real = rows.sender(session, alice, name="Hostinger", from_address="news@example.com")
        campaigns.save_draft(session, alice, draft, 2, sender_id=real.id)
    await user.open(f"/campaigns/{draft}/edit")
    await user.should_not_see("Readers will not see the images")
    _one(user, ui.editor).value = f'<img src="{images.path(image)}">'
    await user.should_see("Readers will not see the images of this mail: BASE_URL is not set")


async def test_a_ready_block_goes_in_as_the_kind_of_body_can_hold_it(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    put = _scripts(user)
    press(user, "Two columns")
    await eventually(lambda: put)
    assert 'class=\\"columns\\"' in put.pop()
    press(user, "Button")
    await user.should_see("Insert button")
    press(user, "Insert")
    assert "https://example.com/page" in _one(user, ui.input, "Link").props["error-message"]
    for wrong in ("javascript:alert(1)", "example.com", "data:text/html,x"):
        _one(user, ui.input, "Link").value = wrong
        press(user, "Insert")
        assert not put
    _one(user, ui.input, "Link").value = "https://example.com/?a=1&b=2"
    press(user, "Insert")
    await eventually(lambda: put)
    assert 'class=\\"button\\" href=\\"https://example.com/?a=1&amp;b=2\\"' in put[-1]


async def test_a_version_is_restored_and_that_can_be_undone(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice, body="<p>The first words</p>")
    with db.session() as session:
        versions.keep(session, alice, draft, "Before the template Newsletter")
        campaigns.save_draft(session, alice, draft, 2, subject="Later", body="# Later", body_kind="markdown")
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Version history")
    await user.should_see("Before the template Newsletter")
    await user.should_see("3 words")
    press(user, "Restore")
    await eventually(lambda: _kept(draft).body == "<p>The first words</p>")
    assert (_kept(draft).subject, _kept(draft).body_kind) == ("News", "rich")
    await eventually(lambda: _one(user, ui.input, "Subject").value == "News")
    press(user, "Undo")
    await eventually(lambda: (_kept(draft).subject, _kept(draft).body) == ("Later", "# Later"))
    assert any(each.body == "# Later" and "was restored" in each.reason for each in _versions(draft))


async def test_the_history_counts_what_a_reader_reads(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice, subject="A subject of six words, nothing else", body="<p><br></p>")
    bodies = (
        '<ul><li>See <a href="https://example.com/">it</a></li></ul><hr>',
        "<p>See it</p>",
        "<p>{{ a | default: 'b' }}</p>",
    )
    with db.session() as session:
        versions.keep(session, alice, draft, "")
        for version, body in enumerate(bodies, 2):
            campaigns.save_draft(session, alice, draft, version, subject=f"Subject {min(version, 3)}", body=body)
            versions.keep(session, alice, draft, "")
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Version history")
    await user.should_see("No words yet")
    await user.should_see("2 words, 2 new, 0 gone, another subject")
    await user.should_see("2 words, another subject")
    await user.should_see("1 word, 1 new, 2 gone")


async def test_a_draft_without_versions_says_when_they_come(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        senders.add_sandbox(session, alice)
        draft = campaigns.create(session, alice).id
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Version history")
    await user.should_see("No earlier versions yet")


async def test_a_template_fills_the_empty_subject_on_the_screen_too(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user), subject="", body="")
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Load template")
    await user.should_see("Diary")
    press(user, "Use Diary")
    await eventually(lambda: _kept(draft).body_kind == "markdown")
    assert _one(user, ui.input, "Subject").value == _kept(draft).subject == "A short diary of this month"


async def test_what_is_typed_during_a_switch_is_kept(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    keeping = Held(monkeypatch, versions, "keep")
    _switch(user, "markdown")
    await eventually(keeping.begun.is_set)
    _one(user, ui.editor).value = "<p>Hi, and more</p>"
    keeping.go_on.set()
    await eventually(lambda: _kept(draft).body == "<p>Hi, and more</p>")
    await eventually(lambda: _one(user, ui.toggle, "Kind of body").value == "rich")
    assert _kept(draft).body_kind == "rich" and _one(user, ui.editor).value == "<p>Hi, and more</p>"


async def test_previews_are_made_off_the_loop(user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, made_in, make = sign_in(user), [], mail.preview
    draft = _draft(alice)
    with db.session() as session:
        versions.keep(session, alice, draft, "Before the template Newsletter")

    def preview(*args: Any) -> mail.Preview:
        made_in.append(threading.current_thread())
        return make(*args)

    monkeypatch.setattr(mail, "preview", preview)
    await user.open(f"/campaigns/{draft}/edit")
    assert len(made_in) == 1
    press(user, "Version history")
    await user.should_see("Before the template Newsletter")
    await eventually(lambda: len(made_in) == 2)
    assert threading.main_thread() not in made_in
