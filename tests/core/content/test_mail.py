import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import crypto
from core.content import headers, links, mail, merge
from core.content.mail import BadMail, Recipient, compile_mail
from tests.core.content.parsed import HEADERS, body, content, parse, shown_name

AT = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
ANNA = Recipient(42, "anna@example.org", {"first_name": "Anna"})
TRICKS = [
    "=?utf-8?q?a=0d=0aBcc:_x?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAeC55?=",
    "hello\r\nBcc: evil@x.y",
    "a\nb",
    "\x00",
    "\ud800",
    "\x85Bcc: x",
    "\u2028Bcc: x",
    "{{ email }}",
    "%s %b %(x)b %%",
    ".",
    "\n.\n",
    "From here",
    "\nFrom here",
    "--=_",
    "=",
    "=\r\n",
    " a ",
    "a  b",
    '"quoted" <x@y>, z',
    "Müller, Jörg",
    "नमस्ते दुनिया",
    "x" * 500,
    "é" * 300,
    "a " * 300,
    "?=",
    "(comment)",
    "\\",
    "😀" * 40,
    "👩‍👩‍👧‍👦🏳️‍🌈" * 12,
    "\u202eevil\u202c مرحبا بالعالم שלום",
    "e\u0301" * 200,
]
ANYTHING = st.one_of(
    st.sampled_from(TRICKS),
    st.text(st.characters(exclude_categories=()), max_size=120),
    st.lists(
        st.sampled_from(
            ["=?", "?=", "utf-8", "?q?", "?b?", "=0d", "=0a", " ", "é", "a", "\r", "\n", ".", "\t", '"', ","]
        ),
        max_size=30,
    ).map("".join),
)


def _render(given: mail.Content, recipient: Recipient = ANNA) -> bytes:
    return compile_mail(given).render(recipient, AT)


def _clean(text: str) -> str:
    return headers.clean(text)


def test_a_mail_has_exactly_our_headers_in_order(sqlite_stack: object) -> None:
    parsed = parse(_render(content(base_url="https://mail.example.com", reply_to="office@example.com")))
    assert parsed.keys() == HEADERS
    assert parsed["From"] == "Anna at Example <news@example.com>"
    assert parsed["To"] == "anna@example.org"
    assert parsed["Subject"] == "Hello Anna"
    assert parsed["Date"].datetime == AT
    assert parsed["Reply-To"] == "office@example.com"
    assert parsed["Precedence"] == "bulk"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


def longest(raw: bytes) -> int:
    """How long its longest line is, but for the one of List-Unsubscribe."""
    return max(len(line) for line in raw.split(b"\r\n") if not line.startswith(b"List-Unsubscribe:"))


