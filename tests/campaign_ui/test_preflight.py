"""Preflight, the forecast and the schedule in Compose, as the user sees them."""

import json
from collections.abc import AsyncIterator

import orjson
import pytest
from nicegui import Client, ElementFilter, app, background_tasks, ui
from nicegui.testing import User as Browser
from sqlmodel import Session

from campaign_ui import live as pages_live
from core import campaigns, db, live
from core.campaigns import Finding, Level, versions
from core.campaigns.preflight import domain, reach
from core.delivery import senders, standing
from core.models import ContactList
from tests import rows
from tests.campaign_ui.conftest import Held, SignIn, eventually, let_rest, press, texts
from tests.campaign_ui.preflight import draft, kept, labelled, people, sees, soon


@pytest.fixture
async def user(user: Browser) -> AsyncIterator[Browser]:
    yield user
    await let_rest(user)


async def test_who_has_a_gap_is_shown_and_a_default_mends_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    body = "<p>Hi {{ first_name }}</p><p>{{ unsubscribe_url }}</p>"
    made = draft(alice, body, [{"first_name": "Anna"}, {}, {"first_name": ""}], subject="For {{ first_name }}")
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "2 of 3 recipients have nothing for {{ first_name }}")
    await sees(user, "1 warning")
    press(user, "Show who")
    await soon(lambda: "readers1@example.org" in texts(user) and "readers2@example.org" in texts(user))
    assert "readers0@example.org" not in texts(user)
    assert user.client is not None
    (who,) = [each for each in user.client.elements.values() if isinstance(each, ui.table) and each.visible]
    assert "${first}–${last} of ${all}" in who.props[":pagination-label"] and who.props["rows-per-page-options"] == [10]
    press(user, "Close")
    press(user, "Add a default")
    await sees(user, "A default for first_name")
    with user:
        [default] = [each for each in ElementFilter(kind=ui.input) if each.props.get("label") == "Default"]
    default.value = '"there"'
    press(user, "Use it")
    await soon(lambda: "default: &quot;there&quot;" in kept(made).body)
    assert kept(made).subject == 'For {{ first_name | default: "there" }}'


async def test_merge_tags_of_mailchimp_are_translated_and_that_is_taken_back(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    body = (
        "<title>*|MC:SUBJECT|*</title><h1>Dear *|FNAME|* of *|CITY|*</h1><p><b>Bold &amp; more</b></p>"
        '<a href="*|UPDATE_PROFILE|*">Your data</a> <a href="*|UNSUB|*">Leave</a>'
    )
    names = [{"first_name": "Anna", "city": "Pune"}]
    made = draft(alice, body, names, body_kind="html", subject="A letter for *|FNAME|*")
    with db.session() as session:
        session.get_one(ContactList, campaigns.list_ids(session, alice, made)[0]).fields = ["first_name", "city"]
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(
        user,
        "*|FNAME|*, *|MC:SUBJECT|*, *|CITY|* and *|UNSUB|* are merge tags of Mailchimp; here they are "
        "{{ first_name }}, the subject, {{ city }} and {{ unsubscribe_url }}.",
    )
    assert "has no https://" not in texts(user)
    await sees(user, "2 to mend first")
    press(user, "Translate")
    await sees(user, "The merge tags are merge fields now, but for those that are nothing here: Preflight says")
    subject = "A letter for {{ first_name }}"
    await soon(lambda: kept(made).subject == subject)
    assert kept(made).body == (
        f"<title>{subject}</title><h1>Dear {{{{ first_name }}}} of {{{{ city }}}}</h1><p><b>Bold &amp; more</b></p>"
        '<a href="*|UPDATE_PROFILE|*">Your data</a> <a href="{{ unsubscribe_url }}">Leave</a>'
    )
    assert labelled(user, ui.input, "Subject").value == subject
    press(user, "Undo")
    await soon(lambda: (kept(made).subject, kept(made).body) == ("A letter for *|FNAME|*", body))
    assert labelled(user, ui.input, "Subject").value == "A letter for *|FNAME|*"
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(
        user, "*|UPDATE_PROFILE|* is a merge tag of Mailchimp. Remove it: readers do not change their data themselves."
    )
    with db.reading() as session:
        assert "Before its merge tags were translated" in [
            each.reason for each in versions.list_all(session, alice, made)
        ]


async def test_what_will_happen_has_the_subject_as_its_first_recipient_reads_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    made = draft(alice, "<p>Hi</p>", [{"first_name": "Anna"}, {"first_name": "Ben"}], subject="For {{ first_name }}")
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "For Anna")
    with db.session() as session:
        campaigns.set_lists(session, alice, made, [])
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "For [first name]")


