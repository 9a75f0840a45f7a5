import re
import time
from datetime import UTC, datetime
from html import unescape

import pytest

from core import crypto
from core.content import links
from core.content.mail import Recipient, compile_mail
from tests.core.content.parsed import body, content, parse

AT = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
BASE = "https://mail.example.com"
ANNA = Recipient(42, "anna@example.org", {"first_name": "Anna", "city": "Graz & Linz"})


def _html(source: str, numbered: tuple[tuple[str, int], ...]) -> str:
    made = compile_mail(content(body=source, base_url=BASE, links=numbered)).render(ANNA, AT)
    shown = body(parse(made), "html")
    return re.sub(r"<img [^>]*>", "", shown).strip()


def _click(link: int, mail: int = 42) -> str:
    return f"{BASE}/t/c/{_token(mail, link)}"


def _token(mail: int, link: int) -> str:
    return f"{crypto.sign('click', mail)}.{crypto.sign('link', link)}"


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ('<a href="https://a.example/">x</a>', "https://a.example/"),
        ("<A\nclass=x HREF = 'http://a.example?b=1&amp;c=2#d'>x</A>", "http://a.example?b=1&c=2#d"),
        ('<map><area shape="rect" href=HTTPS://a.example/b/></map>', "HTTPS://a.example/b/"),
        ('<a href="https://Bücher.example:8443/ö">x</a>', "https://xn--bcher-kva.example:8443/%C3%B6"),
        ('<a href=" https://a.example/ö?q=é%20x ">x</a>', "https://a.example/%C3%B6?q=%C3%A9%20x"),
        ('<a title="{{ x | default: "a > b" }}" href="https://a.example:8443/">x</a>', "https://a.example:8443/"),
        (
            '<a data-href="https://b.example/" href="https://a.example/" href="https://c.example">x</a>',
            "https://a.example/",
        ),
        ('<a href="https://a.example/ö?to={{ email }}&amp;x=1">x</a>', "https://a.example/%C3%B6?to={{ email }}&x=1"),
        (
            '<a href="https://Bücher.example/{{ city | default: &quot;Gräz&quot; }}">x</a>',
            'https://xn--bcher-kva.example/{{ city | default: "Gräz" }}',
        ),
        ('<!--[if !mso]><!--><a href="https://a.example/">x</a><!--<![endif]-->', "https://a.example/"),
        ('<a title="a href=https://b.example/" href="https://a.example/@anna">x</a>', "https://a.example/@anna"),
    ],
)
def test_an_address_of_the_web_is_found_as_browsers_would_read_it(source: str, url: str) -> None:
    [found] = links.find(source)
    assert found.url == url
    assert source[: found.start].rstrip(" \n\"'").endswith("=")


