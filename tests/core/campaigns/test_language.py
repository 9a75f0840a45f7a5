from dataclasses import replace

import pytest

from core.campaigns import preflight
from core.campaigns.preflight import language
from core.content import languages, mail

GERMAN = (
    "<p>Frohe Adventszeit! Ihre Kundennummer ist {{ number }}. Zum Shop und zur <a href='https://a.test'>Liste</a></p>"
)
ENGLISH = "<p>Dear Anna, your order is on its way, and we hope that you like it. Read the news of this week.</p>"
HINDI = "<p>यह पत्र आपके लिए है और हम आप को नई पुस्तकें दिखाते हैं।</p>"


def made(body: str, code: str, kind: str = "rich") -> mail.Content:
    return mail.Content("News", "", body, kind, "Anna", "anna@example.com", "", "", 1, 1, language=code)


def said(content: mail.Content) -> list[tuple[str, str]]:
    return [(each.text, each.place) for each in preflight.content(content) if each.place == "language"]


def test_a_mail_whose_footer_is_in_another_language_is_told() -> None:
    words = "The mail looks like Deutsch, and its footer and unsubscribe page are in English. Choose its language."
    assert said(made(GERMAN, "en")) == [(words, "language")]
    words = "The mail looks like English, and its unsubscribe page is in Deutsch. Choose its language."
    assert said(made(ENGLISH, "de", "html")) == [(words, "language")]
    assert said(made(HINDI, "en"))[0][0].startswith("The mail looks like हिन्दी")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (GERMAN, "de"),
        (ENGLISH, "en"),
        (HINDI, "hi"),
        ("<p>Hi {{ first_name }}</p>", "de"),
        (f"{ENGLISH}<p>Rilke: „Der Sommer war sehr groß. Leg deinen Schatten auf die Sonnenuhren.“</p>", "en"),
        (f"{GERMAN}{ENGLISH}", "de"),
        (f"{GERMAN}{ENGLISH}", "en"),
    ],
)
def test_where_that_is_not_plain_nothing_is_told(body: str, code: str) -> None:
    assert said(made(body, code)) == []


def test_each_language_is_told_by_its_own_words() -> None:
    assert language._WORDS.keys() == languages.ALL.keys()
    for code, words in languages.ALL.items():
        text = " ".join([words.because, words.will_stop, words.broken_why, words.later_why])
        other = "en" if code != "en" else "de"
        assert language.findings(made("", code), text) == []
        assert words.name in "".join(
            each.text for each in language.findings(replace(made("", code), language=other), text)
        ), code