async def test_a_link_that_leads_nowhere_blocks_and_the_way_to_it_is_there(user: Browser, sign_in: SignIn) -> None:
    made = draft(sign_in(user), '<a href="javascript:1">x</a>{{ unsubscribe_url }}', [{}])
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "javascript:1 is unsafe")
    await sees(user, "1 to mend first")
    press(user, "Send now")
    await sees(user, "Not sent: mend 1 thing first.")
    assert kept(made).status == "draft"
    press(user, "Fix in Content")
    await sees(user, "Body")


async def test_the_walk_begins_again_when_the_audience_changes(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    made = draft(alice, "Hi {{ city }}, {{ nick name }}{{ unsubscribe_url }}", [{"city": "Pune"}, {}])
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "1 of 2 recipients has nothing for {{ city }}")
    with user:
        fixes = {each for each in ElementFilter(kind=ui.button) if each.text == "Fix in Content"}
    with db.session() as session:
        more = people(session, alice, "More", [{}, {}])
        campaigns.set_lists(session, alice, made, [more, more - 1])
        db.after_commit(session, lambda: live.publish(alice, "audience"))
    await soon(lambda: "3 of 4 recipients have nothing for {{ city }}" in texts(user))
    with user:  # what was about to be pressed is still there
        assert len(fixes & set(ElementFilter(kind=ui.button))) == 1


async def test_dns_is_asked_for_a_real_sender_only_and_the_button_goes_to_its_keys(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[domain.Asked] = []

    def answer(each: domain.Asked) -> list[Finding]:
        asked.append(each)
        return [Finding(Level.warning, "shop.in has no SPF record.", "senders", "shop.in")]

    monkeypatch.setattr(domain, "findings", answer)
    alice = sign_in(user)
    made = draft(alice, "Hi {{ unsubscribe_url }}", [{}])
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "Nothing stands in the way.")
    assert asked == []
    with db.session() as session:
        real = rows.sender(session, alice, name="Shop", from_address="hello@shop.in", host="smtp.shop.in")
    made = draft(alice, "Hi {{ unsubscribe_url }}", [{}], real.id, "Others")
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "shop.in has no SPF record.")
    assert asked == [domain.Asked("shop.in", "smtp.shop.in")]
    with user:
        [link] = [each for each in ElementFilter(kind=ui.link) if each.text == "Open Senders"]
    assert link.props["href"] == "/senders?dkim=shop.in"
    await user.open(f"/senders?edit={real.id}")
    await soon(lambda: labelled(user, ui.input, "From address").value == "hello@shop.in")


async def test_a_sender_that_was_never_tested_is_said_until_it_is(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        real = rows.sender(session, alice, name="Shop", username="anna", test_problem=None)
    made = draft(alice, "Hi {{ unsubscribe_url }}", [{}], real.id)
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "Shop was never tested with this account: test it first.")
    with user:
        links = [each.props["href"] for each in ElementFilter(kind=ui.link) if each.text == "Open Senders"]
    assert f"/senders?edit={real.id}" in links
    problem = "Nothing answers on port 587 of smtp.shop.in."
    with db.session() as session:
        standing.tested(session, senders.get(session, alice, real.id or 0), problem)
    await sees(user, f"The last test of Shop failed: {problem}")
    press(user, "Send now")
    await sees(user, "Send to 1 recipient now?")
    assert texts(user).count(f"The last test of Shop failed: {problem}") == 2  # asked once more
    press(user, "Not yet")
    with db.session() as session:
        standing.tested(session, senders.get(session, alice, real.id or 0), "")
    await soon(lambda: "The last test of Shop" not in texts(user))


async def test_a_sender_that_changes_all_the_time_is_looked_at_now_and_then(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, real_look = sign_in(user), campaigns.findings
    looked: list[int] = []
    heard: list[int] = []

    def look(session: Session, user_id: int, campaign_id: int) -> list[Finding]:
        looked.append(campaign_id)
        return real_look(session, user_id, campaign_id)

    monkeypatch.setattr(campaigns, "findings", look)
    with db.session() as session:
        real = rows.sender(session, alice, name="Shop")
    made = draft(alice, "Hi {{ unsubscribe_url }}", [{}], real.id)
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "Preflight")
    with user:
        pages_live.watch(lambda: heard.append(len(looked)), "sender")
    await soon(lambda: looked)
    await let_rest(user)
    before = len(looked)
    for number in range(1, 4):
        live.publish(alice, "sender", real.id)
        await soon(lambda: len(heard) == number)  # noqa: B023
        await let_rest(user)
    assert len(looked) == before + 1
    await soon(lambda: len(looked) == before + 2)  # after the last hint


