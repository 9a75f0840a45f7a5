import html
from datetime import timedelta

from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction
from sqlmodel import select

from core import db
from core.content import starters, templates
from core.models import Campaign, Template
from tests.campaign_ui.conftest import SignIn, eventually

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


def press(browser: Browser, name: str, kind: type[ui.element] = ui.button) -> None:
    UserInteraction(browser, {named(browser, kind, name)[-1]}, None).click()


def fill(browser: Browser, label: str, text: str) -> None:
    (field,) = named(browser, ui.input, label)
    UserInteraction(browser, {field}, None).clear().type(text)


def write(browser: Browser, text: str) -> None:
    with browser:
        (body,) = ElementFilter(kind=ui.codemirror)
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
            assert frame.props["sandbox"] == "" and "default-src 'none'" in frame.props["srcdoc"]
    assert "Hi Anna" in frames(user)[0].props["srcdoc"]


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
    await eventually(lambda: "<p>Anna & all</p>" in str(frames(user)[0].props["srcdoc"]))
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
        (switch,) = ElementFilter(kind=ui.toggle)
        switch.set_value("text")
    await user.should_see("Hi Anna\n\nUnsubscribe: #unsubscribe")
    assert not frames(user)[0].visible
    with user:
        switch.set_value("phone")
    assert frames(user)[0].visible


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
    write(user, "<table><tr><td>x</td></tr></table><p>y</p>")
    press(user, "Save")
    await user.should_see("Turn it into HTML, then save.")
    assert kept(alice, template).body == "<p>Hi</p>"
    write(user, "<p>y</p>")
    press(user, "Turn into HTML")
    press(user, "Save")
    await eventually(lambda: kept(alice, template).body_kind == "html")
    assert kept(alice, template).body.startswith("<!doctype html>")


async def test_a_copy_appears_at_once_in_an_open_page(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice)
    await user.open("/templates")
    UserInteraction(user, {menu_item(user, "Duplicate")}, None).click()
    await user.should_see("Monthly (copy)")
    assert sorted(names(alice)) == ["Monthly", "Monthly (copy)"]


async def test_delete_asks_first(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice)
    await user.open("/templates")
    item = menu_item(user, "Delete")
    UserInteraction(user, {item}, None).click()
    await user.should_see("Delete this template?")
    press(user, "Keep it")
    assert names(alice) == ["Monthly"]
    UserInteraction(user, {item}, None).click()
    await eventually(lambda: len(named(user, ui.button, "Delete")) == 1)
    press(user, "Delete")
    await eventually(lambda: names(alice) == [])
    await user.should_see("No templates of your own yet")


async def test_a_stranger_sees_nothing_of_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    template = stored(alice, "Secret plans", body="<p>secret words</p>")
    sign_in(user, "charlie@example.com")
    await user.open("/templates")
    await user.should_see("No templates of your own yet")
    await user.should_not_see("Secret plans")
    assert not any("secret words" in str(frame.props["srcdoc"]) for frame in frames(user))
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
