"""Merge tags of other programs: which are seen, what they are here, and that nothing else is taken for one."""

import time
from dataclasses import replace

import pytest

from core.content import foreign, links, mail
from core.models import BodyKind

NEWSLETTER = """<!DOCTYPE html><html><head><title>*|MC:SUBJECT|*</title></head><body>
<!--*|IF:MC_PREVIEW_TEXT|*--><!--[if !gte mso 9]><!----><span class="mcnPreviewText" style="display:none">
*|MC_PREVIEW_TEXT|*</span><!--<![endif]--><!--*|END:IF|*-->
<a href="*|ARCHIVE|*">View this email in your browser</a>
<h1>Dear *|FNAME|* *|TITLE:LNAME|*,</h1><p>how is *|CITY|*? We write to <a href="mailto:*|EMAIL|*">*|EMAIL|*</a>.</p>
*|IF:MEMBER_NO|*<p>Your number: *|MEMBER_NO|*</p>*|ELSE:|*<p>Join us.</p>*|END:IF|*
<p>Copyright (C) *|CURRENT_YEAR|* *|LIST:COMPANY|*. All rights reserved.</p>*|HTML:LIST_ADDRESS_HTML|*
<a href="*|UPDATE_PROFILE|*">update your preferences</a> or <a href="*|UNSUB|*">unsubscribe</a>
</body></html>"""
NAMES = ["first_name", "last_name", "city", "member_no"]


def made(body: str, subject: str = "", preheader: str = "", kind: str = BodyKind.html) -> mail.Content:
    return mail.Content(subject, preheader, body, kind, "Anna", "anna@example.com", "", "", 1, 1)


def test_a_newsletter_of_mailchimp_is_told_in_ours_and_what_is_nothing_here_says_why() -> None:
    found = {tag.written: tag.ours or tag.advice for tag in foreign.find(NEWSLETTER, BodyKind.html, NAMES)}
    wording = "Choose one wording and remove {it}: every reader gets the same."
    assert found == {
        "*|MC:SUBJECT|*": "the subject",
        "*|MC_PREVIEW_TEXT|*": "the preheader",
        "*|ARCHIVE|*": "{{ view_url }}",
        "*|FNAME|*": "{{ first_name }}",
        "*|TITLE:LNAME|*": "{{ last_name }}",
        "*|CITY|*": "{{ city }}",
        "*|EMAIL|*": "{{ email }}",
        "*|IF:MEMBER_NO|*": wording,
        "*|MEMBER_NO|*": "{{ member_no }}",
        "*|ELSE:|*": wording,
        "*|END:IF|*": wording,
        "*|CURRENT_YEAR|*": "Write the date instead.",
        "*|LIST:COMPANY|*": "Write your own words instead.",
        "*|HTML:LIST_ADDRESS_HTML|*": "Write your own words instead.",
        "*|UPDATE_PROFILE|*": "Remove {it}: readers do not change their data themselves.",
        "*|UNSUB|*": "{{ unsubscribe_url }}",
    }


def test_a_newsletter_is_translated_and_everything_else_of_it_stays() -> None:
    before = made(NEWSLETTER, 'News for *|FNAME|* & "friends"', "*|CITY|* calls")
    after = foreign.translated(before, NAMES)
    assert (after.subject, after.preheader) == ('News for {{ first_name }} & "friends"', "{{ city }} calls")
    expected = NEWSLETTER
    for theirs, ours in (
        ("*|MC:SUBJECT|*", "News for {{ first_name }} &amp; &quot;friends&quot;"),
        ("*|MC_PREVIEW_TEXT|*", ""),
        ("*|FNAME|*", "{{ first_name }}"),
        ("*|TITLE:LNAME|*", "{{ last_name }}"),
        ("*|CITY|*", "{{ city }}"),
        ("*|EMAIL|*", "{{ email }}"),
        ("*|MEMBER_NO|*", "{{ member_no }}"),
        ("*|UNSUB|*", "{{ unsubscribe_url }}"),
        ("*|ARCHIVE|*", "{{ view_url }}"),
    ):
        expected = expected.replace(theirs, ours)
    assert after.body == expected
    assert [tag.ours for tag in foreign.find(after.body, BodyKind.html, NAMES) if tag.ours] == []
    assert foreign.translated(after, NAMES) == after