async def test_links_are_fetched_only_when_asked(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(address: str) -> reach.Reached:
        fetched.append(address)
        return reach.Reached(address, 404, "there is no such page (404).")

    monkeypatch.setattr(reach, "fetch", fetch)
    made = draft(sign_in(user), '<a href="https://shop.in/x">x</a>{{ unsubscribe_url }}', [{}])
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "Check links")
    assert fetched == []
    press(user, "Check links")
    await sees(user, "The link https://shop.in/x: there is no such page (404).")
    assert fetched == ["https://shop.in/x"]


async def test_the_forecast_is_drawn_before_it_goes_and_told_as_a_table(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        real = rows.sender(session, alice, name="Slow", from_address="a@shop.in", per_minute=1, delay_seconds=0.0)
    made = draft(alice, "Hi {{ unsubscribe_url }}", [{}] * 90, sender_id=real.id)
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "How it will go")

    def line() -> list[list[int]]:
        with user:
            [chart] = ElementFilter(kind=ui.echart)
        data: list[list[int]] = json.loads(orjson.dumps(chart.props["options"]))["series"][0]["data"]
        return data

    await soon(lambda: line() and line()[-1][1] == 90)
    assert abs((line()[-1][0] - line()[0][0]) / 60_000 - 90 * 1.03) < 3
    assert "So far" in texts(user)
    with db.session() as session:  # the sender becomes faster: the line is drawn anew
        values = senders.Values(
            name="Slow", host="smtp.shop.in", from_address="a@shop.in", per_minute=60, delay_seconds=0
        )
        senders.save(session, alice, real.id or 0, values)
    await soon(lambda: line()[-1][0] - line()[0][0] < 3 * 60_000)
    with db.session() as session:  # another campaign of the sender begins: it is beside
        other = rows.campaign(session, alice, sender_id=real.id, pending_count=600)

    def is_longer() -> bool:
        live.publish(alice, "campaign", other)  # as one that is sending does all the time
        return line()[-1][0] - line()[0][0] > 2.5 * 60_000

    await soon(is_longer)


async def test_strangers_see_no_senders_form_of_others(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        real = rows.sender(session, alice, name="Shop", from_address="hello@shop.in")
    sign_in(user, "charlie@example.com")
    await user.open(f"/senders?edit={real.id}&dkim=shop.in")
    await sees(user, "Add sender")
    assert "hello@shop.in" not in texts(user) and "Shop" not in texts(user)


async def test_a_check_of_links_that_fails_turns_no_longer(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no more files can be opened")

    monkeypatch.setattr(reach, "look", broken)
    made = draft(sign_in(user), '<a href="https://shop.in/x">x</a>{{ unsubscribe_url }}', [{}])
    await user.open(f"/campaigns/{made}/edit?step=when")
    await sees(user, "Check links")
    told: list[Exception] = []
    dismissed: list[ui.notification] = []
    monkeypatch.setattr(ui.notification, "dismiss", lambda each: dismissed.append(each))
    monkeypatch.setattr(app, "handle_exception", told.append)
    press(user, "Check links")
    await soon(lambda: told)
    assert [each.message for each in dismissed] == ["Checking links…"]


async def test_a_tab_that_is_closed_during_the_forecast_is_left_alone(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draft(sign_in(user), "Hi {{ unsubscribe_url }}", [{}])
    told: list[object] = []
    await user.open(f"/campaigns/{made}/edit")
    assert user.client is not None
    monkeypatch.setattr(app, "handle_exception", told.append)
    monkeypatch.setattr(Client, "check_existence", lambda client: told.append(client) if client.is_deleted else None)
    foreseeing = Held(monkeypatch, campaigns.Outlook, "forecast")
    before = set(background_tasks.running_tasks)
    with user:
        [steps] = ElementFilter(kind=ui.tabs)
    steps.value = "when"
    await eventually(foreseeing.begun.is_set)
    user.client.delete()
    foreseeing.go_on.set()
    await eventually(lambda: background_tasks.running_tasks <= before)
    assert told == []
