"""How mail programs are imitated: their answer to a mail's question for light or dark, and what is let in."""

from campaign_ui import mail_client
from campaign_ui.mail_client import DARK, FORCED, LIGHT
from campaign_ui.parts import sandbox_mail

DESIGNED = (
    "<style>:root{color-scheme: light dark} @media (prefers-color-scheme:  dark) {p{color:red}}"
    "@media (PREFERS-COLOR-SCHEME: light) {p{color:blue}}</style>"
    '<picture><source media="(prefers-color-scheme: dark)" srcset="x"></picture><p>prefers-color-scheme: dark</p>'
)


def test_the_mails_question_is_answered_whatever_this_browser_prefers() -> None:
    light, dark = mail_client.seen(DESIGNED, LIGHT), mail_client.seen(DESIGNED, DARK)
    assert "@media (max-width:0px) {p{color:red}}@media (min-width:0px) {p{color:blue}}" in light
    assert "@media (min-width:0px) {p{color:red}}@media (max-width:0px) {p{color:blue}}" in dark
    assert 'media="(max-width:0px)"' in light and 'media="(min-width:0px)"' in dark
    assert "<p>prefers-color-scheme: dark</p>" in dark  # words are words
    assert ":root{color-scheme:light!important}" in light and ":root{color-scheme:dark!important}" in dark


def test_a_mail_without_a_dark_design_stays_as_it_is_in_a_dark_program() -> None:
    for plain in ("<p>Hi</p>", "<style>p{color:#000}</style><p>dark</p>", "<p>color-scheme: dark</p>"):
        assert not mail_client.has_dark_design(plain)
        assert mail_client.seen(plain, DARK) == mail_client.seen(plain, LIGHT)
    for designed in (DESIGNED, '<meta name="color-scheme" content="light dark"><p>Hi</p>'):
        assert mail_client.has_dark_design(designed)


def test_forced_dark_turns_the_light_mail_over_but_not_its_images() -> None:
    forced = mail_client.seen(DESIGNED, FORCED)
    assert (
        "img,video,picture,svg,[background]{filter:invert(1)" in forced and "(max-width:0px) {p{color:red}}" in forced
    )


def test_nothing_but_styles_fonts_and_pictures_is_let_in() -> None:
    assert "default-src 'none'" in mail_client.skeleton(True) and "script" not in mail_client.skeleton(True)
    assert "img-src http: https: data:" in mail_client.skeleton(True)
    assert "img-src 'none'" in mail_client.skeleton(False) and "font-src 'none'" in mail_client.skeleton(False)


def test_hostile_markup_takes_no_time() -> None:
    for source in (
        "<style" * 20_000,
        "<style>" + "prefers-color-scheme:" * 20_000,
        " media=" * 30_000,
        "<meta " * 20_000,
        "<meta " + "color-scheme " * 20_000,
    ):
        mail_client.seen(source, DARK)


def test_a_hostile_mail_in_the_sandbox_takes_no_time() -> None:
    for source in ("<img " * 200_000, "<img" + " " * 500_000, "<img " + "src = " * 100_000):
        assert sandbox_mail.document(source, images=False).endswith(source)
    shown = sandbox_mail.document('<img alt="a" src="https://a.example/x.png">', images=False)
    assert '<img alt="a" data-src="https://a.example/x.png">' in shown
