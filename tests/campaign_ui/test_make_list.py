"""A list of a campaign's recipients by what became of them, and a copy to those who did not open it."""

from functools import partial

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlalchemy.exc import OperationalError
from sqlmodel import col, delete, select

from core import campaigns, db
from core.audience import contacts, members, parse
from core.campaigns import gather
from core.models import Campaign, CampaignLink, Contact, ContactList, LinkClick, ListMember, Message
from tests import rows
from tests.campaign_ui.audience import fill, shown
from tests.campaign_ui.conftest import Held, SignIn, eventually, everything, press, texts

PEOPLE = ["anna@example.com", "ben@example.com", "cleo@example.com", "dan@example.com"]
OFFER = "https://shop.example/offer"
MAKE, AGAIN, DID_NOT_OPEN = "Make a list", "Send to those who did not open", "Did not open: Autumn sale"


def sent(user_id: int, *, has_links: bool = True, **values: object) -> int:
    """Anna opened it and followed a link; Ben and Cleo did not, and Dan's address is dead."""
    contacts.store(user_id, parse.parse_text("\n".join(PEOPLE)), "All")
    with db.session() as session:
        states = {"sent": PEOPLE[:3], "failed": PEOPLE[3:]}
        sender = rows.sender(session, user_id)
        made = rows.campaign(
            session, user_id, states, 1, **{"name": "Autumn sale", "status": "sent", "sender_id": sender.id} | values
        )
        anna = session.exec(select(Message).where(col(Message.email) == PEOPLE[0])).one()
        anna.opened_at = anna.clicked_at = db.now(session)
        if has_links:
            link = CampaignLink(campaign_id=made, url=OFFER)
            session.add(link)
            session.flush()
            session.add(LinkClick(link_id=link.id or 0, message_id=anna.id or 0, at=db.now(session)))
    return made


def on_list(name: str) -> list[str]:
    with db.reading() as session:
        found = select(Contact.email).join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        found = found.join(ContactList, col(ContactList.id) == col(ListMember.list_id))
        return list(session.exec(found.where(col(ContactList.name) == name).order_by(Contact.email)))


def id_of(name: str) -> int:
    with db.reading() as session:
        return session.exec(select(ContactList.id).where(col(ContactList.name) == name)).one() or 0


def drafts() -> list[Campaign]:
    with db.reading() as session:
        return list(session.exec(select(Campaign).where(col(Campaign.status) == "draft")))


def forget(email: str) -> None:
    with db.session() as session:
        session.execute(delete(Contact).where(col(Contact.email) == email))


def choose(browser: Browser, who: str) -> None:
    (radio,) = shown(browser, ui.radio, "Who")
    radio.set_value(who)


def groups(browser: Browser) -> list[str]:
    (radio,) = shown(browser, ui.radio, "Who")
    return list(radio.options.values())


def list_name(browser: Browser) -> str:
    (field,) = shown(browser, ui.input, "List name")
    return str(field.value)


