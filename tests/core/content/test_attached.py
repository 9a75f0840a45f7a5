"""Files that a mail carries arrive as they were, whoever reads the mail; what no mail should carry is refused."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from core.content import attached, gate
from core.content.mail import Recipient, compile_mail
from core.errors import RuleError
from tests.core.content import corpus
from tests.core.content.parsed import body, content, parse
from tests.core.content.test_parsers import NODE_MODULES, PARSERS

FILES = {
    "agenda.pdf": b"%PDF-1.7 \0\xff\r\n.\r\n" * 4000,
    "Grüße aus München, und noch einiges mehr, was dazu gehört, zum Beispiel dies.docx": bytes(range(256)),
    "今週の予定.ics": b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
    "100 %; a=b, 'c'.csv": b"a,b\n1,2\n",
}


def carrying(files: dict[str, bytes], **changes: object) -> bytes:
    """A mail with ``files``, whole."""
    said = tuple(attached.described(name, data) for name, data in files.items())
    compiled = compile_mail(content(attachments=said, base_url=corpus.BASE, **changes), list(files.values()))
    return compiled.render(Recipient(1, "anna@example.org", {"first_name": "Anna"}), corpus.AT) + compiled.tail


def test_files_arrive_with_their_names_beside_the_whole_mail(sqlite_stack: object) -> None:
    parsed = parse(carrying(FILES))
    assert [part.get_content_type() for part in parsed.iter_parts()] == [
        "multipart/alternative",
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "text/calendar",
        "text/csv",
    ]
    found = {part.get_filename(): part.get_payload(decode=True) for part in parsed.iter_attachments()}
    assert found == FILES
    [alternative, *_] = parsed.iter_parts()
    plain, rich = alternative.iter_parts()
    assert "Hi Anna" in plain.get_content() and "<p>Hi Anna</p>" in rich.get_content()
    assert "Hi Anna" in body(parse(carrying({})), "plain")


def test_other_parsers_find_the_same_files(sqlite_stack: object, tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(carrying(FILES))
    command = ["node", str(PARSERS / "mailparser.cjs"), str(NODE_MODULES), str(tmp_path)]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)["one.eml"]
    sums = {name: hashlib.md5(data, usedforsecurity=False).hexdigest() for name, data in FILES.items()}
    assert {name: checksum for name, _, checksum in seen["files"]} == sums
    assert "Hi Anna" in seen["text"] and "Hi Anna" in seen["html"]
    command = ["ripmime", "-i", str(tmp_path / "one.eml"), "-d", str(tmp_path / "out"), "--no-uudecode"]
    subprocess.run(command, check=True, capture_output=True, timeout=10)
    out = [path.read_bytes() for path in (tmp_path / "out").iterdir()]
    assert all(data in out for data in FILES.values()) and (tmp_path / "out" / "agenda.pdf").exists()


def test_the_whole_mail_passes_the_gate(sqlite_stack: object) -> None:
    raw = carrying(FILES)
    names = [line.partition(b":")[0] for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] != b" "]
    gate.check(raw, tuple(names))
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_data_that_is_missing_is_never_left_out_in_silence(sqlite_stack: object) -> None:
    said = (attached.described("a.pdf", b"x"),)
    with pytest.raises(ValueError, match="zip"):
        compile_mail(content(attachments=said))
    with pytest.raises(ValueError, match="zip"):
        compile_mail(content(), [b"x"])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/pass\r\nBcc: x@y.z", "etc pass Bcc x@y.z"),
        ('a"b\\c.pdf', "a b c.pdf"),
        ("\u202efdp.pdf", "fdp.pdf"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 96 + ".pdf"),
    ],
)
def test_a_name_is_one_that_any_machine_takes(given: str, shown: str) -> None:
    assert attached.described(given, b"x").name == shown


@pytest.mark.parametrize("name", ["setup.exe", "invoice.pdf.JS", "a.Lnk", "b.msi"])
def test_a_kind_that_mail_servers_refuse_is_refused_before(name: str) -> None:
    with pytest.raises(RuleError, match="Gmail and others refuse"):
        attached.described(name, b"x")


def test_an_empty_file_is_refused_and_an_unknown_kind_is_bytes() -> None:
    with pytest.raises(RuleError, match=r"agenda\.pdf is empty"):
        attached.described("agenda.pdf", b"")
    assert {attached.described(name, b"x").kind for name in ("a", "a.b c", "a.xyzzy", "mail.eml")} == {
        "application/octet-stream"
    }
