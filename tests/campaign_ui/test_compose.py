"""Compose: what is typed is kept, what is missing is said, and nobody else sees any of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import Session, select

from core import campaigns, clock, db
from core.campaigns import versions
from core.content import templates
from core.delivery import senders
from core.models import Campaign, Contact, ContactList, ListMember
from tests import rows
from tests.campaign_ui.conftest import SignIn, eventually, let_rest, press, texts


@pytest.fixture
async def user(user: Browser) -> AsyncIterator[Browser]:
    yield user
    await let_rest(user)


def _people(session: Session, user_id: int, name: str, **people: dict[str, str]) -> int:
    """A list with somebody@example.org per name, with their merge fields."""
    now, names = db.now(session), sorted({field for fields in people.values() for field in fields})
    kept = ContactList(user_id=user_id, name=name, contact_count=len(people), fields=names, created_at=now)
    session.add(kept)
    session.flush()
    for who, fields in people.items():
        contact = Contact(user_id=user_id, email=f"{who}@example.org", fields=fields, created_at=now)
        session.add(contact)
        session.flush()
        session.add(ListMember(list_id=kept.id or 0, contact_id=contact.id or 0))
    session.flush()
    return kept.id or 0


def _draft(user_id: int, complete: bool = True) -> int:
    with db.session() as session:
        if not senders.list_all(session, user_id):
            senders.add_sandbox(session, user_id)
        made = campaigns.create(session, user_id)
        assert made.id is not None
        if complete:
            body = "<p>Hi {{ first_name }}</p><p>{{ unsubscribe_url }}</p>"
            campaigns.save_draft(session, user_id, made.id, 1, name="November", subject="News", body=body)
            list_id = _people(session, user_id, "Readers", anna={"first_name": "Anna"}, bert={"first_name": "Bert"})
            campaigns.set_lists(session, user_id, made.id, [list_id])
        return made.id


def _kept(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def _count() -> int:
    with db.reading() as session:
        return len(session.exec(select(Campaign.id)).all())


def _input(user: Browser, label: str) -> ui.input:
    (found,) = [e for e in user.find(kind=ui.input).elements if e.props.get("label") == label]
    return found


async def test_new_makes_a_draft_with_the_default_sender_and_opens_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        sandbox = senders.add_sandbox(session, alice)
    await user.open("/campaigns/new")
    for step in ("Content", "Audience", "When"):
        await user.should_see(step)
    for label in ("Name", "Subject", "Preheader"):
        assert _input(user, label).value == ""
    with db.reading() as session:
        (made,) = session.exec(select(Campaign)).all()
    assert (made.user_id, made.status, made.sender_id) == (alice, "draft", sandbox.id)
    await user.open("/campaigns")
    await user.should_see("No campaigns yet")
    await user.open("/campaigns/new")  # the first one is still open
    _input(user, "Subject").value = "Hello"
    await eventually(lambda: _kept((made.id or 0) + 1).subject == "Hello")
    await user.open("/campaigns")
    await user.should_not_see("No campaigns yet")


async def test_new_in_two_tabs_makes_two_drafts(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    led = [(await user.http_client.get("/campaigns/new", follow_redirects=False)).headers["location"] for _ in "ab"]
    assert led[0] != led[1] and all(href.endswith("/edit") for href in led)


async def test_what_is_typed_is_saved_and_a_reload_shows_it(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user), complete=False)
    await user.open(f"/campaigns/{draft}/edit")
    _input(user, "Subject").value = "Hello"
    _input(user, "Name").value = "First"
    user.find(kind=ui.editor).elements.pop().value = "<p>Dear reader</p>"
    await eventually(lambda: _kept(draft).body == "<p>Dear reader</p>")
    assert (_kept(draft).subject, _kept(draft).name) == ("Hello", "First")
    await user.should_see("Saved")
    _input(user, "Subject").value = "Hello again"  # not saved yet when the page is loaded anew
    await user.open(f"/campaigns/{draft}/edit")
    assert _input(user, "Subject").value == "Hello again" and _kept(draft).subject == "Hello again"


async def test_a_mail_speaks_the_language_that_is_chosen(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    (language,) = [e for e in user.find(kind=ui.select).elements if e.props.get("label") == "Language"]
    assert language.value == "en"
    language.set_value("de")
    await eventually(lambda: _kept(draft).language == "de")
    await user.open("/campaigns/new")
    (language,) = [e for e in user.find(kind=ui.select).elements if e.props.get("label") == "Language"]
    assert language.value == "de"


async def test_a_second_tab_is_told_and_loses_nothing(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    await user.open(f"/campaigns/{draft}/edit")
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="From the other tab")
    await user.should_see("changed in another tab")
    await user.should_see("Show the other version")
    await user.should_not_see("Choose which version goes on")  # nothing was typed here
    await user.should_not_see("Keep this version")
    _input(user, "Subject").value = "From this tab"
    await user.should_see("Choose which version goes on")
    user.find("Keep this version as a copy").click()
    await eventually(lambda: _count() == 2)
    assert _kept(draft).subject == "From the other tab"
    assert (_kept(draft + 1).subject, _kept(draft + 1).name) == ("From this tab", "Copy of November")


async def test_what_was_typed_in_a_tab_that_came_late_is_in_the_version_history(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    await user.open(f"/campaigns/{draft}/edit")
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="From the other tab")
    await user.should_see("changed in another tab")
    _input(user, "Subject").value = "From this tab"
    _input(user, "Preheader").value = "Typed on and on"
    await user.open(f"/campaigns/{draft}/edit")  # a reload
    assert _input(user, "Subject").value == "From the other tab"
    press(user, "Version history")
    await user.should_see("Typed while another tab changed the draft")
    press(user, "Restore")
    await eventually(lambda: _kept(draft).subject == "From this tab")
    assert _kept(draft).preheader == "Typed on and on"


async def test_keeping_this_version_replaces_the_other(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    await user.open(f"/campaigns/{draft}/edit")
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="From the other tab")
    await user.should_see("changed in another tab")
    _input(user, "Subject").value = "From this tab"
    await user.should_see("Choose which version goes on")
    press(user, "Keep this version")
    await eventually(lambda: _kept(draft).subject == "From this tab")
    await user.should_not_see("changed in another tab")
    with db.reading() as session:
        newest = versions.list_all(session, alice, draft)[0]
    assert newest.subject == "From the other tab" and "another tab" in newest.reason


async def test_rich_text_becomes_html_and_comes_back_while_nothing_would_be_lost(
    user: Browser, sign_in: SignIn
) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    rich = _kept(draft).body
    kind = next(e for e in user.find(kind=ui.toggle).elements if "html" in e.options)
    kind.value = "html"
    await eventually(lambda: _kept(draft).body_kind == "html")
    assert "<!doctype html>" in _kept(draft).body and "Hi {{ first_name }}" in _kept(draft).body
    kind.value = "rich"
    await eventually(lambda: _kept(draft).body_kind == "rich")
    assert _kept(draft).body == rich
    kind.value = "html"
    await user.should_see("Click what you want to change.")
    next(e for e in user.find(kind=ui.toggle).elements if "source" in e.options).value = "source"
    await user.should_see(kind=ui.codemirror)
    source = "<style>p{color:red}</style><!--[if mso]><p>x</p><![endif]--><table><tr><td>Hi</td></tr></table>"
    user.find(kind=ui.codemirror).elements.pop().value = source
    kind.value = "rich"
    await user.should_see("Rich text would lose parts of this mail")
    await user.should_see("what it does on phones and in the dark")
    await user.should_see("what was made for Outlook")
    await eventually(lambda: _kept(draft).body == source)
    assert _kept(draft).body_kind == "html" and kind.value == "html"


async def test_the_editor_shows_a_sanitised_copy_only(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, body="<p>Hi</p><img src=x onerror=alert(1)><script>1</script>")
    await user.open(f"/campaigns/{draft}/edit")
    shown = user.find(kind=ui.editor).elements.pop().value
    assert "<p>Hi</p>" in shown and "onerror" not in shown and "script" not in shown
    assert "onerror" in _kept(draft).body  # opening a draft changes nothing


async def test_the_preview_goes_through_the_real_audience(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    await user.should_see("anna@example.org")

    def mail() -> str:
        frames = [e for e in user.find(kind=ui.element).elements if e.tag == "iframe"]
        return str(frames[0].props["data-mail"])

    assert "Hi Anna" in mail()
    press(user, "Next recipient")
    await user.should_see("bert@example.org")
    await eventually(lambda: "Hi Bert" in mail())
    press(user, "Previous recipient")
    await user.should_see("anna@example.org")
    user.find(kind=ui.editor).elements.pop().value = "<p>Dear {{ first_name }}</p>"
    await eventually(lambda: "Dear Anna" in mail())


async def test_a_sender_without_a_name_is_shown_by_its_address(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        rows.sender(session, alice, from_name="", from_address="news@shop.in", is_default=True)
    await user.open(f"/campaigns/{_draft(alice)}/edit")
    await user.should_see("From news@shop.in")
    await user.should_not_see("<news@shop.in>")


async def test_an_international_sender_is_shown_with_the_letters_of_its_domain(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        rows.sender(session, alice, from_name="", from_address="news@xn--mller-kva.de", is_default=True)
    draft = _draft(alice)
    await user.open(f"/campaigns/{draft}/edit")
    await user.should_see("From news@müller.de")
    await eventually(lambda: "news@müller.de" in texts(user))  # the head of the preview
    assert "xn--" not in str(texts(user))
    await user.open(f"/campaigns/{draft}/edit?step=when")
    await user.should_see("Hostinger, news@müller.de")
    press(user, "Send now")
    await user.should_see("From news@müller.de. ")
    assert "@xn--" not in str(texts(user))


async def test_the_chosen_lists_make_the_audience_and_the_merge_fields(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    with db.session() as session:
        _people(session, alice, "Clients", carl={"company": "Acme"}, dora={"company": "Beta"}, emil={})
    await user.open(f"/campaigns/{draft}/edit?step=audience")
    await user.should_see("Different addresses in 1 list")
    (box,) = [e for e in user.find(kind=ui.checkbox).elements if e.text == "Clients"]
    [saved] = [e for e in user.find(kind=ui.label).elements if e.text.startswith("Saved ")]
    saved.text = ""
    box.value = True
    await eventually(lambda: saved.text.startswith("Saved "))
    await user.should_see("Different addresses in 2 lists")
    await user.should_see("company")
    await user.should_see("3 of 5 have no first_name: its place stays empty.")
    with db.reading() as session:
        assert len(campaigns.list_ids(session, alice, draft)) == 2
    (paste,) = [e for e in user.find(kind=ui.textarea).elements if e.props.get("label") == "Paste addresses"]
    paste.value = "fritz@example.org, Gerda <gerda@example.org>"
    press(user, "Read addresses")
    await user.should_see("Add 2 contacts")
    press(user, "Add 2 contacts")
    await user.should_see("Different addresses in 3 lists")


async def test_lists_that_are_ticked_quickly_one_after_the_other_are_all_chosen(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    with db.session() as session:
        for name in ("Clients", "Friends", "Members"):
            _people(session, alice, name, **{name.lower(): {}})
    await user.open(f"/campaigns/{draft}/edit?step=audience")
    await user.should_see("Different addresses in 1 list")
    boxes = {e.text: e for e in user.find(kind=ui.checkbox).elements}
    for name in ("Clients", "Friends", "Members"):
        boxes[name].value = True
    boxes["Friends"].value = False
    await user.should_see("Different addresses in 3 lists")
    assert {name: box.value for name, box in boxes.items() if name in ("Clients", "Friends", "Members")} == {
        "Clients": True,
        "Friends": False,
        "Members": True,
    }
    with db.reading() as session:
        assert len(campaigns.list_ids(session, alice, draft)) == 3


async def test_the_fields_of_all_lists_are_offered_until_one_is_chosen(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice, complete=False)
    with db.session() as session:
        readers = _people(session, alice, "Readers", anna={"first_name": "Anna"})
        _people(session, alice, "Clients", carl={"company": "Acme"})

    def offered() -> set[str]:
        return {str(e.props.get("data-insert")) for e in user.find(kind=ui.menu_item).elements}

    await user.open(f"/campaigns/{draft}/edit")
    assert {"{{ first_name }}", "{{ company }}"} <= offered()
    with db.session() as session:
        campaigns.set_lists(session, alice, draft, [readers])
    await user.open(f"/campaigns/{draft}/edit")
    assert "{{ first_name }}" in offered() and "{{ company }}" not in offered()


async def test_what_is_missing_is_said_with_the_way_to_mend_it(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user), complete=False)
    await user.open(f"/campaigns/{draft}/edit?step=when")
    for sentence in ("The subject is empty.", "The body is empty.", "No recipients are chosen."):
        await user.should_see(sentence)
    press(user, "Send now")
    await user.should_see("Not sent: mend 3 things first.")
    assert user.notify.messages == []
    assert _kept(draft).status == "draft"
    press(user, "Fix in Audience")
    await user.should_see("Add people")


async def test_send_now_asks_with_the_number_and_goes(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit?step=when")
    press(user, "Send now")
    await user.should_see("Send to 2 recipients now?")
    press(user, "Not yet")
    await user.should_not_see("Send to 2 recipients now?")
    assert _kept(draft).status == "draft"
    press(user, "Send now")
    await user.should_see("Send to 2 recipients now?")
    user.find(marker="confirm").click()
    await eventually(lambda: _kept(draft).status == "scheduled")
    assert (_kept(draft).scheduled_at or clock.utcnow()) <= clock.utcnow()


async def test_a_time_is_shown_in_utc_and_scheduled_in_the_users_zone(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    day = (clock.utcnow() + timedelta(days=3)).date()
    await user.open(f"/campaigns/{draft}/edit?step=when")
    _input(user, "Date").value = f"{day:%Y-%m-%d}"
    _input(user, "Time").value = "09:27"
    await user.should_see(clock.say(datetime.combine(day, time(3, 57), UTC), "UTC"))
    press(user, "Schedule")
    await eventually(lambda: _kept(draft).status == "scheduled")
    kept = _kept(draft)
    assert f"{kept.scheduled_at:%Y-%m-%d %H:%M}" == f"{day} 03:57" and kept.time_zone == "Asia/Kolkata"
    await user.open(f"/campaigns/{draft}/edit")
    await user.should_see("is no draft any more")
    press(user, "Unschedule")
    await eventually(lambda: _kept(draft).status == "draft")
    await user.open(f"/campaigns/{draft}/edit?step=when")
    assert (_input(user, "Date").value, _input(user, "Time").value) == (f"{day:%Y-%m-%d}", "09:27")


async def test_a_time_in_the_past_is_asked_about(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit?step=when")
    press(user, "Schedule")
    await user.should_see("Choose a date.")
    _input(user, "Date").value = "2020-01-01"
    _input(user, "Time").value = "09:00"
    assert "is in the past" in str(_input(user, "Date").error) and not _input(user, "Time").error
    press(user, "Schedule")
    await eventually(lambda: "is in the past" in str(_input(user, "Date").error))
    _input(user, "Date").value = "2099-01-01"
    assert _input(user, "Date").error is None
    assert _kept(draft).status == "draft"


async def test_a_time_that_happens_twice_is_asked_about(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit?step=when")
    (zone,) = [e for e in user.find(kind=ui.select).elements if e.props.get("label") == "Time zone"]
    zone.value = "America/New_York"
    _input(user, "Date").value = "2030-11-03"
    _input(user, "Time").value = "01:30"
    await user.should_see("happens twice")
    press(user, "Schedule")
    assert _kept(draft).status == "draft"
    [second] = [b for b in user.find(kind=ui.button).elements if str(b.text).startswith("Second:")]
    assert "01:30 EST (06:30 UTC)" in second.text
    press(user, second.text)
    press(user, "Schedule")
    await eventually(lambda: _kept(draft).status == "scheduled")
    assert f"{_kept(draft).scheduled_at:%H:%M}" == "06:30"


async def test_a_template_is_loaded_and_the_draft_is_saved_as_one(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Save as template")
    await user.should_see("Template name")
    press(user, "Save")
    await eventually(lambda: _templates(alice) == ["November"])
    press(user, "Load template")
    await user.should_see("It takes the place of the body you have now.")
    press(user, "Use Newsletter")
    await eventually(lambda: _kept(draft).body_kind == "html")
    assert _kept(draft).subject == "News"  # what was written stays
    await user.should_see("Click what you want to change.")
    press(user, "Undo")
    await eventually(lambda: _kept(draft).body_kind == "rich")
    assert "Hi {{ first_name }}" in _kept(draft).body


def _templates(user_id: int) -> list[str]:
    with db.reading() as session:
        return [each.name for each in templates.list_all(session, user_id)]


async def test_a_test_mail_that_cannot_go_says_why(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Send test")
    await user.should_see("Send a test mail")
    assert _input(user, "Test address").value == "alice@example.com"
    press(user, "Send")
    await user.should_see("The sandbox inbox is not running")


async def test_the_test_mail_is_filled_in_as_for_the_recipient_that_is_shown(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    await user.open(f"/campaigns/{draft}/edit")
    press(user, "Next recipient")
    await user.should_see("bert@example.org")
    press(user, "Send test")
    await user.should_see("filled in as for bert@example.org")


async def test_without_base_url_a_real_sender_says_why_opens_cannot_be_counted(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    draft = _draft(alice)
    with db.session() as session:
        real = rows.sender(session, alice, name="Hostinger", from_address="news@example.com")
    await user.open(f"/campaigns/{draft}/edit")
    await user.should_not_see("Opens cannot be counted")
    (sender,) = [e for e in user.find(kind=ui.select).elements if e.props.get("label") == "Sender"]
    sender.value = real.id
    await user.should_see("Opens cannot be counted")
    await user.should_see("news@example.com")


async def test_a_stranger_finds_nothing(user: Browser, sign_in: SignIn) -> None:
    draft = _draft(sign_in(user))
    sign_in(user, "charlie@example.com")
    for path in (f"/campaigns/{draft}/edit", "/campaigns/999/edit", "/campaigns/99999999999999999999/edit"):
        response = await user.http_client.get(path)
        assert response.status_code == 404 and "November" not in response.text
    assert (await user.http_client.get("/campaigns/x/edit")).status_code == 404
