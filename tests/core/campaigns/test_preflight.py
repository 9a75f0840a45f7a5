"""What is said of a mail's content: each check where there is something to say, and where there is nothing."""

import pytest

from core.campaigns import Level, preflight
from core.campaigns.preflight import links, survey, tags, words
from core.content import mail, merge

GOOD_PREHEADER = "Six books that our readers could not put down this month"
WAY_OUT = '<a href="{{ unsubscribe_url }}">Leave</a>'


def made(body: str = f"<p>Hi</p>{WAY_OUT}", subject: str = "News", preheader: str = GOOD_PREHEADER) -> mail.Content:
    return mail.Content(subject, preheader, body, "html", "Anna", "anna@example.com", "", "", 1, 1)


def said(content: mail.Content) -> list[tuple[str, str]]:
    return [(each.level.value, each.text) for each in preflight.content(content)]


def test_a_good_mail_is_not_talked_about() -> None:
    body = (
        '<p>Read <a href="https://harbourbooks.in/november?a=1&amp;b=2#top">the November list</a>, '
        '<a href="mailto:anna@harbourbooks.in">write</a> or <a href="tel:+91 22 4001 2000">call</a>. '
        '<a href="https://www.harbourbooks.in">harbourbooks.in</a> <a href="#top">Up</a> <a name="top"></a>'
        "We are open from nine to six, every day but Sunday, and glad to see you.</p>"
        '<img src="https://harbourbooks.in/shop.jpg" alt="The shop"><img src="https://harbourbooks.in/line.png" alt="">'
        '<a href="https://harbourbooks.in/{{ city }}">Yours</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
    )
    assert said(made(body)) == []


def test_merge_tags_of_other_programs_block_and_say_what_they_are_once_each() -> None:
    body = (
        '<p>Dear *|FNAME|* *|LNAME|*, {{ contact.CITY }} {{ UnsubscribeURL }} {% if x %}</p><img src="*|PIC|*" alt="x">'
        '<p><a href="*|UNSUB|*">Leave</a> <a href="https://harbourbooks.in/?e=*|EMAIL|*">Shop</a> '
        '<a href="*|UPDATE_PROFILE|*">Your data</a></p>'
    ) + "<p>word</p>" * 20
    found = preflight.content(made(body, "For *|FNAME|*"), ["city"])
    assert {each.level.value for each in found} == {"error"} and len(found) == 6
    assert [(each.text, each.place, each.mark) for each in found if each.is_foreign] == [
        (
            "{{ contact.CITY }} is a merge tag of Brevo or HubSpot; here it is {{ city }}.",
            "body",
            "{{ contact.CITY }}",
        ),
        (
            "*|FNAME|*, *|LNAME|*, *|UNSUB|* and *|EMAIL|* are merge tags of Mailchimp; here they are "
            "{{ first_name }}, {{ last_name }}, {{ unsubscribe_url }} and {{ email }}.",
            "subject",
            "*|FNAME|*",
        ),
        (
            "{{ UnsubscribeURL }} is a merge tag of listmonk; here it is {{ unsubscribe_url }}.",
            "body",
            "{{ UnsubscribeURL }}",
        ),
    ]
    assert [(each.text.partition(". ")[2], each.mark) for each in found if not each.is_foreign] == [
        ("Choose one wording and remove it: every reader gets the same.", "{% if x %}"),
        ("No field of your audience has this name: write the merge field that you mean, or remove it.", "*|PIC|*"),
        ("Remove it: readers do not change their data themselves.", "*|UPDATE_PROFILE|*"),
    ]
    assert list(survey.fields_used(made(body))) == []


