import html
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction
from sqlmodel import select

from campaign_ui.endpoints import templates as endpoint
from campaign_ui.guard import SecurityHeaders
from core import accounts, db
from core.audience import contacts, parse
from core.content import starters, templates
from core.models import Campaign, Template
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, undo
from tests.conftest import Stack

BODY = "<style>p{color:red}</style><p>Hi {{ first_name }}</p><script>alert(1)</script>"


def stored(user_id: int, name: str = "Monthly", **changes: str) -> int:
    with db.session() as session:
        made = templates.create(session, user_id, name, **{"subject": "Hello", "body": BODY, **changes})
        assert made.id is not None
        return made.id


def names(user_id: int) -> list[str]:
    with db.reading() as session:
        return [template.name for template in templates.list_all(session, user_id)]


def kept(user_id: int, template_id: int) -> Template:
    with db.reading() as session:
        return templates.get(session, user_id, template_id)


def campaigns() -> list[Campaign]:
    with db.reading() as session:
        return list(session.exec(select(Campaign)))


def named(browser: Browser, kind: type[ui.element], name: str) -> list[ui.element]:
    with browser:
        return [
            each
            for each in ElementFilter(kind=kind)
            if name in (getattr(each, "text", None), each.props.get("label"), each.props.get("aria-label"))
        ]


def fill(browser: Browser, label: str, text: str) -> None:
    (field,) = named(browser, ui.input, label)
    UserInteraction(browser, {field}, None).clear().type(text)


def write(browser: Browser, text: str) -> None:
    """Into the source of HTML, the words of the other kinds."""
    with browser:
        for view in ElementFilter(kind=ui.toggle):
            if view.props.get("aria-label") == "HTML as":
                view.set_value("source")
    with browser:
        (body,) = [*ElementFilter(kind=ui.codemirror), *ElementFilter(kind=ui.editor)]
        body.set_value(text)


def menu_item(browser: Browser, words: str) -> ui.element:
    with browser:
        (found,) = [
            each
            for each in ElementFilter(kind=ui.menu_item)
            if any(getattr(part, "text", "") == words for part in each.descendants())
        ]
        return found


def frames(browser: Browser) -> list[ui.element]:
    with browser:
        return [each for each in ElementFilter(kind=ui.element) if each.tag == "iframe"]


def shown(browser: Browser) -> ui.element:
    """The frame of the preview."""
    [frame] = [each for each in frames(browser) if "data-mail" in each.props]
    return frame


