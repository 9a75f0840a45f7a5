"""What a file is called that somebody downloads, and that Excel and we ourselves can read it."""

import io
import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import httpx
import openpyxl
import pytest
from fastapi import FastAPI

from campaign_ui.endpoints import audience, download, recipients, report
from core import accounts, db
from core.audience import book, contacts, parse, suppression
from tests import rows
from tests.conftest import Stack

DAY = date(2026, 11, 26)


# RFC 6266: a quoted name without escapes, and one as RFC 8187 spells it.
_HEADER = re.compile(r"""attachment; filename="([^"\\]+)"(?:; filename\*=UTF-8''([\w!#$&+.^`|~%-]+))?""", re.ASCII)


def _names(header: str) -> tuple[str, str]:
    """The name in ASCII, and the one in letters where it is another."""
    read = _HEADER.fullmatch(header)
    assert read is not None, header
    return read[1], unquote(read[2] or "", errors="strict")


@pytest.mark.parametrize(
    ("of", "plain", "whole"),
    [
        ("", "Contacts - 2026-11-26.csv", ""),
        ("VIP customers", "Contacts - VIP customers - 2026-11-26.csv", ""),
        ("Müller & Söhne", "Contacts - Muller & Sohne - 2026-11-26.csv", "Contacts - Müller & Söhne - 2026-11-26.csv"),
        ("ग्राहक", "Contacts - 2026-11-26.csv", "Contacts - ग्राहक - 2026-11-26.csv"),
        ('../..\\"a";\r\nX: 1/b%41', "Contacts - a ; X 1 b 41 - 2026-11-26.csv", ""),
        ("a\u202evsc.exe\0", "Contacts - a vsc.exe - 2026-11-26.csv", ""),
        ("＂：", "Contacts - 2026-11-26.csv", "Contacts - ＂： - 2026-11-26.csv"),
        ("...", "Contacts - 2026-11-26.csv", ""),
    ],
)
def test_a_file_is_called_by_what_is_in_it_in_every_script_and_never_by_a_path(of: str, plain: str, whole: str) -> None:
    header = download.attachment("Contacts", of, DAY, "csv")["Content-Disposition"]
    assert header.isascii() and header.isprintable()
    assert _names(header) == (plain, whole)


def test_a_long_name_is_cut_where_a_file_system_would_refuse_it() -> None:
    header = download.attachment("Contacts", "ü" * 200, DAY, "csv")["Content-Disposition"]
    assert len(_names(header)[1].encode()) < 200 and _names(header)[1].endswith("ü - 2026-11-26.csv")


@pytest.fixture
async def web(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    for endpoints in (audience, recipients, report):
        endpoints.register(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web.test") as client:
        yield client


async def test_each_export_says_what_it_is_and_excel_reads_its_letters(web: httpx.AsyncClient) -> None:
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = rows.campaign(session, alice, {"sent": ["kunde@xn--mller-kva.de"]}, name="Grüße")
        suppression.suppress(session, alice, "gone@example.com", "bounced", detail="Kein Müller hier")
        web.cookies.set("session", accounts.start_session(session, alice))
    list_id = contacts.store(alice, parse.parse_text("email,name\na@example.com,Müller\n"), "Kunden").list_id
    names = {
        f"/audience/contacts.csv?list={list_id}": "Contacts - Kunden - ",
        f"/audience/contacts.csv?list={list_id}&q=name%3Am": "Contacts found - Kunden - ",
        "/audience/contacts.csv?q=nobody": "Contacts found - 2",
        "/audience/contacts.csv": "All contacts - ",
        "/audience/suppressed.csv": "Suppression list - ",
        "/audience/suppressed.csv?q=nobody": "Suppressed addresses found - 2",
        "/audience/suppressed.csv?reason=bounced": "Suppressed addresses found - 2",
        "/audience/suppressed.csv?reason=manual&nobody": "Suppressed addresses found - 2",
        f"/campaigns/{campaign_id}/recipients.csv": "Recipients - Grusse - ",
        f"/campaigns/{campaign_id}/report.xlsx": "Report - Grusse - ",
    }
    for url, name in names.items():
        answer = await web.get(url)
        assert _names(answer.headers["content-disposition"])[0].startswith(name), url
        assert url.endswith(".xlsx") or answer.content.startswith(b"\xef\xbb\xbfemail,"), url
        assert "suppressed" not in url or (b"gone@example.com" in answer.content) == ("nobody" not in url)
        assert "contacts" not in url or (b"a@example.com" in answer.content) == ("nobody" not in url)
        assert answer.content.count("\ufeff".encode()) == (0 if url.endswith(".xlsx") else 1)
        if "recipients" in url:
            assert answer.content.decode().splitlines()[1].startswith("kunde@müller.de,sent,")
    listed = openpyxl.load_workbook(io.BytesIO(answer.content))["Recipients"]
    assert listed["A2"].value == "kunde@müller.de"


async def test_an_export_can_be_uploaded_again_as_it_is(web: httpx.AsyncClient, tmp_path: Path) -> None:
    with db.session() as session:
        alice, bob = rows.user(session), rows.user(session, "bob@example.com")
        web.cookies.set("session", accounts.start_session(session, alice))
    text = "email,name,note\na@example.com,Müller,=1+1\n"
    contacts.store(alice, parse.parse_text(text), "Kunden")
    file = tmp_path / "export"
    file.write_bytes((await web.get("/audience/contacts.csv")).content)
    parsed = parse.parse_file(file, "All contacts - 2026-11-26.csv")
    assert [column.label for column in parsed.columns] == ["email", "name", "note", "added_at"]
    assert parsed.email_index == 0 and parsed.invalid_count == 0 and parsed.name == "All contacts - 2026-11-26"
    contacts.store(bob, parsed, "Copy")
    with db.reading() as session:
        (copy,) = book.page(session, bob).rows
    assert copy.email == "a@example.com"
    assert copy.fields == {"name": "Müller", "note": "=1+1"}
