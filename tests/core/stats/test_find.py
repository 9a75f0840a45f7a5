from datetime import timedelta

import pytest

from core import db, stats
from core.audience import contacts, parse
from core.content import templates
from core.stats import Found
from tests import rows
from tests.conftest import Stack


@pytest.fixture
def alice(stack: Stack) -> int:
    with db.session() as session:
        alice = rows.user(session)
        rows.campaign(session, alice, status="sent", name="Autumn 100% off", subject="News")
        rows.campaign(session, alice, status="draft", name="", subject="Autumn reading")
        rows.campaign(session, alice, status="sent", name="Autumn, deleted", deleted_at=db.now(session))
        rows.sender(session, alice, name="Autumn sender")
        rows.sender(session, alice, name="Gone autumn", deleted_at=db.now(session))
        templates.create(session, alice, "Autumn letter", body="<p>x</p>")
    contacts.store(alice, parse.parse_text("autumn@example.com\nben@example.com"), "Autumn readers")
    return alice


def _names(user_id: int, words: str) -> list[tuple[str, str]]:
    with db.reading() as session:
        return [(found.kind, found.name) for found in stats.find(session, user_id, words)]


def test_everything_of_a_user_is_found_by_a_part_of_its_name(alice: int) -> None:
    assert _names(alice, " AUTUMN ") == [
        ("draft", "Autumn reading"),
        ("campaign", "Autumn 100% off"),
        ("list", "Autumn readers"),
        ("sender", "Autumn sender"),
        ("template", "Autumn letter"),
        ("contact", "autumn@example.com"),
    ]
    assert _names(alice, "00%") == [("campaign", "Autumn 100% off")]
    assert _names(alice, "_") == _names(alice, "\0nothing") == []
    with db.reading() as session:
        assert Found("list", 1, "Autumn readers", "2") in stats.find(session, alice, "readers")


def test_the_address_of_a_sender_has_the_letters_of_its_domain(alice: int) -> None:
    with db.session() as session:
        rows.sender(session, alice, name="Winter", from_address="news@xn--mller-kva.de")
    with db.reading() as session:
        assert [each.detail for each in stats.find(session, alice, "winter")] == ["news@müller.de"]


@pytest.mark.parametrize("words", ["müller", "MÜL", "news@müll", "xn--mller"])
def test_a_sender_is_found_by_the_letters_of_its_domain(alice: int, words: str) -> None:
    with db.session() as session:
        rows.sender(session, alice, name="Winter", from_address="news@xn--mller-kva.de")
        rows.sender(session, alice, name="Gone", from_address="news@xn--mller-kva.de", deleted_at=db.now(session))
        if not words.startswith("xn"):
            rows.sender(session, alice, name="As kept before", from_address="news@müller.de")
    found = [("sender", "As kept before")] * (not words.startswith("xn"))
    assert _names(alice, words) == [*found, ("sender", "Winter")]


def test_capitals_beyond_ascii_are_found_too(alice: int) -> None:
    with db.session() as session:
        rows.campaign(session, alice, status="sent", name="ÜBER UNS", subject="News")
    assert _names(alice, "über") == [("campaign", "ÜBER UNS")]
    with db.reading() as session:
        assert [each.name for each in stats.summaries(session, alice, search="über u")] == ["ÜBER UNS"]


def test_a_contact_is_found_by_a_name(alice: int) -> None:
    contacts.store(alice, parse.parse_text("email,name\ncem@example.com,Cem ÖZTÜRK\n"), "others")
    with db.reading() as session:
        (found,) = stats.find(session, alice, "cem özt")
        assert (found.kind, found.name, found.detail) == ("contact", "cem@example.com", "Cem ÖZTÜRK")


@pytest.mark.parametrize(
    ("words", "detail"),
    [("weiß kunde zoë", "Zoë · Weiß"), ("a:zoë", "Zoë"), ("b:ulm c:weiß", "Ulm · Weiß"), ("kunde@example", "")],
)
def test_a_contact_is_shown_with_each_field_that_has_a_word(alice: int, words: str, detail: str) -> None:
    contacts.store(alice, parse.parse_text("email,a,b,c\nkunde@example.com,Zoë,Ulm,Weiß\n"), "others")
    with db.reading() as session:
        (found,) = stats.find(session, alice, words)
        assert (found.name, found.detail) == ("kunde@example.com", detail)


def test_without_words_the_newest_campaigns_are_offered(alice: int) -> None:
    assert _names(alice, "") == [("draft", "Autumn reading"), ("campaign", "Autumn 100% off")]
    with db.reading() as session:
        assert len(stats.find(session, alice, "", each=1)) == 1


def test_a_campaign_of_which_nothing_goes_out_is_found_as_one_that_waits(alice: int) -> None:
    with db.session() as session:
        later = db.now(session) + timedelta(hours=2)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, name="Winter held", hold_until=later)
        rows.campaign(session, alice, {"pending": ["a@x.io"]}, name="Winter")
        assert [each.detail for each in stats.find(session, alice, "winter")] == ["sending", "waiting"]


def test_a_stranger_finds_nothing(alice: int) -> None:
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
    assert _names(charlie, "autumn") == _names(charlie, "") == []