@pytest.mark.parametrize(
    ("written", "program", "ours"),
    [
        ("{{ contact.FIRSTNAME }}", "Brevo or HubSpot", "{{ first_name }}"),
        ('{{ contact.FIRSTNAME | default : "you" }}', "Brevo or HubSpot", '{{ first_name | default : "you" }}'),
        ('{{&nbsp;contact.CITY | default: "here" }}', "Brevo or HubSpot", '{{ city | default: "here" }}'),
        ("{{ contact.CITY | upper }}", "Brevo or HubSpot", "{{ city }}"),
        ("{{ .Subscriber.FirstName }}", "listmonk", "{{ first_name }}"),
        ("{{ .Subscriber.Attribs.city }}", "listmonk", "{{ city }}"),
        ("{{ UnsubscribeURL }}", "listmonk", "{{ unsubscribe_url }}"),
        ("{{ .Campaign.Subject }}", "listmonk", "Hello"),
        ("{{ unsubscribe }}", "Brevo or HubSpot", "{{ unsubscribe_url }}"),
        ("{{ mirror }}", "Brevo or HubSpot", "{{ view_url }}"),
        ("{{ MessageURL }}", "listmonk", "{{ view_url }}"),
        ("{$url}", "MailerLite", "{{ view_url }}"),
        ("{{unsubscribe_link}}", "Brevo or HubSpot", "{{ unsubscribe_url }}"),
        ("{{ person.first_name|default:'you' }}", "Klaviyo", "{{ first_name |default:'you' }}"),
        ("{% unsubscribe_link %}", "Klaviyo or Brevo", "{{ unsubscribe_url }}"),
        ("{$name}", "MailerLite", "{{ first_name }}"),
        ("{$last_name}", "MailerLite", "{{ last_name }}"),
        ("{$unsubscribe}", "MailerLite", "{{ unsubscribe_url }}"),
        ("%%first_name%%", "Salesforce", "{{ first_name }}"),
        ("%%unsub_center_url%%", "Salesforce", "{{ unsubscribe_url }}"),
        ("[firstname,fallback=friend]", "Campaign Monitor", "{{ first_name | default: &quot;friend&quot; }}"),
        ("[firstname, fallback=]", "Campaign Monitor", "{{ first_name }}"),
        ("*%7CUNSUB%7C*", "Mailchimp", "{{ unsubscribe_url }}"),
        ("*| fname |*", "Mailchimp", "{{ first_name }}"),
        ("*|PHONE|*", "Mailchimp", "{{ phone }}"),
    ],
)
def test_the_tags_of_other_programs(written: str, program: str, ours: str) -> None:
    (tag,) = foreign.find(f"<p>Dear {written},</p>", BodyKind.html, NAMES)
    assert (tag.written, tag.program) == (written, program) and tag.ours
    links = {"{{ unsubscribe_url }}": "Unsubscribe", "{{ view_url }}": "View in browser"}
    shown = f'<a href="{ours}">{links[ours]}</a>' if ours in links else ours
    assert foreign.translated(made(f"<p>{written}</p>", "Hello"), NAMES).body == f"<p>{shown}</p>"


@pytest.mark.parametrize("written", ["{% if contact.X %}", "{% endif %}", "{{ update_profile }}", "*|MMERGE7|*"])
def test_a_tag_with_nothing_here_stays_and_is_named(written: str) -> None:
    (tag,) = foreign.find(written, BodyKind.html, NAMES)
    assert not tag.ours and tag.advice
    assert foreign.translated(made(written), NAMES).body == written


@pytest.mark.parametrize(
    "text",
    [
        "{{ first_name }} {{ unsubscribe_url }} {{ city | default: 'x' }} {{ first name }} {{ contact }}",
        "100 % of 50%% and 20%%, [sic], [NAME], [unsubscribe], {name}, {$5}, $name, *a*|b, |*a*|*b*|*c*| 2*|x|*2",
        "<!-- Dear *|FNAME|* --> <code>echo {$name}</code> <pre class=x>%%name%%\n*|FNAME|*</pre>",
        "https://example.com/?a=%20%41%7C*x",
    ],
)
def test_what_can_be_ordinary_text_is_no_tag(text: str) -> None:
    assert foreign.find(text, BodyKind.html, NAMES) == [] and foreign.without(text) == text