async def test_a_newcomer_sees_the_starters_and_how_to_begin(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/templates")
    await user.should_see("No templates of your own yet")
    for starter in starters.all():
        await user.should_see(starter.name)
    assert len(frames(user)) == len(starters.all())


async def test_every_mail_is_shown_in_a_frame_that_can_do_nothing(user: Browser, sign_in: SignIn) -> None:
    template = stored(sign_in(user))
    for path in ("/templates", f"/templates/{template}"):
        await user.open(path)
        assert frames(user)
        for frame in frames(user):
            assert "allow-scripts" not in frame.props["sandbox"]
            assert (
                "/picture?v=" in frame.props["src"]
                if path == "/templates"
                else "default-src 'none'" in frame.props["srcdoc"]
            )
    assert "Hi Anna" in shown(user).props["data-mail"]


async def test_using_a_template_begins_a_campaign_with_its_words(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, preheader="Soon")
    await user.open("/templates")
    press(user, "Use Monthly")
    await eventually(campaigns)
    (campaign,) = campaigns()
    assert (campaign.user_id, campaign.subject, campaign.preheader) == (alice, "Hello", "Soon")
    assert (campaign.body, campaign.body_kind, campaign.status) == (BODY, "html", "draft")
    await eventually(lambda: user.back_history[-1] == f"/campaigns/{campaign.id}/edit")


async def test_a_starter_is_edited_as_a_new_template(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/templates/new?start=welcome")
    await user.should_see("HTML · Not saved yet")
    fill(user, "Name", "Hello there")
    press(user, "Save")
    await eventually(lambda: names(alice) == ["Hello there"])
    await user.should_see("HTML · Saved")
    with db.reading() as session:
        assert templates.list_all(session, alice)[0].body == starters.get("welcome").body


async def test_what_is_typed_is_shown_a_moment_later_and_kept_on_save(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    template = stored(alice)
    await user.open(f"/templates/{template}")
    await user.should_see("HTML · Saved")
    fill(user, "Subject", "For {{ first_name }}")
    write(user, "<p>{{ first_name }} & all</p>")
    await eventually(lambda: "<p>Anna & all</p>" in str(shown(user).props["data-mail"]))
    await user.should_see("For Anna")
    await user.should_see("HTML · Not saved yet")
    assert kept(alice, template).body == BODY
    press(user, "Save")
    await eventually(lambda: kept(alice, template).body == "<p>{{ first_name }} & all</p>")
    assert kept(alice, template).subject == "For {{ first_name }}"


async def test_the_preview_has_a_phone_and_a_text(user: Browser, sign_in: SignIn) -> None:
    template = stored(sign_in(user))
    await user.open(f"/templates/{template}")
    with user:
        (switch,) = [each for each in ElementFilter(kind=ui.toggle) if "phone" in each.options]
        switch.set_value("text")
    await user.should_see("Hi Anna\n\nUnsubscribe: #unsubscribe")
    assert not shown(user).visible
    with user:
        switch.set_value("phone")
    assert shown(user).visible


async def test_a_name_that_is_taken_or_missing_is_said(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice)
    await user.open("/templates/new")
    press(user, "Save")
    await user.should_see("Give the template a name.")
    fill(user, "Name", "Monthly")
    press(user, "Save")
    await user.should_see("You have a template named Monthly already. Give this one another name.")
    assert names(alice) == ["Monthly"]


async def test_rich_text_stays_rich_or_becomes_html_on_purpose(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    template = stored(alice, body="<p>Hi</p>", body_kind="rich")
    await user.open(f"/templates/{template}")
    await user.should_see("Rich text · Saved")
    write(user, "<p>y</p>")
    press(user, "Save")
    await eventually(lambda: kept(alice, template).body == "<p>y</p>")
    assert kept(alice, template).body_kind == "rich"
    press(user, "Turn into HTML")
    press(user, "Save")
    await eventually(lambda: kept(alice, template).body_kind == "html")
    assert kept(alice, template).body.startswith("<!doctype html>")


async def test_merge_tags_of_mailchimp_are_said_translated_and_taken_back(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    template = stored(alice, subject="For *|FNAME|*")
    await user.open(f"/templates/{template}")
    await user.should_see("*|FNAME|* is a merge tag of Mailchimp; here it is {{ first_name }}.")
    theirs = '<h1>Dear *|LNAME|*</h1><a href="*|UNSUB|*">Leave</a> <a href="*|UPDATE_PROFILE|*">Your data</a>'
    write(user, theirs)
    await user.should_see("*|FNAME|*, *|LNAME|* and *|UNSUB|* are merge tags of Mailchimp")
    await user.should_see(
        "*|UPDATE_PROFILE|* is a merge tag of Mailchimp. Remove it: readers do not change their data themselves."
    )
    ours = theirs.replace("*|LNAME|*", "{{ last_name }}").replace("*|UNSUB|*", "{{ unsubscribe_url }}")

    async def becomes(subject: str, body: str) -> None:
        [field] = named(user, ui.input, "Subject")
        assert isinstance(field, ui.input)
        await eventually(lambda: field.value == subject)
        press(user, "Save")
        await eventually(lambda: (kept(alice, template).subject, kept(alice, template).body) == (subject, body))

    press(user, "Translate")
    await becomes("For {{ first_name }}", ours)
    await undo(user, "The merge tags are merge fields now.")
    await becomes("For *|FNAME|*", theirs)
    press(user, "Translate")
    await user.should_not_see("are merge tags of Mailchimp")
    fill(user, "Subject", "Another")
    await undo(user, "The merge tags are merge fields now.")
    await user.should_see("It was changed since: nothing is taken back.")


async def test_a_copy_appears_at_once_in_an_open_page(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice)
    await user.open("/templates")
    UserInteraction(user, {menu_item(user, "Duplicate")}, None).click()
    await user.should_see("Monthly (copy)")
    assert sorted(names(alice)) == ["Monthly", "Monthly (copy)"]


async def test_a_deleted_template_can_be_brought_back(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice)
    await user.open("/templates")
    UserInteraction(user, {menu_item(user, "Delete")}, None).click()
    await user.should_see("Monthly was deleted.")
    await user.should_see("No templates of your own yet")
    assert names(alice) == []
    await undo(user, "Monthly was deleted.")
    await eventually(lambda: names(alice) == ["Monthly"])


async def test_a_stranger_sees_nothing_of_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    template = stored(alice, "Secret plans", body="<p>secret words</p>")
    sign_in(user, "charlie@example.com")
    await user.open("/templates")
    await user.should_see("No templates of your own yet")
    await user.should_not_see("Secret plans")
    assert all(str(frame.props["src"]).startswith("/templates/starters/") for frame in frames(user))
    response = await user.http_client.get(f"/templates/{template}")
    assert response.status_code == 404 and "secret words" not in html.unescape(response.text)


async def test_an_unknown_starter_or_template_is_a_404(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    for path in ("/templates/new?start=nothing", "/templates/99"):
        assert (await user.http_client.get(path)).status_code == 404


async def test_many_templates_are_shown_by_and_by(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    for number in range(30):
        db.clock_offset += timedelta(seconds=1)
        stored(alice, f"Number {number}")
    await user.open("/templates")
    await user.should_see("Number 29")
    await user.should_not_see("Number 0")
    press(user, "Show more")
    await user.should_see("Number 0")


async def test_a_template_in_markdown_is_written_and_shown_as_the_mail_it_becomes(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    template = stored(alice, body="# Hi {{ first_name }}", body_kind="markdown")
    await user.open(f"/templates/{template}")
    await user.should_see("Markdown · Saved")
    assert user.find(kind=ui.codemirror).elements.pop().props["language"] == "Markdown"
    assert "Hi Anna</h1>" in shown(user).props["data-mail"]
    write(user, "**{{ first_name }}**")
    await eventually(lambda: "<strong>Anna</strong>" in str(shown(user).props["data-mail"]))
    press(user, "Save")
    await eventually(lambda: kept(alice, template).body == "**{{ first_name }}**")
    assert kept(alice, template).body_kind == "markdown"


@pytest.fixture
async def web(sqlite_stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    endpoint.register(app)
    app.add_middleware(SecurityHeaders)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here.test") as client:
        yield client


def _enter(web: httpx.AsyncClient, email: str) -> int:
    with db.session() as session:
        user_id = rows.user(session, email)
        web.cookies.set("session", accounts.start_session(session, user_id))
    return user_id


async def test_the_picture_of_a_template_is_the_mail_for_its_owner_alone(web: httpx.AsyncClient) -> None:
    alice = _enter(web, "alice@example.com")
    template = stored(alice, body="<script>alert(1)</script><p>Hi {{ first_name }}</p>")
    shown = await web.get(f"/templates/{template}/picture?v=1")
    assert shown.status_code == 200 and "<p>Hi Anna</p>" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "; sandbox;" in policy and "frame-ancestors 'self'" in policy
    assert shown.headers["x-frame-options"] == "SAMEORIGIN" and "private" in shown.headers["cache-control"]
    _enter(web, "charlie@example.com")
    assert (await web.get(f"/templates/{template}/picture")).status_code == 404
    assert (await web.get(f"/templates/{10**30}/picture")).status_code == 404
    web.cookies.clear()
    assert (await web.get(f"/templates/{template}/picture")).status_code == 401
    for starter in starters.all():
        assert "Anna" in (await web.get(f"/templates/starters/{starter.key}/picture")).text
    assert (await web.get("/templates/starters/..%2Fletter/picture")).status_code == 404


async def test_a_new_template_is_of_the_kind_that_was_chosen_and_stays_so(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    for kind, words in (("rich", "Rich text"), ("markdown", "Markdown"), ("html", "HTML"), ("none", "Rich text")):
        await user.open(f"/templates/new?kind={kind}")
        await user.should_see(f"{words} · Not saved yet")
        fill(user, "Name", f"As {kind}")
        press(user, "Save")
        await eventually(lambda kind=kind: f"As {kind}" in names(alice))
    with db.reading() as session:
        kinds = {each.name: each.body_kind for each in templates.list_all(session, alice)}
    assert kinds == {"As rich": "rich", "As markdown": "markdown", "As html": "html", "As none": "rich"}
    await user.open("/templates")
    for words in ("Rich text: words, images, buttons", "Markdown", "HTML: a letter to write over"):
        await user.should_see(words)


async def test_a_template_offers_the_fields_of_the_users_lists(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        bob = rows.user(session, "bob@example.com")
    contacts.store(alice, parse.parse_text("email,city\nanna@example.org,Pune\n"), "Readers")
    contacts.store(bob, parse.parse_text("email,salary\ncarl@example.org,9\n"), "Staff")
    for path in ("/templates/new?kind=html", f"/templates/{stored(alice)}"):
        await user.open(path)
        texts = {str(each.props.get("data-insert", "")) for each in user.find(kind=ui.menu_item).elements}
        assert "{{ city }}" in texts and "{{ unsubscribe_url }}" not in texts  # that is a link
        await user.should_see("Unsubscribe link")
        assert not any("salary" in text for text in texts)