def test_list_unsubscribe_is_one_plain_line_however_long_it_is(sqlite_stack: object) -> None:
    raw = _render(content(base_url="https://a-very-long-host-name.of-a-department.example.com/with/a/path"))
    [line] = [line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    token = crypto.sign("unsubscribe", 42)
    base = "https://a-very-long-host-name.of-a-department.example.com/with/a/path"
    assert line.decode() == f"List-Unsubscribe: <{base}/u/{token}>"


def test_without_base_url_there_is_no_pixel_and_unsubscribing_is_a_mail(sqlite_stack: object) -> None:
    compiled = compile_mail(content(reply_to="office+list@example.com"))
    parsed = parse(compiled.render(ANNA, AT))
    assert not compiled.is_tracked
    token = crypto.sign("unsubscribe", 42)
    assert parsed["List-Unsubscribe"] == f"<mailto:office+list@example.com?subject=unsubscribe%20{token}>"
    assert "List-Unsubscribe-Post" not in parsed
    assert "<img" not in body(parsed, "html")
    assert f"mailto:office+list@example.com?subject=unsubscribe%20{token}" in body(parsed, "plain")


def test_the_pixel_stands_before_the_end_of_the_body(sqlite_stack: object) -> None:
    compiled = compile_mail(
        content(base_url="https://mail.example.com/", body="<BODY>Hi</BODY ></html><!-- </body> -->")
    )
    shown = body(parse(compiled.render(ANNA, AT)), "html")
    assert compiled.is_tracked
    assert f'Hi<img src="https://mail.example.com/t/o/{crypto.sign("open", 42)}.gif"' in shown
    assert shown.endswith('border:0"></BODY ></html><!-- </body> -->')


def test_the_pixel_stands_at_the_end_of_a_fragment(sqlite_stack: object) -> None:
    shown = body(parse(_render(content(base_url="https://mail.example.com", body="<p>Hi"))), "html")
    assert shown.startswith("<p>Hi<img ") and shown.endswith(">")


def test_the_message_id_is_one_per_recipient_and_the_same_on_retry(sqlite_stack: object) -> None:
    compiled = compile_mail(content(from_address="news@bücher.example"))
    first = parse(compiled.render(ANNA, AT))["Message-ID"]
    again = parse(compile_mail(content(from_address="news@bücher.example")).render(ANNA, AT + timedelta(days=1)))
    other = parse(compiled.render(replace(ANNA, message_id=43), AT))
    assert first == again["Message-ID"] != other["Message-ID"]
    assert first.endswith("@xn--bcher-kva.example>")
    assert crypto.verify("message", first[1:].partition("@")[0]) == 42


def test_html_reaches_the_reader_byte_for_byte(sqlite_stack: object) -> None:
    source = (
        "<!doctype html>\n<html><head><style>@media (max-width:600px) { .a > b { color: red } }</style>\n"
        "<!--[if mso]><style>v\\:* {behavior:url(#default#VML)}</style><![endif]--></head>\n"
        '<body bgcolor=white>.\n. a dot\n{{ not a field }} {%x%} 100% {{{{ =3D "ü" हिन्दी   \n'
        "<!--[if !mso]><!--><p>x\t</p><!--<![endif]--> trailing \t\nFrom me</body></html>"
    )
    assert body(parse(_render(content(body=source))), "html") == source


def test_a_body_that_is_mostly_not_latin_goes_as_base64(sqlite_stack: object) -> None:
    source = "<p>" + "नमस्ते दुनिया, यह एक पत्र है। " * 20 + "{{ first_name }} & {{ first_name }}</p>\n"
    raw = _render(content(body=source), Recipient(1, "a@b.example", {"first_name": "अनु & Co\r\nx"}))
    assert raw.count(b"Content-Transfer-Encoding: base64") == 2
    assert longest(raw) <= 78
    shown = body(parse(raw), "html")
    assert shown == source.replace("{{ first_name }}", "अनु &amp; Co\nx")


def test_the_preheader_is_hidden_right_after_the_body_tag(sqlite_stack: object) -> None:
    source = '<!--[if mso]><body class="m"><![endif]-->\n<body title="a > b" style="x">\n<p>Hi</p></body>'
    shown = body(parse(_render(content(body=source, preheader="5 < 6 for {{ first_name }}"))), "html")
    assert shown.startswith(source[: source.index("\n<p>")] + '<div style="display:none;')
    assert "mso-hide:all" in shown and ">5 &lt; 6 for Anna&#847;" in shown
    assert "5 < 6" not in body(parse(_render(content(body=source, preheader="5 < 6"))), "plain")


def test_the_plain_text_is_made_from_the_html_and_always_unsubscribes(sqlite_stack: object) -> None:
    source = '<style>p{}</style><p>Hi {{ first_name }}, <a href="https://x.example/?to={{ first_name }}">read</a></p>'
    recipient = Recipient(42, "anna@example.org", {"first_name": "A & B"})
    shown = body(parse(_render(content(body=source, base_url="https://mail.example.com"), recipient)), "plain")
    token = crypto.sign("unsubscribe", 42)
    assert shown == (
        "Hi A & B, read (https://x.example/?to=A%20%26%20B)\n\n"
        f"Unsubscribe: https://mail.example.com/u/{token}\n"
    )  # fmt: skip


def test_the_unsubscribe_link_of_the_body_is_filled_in(sqlite_stack: object) -> None:
    source = '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
    parsed = parse(_render(content(body=source, base_url="https://mail.example.com")))
    url = f"https://mail.example.com/u/{crypto.sign('unsubscribe', 42)}"
    assert f'<a href="{url}">' in body(parsed, "html")
    assert body(parsed, "plain") == f"Unsubscribe ({url})\n"


def test_a_rich_body_becomes_a_whole_html_mail(sqlite_stack: object) -> None:
    shown = body(parse(_render(content(body="<p>Hi <b>{{ first_name }}</b></p>", body_kind="rich"))), "html")
    assert shown.startswith("<!doctype html>") and "<b" in shown and "Anna" in shown


def test_long_addresses_and_names_keep_lines_short(sqlite_stack: object) -> None:
    far = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example"
    raw = _render(content(from_name="A name that is so long " * 6, subject="word " * 60), replace(ANNA, email=far))
    assert parse(raw)["To"] == far
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if b"@" not in line) <= 78


