import re
from datetime import UTC, datetime

import pytest

from core.content import bodies, html, mail, merge, starters
from core.content.starters import Starter
from core.errors import NotFound
from tests.core.content.parsed import body, content, parse

ALL = starters.all()
WHOLE = [starter for starter in ALL if starter.body_kind == "html"]


def _id(starter: Starter) -> str:
    return starter.key


def test_there_are_enough_to_choose_from_and_each_is_found_by_its_key() -> None:
    assert len(WHOLE) >= 8
    assert len({starter.key for starter in ALL}) == len({starter.name for starter in ALL}) == len(ALL)
    assert [starters.get(starter.key) for starter in ALL] == ALL
    with pytest.raises(NotFound):
        starters.get("../letter")


@pytest.mark.parametrize("starter", WHOLE, ids=_id)
def test_a_starter_is_made_for_outlook_phones_and_dark_mode(starter: Starter) -> None:
    assert starter.body.startswith("<!doctype html>")
    assert "max-width:600px" in starter.body
    assert "<!--[if mso]>" in starter.body and starter.body.count("<![endif]") == starter.body.count("<!--[if ")
    assert "@media (max-width: 620px)" in starter.body and "@media (prefers-color-scheme: dark)" in starter.body
    assert '<meta name="color-scheme" content="light dark">' in starter.body
    assert 'role="presentation"' in starter.body
    assert len(starter.body.encode()) < 30_000


@pytest.mark.parametrize("starter", ALL, ids=_id)
def test_a_starter_loads_nothing_and_can_be_left(starter: Starter) -> None:
    assert not re.search(r"<(img|script|link|iframe|form)\b|url\(|@import|@font-face", starter.body)
    sent = bodies.whole(starter.body, starter.body_kind)
    assert "unsubscribe_url" in merge.fields_used(sent)
    for text in (starter.subject, starter.preheader, starter.body):
        fields = [piece for piece in merge.parse(text) if isinstance(piece, merge.Field)]
        assert all(field.name in merge.BUILT_IN or (field.name == "first_name" and field.default) for field in fields)
        assert merge.malformed(text) == []
    assert starter.subject and starter.name and starter.description
    assert '{{ first_name | default: "' in starter.body


@pytest.mark.parametrize("starter", ALL, ids=_id)
def test_a_starter_makes_a_good_mail(sqlite_stack: object, starter: Starter) -> None:
    given = content(
        subject=starter.subject,
        preheader=starter.preheader,
        body=starter.body,
        body_kind=starter.body_kind,
        base_url="https://mail.example.com",
    )
    at = datetime(2026, 11, 22, tzinfo=UTC)
    parsed = parse(mail.compile_mail(given).render(mail.Recipient(1, "a@b.example", {"first_name": "Anna"}), at))
    text = body(parsed, "plain")
    assert "Anna" in text and "Unsubscribe (https://mail.example.com/u/" in text
    assert not re.search(r"[{}<>]|&\w+;|http://|\n\n\n| \n", text)
    assert "Anna" in body(parsed, "html")


def test_only_the_short_note_opens_in_the_rich_editor() -> None:
    assert [
        starter.key for starter in ALL if starter.body_kind != "markdown" and html.survives_editor(starter.body)
    ] == ["note"]
