"""Whom a draft goes to, and tests of it, in Compose."""

from collections.abc import AsyncIterator

import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from sqlmodel import col, select

from core import campaigns, db
from core.models import Contact, ContactList, ListMember, Suppression
from tests.campaign_ui.conftest import SignIn, let_rest, press, texts
from tests.campaign_ui.preflight import draft, labelled, sees, soon


@pytest.fixture
async def user(user: Browser) -> AsyncIterator[Browser]:
    yield user
    await let_rest(user)


async def test_who_gets_it_is_shown_and_found_by_address(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    made = draft(alice, "Hi", [{"city": "Pune"}, {}])
    with db.session() as session:
        session.add(
            Suppression(user_id=alice, email="readers1@example.org", reason="manual", created_at=db.now(session))
        )
    await user.open(f"/campaigns/{made}/edit?step=audience")
    await soon(lambda: "readers0@example.org" in texts(user) and "Pune" in texts(user))
    assert "Suppressed" in texts(user) and "−1" in texts(user)
    with user:
        [field] = [e for e in ElementFilter(kind=ui.input) if e.props.get("aria-label") == "Search recipients"]
        field.value = "readers1"
    await soon(lambda: "readers0@example.org" not in texts(user))


async def test_the_preview_finds_anybody_of_the_audience(user: Browser, sign_in: SignIn) -> None:
    made = draft(sign_in(user), "<p>Hi {{ first_name }}</p>", [{"first_name": f"Name{n}"} for n in range(12)])
    await user.open(f"/campaigns/{made}/edit")
    with user:
        [field] = [e for e in ElementFilter(kind=ui.input) if e.props.get("aria-label") == "Recipient"]
        [frame] = [e for e in ElementFilter() if e.tag == "iframe" and "data-mail" in e.props]
    assert "Hi Name0" in frame.props["data-mail"]
    with user:
        field.value = "readers11"
    await sees(user, "readers11@example.org")
    press(user, "readers11@example.org")
    await soon(lambda: "Hi Name11" in frame.props["data-mail"])
    for listener in list(field._event_listeners.values()):  # Enter comes before what was typed: debounce
        if listener.type == "keydown.enter":
            field._handle_event({"listener_id": listener.id, "args": "readers7"})
    await soon(lambda: "Hi Name7" in frame.props["data-mail"])
    assert field.value == "readers7@example.org"
    press(user, "Without images")
    assert "img-src 'none'" in frame.props["srcdoc"] and "allow-scripts" not in frame.props["sandbox"]
    press(user, "Dark by force")
    await sees(user, "An imitation")


async def test_a_test_goes_to_several_addresses_and_each_answer_is_shown(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draft(sign_in(user), "<p>Hi {{ first_name }}</p>", [{"first_name": "Anna"}, {"first_name": "Bert"}])
    sent: list[tuple[str, str]] = []

    def answer(_user: int, _campaign: int, to: str, fields: dict[str, str]) -> campaigns.TestResult:
        sent.append((to, fields["first_name"]))
        if to.startswith("x"):
            return campaigns.TestResult(False, "There is no such mailbox.", "550 5.1.1 no", is_about_address=True)
        return campaigns.TestResult(True, f"The mail server accepted the test mail to {to}.", "250 queued")

    monkeypatch.setattr(campaigns, "send_test", answer)
    await user.open(f"/campaigns/{made}/edit")
    press(user, "Send test")
    await sees(user, "Send a test mail")
    labelled(user, ui.input, "Test address").value = "a@shop.in, x@shop.in b@shop.in"
    with user:
        [forth] = [e for e in ElementFilter(kind=ui.button) if e.props.get("aria-label") == "Next recipient"][1:]
    for listener in list(forth._event_listeners.values()):
        forth._handle_event({"listener_id": listener.id, "args": {}})
    await sees(user, "filled in as for readers1@example.org")
    press(user, "Send")
    await sees(user, "x@shop.in: There is no such mailbox.")
    await sees(user, "accepted the test mail to b@shop.in")
    assert sent == [("a@shop.in", "Bert"), ("x@shop.in", "Bert"), ("b@shop.in", "Bert")]


async def test_a_list_is_left_out_and_the_number_says_so(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    made = draft(alice, "Hi", [{}, {}, {}])
    with db.session() as session:
        clients = ContactList(user_id=alice, name="Clients", contact_count=1, created_at=db.now(session))
        session.add(clients)
        session.flush()
        first = session.exec(select(Contact.id).where(col(Contact.user_id) == alice).limit(1)).one()
        session.add(ListMember(list_id=clients.id or 0, contact_id=first or 0))
    await user.open(f"/campaigns/{made}/edit?step=audience")
    await sees(user, "readers0@example.org")
    press(user, "Leave out Clients")
    await sees(user, "On a list that is left out")
    await soon(lambda: "readers0@example.org" not in texts(user) and "readers1@example.org" in texts(user))
    with db.reading() as session:
        assert campaigns.left_out_ids(session, alice, made) == [clients.id]
    press(user, "Leave out Clients")
    await soon(lambda: "readers0@example.org" in texts(user))
