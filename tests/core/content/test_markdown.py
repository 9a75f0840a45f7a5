import re
from datetime import UTC, datetime
from html import escape, unescape

import hypothesis
import pytest
from hypothesis import strategies as st

from core.content import blocks, bodies, html, losses, mail, markdown, merge, starters
from tests.core.content.parsed import body, content, parse

AT = datetime(2026, 11, 25, tzinfo=UTC)
MAIL = """# Hello {{ first_name | default: "there" }}

Some **strong** words, a [link]({{ site }}/offer) and https://example.com/a_b.

- one
- two

[Read more](https://example.com/?who={{ email }}){.button}

::::: columns
:::: column
Left
::::
:::: column
Right
::::
:::::

| Item | Price |
|:-----|------:|
| Book | 20 |

[Leave]({{ unsubscribe_url }})
"""


def test_markdown_arrives_as_html_with_its_own_styles_and_as_plain_text(sqlite_stack: object) -> None:
    given = content(body=MAIL, body_kind="markdown", base_url="https://mail.example.com")
    fields = {"first_name": "Anna & <Bo>", "site": "https://shop.example"}
    parsed = parse(mail.compile_mail(given).render(mail.Recipient(1, "a@b.example", fields), AT))
    shown, text = body(parsed, "html"), body(parsed, "plain")
    assert "Hello Anna &amp; &lt;Bo&gt;</h1>" in shown and '<h1 style="' in shown
    assert 'href="https://shop.example/offer"' in shown and 'href="https://example.com/a_b"' in shown
    assert 'href="https://example.com/?who=a%40b.example" class="button" style="' in shown
    assert shown.count('class="column" style="') == 2 and shown.count('<td width="260"') == 2
    assert '<td style="padding:8px 12px 8px 0;' in shown and "text-align:right" in shown
    assert "{" not in shown.partition("<body")[2] and shown.count("unsubscribe") == 0  # one way out, its own
    assert "Hello Anna & <Bo>" in text and "- one\n- two" in text and "Read more (https://example.com/?who=" in text
    assert "Leave (https://mail.example.com/u/" in text and "**" not in text and ":::" not in text


@pytest.mark.parametrize(
    "field",
    [
        "{{ first_name }}",
        "{{first_name}}",
        '{{ first_name | default: "you & me" }}',
        "{{ first_name | default: 'a_b_c *d*' }}",
        "{{ first_name | default: “there” }}",
    ],
)
@pytest.mark.parametrize(
    "place", ["%s", "**%s**", "_%s_", "# %s", "`%s`", "a_%s_b", "| a |\n|---|\n| %s |", "<b>%s</b>"]
)
def test_a_merge_field_is_one_wherever_it_stands(field: str, place: str) -> None:
    made = markdown.to_html(place % field)
    [asked] = [piece for piece in merge.parse(field) if isinstance(piece, merge.Field)]
    [found] = [piece for piece in merge.parse_html(made) if isinstance(piece, merge.Field)]
    assert (found.name, found.default) == (asked.name, asked.default)
    assert merge.malformed(made) == [] and "zmf" not in made


def test_what_is_no_field_stays_as_it_was_written() -> None:
    assert markdown.to_html("{{ first name }} and zmf0y {{ a }}") == "<p>{{ first name }} and zmf0y {{ a }}</p>\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>x",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<a href='javascript:alert(1)'>x</a>",
        "![x](data:text/html,x)",
        "[x](vbscript:x) <iframe src=//a></iframe> <form action=//a><input></form>",
        "x {.evil onclick=alert(1) style=position:fixed}",
        "[x](http://a){onclick=alert(1)}",
        "::: footer onclick=alert(1)\nx\n:::",
        "<style>*{display:none}</style>",
        "{{ a | default: '<script>alert(1)</script>' }}",
        "<a title='{{ a | default: \"x\" }}' onclick=x>x</a>",
    ],
)
def test_markdown_is_sanitised_like_rich_text(hostile: str) -> None:
    made = markdown.to_html(hostile)
    for tag, attributes in html.tags(made):
        assert tag in {"p", "a", "img", "div", "b"}, made
        assert {name for name, _ in attributes} <= {"src", "href", "alt", "title", "class"}, made
        for name, value in attributes:
            assert name != "href" or value.startswith("http"), made
            assert name != "src" or value == "x" or not value, made