@pytest.mark.parametrize(
    "href",
    [
        "mailto:anna@example.org",
        "tel:+431234",
        "#top",
        "",
        "/relative",
        "//a.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "java&#10;script:alert(1)",
        "https:a.example",
        "https://",
        "https:///a.example",
        "https://anna:secret@a.example/",
        "https://a.example@evil.example/",
        "https://a.example\\@evil.example/",
        "https://a.example/a b",
        "https://a.example/&#13;&#10;Set-Cookie:x",
        "https://[::1/",
        "https://-ü.example/",
        "{{ link }}",
        "{{ unsubscribe_url }}",
        "https://a.example/?out={{ unsubscribe_url }}",
        "https://{{ city }}.example/",
        "https://a.example{{ city }}/",
        "https://a.example:{{ city }}/",
        "https://{{ city }}@a.example/",
        "{{ city }}://a.example/",
        "https://a.example/{{ city | default: &quot;" + "x" * 490 + "&quot; }}" * 4 + "x" * 1500,
        "https://a.example/&#123;&#123; city }}",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_what_is_no_plain_address_of_the_web_stays_as_it_is(sqlite_stack: object, href: str) -> None:
    assert links.find(f'<a href="{href}">x</a>') == []
    assert links.find(f'<!-- <a href="https://a.example/"> --><link href="https://b.example/"><a name={href}>') == []


def test_the_links_of_a_mail_lead_over_us_and_the_plain_text_leads_straight_there(sqlite_stack: object) -> None:
    source = (
        '<p><a href="https://a.example/?x=1&amp;y=2">{{ first_name }}</a> <a href="mailto:me@a.example">m</a> '
        '<a href="https://b.example/" title="{{ city }}">b</a> <a href=https://a.example/?x=1&y=2>again</a> '
        '<a href="https://c.example/">new</a> <a href="https://d.example/{{ city }}">d</a></p>'
    )
    numbered = (("https://a.example/?x=1&y=2", 7), ("https://b.example/", 281_474_976_710_655))
    assert _html(source, numbered) == (
        f'<p><a href="{_click(7)}">Anna</a> <a href="mailto:me@a.example">m</a> '
        f'<a href="{_click(281_474_976_710_655)}" title="Graz &amp; Linz">b</a> <a href={_click(7)}>again</a> '
        '<a href="https://c.example/">new</a> <a href="https://d.example/Graz%20%26%20Linz">d</a></p>'
    )
    made = compile_mail(content(body=source, base_url=BASE, links=numbered)).render(ANNA, AT)
    plain = body(parse(made), "plain")
    assert "https://a.example/?x=1&y=2" in plain and "/t/c/" not in plain


@pytest.mark.parametrize("city", ["Graz & Linz", "", "../x", "//evil.example/", "@evil", "é\r\nX: a", "{{ email }}"])
def test_a_link_with_merge_fields_leads_at_the_click_where_the_mail_would_have_led(
    sqlite_stack: object, city: str
) -> None:
    source = "<a href=\"https://a.example/{{ CITY | default: 'ö &amp; b' }}?to={{email}}&amp;y=ü#{{ city }}\">x</a>"
    [found] = links.find(source)
    bruno = Recipient(42, "bruno+x@example.org", {"city": city, "email": "other@example.org"})
    made = compile_mail(content(body=source, base_url=BASE)).render(bruno, AT)
    [straight] = re.findall('href="(https://a[^"]*)"', body(parse(made), "html"))
    leads = links.filled(found.url, {**bruno.fields, "email": bruno.email})
    assert leads == unescape(straight).replace("ü", "%C3%BC") and leads.startswith("https://a.example/")
    assert leads.isascii() and not re.search(r"\s", leads)
    assert _click(5) in _html(source, ((found.url, 5),)) and "a.example" not in _html(source, ((found.url, 5),))


def test_links_in_a_mail_that_is_mostly_not_latin_lead_over_us_too(sqlite_stack: object) -> None:
    source = "नमस्ते " * 50 + '<a href="https://a.example/">यहाँ</a>'
    assert f'<a href="{_click(3)}">' in _html(source, (("https://a.example/", 3),))


def test_nobody_can_write_a_mark_of_ours_into_a_body(sqlite_stack: object) -> None:
    source = '\ufdd3<a href="https://a.example/\ufdd3">x</a> {{ @click }} <a href="https://b.example/">y</a>'
    shown = _html(source, (("https://b.example/", 3),))
    assert shown.count("/t/c/") == 1 and shown.count(_click(3)) == 1


def test_without_an_address_of_our_own_links_stay(sqlite_stack: object) -> None:
    source = '<a href="https://a.example/">x</a>'
    made = compile_mail(content(body=source, links=(("https://a.example/", 1),))).render(ANNA, AT)
    assert source in body(parse(made), "html")


def test_a_token_tells_its_mail_and_its_link_and_no_other_is_believed(sqlite_stack: object) -> None:
    token = _token(2**63 - 1, 2**48)
    assert links.verified(token) == (2**63 - 1, 2**48)
    for at in range(len(token)):
        other = "A" if token[at] != "A" else "B"
        assert links.verified(token[:at] + other + token[at + 1 :]) is None
    first, _, last = token.partition(".")
    for wrong in (
        "",
        ".",
        first,
        f".{last}",
        f"{last}.{first}",
        token + "A",
        f"{token}.",
        f"{'A' * 32}.{last}",
        "é" * 65,
    ):
        assert links.verified(wrong) is None


@pytest.mark.parametrize(
    "source",
    [
        '<a href="' * 55_000,
        "<a \"'" * 100_000,
        "<a " + "x=' " * 100_000,
        "<a " + "x " * 200_000,
        "<a href=https://a.example/" * 20_000,
        "<a href='https://a.example/'>" * 17_000,
        f"<a href='https://a.example/{'&amp;' * 90_000}'>",
        "<!--<a " * 70_000,
    ],
    ids=lambda source: source[:12],
)
def test_links_are_looked_for_in_linear_time(source: str) -> None:
    before = time.process_time()
    links.find(source)
    assert time.process_time() - before < 2


def test_only_so_many_addresses_of_one_mail_are_counted() -> None:
    source = "".join(f'<a href="https://a.example/{number}"></a>' for number in range(links.MOST + 5)) * 2
    assert links.addresses(source) == [f"https://a.example/{number}" for number in range(links.MOST)]
