import pytest

from core import db
from core.audience import contacts, known, parse
from core.audience.known import Known
from tests import rows
from tests.conftest import Stack

TEXT = "email,name,city\na@example.com,Anna,Ulm\nb@example.com,Ben,\nc@example.com,Cem,Pune\n"


@pytest.fixture
def alice(stack: Stack) -> int:
    with db.session() as session:
        return rows.user(session)


def among(user_id: int, text: str) -> Known:
    with db.reading() as session:
        return known.among(session, user_id, parse.parse_text(text))


def test_who_is_a_contact_already_is_counted_as_storing_tells_it(alice: int) -> None:
    assert among(alice, TEXT) == Known()
    one = contacts.store(alice, parse.parse_text(TEXT), "one").list_id
    two = contacts.store(alice, parse.parse_text("b@example.com"), "two").list_id
    assert among(alice, TEXT) == Known(3, 0, {one: 3, two: 1})
    again = "email,city\na@example.com,Ulm\nb@example.com,Ulm\nd@example.com,Ulm\nb@example.com,\n"
    told = among(alice, again)
    assert told == Known(2, 1, {one: 2, two: 1})
    stored = contacts.store(alice, parse.parse_text(again), list_id=two)
    assert (stored.known_count, stored.updated_count, stored.added_count) == (2, 1, 3 - told.in_lists[two])


def test_nobody_is_counted_twice_however_large_the_upload(alice: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_CHUNK", 2)
    one = contacts.store(alice, parse.parse_text(TEXT), "one").list_id
    twice = "a@example.com\nb@example.com\nc@example.com\nx@example.com\na@example.com\nc@example.com\n"
    assert among(alice, twice) == Known(3, 0, {one: 3})


def test_an_upload_that_would_take_long_to_compare_is_not(alice: int, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts.store(alice, parse.parse_text(TEXT), "one")
    monkeypatch.setattr(known, "_MOST", 2)
    assert among(alice, TEXT) == Known()


def test_who_left_elsewhere_and_the_others_add_up_to_the_whole(alice: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = contacts.store(alice, parse.parse_text(TEXT), "one").list_id
    two = contacts.store(alice, parse.parse_text("b@example.com"), "two").list_id
    text = "email,city,status\na@example.com,Ulm,enabled\nb@example.com,,bounced\nx@example.com,,bounced\n"
    parts = [parse.parse_text(text).part(has_left) for has_left in (False, True)]
    with db.reading() as session:
        stayed, gone = (known.among(session, alice, each) for each in parts)
        assert (stayed, gone) == (Known(1, 1, {one: 1}), Known(1, 1, {one: 1, two: 1}))
        assert stayed + gone == among(alice, text) == Known(2, 2, {one: 2, two: 1})
        monkeypatch.setattr(known, "_MOST", 2)  # the whole is what takes long
        assert [known.among(session, alice, each) for each in parts] == [Known(), Known()]


def test_a_stranger_is_told_nothing_of_others(alice: int) -> None:
    contacts.store(alice, parse.parse_text(TEXT), "one")
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
    own = contacts.store(charlie, parse.parse_text("z@example.com\na@example.com"), "own").list_id
    assert among(charlie, TEXT) == Known(1, 1, {own: 1})