def test_rich_text_becomes_markdown_and_comes_back_the_same() -> None:
    rich = (
        "<h2>News</h2><div>One <b>two</b> <i>three</i> <s>five</s></div><ul><li>a</li><li>b</li></ul>"
        '<p><a href="https://example.com/a_(b)">link</a> {{ first_name | default: "there" }}</p><hr>'
        + blocks.button("Go", "https://example.com/?x={{ email }}")
        + blocks.image("/i/x.png", "A sea", 300, "Caption")
        + blocks.columns(3)
        + blocks.quote()
        + blocks.footer()
    )
    assert losses.of(rich, "rich", "markdown") == []
    written = bodies.turned(rich, "rich", "markdown")
    assert "## News" in written and '{{ first_name | default: "there" }}' in written and "{.button}" in written
    assert losses.of(written, "markdown", "rich") == []
    again = bodies.turned(bodies.turned(written, "markdown", "rich"), "rich", "markdown")
    assert again == written


@pytest.mark.parametrize(
    ("rich", "written"),
    [
        ("<div>Hello</div><div><br></div><div>World</div>", "Hello\n\nWorld\n"),
        ("Hello<br><div><br></div><p>World<br></p>", "Hello\n\nWorld\n"),
        ("<p><b>One<br></b><br></p><p>Two</p>", "**One**\n\nTwo\n"),
        ("One<br><br>Two", "One\\\n\\\nTwo\n"),
        ("<b>One<br></b>Two", "**One**\\\nTwo\n"),
        ('One<br><img src="https://example.com/a.png" alt="A">', "One\\\n![A](https://example.com/a.png)\n"),
    ],
)
def test_a_line_break_is_written_only_between_words(rich: str, written: str) -> None:
    assert markdown.from_html(rich) == written
    assert "\\" not in markdown.to_html(written)


def test_markdown_is_left_no_tag_and_what_it_cannot_say_is_told_before() -> None:
    rich = "<h2><u>News</u></h2><ul><li>One <u>two <b>three</b></u></li></ul><p>H<sub>2</sub>O, m<sup>2</sup></p>"
    assert losses.of(rich, "rich", "markdown") == ["underlining", "raised and lowered letters"]
    assert bodies.turned(rich, "rich", "markdown") == "## News\n\n- One two **three**\n\nH2O, m2\n"


@pytest.mark.parametrize(
    "words",
    [
        "Write &lt;b&gt;bold&lt;/b&gt; and &lt;br&gt;",
        "Write &amp;nbsp; and &amp;lt;",
        "3 &lt; 4 &amp; 5 &gt; 4, R&amp;D",
        "_these_ and *those*, but snake_case",
    ],
)
def test_words_that_look_like_tags_or_marks_stay_words(words: str) -> None:
    rich = f"<p>{words}</p>"
    assert losses.of(rich, "rich", "markdown") == []
    assert markdown.to_html(bodies.turned(rich, "rich", "markdown")).strip() == rich


def _shown(source: str) -> str:
    return unescape(re.sub(r"<[^<>]*>", "", source)).strip()


def _comes_back(words: str) -> None:
    words = escape(words)
    for rich in (f"<p>{words}</p>", f"<p>x {words}<u>b&gt;</u><br>{words}<strong>amp;</strong></p>"):
        made = markdown.to_html(markdown.from_html(rich))
        assert "".join(_shown(made).split()) == "".join(_shown(rich).split()), markdown.from_html(rich)
        tags = [tag for tag, _ in html.tags(made) if tag != "a"]
        assert tags == [tag for tag, _ in html.tags(rich) if tag != "u"], made


