"""A template is written: what is typed is shown as the mail it becomes, and kept."""

from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from core import db
from core.audience import contacts, parse
from core.content import templates
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, press, undo
from tests.campaign_ui.templates import BODY, fill, kept, named, names, shown, stored, write


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
