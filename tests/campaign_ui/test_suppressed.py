from nicegui import ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction

from campaign_ui.parts.chips import Chips
from core import db
from core.audience import suppression
from tests import rows
from tests.campaign_ui.audience import left_files, people, press, shown, stored, table_of
from tests.campaign_ui.conftest import SignIn, eventually, undo


async def test_the_suppression_list_is_shown_and_an_address_is_allowed_again(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user, time_zone="Asia/Kolkata")
    with db.session() as session:
        suppression.suppress(session, alice, "anna@example.com", "bounced", detail="550 5.1.1 <b>No such user</b>")
    await user.open("/audience")
    table = table_of(user, "Reason")
    (row,) = table.rows
    assert (row["email"], row["reason"], row["detail"]) == (
        "anna@example.com",
        "Bounced",
        "550 5.1.1 <b>No such user</b>",
    )
    assert row["since"].endswith("IST")
    user.find("Address to suppress").type("Ben@Example.com")
    press(user, "Suppress")
    await eventually(lambda: [each["email"] for each in table.rows] == ["ben@example.com", "anna@example.com"])
    UserInteraction(user, {table}, None).trigger("allow", "anna@example.com")
    await user.should_see("Allow this address again?")
    press(user, "Allow again")
    await eventually(lambda: [each["email"] for each in table.rows] == ["ben@example.com"])
    await undo(user, "Campaigns mail anna@example.com again.")
    await eventually(lambda: len(table.rows) == 2)
    assert table.rows[0] | {"id": 0} == row | {"id": 0}  # since when and why it was
    user.find("Address to suppress").clear().type("carol@example.com")
    press(user, "Suppress")
    await user.should_see("carol@example.com gets no more mail.")
    await undo(user, "carol@example.com gets no more mail.")
    await eventually(lambda: len(table.rows) == 2)


async def test_the_list_is_filtered_by_reason_and_its_address_keeps_it(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        for name, reason in (("anna", "bounced"), ("ben", "unsubscribed"), ("cem", "bounced")):
            suppression.suppress(session, alice, f"{name}@example.com", reason)
    await user.open("/audience")
    table = table_of(user, "Reason")
    [export] = user.find("Export as CSV").elements
    [chips] = [each for each in user.find(kind=Chips).elements if each.props["aria-label"] == "Reason"]
    told = {value: button.content for value, button in chips.buttons.items() if button.visible}
    assert list(told) == ["", "unsubscribed", "bounced"] and ">2<" in told["bounced"] and ">3<" in told[""]
    UserInteraction(user, {chips.buttons["bounced"]}, None).click()
    await eventually(lambda: [row["email"] for row in table.rows] == ["cem@example.com", "anna@example.com"])
    assert export.props["href"] == "/audience/suppressed.csv?reason=bounced"
    await user.open("/audience?reason=unsubscribed")
    assert [row["email"] for row in table_of(user, "Reason").rows] == ["ben@example.com"]
    await user.open("/audience?reason=<b>")
    assert len(table_of(user, "Reason").rows) == 3


async def test_an_empty_list_says_how_it_fills_and_shows_no_empty_table(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    await user.open("/audience")
    await user.should_see("Nobody is suppressed yet.")
    assert shown(user, ui.table) == [] == shown(user, ui.button, "Export as CSV")
    user.find("Address to suppress").type("anna@example.com")
    press(user, "Suppress")
    await user.should_not_see("Nobody is suppressed yet.")
    assert len(table_of(user, "Reason").rows) == 1


async def test_who_is_suppressed_is_seen_among_the_contacts(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    stored(alice, "anna@example.com\nben@example.com")
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        suppression.suppress(session, charlie, "ben@example.com", "manual")
        suppression.suppress(session, alice, "anna@example.com", "bounced")
    await user.open("/audience")
    table = table_of(user, "Merge fields")
    assert [(row["email"], row["suppressed"]) for row in table.rows] == [
        ("anna@example.com", True),
        ("ben@example.com", False),
    ]
    assert 'v-if="props.row.suppressed"' in table.slots["body-cell-email"].template
    with db.session() as session:
        suppression.lift(session, alice, "anna@example.com")
    await eventually(lambda: not any(row["suppressed"] for row in table.rows))


async def test_an_international_domain_is_shown_with_its_letters(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    await user.open("/audience")
    user.find("Address to suppress").type("kunde@müller.de")
    press(user, "Suppress")
    await user.should_see("kunde@müller.de gets no more mail.")
    await user.should_not_see("Nobody is suppressed yet.")
    table = table_of(user, "Reason")
    await eventually(lambda: [each["shown"] for each in table.rows] == ["kunde@müller.de"])
    assert table.columns[0]["field"] == "shown" and "{{ props.row.shown }}" in table.slots["body-cell-email"].template
    UserInteraction(user, {table}, None).trigger("allow", table.rows[0]["email"])
    await user.should_see("Campaigns mail kunde@müller.de again.")
    press(user, "Allow again")
    await eventually(lambda: table.rows == [])
    with db.reading() as session:
        assert suppression.count(session, alice) == 0


async def test_several_addresses_are_suppressed_at_once_before_there_are_contacts(
    user: Browser, sign_in: SignIn
) -> None:
    alice = sign_in(user)
    with db.session() as session:
        suppression.suppress(session, alice, "known@example.com", "bounced")
    await user.open("/audience")
    await user.should_see("Nobody is here yet")
    press(user, "Suppress several")
    await user.should_see("Suppress several addresses")
    user.find("Addresses to suppress").type("Anna@example.com, known@example.com\nnobody\nanna@example.com")
    press(user, "Suppress all")
    await user.should_see("1 address suppressed. 1 was on the list already. 1 is no address.")
    (results,) = shown(user, ui.table, "Results")
    assert {(row["email"], row["result"]) for row in results.rows} == {
        ("anna@example.com", "Suppressed"),
        ("known@example.com", "Was on the list already"),
        ("nobody", "Left out: no @ sign"),
    }
    with user:
        uploader = shown(user, ui.upload)[-1]
        await uploader.handle_uploads([ui.upload.SmallFileUpload("a.csv", "text/csv", b"email\nben@example.com\n")])
    await user.should_see("1 address suppressed.")
    press(user, "Close")
    await eventually(lambda: len(table_of(user, "Reason").rows) == 3)
    assert left_files() == [] and people(alice) == []
    with db.reading() as session:
        assert suppression.page(session, alice, search="known").rows[0].reason == "bounced"
