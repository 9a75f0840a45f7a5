from datetime import UTC, datetime
from html import escape
from string import Formatter

import pytest

from core.content import blocks, bodies, frame, languages, mail
from tests.core.content.parsed import body, content, parse

_EVERY = pytest.mark.parametrize("code", list(languages.ALL))


@_EVERY
def test_a_language_says_all_with_the_reader_and_the_sender(code: str) -> None:
    words = languages.of(code)
    assert all(vars(words).values()) and words.code == code
    for sentence in (words.will_stop, words.has_stopped, words.comes_again):
        assert sorted(name for _, name, _, _ in Formatter().parse(sentence) if name) == ["email", "name"]


@_EVERY
@pytest.mark.parametrize("kind", ["rich", "markdown"])
def test_a_mail_ends_in_its_language(code: str, kind: str) -> None:
    words = languages.of(code)
    made = mail.compile_mail(content(body="News", body_kind=kind, language=code))
    sent = parse(made.render(mail.Recipient(1, "anna@example.com", {}), datetime(2026, 11, 27, tzinfo=UTC)))
    shown = body(sent, "html")
    assert f'<html lang="{code}"' in shown and escape(words.because) in shown and f">{escape(words.leave)}</a>" in shown
    assert words.because in body(sent, "plain") and words.leave in body(sent, "plain")


@_EVERY
def test_html_of_a_language_is_read_back_exactly(code: str) -> None:
    whole = bodies.turned("<p>News</p>", "rich", "html", code)
    assert f'lang="{code}"' in whole and frame.inside(whole) == "<p>News</p>"
    assert bodies.turned(whole, "html", "rich") == "<p>News</p>"


def test_the_plain_text_and_the_footer_block_speak_it_too() -> None:
    made = mail.compile_mail(content(body="<p>Neues</p>", language="de"))
    sent = parse(made.render(mail.Recipient(1, "anna@example.com", {}), datetime(2026, 11, 27, tzinfo=UTC)))
    assert "\nAbmelden: " in body(sent, "plain")
    assert ">Abmelden</a>" in blocks.footer("de") and ">Unsubscribe</a>" in blocks.footer()


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB;q=0.5, fr-FR;q=0.7", "fr"),
        ("ja,zh;q=0.9", "en"),
        ("de;q=0", "en"),
        ("PT-br", "pt"),
        ("", "en"),
        ("de;q=x,;;,=,es;q=0.1", "es"),
        ("x" * 100_000, "en"),
    ],
)
def test_a_browser_is_answered_in_the_language_of_ours_that_it_wants_most(header: str, code: str) -> None:
    assert languages.accepted(header).code == code
