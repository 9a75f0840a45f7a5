"""Campaigns are found and sorted as they are called on screen."""

from collections.abc import Callable

import pytest
from sqlmodel import Session

from core import db, stats
from tests import rows
from tests.conftest import Stack

Search = Callable[[Session, int, str], list[str]]
GREETING = 'Hi {{ first_name | default: "there" }}'


def palette(session: Session, user_id: int, words: str) -> list[str]:
    return [found.name for found in stats.find(session, user_id, words)]


def campaigns(session: Session, user_id: int, words: str) -> list[str]:
    return [found.title for found in stats.summaries(session, user_id, search=words)]


@pytest.fixture
def alice(stack: Stack) -> int:
    with db.session() as session:
        alice = rows.user(session)
        rows.campaign(session, alice, name="", subject=GREETING)
        rows.campaign(session, alice, name=" ", subject="Zum Geburtstag, {{ first_name }}")
        rows.campaign(session, alice, name="", subject=" ")
        rows.campaign(session, alice, name="Monday", subject=GREETING)
        rows.campaign(session, alice, name="", subject=GREETING, deleted_at=db.now(session))
    return alice


@pytest.mark.parametrize("search", [palette, campaigns])
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("HI THERE", ["Hi there"]),
        ("geburtstag, [first n", ["Zum Geburtstag, [first name]"]),
        ("untitled", ["Untitled campaign"]),
        ("default", ["Monday", "Hi there"]),  # as it was written
        ("100 %", []),
    ],
)
def test_a_campaign_without_a_name_is_found_by_what_it_is_called(
    alice: int, search: Search, words: str, found: list[str]
) -> None:
    with db.reading() as session:
        assert search(session, alice, words) == found


@pytest.mark.parametrize("search", [palette, campaigns])
def test_a_stranger_finds_none_of_them(alice: int, search: Search) -> None:
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        assert search(session, charlie, "hi there") == search(session, charlie, "untitled") == []


def test_campaigns_are_sorted_by_what_they_are_called_on_every_page(alice: int) -> None:
    with db.session() as session:
        rows.campaign(session, alice, name="hello", subject="Z", status="sent")
        rows.campaign(session, alice, name="", subject='{{ greeting | default: "Hello" }}', status="sent")
    with db.reading() as session:
        called = [each.title for each in stats.summaries(session, alice, order="name")]
        pages = [stats.summaries(session, alice, order="name", limit=2, offset=at) for at in (0, 2, 4, 6)]
        over = stats.summaries(session, alice, statuses=("sent",), search="HELLO", order="name")
    expected = ["Hello", "hello", "Hi there", "Monday", "Untitled campaign", "Zum Geburtstag, [first name]"]
    assert called == expected == [each.title for page in pages for each in page]
    assert [each.title for each in over] == ["Hello", "hello"]