@pytest.mark.parametrize(
    ("address", "level", "words"),
    [
        ("", "error", "leads nowhere"),
        ("#", "error", "leads nowhere"),
        ("javascript:alert(1)", "error", "unsafe"),
        (" java\nscript:alert(1)", "error", "unsafe"),
        ("data:text/html,x", "error", "unsafe"),
        ("file:///etc/passwd", "error", "unsafe"),
        ("www.harbourbooks.in", "error", "no https:// before it"),
        ("/november", "error", "no https:// before it"),
        ("//harbourbooks.in/x", "error", "no https:// before it"),
        ("https:/harbourbooks.in", "error", "not a web address"),
        ("https://harbour books.in", "error", "not a web address"),
        ("https://harbourbooks..in", "error", "no server named"),
        ("https://harbourbooks.in:99999/", "error", "not a web address"),
        ("http://localhost:8080/x", "error", "reader's own computer"),
        ("https://127.0.0.1/", "error", "reader's own computer"),
        ("https://[::1]/", "error", "reader's own computer"),
        ("htps://harbourbooks.in/", "error", "mistyped: it begins with htps: instead of https:."),
        ("htttp://harbourbooks.in/", "error", "instead of http:."),
        ("mailto:nobody", "error", "not to a mail address"),
        ("tel:call me", "error", "not a telephone number"),
        ("https://10.1.2.3/", "warning", "private network"),
        ("https://intranet/", "warning", "private network"),
        ("https://93.184.216.34/", "warning", "a number instead of a name"),
        ("https://example.com/", "warning", "a placeholder"),
        ("https://bit.ly/3xyz", "warning", "hides where it leads"),
        ("https://anna:secret@harbourbooks.in/", "warning", "before an @"),
        ("whatsapp://send", "warning", "opens an app"),
        ("http://harbourbooks.in/", "note", "instead of https://"),
    ],
)
def test_a_link_that_is_broken_or_unsafe_is_said(address: str, level: str, words: str) -> None:
    [(found, sentence)] = said(made(f'<p>Hi <a href="{address}">there</a> {WAY_OUT}</p>'))
    assert found == level and words in sentence


def test_a_link_that_reads_as_another_site_is_said() -> None:
    assert links.judge("https://evil.net/x", "https://bank.com")[0] == Level.warning
    assert links.judge("https://www.bank.com/x", "bank.com")[0] is None
    assert links.judge("https://evil.net/x", "Read on")[0] is None


def test_links_in_comments_scripts_and_with_a_field_for_an_address_are_left_alone() -> None:
    body = '<!-- <a href="javascript:1">x</a> --><style>a{}</style><a href="{{ page }}">x</a>'
    assert [each.level for each in links.findings(body)] == [Level.note]
    assert [link.address for link in tags.links(body)] == ["{{ page }}"]


def test_hostile_markup_takes_no_time() -> None:
    for body in ("<a href=" * 10_000, '<a href="x">' * 5_000, "<style" * 10_000, '<img src="' + "x" * 200_000):
        preflight.content(made(body))


@pytest.mark.parametrize(
    ("image", "level", "words"),
    [
        ("<img alt='x'>", "error", "no address"),
        ("<img src='cid:part1' alt='x'>", "error", "should be attached"),
        ("<img src='/shop.jpg' alt='x'>", "error", "no https:// before it"),
        ("<img src='http://localhost/x.png' alt='x'>", "error", "reader's own computer"),
        ("<img src='data:image/png;base64,AA' alt='x'>", "warning", "Gmail and Outlook do not show it"),
        ("<img src='https://10.0.0.1/x.png' alt='x'>", "warning", "private network"),
        ("<img src='http://harbourbooks.in/x.png' alt='x'>", "note", "without https://"),
        ("<img src='https://harbourbooks.in/x.png'>", "warning", "no alternative text"),
    ],
)
def test_an_image_that_readers_do_not_see_is_said(image: str, level: str, words: str) -> None:
    text = "a mail with quite enough words " * 5
    [(found, sentence)] = said(made(f"<p>{text}</p>{image} {WAY_OUT}"))
    assert found == level and words in sentence


def test_a_mail_of_images_and_one_without_words_are_said() -> None:
    assert any("nearly all image" in text for _, text in said(made("<img src='https://a.in/x.png' alt='Sale'>")))
    assert any("no words" in text for _, text in said(made("<img src='https://a.in/x.png' alt=''>")))