@pytest.mark.parametrize(
    "email", ["jö rg@example.com", "jörg@@b.c", "a b@example.com", "a@b@c", "", "a@", "x@y\r\nBcc: z@z", "a@-x"]
)
def test_an_address_that_cannot_be_mailed_fails_alone(sqlite_stack: object, email: str) -> None:
    compiled = compile_mail(content())
    with pytest.raises(BadMail, match="address"):
        compiled.render(replace(ANNA, email=email), AT)
    assert parse(compiled.render(ANNA, AT))["To"] == "anna@example.org"


def test_an_international_domain_goes_as_a_labels(sqlite_stack: object) -> None:
    raw = _render(content(), replace(ANNA, email="anna@bücher.example"))
    assert parse(raw)["To"] == "anna@xn--bcher-kva.example"


def test_a_local_part_beyond_ascii_stands_in_to_as_it_is_and_nowhere_else(sqlite_stack: object) -> None:
    given = content(subject="Für {{ email }}", body="<p>{{ email }}</p>", base_url="https://mail.example.com")
    raw = compile_mail(given).render(replace(ANNA, email="jörg@bücher.example"), AT)
    assert "\r\nTo: jörg@xn--bcher-kva.example\r\n".encode() in raw
    plain = raw.replace("jörg@".encode(), b"joerg@")
    parsed = parse(plain)
    assert parsed["Subject"] == "Für jörg@bücher.example"
    assert "jörg@bücher.example" in body(parsed, "plain")
    for ours in ({"from_address": "jörg@example.com"}, {"reply_to": "jörg@example.com"}):
        with pytest.raises(BadMail, match="before the @"):
            compile_mail(content(**ours))


def test_an_international_domain_is_written_by_idna_2008(sqlite_stack: object) -> None:
    for domain, wire in (("faß.example", "xn--fa-hia.example"), ("BÜCHER。example", "xn--bcher-kva.example")):
        raw = _render(content(from_address=f"news@{domain}"), replace(ANNA, email=f"anna@{domain}"))
        assert parse(raw)["To"] == f"anna@{wire}"
        assert parse(raw)["From"].addresses[0].addr_spec == f"news@{wire}"


@pytest.mark.parametrize("labels", [1, 4, 12, 20])
def test_a_message_id_has_at_most_78_characters(sqlite_stack: object, labels: int) -> None:
    domain = "department." * labels + "example.com"
    found = str(parse(_render(content(from_address=f"news@{domain}")))["Message-ID"])
    assert len(found) <= 78 and found.endswith("example.com>")
    assert domain.endswith(found[1:-1].partition("@")[2])
    assert crypto.verify("message", found[1:].partition("@")[0]) == 42


def test_an_encoded_word_in_an_address_is_refused(sqlite_stack: object) -> None:
    with pytest.raises(BadMail):
        _render(content(), replace(ANNA, email="=?utf-8?q?=0d=0aBcc?=@example.com"))


@pytest.mark.parametrize("base_url", ["https://x>\r\nBcc: y", "javascript:1", "https://x y", "https://ü.example"])
def test_a_strange_base_url_is_refused(sqlite_stack: object, base_url: str) -> None:
    with pytest.raises(BadMail):
        compile_mail(content(base_url=base_url))


def test_one_poison_value_is_one_bad_mail(sqlite_stack: object) -> None:
    compiled = compile_mail(content())
    for poison in ("\x00", "\ud800", "a\x00b"):
        with pytest.raises(BadMail):
            compiled.render(replace(ANNA, fields={"first_name": poison}), AT)
    assert b"Anna" in compiled.render(ANNA, AT)