@pytest.mark.parametrize(
    "words",
    [
        "\\<b>x",
        "C:\\*dir\\*",
        "C:\\dir\\",
        "Use `<b>` here",
        "``a`b` \\`",
        "\\\\<i>",
        "\\\n<b>",
        "a\\&lt;b&copy;",
        "<",
        "https://x.example/<b>",
        "https://x.example/\\<b>y</b>",
        "https://x.example/`_a_`*b*",
        "\\https://x.example/*_a*",
        "[x](y) [x][y] ![x](y)",
        "[x]: y",
        "https://x.example/{.button}",
        "# One\n## Two\n#",
        "#hash 1.5 -5 +1 a-b C# 1st",
        "- a\n- b\n+ c",
        "1. a\n2) b\n2026. c",
        "> a",
        "~~a~~",
        "---",
        "a\n===\nb\n=\n-",
        "::: footer\nx\n:::",
        "a | b\n--|--\n1 | 2",
        "| a |\n| --- |",
        "a\n:--",
    ],
)
def test_no_words_become_a_tag_code_or_emphasis(words: str) -> None:
    _comes_back(words)


@hypothesis.given(
    st.lists(
        st.sampled_from([*"\\`<>*_&;ab.()[]{}!#~+=-:|1 \n", "<b>", "</b>", "&lt;", "<!--", "https://x.example/"])
    ).map("".join)
)
def test_no_words_become_a_mark(words: str) -> None:
    _comes_back(f"x{words}")


@pytest.mark.parametrize(
    "rich",
    [
        '<p>Wow!<a href="https://a.example">x</a> <a href="https://a.example">[1] a]b [c</a></p>',
        '<p><a href="https://a.example">x</a>{.button}</p>',
        "<p><code>x</code>{width=9}</p>",
        "<ul>\n<li># a</li>\n<li>1. b</li>\n</ul>",
    ],
)
def test_words_beside_and_inside_links_lists_and_code_stay_words(rich: str) -> None:
    assert markdown.to_html(markdown.from_html(rich)).strip() == rich


@pytest.mark.parametrize(
    "code", ["a\\b", "&lt;b&gt; *x* _y_", "C:\\*dir\\*", "a ` b", "&amp;lt; \\", "https://x.example/_a"]
)
def test_code_stays_as_it_was_written(code: str) -> None:
    rich = f"<p>Use <code>{code}</code> here</p>"
    assert markdown.to_html(markdown.from_html(rich)).strip() == rich


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/a_page?b=c_d",
        "https://example.com/_next/x",
        "https://example.com/a*b",
        "https://example.com/a_(_b_)",
        "https://example.com/?a=1&copy=2&lt;=3",
        "https://example.com/~a/b.c,d",
        "HTTP://a.example",
    ],
)
@pytest.mark.parametrize(
    "place", ["See %s", "See %s, or", "(%s)", "&lt;%s&gt;", "*%s*", "%s<br>Two", "<s>%s</s>", "\\%s"]
)
def test_an_address_in_the_text_is_the_same_in_markdown(address: str, place: str) -> None:
    rich = f"<p>{place % escape(address)}</p>"
    made = markdown.to_html(bodies.turned(rich, "rich", "markdown"))
    assert [dict(attributes)["href"] for tag, attributes in html.tags(made) if tag == "a"] == [address]
    assert re.sub("</?a[^>]*>|\n", "", made) == rich


def test_an_address_that_is_a_link_is_one_link() -> None:
    rich = '<p><a href="https://example.com/_a_">https://example.com/_a*</a></p>'
    assert markdown.to_html(markdown.from_html(rich)).strip() == rich