def test_a_missing_way_out_and_broken_braces_are_said() -> None:
    assert said(made("<p>Hi</p>")) == [
        ("warning", "The body has no unsubscribe link. Put one in (under Merge field), else readers report spam.")
    ]
    [(_, sentence)] = said(made("<p>Leave: {{ unsubscribe_url }}</p>"))
    assert sentence.startswith("unsubscribe_url stands in the body as words")
    [(_, sentence)] = said(made(subject="Hi {{ first name }}"))
    assert sentence == "{{ first name }} is not a merge field: recipients will read it as it stands."


def test_a_body_that_gmail_clips_is_said_and_one_below_is_not() -> None:
    at_most = 102 * 1024 - len(WAY_OUT) - 2_000
    assert not any("102 KB" in text for _, text in said(made("x " * (at_most // 2) + WAY_OUT, preheader="")))
    assert any("102 KB" in text for _, text in said(made("x " * 52_300 + WAY_OUT)))


@pytest.mark.parametrize(
    ("subject", "about"),
    [
        ("x" * 61, "61 characters"),
        ("BIG AUTUMN SALE", "all capitals"),
        ("Sale!! Today", "repeats"),
        ("Re: our talk", "looks like an answer"),
        ("A free gift for you", "“free gift”"),
    ],
)
def test_manners_of_spam_in_a_subject_are_said(subject: str, about: str) -> None:
    [finding] = words.subject(subject)
    assert about in finding.text and finding.place == "subject"


@pytest.mark.parametrize(
    "subject", ["x" * 60, "NASA news", "Hello {{ first_name }}!", "ПРИВЕТ" * 0 + "नमस्ते दोस्तों", "Review: ten books"]
)
def test_ordinary_subjects_are_not(subject: str) -> None:
    assert words.subject(subject) == []


def test_a_preheader_that_is_missing_short_or_cut_is_noted() -> None:
    said = [[each.text for each in words.preheader(text)] for text in ("", "Short", "x" * 120, GOOD_PREHEADER)]
    assert ["no preheader" in said[0][0], "5 characters" in said[1][0], "120 characters" in said[2][0]] == [True] * 3
    assert said[3] == []


def test_a_body_in_capitals_and_its_phrases_are_said() -> None:
    shouted = "<p>" + "BUY THIS GREAT BOOK " * 8 + "</p>"
    assert any("all capitals" in each.text for each in words.body(shouted))
    assert [each.level for each in words.body("<p>Click here for a risk-free trial</p>")] == [Level.note]
    assert words.body("<p>Our new books are here. USA and NATO are written so.</p>") == []


def test_a_default_goes_to_each_field_that_has_none() -> None:
    body = '<a title="{{ name }}">{{ name }} {{ Name | default: "you" }} {{ other }}</a>'
    changed = merge.with_default(body, "name", 'dear "friend"', in_html=True)
    assert changed.count("default: &#39;dear &quot;friend&quot;&#39;") == 2 and '{{ Name | default: "you" }}' in changed
    dear = "dear &quot;friend&quot;"
    assert merge.render_html(changed, {"other": "x"}) == f'<a title="{dear}">{dear} you x</a>'
    assert merge.render_text(merge.with_default("Hi {{ name }}", "name", "there", False), {}) == "Hi there"


def test_links_at_which_nobody_counts_clicks_are_said() -> None:
    body = (
        '<a href="https://harbourbooks.in/a">a</a> <a href="{{ unsubscribe_url }}">u</a> '
        '<a href="mailto:a@b.in?subject={{ city }}">m</a> '
        '<a href="https://harbourbooks.in/?to={{ city }}">c</a> <a href="https://{{ city }}.harbourbooks.in/">h</a>'
    )
    [one] = links.findings(body)
    assert one.level == Level.note and one.text.startswith("Clicks at a link are not counted")
    assert one.mark == "https://{{ city }}.harbourbooks.in/"
    [two] = links.findings(f'{body}<a href="{{{{ page }}}}">p</a>{body}')
    assert two.text.startswith("Clicks at 2 links are not counted")
