"""No input of 500 KB, which is what may be stored, may hold up a worker or the web for long."""

import time
from collections.abc import Callable

import pytest

from core.content import html, mail
from tests.core.content.parsed import content

ANNA = mail.Recipient(1, "anna@example.org", {})
HOSTILE = [
    "x" * 500_000,
    "{{ a }}" * 70_000,
    "{{ a" * 120_000,
    "x<a></a>" * 60_000,
    "x<br>" * 100_000,
    "<div>" * 100_000,
    "<ul><li>" * 3_000,
    "<!--" * 125_000,
    "<body " * 80_000,
    '<body "' * 70_000,
    '<a href="' * 55_000 + "{{ a }}" * 50,
    "नमस्ते " * 25_000,
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: body[:12])
@pytest.mark.parametrize(
    "work",
    [
        lambda body: mail.compile_mail(content(body=body, preheader="x", base_url="https://mail.example.com")),
        lambda body: mail.preview(content(body=body, body_kind="rich"), ANNA),
        html.survives_editor,
    ],
    ids=["compile", "preview", "survives"],
)
def test_a_body_of_any_kind_takes_linear_time(sqlite_stack: object, work: Callable[[str], object], body: str) -> None:
    before = time.process_time()
    work(body)
    assert time.process_time() - before < 5
