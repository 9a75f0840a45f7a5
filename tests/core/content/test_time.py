"""No input of 500 KB, which is what may be stored, may hold up a worker or the web for long: half of it takes half."""

import time
from collections.abc import Callable

import pytest

from core.content import html, losses, mail, markdown
from tests.core.content.parsed import content

ANNA = mail.Recipient(1, "anna@example.org", {})
HOSTILE = [
    "x" * 250_000,
    "{{ a }}" * 35_000,
    "{{ a" * 60_000,
    "x<a></a>" * 30_000,
    "x<br>" * 50_000,
    "<div>" * 50_000,
    "<ul><li>" * 1_500,
    "<!--" * 62_500,
    "<body " * 40_000,
    '<body "' * 35_000,
    "<table><td>" * 20_000,
    "<table><tr><td>a<td>b</table>" * 8_000,
    "<table>" + "<caption>a</caption>" * 12_000,
    '<a href="' * 27_500 + "{{ a }}" * 25,
    "नमस्ते " * 12_500,
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: body[:12])
@pytest.mark.parametrize(
    "work",
    [
        lambda body: mail.compile_mail(content(body=body, preheader="x", base_url="https://mail.example.com")),
        lambda body: mail.preview(content(body=body, body_kind="rich"), ANNA),
        html.survives_editor,
        markdown.to_html,
        lambda body: losses.of(body[:50_000], "rich", "markdown"),
    ],
    ids=["compile", "preview", "survives", "markdown", "losses"],
)
def test_a_body_of_any_kind_takes_linear_time(sqlite_stack: object, work: Callable[[str], object], body: str) -> None:
    before = time.process_time()
    work(body)
    assert time.process_time() - before < 2.5