def test_outlook_reads_its_comments_and_markdown_quotes_with_backticks() -> None:
    assert foreign.find("<!--[if mso]><p>*|FNAME|*</p><![endif]-->", BodyKind.html, NAMES)
    body = "Hi *|FNAME|* and \\*|LNAME|\\*, `{$name}` is PHP, [leave](*|UNSUB|*)\n\n```\n%%name%%\n```\n"
    assert foreign.translated(made(body, kind=BodyKind.markdown), NAMES).body == (
        "Hi {{ first_name }} and {{ last_name }}, `{$name}` is PHP, [leave]({{ unsubscribe_url }})\n\n"
        "```\n%%name%%\n```\n"
    )


@pytest.mark.parametrize(
    ("kind", "written", "ours"),
    [
        ("rich", "<p>Bye: *|UNSUB|*</p>", '<p>Bye: <a href="{{ unsubscribe_url }}">Abmelden</a></p>'),
        ("html", "*|UNSUB|* {$unsubscribe}", '<a href="{{ unsubscribe_url }}">Abmelden</a> ' * 2),
        ("html", '<a href="http://*|UNSUB|*">x</a>', '<a href="{{ unsubscribe_url }}">x</a>'),
        ("html", "<a title='a > b' href=*|UNSUB|*>x</a>", "<a title='a > b' href={{ unsubscribe_url }}>x</a>"),
        ("rich", '<a href="*|UNSUB|*">*|UNSUB|*</a>', '<a href="{{ unsubscribe_url }}">Abmelden</a>'),
        (
            "html",
            '<a href="/">x</a><b>*|UNSUB|*</b>',
            '<a href="/">x</a><b><a href="{{ unsubscribe_url }}">Abmelden</a></b>',
        ),
        ("markdown", "Bye: *|UNSUB|*", "Bye: [Abmelden]({{ unsubscribe_url }})"),
        ("markdown", "[*|UNSUB|*](*|UNSUB|*)", "[Abmelden]({{ unsubscribe_url }})"),
        (
            "markdown",
            "[x](<*|UNSUB|*>) [1] *|UNSUB|*",
            "[x](<{{ unsubscribe_url }}>) [1] [Abmelden]({{ unsubscribe_url }})",
        ),
        ("markdown", "[Bye][1]\n\n[1]: *|UNSUB|*", "[Bye][1]\n\n[1]: {{ unsubscribe_url }}"),
        ("markdown", '<a href="*|UNSUB|*">x</a>', '<a href="{{ unsubscribe_url }}">x</a>'),
    ],
)
def test_what_unsubscribes_among_words_becomes_a_link_in_the_language_of_the_mail(
    kind: str, written: str, ours: str
) -> None:
    before = replace(made(written, "*|UNSUB|*", kind=kind), language="de")
    after = foreign.translated(before, NAMES)
    assert (after.body, after.subject) == (ours.strip(), "{{ unsubscribe_url }}")
    assert links.has_way_out(mail.whole_html(after))


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ([], "first_name"),
        (["vorname", "ort"], "vorname"),
        (["name", "first_name"], "first_name"),
        (["fname", "first_name"], "fname"),
    ],
)
def test_a_tag_is_the_field_that_the_audience_has(names: list[str], field: str) -> None:
    assert foreign.find("*|FNAME|*", BodyKind.html, names)[0].ours == f"{{{{ {field} }}}}"
    assert foreign.find("{{ mirror }}", BodyKind.html, ["mirror"]) == []  # a field of ours
    assert foreign.find("*|POSTCODE|*", BodyKind.html, ["post_code"])[0].ours == "{{ post_code }}"


@pytest.mark.parametrize(
    "piece", ["<!--", "*|A", "*|AB:", "{{ contact.a ", "`a ", "%%a", "{{&nbsp;", "{% a", "[a,fallback=", "<pre ", "\\*"]
)
def test_it_takes_linear_time_on_anything(piece: str) -> None:
    begun = time.perf_counter()
    for kind in (BodyKind.html, BodyKind.markdown):
        foreign.find(piece * 40_000, kind, NAMES)
        foreign.translated(made(piece * 40_000, kind=kind), NAMES)
    assert time.perf_counter() - begun < 5