async def test_those_who_did_not_open_become_a_list_and_a_new_campaign_goes_to_them(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    await user.open(f"/campaigns/{sent(alice)}")
    press(user, MAKE)
    await user.should_see("Make the list")
    offered = ["Got it (3)", "Opened (1)", "Did not open (2)", "Clicked (1)", "Did not click (2)"]
    assert groups(user) == [*offered, "Followed one link (1)", "Failed (1)"]
    assert list_name(user) == DID_NOT_OPEN
    await user.should_see("Opens are an estimate")
    await user.should_see("does not change later")
    press(user, "Make the list")
    await user.should_see(f"2 people are on the list “{DID_NOT_OPEN}”.")
    assert on_list(DID_NOT_OPEN) == PEOPLE[1:3]
    [link] = shown(user, ui.button, "Open the list")
    assert link.props["href"] == f"/audience?list={id_of(DID_NOT_OPEN)}"
    press(user, "New campaign to them")
    await eventually(lambda: user.back_history[-1].endswith("/edit"))
    [draft] = drafts()
    assert user.back_history[-1] == f"/campaigns/{draft.id}/edit"
    with db.reading() as session:
        assert campaigns.list_ids(session, alice, draft.id or 0) == [id_of(DID_NOT_OPEN)]


async def test_a_name_that_was_typed_stays_and_who_is_no_contact_any_more_is_told(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    await user.open(f"/campaigns/{sent(alice)}")
    press(user, MAKE)
    await user.should_see("Make the list")
    choose(user, "link")
    assert list_name(user) == "Followed one link: Autumn sale"
    [link] = shown(user, ui.select, "Link")
    assert link.options == {OFFER: f"{OFFER} (1)"}
    fill(user, "List name", "Wanted the offer")
    choose(user, "sent")
    assert list_name(user) == "Wanted the offer"
    assert not shown(user, ui.select, "Link")
    choose(user, "link")
    press(user, "Make the list")
    await user.should_see("1 person is on the list “Wanted the offer”.")
    assert on_list("Wanted the offer") == PEOPLE[:1]
    press(user, "Close")
    forget(PEOPLE[2])
    await user.should_not_see("Make the list")
    press(user, MAKE)
    await user.should_see("Make the list")
    choose(user, "sent")
    press(user, "Make the list")
    words = "2 people are on the list “Got it: Autumn sale”. 1 is not: no contact has their address any more."
    await user.should_see(words)


async def test_without_a_name_nothing_is_made_and_the_sentence_says_why(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open(f"/campaigns/{sent(alice)}")
    press(user, MAKE)
    await user.should_see("Make the list")
    fill(user, "List name", " ")
    press(user, "Make the list")
    await user.should_see("Give the list a name.")
    with db.reading() as session:
        assert session.exec(select(ContactList.name)).all() == ["All"]
    fill(user, "List name", "Named")
    press(user, "Make the list")
    await user.should_see("2 people are on the list “Named”.")
    await user.should_not_see("Give the list a name.")


async def test_a_copy_to_those_who_did_not_open_is_a_draft_that_opens_and_nothing_is_sent(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    campaign_id = sent(alice)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, AGAIN)
    await user.should_see("Did not open (2)")
    for words in ("Nothing is sent by this.", "Opens are an estimate"):
        await user.should_see(words)
    assert not shown(user, ui.radio)
    press(user, "Make the draft")
    await eventually(lambda: user.back_history[-1].endswith("/edit"))
    [draft] = drafts()
    assert (draft.name, draft.subject) == ("Copy of Autumn sale", "News")
    assert user.back_history[-1] == f"/campaigns/{draft.id}/edit"
    with db.reading() as session:
        assert campaigns.list_ids(session, alice, draft.id or 0) == [id_of(DID_NOT_OPEN)]
        assert len(session.exec(select(Message.id)).all()) == 4


async def test_before_the_copy_opens_it_is_told_who_is_missing(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = sent(alice)
    forget(PEOPLE[1])
    await user.open(f"/campaigns/{campaign_id}")
    press(user, AGAIN)
    await user.should_see("Did not open (2)")
    press(user, "Make the draft")
    await user.should_see("1 is not: no contact has their address any more.")
    [draft], [link] = drafts(), shown(user, ui.button, "Open the draft")
    assert link.props["href"] == f"/campaigns/{draft.id}/edit"


async def test_what_cannot_be_known_is_not_offered_and_that_is_said(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open(f"/campaigns/{sent(alice, readers_counted=False)}")
    await user.should_not_see(AGAIN)
    press(user, MAKE)
    await user.should_see("Make the list")
    assert groups(user) == ["Got it (3)", "Failed (1)"]
    assert everything(user).count("are not counted: BASE_URL was not set") == 2  # where its opens would be, too


async def test_of_a_mail_without_links_it_is_not_asked_who_clicked(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open(f"/campaigns/{sent(alice, has_links=False)}")
    press(user, MAKE)
    await user.should_see("Its mail has no links that are counted")
    assert groups(user) == ["Got it (3)", "Opened (1)", "Did not open (2)", "Failed (1)"]


async def test_it_is_offered_when_somebody_got_it_and_the_copy_when_it_is_sent(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        scheduled = rows.campaign(session, alice, {}, status="scheduled")
        begun = rows.campaign(session, alice, {"pending": PEOPLE}, status="sending")
        half = rows.campaign(session, alice, {"pending": PEOPLE[:1], "sent": PEOPLE[1:]}, status="sending")
        opened = rows.campaign(session, alice, {"sent": PEOPLE}, 4, status="sent")
    for campaign_id, makes in ((scheduled, False), (begun, False), (half, True), (opened, True)):
        await user.open(f"/campaigns/{campaign_id}")
        assert (MAKE in texts(user), AGAIN in texts(user)) == (makes, False), campaign_id


async def test_where_all_others_bounced_nobody_is_left_for_a_copy(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    campaign_id = sent(alice)
    with db.session() as session:
        for message in session.exec(select(Message).where(col(Message.opened_at).is_(None))):
            message.bounced_at = db.now(session)
    await user.open(f"/campaigns/{campaign_id}")
    press(user, AGAIN)
    await user.should_see("Nobody is left who did not open it.")
    assert drafts() == []


async def test_closed_meanwhile_it_goes_on_and_a_toast_tells_of_its_end(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    await user.open(f"/campaigns/{sent(alice)}")
    for opener, button, told in (
        (MAKE, "Make the list", f"2 people are on the list “{DID_NOT_OPEN}”."),
        (AGAIN, "Make the draft", "The draft to them is made."),
    ):
        filling = Held(monkeypatch, gather, "fill")
        press(user, opener)
        await user.should_see(button)
        press(user, button)
        await eventually(filling.begun.is_set)
        press(user, "Close")
        await user.should_not_see(button)
        filling.go_on.set()
        await eventually(partial(user.notify.contains, told))
    assert on_list(DID_NOT_OPEN) == on_list(f"{DID_NOT_OPEN} (2)") == PEOPLE[1:3]
    assert [draft.name for draft in drafts()] == ["Copy of Autumn sale"]


async def test_what_failed_in_the_middle_is_told_and_goes_on_in_the_same_list(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = sign_in(user)
    monkeypatch.setattr(db, "chunk_rows", lambda session: 2)
    real, asked = members.put, list[int]()

    def put(*args: object) -> int:
        asked.append(1)
        if len(asked) == 2:
            raise OperationalError("insert", {}, Exception("disk full"))
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(members, "put", put)
    await user.open(f"/campaigns/{sent(alice)}")
    press(user, MAKE)
    await user.should_see("Make the list")
    choose(user, "sent")
    press(user, "Make the list")
    await user.should_see("Who is on the list stays there: try again")
    assert on_list("Got it: Autumn sale") == PEOPLE[:2]
    press(user, "Make the list")
    await user.should_see("3 people are on the list “Got it: Autumn sale”.")
    assert on_list("Got it: Autumn sale") == PEOPLE[:3]
