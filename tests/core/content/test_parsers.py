"""What we encode is read by three independent parsers as the text that it was: Python's, npm mailparser, ripmime; and
headers also by mutt. Each runs once over the whole corpus."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.core.content import corpus
from tests.core.content.corpus import Case
from tests.core.content.parsed import HEADERS, body, parse, shown_name

PARSERS = Path(__file__).parent / "parsers"
NODE_MODULES = Path(__file__).parents[3] / ".venv" / "parsers" / "node_modules"  # as the Makefile installs them


@pytest.fixture
def cases(sqlite_stack: object, tmp_path: Path) -> list[Case]:
    """The corpus, also as files: 000.eml, 001.eml, …"""
    made = corpus.cases()
    for number, case in enumerate(made):
        (tmp_path / f"{number:03}.eml").write_bytes(case.raw)
    return made


def _agree(case: Case, seen: dict[str, str]) -> None:
    for name, text in seen.items():
        seen_text = text.replace("\r\n", "\n")
        seen_text = corpus.without_pixel(seen_text) if name == "html" else seen_text
        assert seen_text.rstrip("\n") == getattr(case, name).rstrip("\n"), f"{case.name}: {name}"


def test_python_reads_what_was_written(cases: list[Case]) -> None:
    assert {b"base64", b"quoted-printable"} == {
        kind for case in cases for kind in re.findall(rb"Transfer-Encoding: (\S+)", case.raw)
    }
    for case in cases:
        parsed = parse(case.raw)
        seen = {"subject": str(parsed["Subject"]), "from_name": shown_name(case.raw)}
        _agree(case, {**seen, "text": body(parsed, "plain"), "html": body(parsed, "html")})


def test_mailparser_reads_what_was_written(cases: list[Case], tmp_path: Path) -> None:
    command = ["node", str(PARSERS / "mailparser.cjs"), str(NODE_MODULES), str(tmp_path)]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert len(seen) == len(cases)
    for number, case in enumerate(cases):
        found = seen[f"{number:03}.eml"]
        assert found.pop("headers") == [name.lower() for name in HEADERS if name != "Reply-To"]
        assert found.pop("from") == "news@example.com" and found.pop("files") == []
        _agree(case, found)


def test_ripmime_reads_what_was_written(cases: list[Case], tmp_path: Path) -> None:
    for number, case in enumerate(cases):
        if "=?" in case.subject:  # it decodes what it has decoded once more, and loses the headers after that
            continue
        out = tmp_path / f"{number:03}"
        out.mkdir()
        command = ["ripmime", "-i", f"{out}.eml", "-d", str(out), "--no-uudecode"]
        subprocess.run(command, check=True, capture_output=True, timeout=10)
        preamble, text, html = [path.read_bytes().decode() for path in sorted(out.iterdir())]
        assert preamble == ""
        _agree(case, {"text": text, "html": html})


def test_mutt_reads_the_headers_that_were_written(cases: list[Case], tmp_path: Path) -> None:
    box, out = tmp_path / "mbox", tmp_path / "out"
    unix = [case.raw.replace(b"\r\n", b"\n") for case in cases]
    box.write_bytes(b"".join(b"From x@y Sun Nov 22 13:00:00 2026\n%b\n" % raw for raw in unix))
    _mutt(box, f"<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> {out}<enter><exit>")
    shown = out.read_text().split("From x@y Sun Nov 22 13:00:00 2026\n")[1:]
    assert len(shown) == len(cases)
    for case, text in zip(cases, shown, strict=True):
        head, _, rest = text.partition("\n\n")
        found = re.search(
            r"^From: (.*) <news@example.com>\nSubject: (.*?)\nMIME-Version", head, re.DOTALL | re.MULTILINE
        )
        assert found is not None, case.name
        assert _unquoted(found[1]) == _unquoted(case.from_name), case.name
        assert corpus.visible(found[2]) == corpus.visible(case.subject), case.name
        assert corpus.visible(rest) == corpus.visible(case.text), case.name


def _unquoted(name: str) -> str:
    """mutt shows the name of an address without its quotes and backslashes."""
    return corpus.visible(name.replace('"', "").replace("\\", ""))


def _mutt(box: Path, keys: str) -> None:
    """mutt wants a terminal: script gives it one."""
    environment = {"TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": str(box.parent), "PATH": os.environ["PATH"]}
    mutt = ["mutt", "-n", "-F", str(PARSERS / "muttrc"), "-R", "-f", str(box), "-e", f"push '{keys}'"]
    command = ["script", "--quiet", "--return", "--command", shlex.join(mutt), "/dev/null"]
    subprocess.run(
        command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment, timeout=20
    )