@settings(deadline=None, max_examples=120)
@given(subject=ANYTHING, name=ANYTHING, value=ANYTHING)
@example(subject="=?utf-8?q?a=0d=0aBcc:_x?={{first_name}}", name="", value="=?utf-8?q?=0d=0aBcc:_evil=40x.y?=")
def test_whatever_is_merged_the_reader_sees_the_same_text(subject: str, name: str, value: str) -> None:
    subject += "{{ first_name }}"
    source = "<p>{{ first_name }}.</p>{{first_name}}\n<a href='https://x.example/{{ first_name }}'>l</a>\n"
    sent = content(subject=subject, from_name=name, body=source, base_url="https://mail.example.com", reply_to="a@b.c")
    fields = {"first_name": value, "email": "anna@example.org"}
    try:
        raw = compile_mail(sent).render(Recipient(5, "anna@example.org", fields), AT)
    except BadMail:
        texts = subject + name + value
        assert any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 or ord(char) == 127 for char in texts)
        return
    parsed = parse(raw)
    assert parsed.keys() == HEADERS
    assert parsed["Subject"] == _clean(merge.render_text(subject, fields))
    # A receiver on a Python that writes the line ends in encoded words as such (CVE-2024-6923): there are none.
    again = email.message_from_bytes(parsed.as_bytes(policy=email.policy.SMTP), policy=email.policy.default)
    assert again.keys() == HEADERS
    assert shown_name(raw) == _clean(name)
    assert parsed["From"].addresses[0].addr_spec == "news@example.com"
    assert max(map(len, raw.split(b"\r\n"))) <= 110  # List-Unsubscribe; all else 78
    shown = body(parsed, "html").rpartition("<img")[0]
    assert shown == merge.render_html(source, fields).replace("\r\n", "\n").replace("\r", "\n")
    line = value.strip().replace("\r\n", "\n").replace("\r", "\n")
    assert line in body(parsed, "plain")


@pytest.mark.parametrize("long", ["Long name " * 1024, "長い名前" * 2560, "ü" * 10_000, "x" * 10_000])
def test_a_value_of_ten_thousand_characters_is_folded_and_read_again(sqlite_stack: object, long: str) -> None:
    raw = _render(content(from_name=long, subject="{{ first_name }}"), replace(ANNA, fields={"first_name": long}))
    parsed = parse(raw)
    assert parsed.keys() == [name for name in HEADERS if name not in ("Reply-To", "List-Unsubscribe-Post")]
    assert parsed["Subject"] == shown_name(raw) == long.strip()
    assert longest(raw) <= 78


@settings(deadline=None, max_examples=80)
@given(source=ANYTHING, base=st.sampled_from(["", "https://mail.example.com"]))
def test_whatever_the_body_is_it_arrives(source: str, base: str) -> None:
    try:
        raw = compile_mail(content(subject="Hello", body=source, base_url=base)).render(ANNA, AT)
    except BadMail:
        assert "\0" in source or any(0xD800 <= ord(char) < 0xE000 for char in source)
        return
    shown = body(parse(raw), "html")
    expected = merge.render_html(source, {"email": ANNA.email, **ANNA.fields}).replace("\r\n", "\n").replace("\r", "\n")
    assert (shown.partition("<img src=")[0] if base else shown).removesuffix("\n") == expected.removesuffix("\n")


VIEWED = '<html><body><p>Hi</p><a href="{{ view_url }}">View in browser</a></body></html>'


def test_each_recipient_has_their_own_address_of_the_mail_in_the_browser(sqlite_stack: object) -> None:
    compiled = compile_mail(content(body=VIEWED, base_url="https://mail.example.com"))
    for number in (42, 43):
        address = f"https://mail.example.com/v/{crypto.sign('view', number)}"
        parsed = parse(compiled.render(replace(ANNA, message_id=number), AT))
        assert f'href="{address}"' in body(parsed, "html") and address in body(parsed, "plain")
        assert crypto.verify("view", address.rpartition("/")[2]) == number
        assert crypto.verify("unsubscribe", address.rpartition("/")[2]) is None
    assert links.addresses(VIEWED) == []  # it is no click


def test_without_an_address_of_ours_no_mail_says_that_it_can_be_viewed_in_the_browser(sqlite_stack: object) -> None:
    with pytest.raises(BadMail, match="BASE_URL is not set, so nobody can view this mail"):
        compile_mail(content(body=VIEWED))