def test_what_a_switch_would_lose_is_named() -> None:
    coloured = '<p style="text-align:center">Hi <span style="color:red">you</span></p>'
    assert losses.of(coloured, "rich", "markdown") == ["colours and backgrounds", "alignment"]
    table = "| a |\n|---|\n| b |\n"
    assert losses.of(table, "markdown", "rich") == []
    assert losses.of(table, "markdown", "html") == losses.of("", "html", "rich") == []
    source = "<style>p{color:red}</style><!--[if mso]><p>x</p><![endif]--><!-- a --><table><tr><td>Hi</td></tr></table>"
    for into in ("rich", "markdown"):
        lost = losses.of(source, "html", into)
        assert lost[:3] == ["what it does on phones and in the dark", "what was made for Outlook", "notes hidden in it"]


@pytest.mark.parametrize("kind", ["rich", "markdown", "html"])
def test_each_ready_block_makes_a_mail_in_each_kind(sqlite_stack: object, kind: str) -> None:
    made = [block("en") for _, block in blocks.READY.values()]
    made += [blocks.button("Go & see", "https://example.com/"), blocks.image("/i/x.png", 'A "sea"', 520, "<Caption>")]
    for block in made:
        put = blocks.for_kind(block, kind)
        given = content(body=put, body_kind=kind, base_url="https://mail.example.com")
        parsed = parse(mail.compile_mail(given).render(mail.Recipient(1, "a@b.example", {}), AT))
        shown = body(parsed, "html")
        assert shown.count("<!--[if") == shown.count("<![endif]-->") and ":::" not in body(parsed, "plain")
        assert kind != "rich" or html.survives_editor(put)
        for tag, attributes in html.tags(put if kind == "html" else shown.partition("<body")[2]):
            styled = tag in ("html", "body", "thead", "tbody", "tr", "span", "b", "br", "meta") or "style" in dict(
                attributes
            )
            assert styled or tag in ("table", "td"), tag
    assert "Go &amp; see" in blocks.for_kind(made[-2], "html") and "mso-font-width" in blocks.for_kind(made[-2], "html")


def test_a_whole_mail_becomes_its_words_without_the_tables_of_its_layout() -> None:
    source = starters.get("newsletter").body
    for into in ("markdown", "rich"):
        made = bodies.turned(source, "html", into)
        assert "A calmer way to plan the week" in made
        assert not any(sign in made for sign in ("---", "<table", ":::"))
        assert "[if mso]" not in made and "color-scheme" not in made
    text = bodies.turned(source, "html", "markdown")
    assert "### " in text or "## " in text
    assert "[Read more" in text and "({{ unsubscribe_url }})" in text


def test_a_mail_made_of_rich_text_becomes_that_very_rich_text_again() -> None:
    rich = (
        '<h2>News</h2><div style="text-align:center">One <b>two</b> &amp; three</div><ul><li>a</li></ul><hr>'
        + blocks.button("Go", "https://example.com/?x={{ email }}")
        + blocks.image("/i/x.png", "A sea", 300, "Caption")
        + blocks.columns(3)
        + blocks.columns(2)
        + blocks.quote()
        + "<p>a<br>b</p>"
    )
    for given in (rich, rich + blocks.footer()):
        made = bodies.turned(given, "rich", "html")
        assert losses.of(made, "html", "rich") == []
        assert bodies.turned(made, "html", "rich") == html.for_editor(given)
        written = made.replace("News", "More news")  # by hand, or where it is seen
        assert bodies.turned(written, "html", "rich") == html.for_editor(given.replace("News", "More news"))


def test_no_words_are_left_white_on_white() -> None:
    source = (
        '<table><tr><td bgcolor="#be123c"><p style="color:#ffffff">Minus 25</p><p style="color: #FECDD3">Now</p>'
        '<p style="color:#334155">Hi</p><a style="color:#fff;background-color:#be123c" href="https://e.example">Go</a>'
        "</td></tr></table>"
    )
    made = bodies.turned(source, "html", "rich")
    assert "<p>Minus 25</p><p>Now</p>" in made and '<p style="color:#334155">Hi</p>' in made
    assert "background-color:#be123c" in made and "color:#fff" in made
