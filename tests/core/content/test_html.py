import time

import pytest

from core.content import bodies, html, mail, merge
from core.models import BodyKind
from tests.core.content.parsed import content


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Hi</p><p>you</p>", "Hi\n\nyou\n"),
        ("Hi<br>you<br/><br>there", "Hi\nyou\n\nthere\n"),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        ("<h1>Title</h1>text", "Title\n\ntext\n"),
        ("<p>  a \n b\t<b> c</b> </p>", "a b c\n"),
        ('<a href="https://x.example/?a=1&amp;b=2">Read</a> it', "Read (https://x.example/?a=1&b=2) it\n"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example\n"),
        ('<a href="mailto:a@b.c">a@b.c</a>', "a@b.c\n"),
        ('<a href="#top">up</a> <a>none</a> <a href="https://x.example"></a>', "up none\n"),
        ('<a href="https://x.example"><img src="x" alt="Our shop"></a>', "Our shop (https://x.example)\n"),
        ("<ul><li>one</li><li><p>two</p><ul><li>three</li></ul></li></ul>x", "- one\n- two\n  - three\n\nx\n"),
        ("<ul><li></li></ul><p>x</p><p>y</p>", "-\n\nx\n\ny\n"),
        ("<ol start=3><li>c</li><li>d</li></ol>", "3. c\n4. d\n"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"),
        ("a<hr>b", "a\n\n----------\n\nb\n"),
        ("<pre>a\n  b</pre>", "a\n  b\n"),
        ("<style>p { color: red }</style><script>x()</script><title>t</title><p>a</p>", "a\n"),
        ("<!--[if mso]><p>Outlook</p><![endif]--><!--[if !mso]><!--><p>others</p><!--<![endif]-->", "others\n"),
        ("a &lt;b&gt; &amp; &#847;&zwnj;&nbsp;c", "a <b> & \u200c c\n"),
        ("<p>{{ first_name | default: &quot;you&quot; }}</p>", '{{ first_name | default: "you" }}\n'),
        ("", "\n"),
    ],
)
def test_text_is_what_a_reader_would_type(source: str, text: str) -> None:
    assert html.to_text(source) == text


def test_text_of_hostile_html_takes_linear_time() -> None:
    before = time.process_time()
    for hostile in ("<a href=" * 20_000, "<!--" * 50_000, "<ul><li>" * 3_000, "<" * 100_000, "<div>" * 20_000):
        html.to_text(hostile)
        mail.whole_html(content(body=hostile, preheader="x"))
    assert time.process_time() - before < 10


@pytest.mark.parametrize(
    "kept",
    [
        "<p>Hi <b>you</b> &amp; all</p>",
        "<div>a</div><div><br></div><ul><li>x</li></ul>",
        '<p style="text-align: center">x</p>',
        '<a href="https://x.example/?a=1&amp;b=2">x</a>',
        '<a href="{{ unsubscribe_url }}">x</a>',
        "<p>{{ first_name | default: \"there\" }}</p>",
        "<p>{{ first_name | default: &quot;there&quot; }}&nbsp;x</p>",
        "plain words",
        "",
    ],
)  # fmt: skip
def test_what_the_editor_writes_survives_it(kept: str) -> None:
    assert html.survives_editor(kept)
    assert html.survives_editor(html.for_editor(kept))


@pytest.mark.parametrize(
    "lost",
    [
        "<style>p{}</style><p>x</p>",
        "<!--[if mso]>x<![endif]--><p>x</p>",
        "<!doctype html><html><body><p>x</p></body></html>",
        "<table><tr><td>x</td></tr></table>",
        '<p class="big">x</p>',
        '<p onclick="x()">x</p>',
        '<p style="padding:4px">x</p>',
        '<a href="javascript:x()">x</a>',
        "<script>x</script>",
        "<?xml version='1.0'?><p>x</p>",
        "<p>not closed",
    ],
)
def test_what_the_editor_would_change_does_not_survive(lost: str) -> None:
    assert not html.survives_editor(lost)


def test_the_copy_for_the_editor_has_nothing_that_runs() -> None:
    shown = html.for_editor(
        "<p onclick=x()>a<script>alert(1)</script><img src=x onerror=y><svg onload=z></svg>"
        '<a href="javascript:x">b</a><iframe src="x"></iframe><style>*{}</style></p>'
    )
    assert shown == '<p>a<img src="x"><a>b</a></p>'


def test_a_rich_draft_becomes_a_whole_mail_that_keeps_its_words() -> None:
    body = '<p>Hi {{ first_name | default: "there" }},</p><h1 style="text-align:center">News</h1><script>x</script>'
    whole = bodies.whole(body, BodyKind.rich)
    assert whole.startswith("<!doctype html>") and "max-width:600px" in whole and "<!--[if mso]>" in whole
    assert '<p style="margin:0 0 16px;">Hi {{ first_name | default: "there" }},</p>' in whole
    assert "font-weight:700;text-align:center" in whole and "<script" not in whole
    assert merge.fields_used(whole) == ["first_name", "unsubscribe_url"]
    assert html.to_text(whole).startswith('Hi {{ first_name | default: "there" }},\n\nNews\n')
    assert not html.survives_editor(whole)


def test_a_rich_draft_with_its_own_way_out_gets_no_second_one() -> None:
    whole = bodies.whole('<p><a href="{{ unsubscribe_url }}">Leave</a></p>', BodyKind.rich)
    assert whole.count("unsubscribe_url") == 1


@pytest.mark.parametrize(
    "body",
    [
        "<p>{{ unsubscribe_url }}</p>",
        '<p><a href="{{ unsubscribe_url }}"> </a></p>',
        '<p><a href="https://a.example/?out={{ unsubscribe_url }}">x</a></p>',
        '<p><img src="{{ unsubscribe_url }}" alt="x"></p>',
        '<!-- <a href="{{ unsubscribe_url }}">x</a> -->',
    ],
)
@pytest.mark.parametrize("kind", [BodyKind.rich, BodyKind.markdown])
def test_the_footer_stays_where_the_address_to_unsubscribe_is_no_link_of_the_body(body: str, kind: str) -> None:
    assert '<a href="{{ unsubscribe_url }}" style="color:#64748b' in bodies.whole(body, kind)
