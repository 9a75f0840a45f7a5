"""Signed mails are verified by dkimpy and by Debian's opendkim; whatever is changed in them is noticed."""

import glob
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import dkim
import pytest

from core import crypto
from core.content import gate
from core.content.dkim import SigningKey
from core.content.mail import BadMail, Recipient, compile_mail
from core.delivery.dkim_keys import Pair, new_pairs
from tests.core.content import corpus, test_attached
from tests.core.content.parsed import HEADERS, content, parse

ROOT = Path(__file__).parents[3]
DOMAIN = "xn--bcher-kva.example"
FROM = "news@bücher.example"
SIGNED = (
    "h=From:From:To:Subject:Date:Message-ID:Reply-To:List-ID:List-Unsubscribe:List-Unsubscribe-Post:Feedback-ID:"
    "MIME-Version:Content-Type;"
)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return new_pairs()


def keys(pairs: list[Pair]) -> tuple[SigningKey, ...]:
    return tuple(
        SigningKey(DOMAIN, f"s{number}", pair.algorithm, crypto.seal(pair.private, f"dkim:{number}"), f"dkim:{number}")
        for number, pair in enumerate(pairs)
    )


def records(pairs: list[Pair]) -> dict[str, str]:
    return {
        f"s{number}._domainkey.{DOMAIN}": f"v=DKIM1; k={pair.algorithm}; p={pair.public}"
        for number, pair in enumerate(pairs)
    }


def by_dkimpy(raw: bytes, pairs: list[Pair]) -> list[bool]:
    """Whether each signature is right."""
    known = {f"{name}.".encode(): value.encode() for name, value in records(pairs).items()}
    judge = dkim.DKIM(raw)
    found = []
    for number in range(len(pairs)):
        try:
            found.append(judge.verify(number, dnsfunc=lambda name, timeout: known[name]))
        except dkim.DKIMException:
            found.append(False)
    return found


def by_opendkim(mails: list[bytes], pairs: list[Pair], folder: Path) -> list[list[str]]:
    """For each mail opendkim's word on each signature; one process for all."""
    (folder / "keys").write_text("".join(f"{name} {value}\n" for name, value in records(pairs).items()))
    (folder / "conf").write_text(f"Mode v\nTestPublicKeys {folder}/keys\nOn-BadSignature accept\n")
    paths = [folder / f"{number:03}.signed" for number in range(len(mails))]
    for path, raw in zip(paths, mails, strict=True):
        path.write_bytes(raw)
    program, environment = _opendkim()
    command = [program, "-x", str(folder / "conf"), "-t", ",".join(map(str, paths)), "-v", "-v"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment).stdout
    told = out.split("hname='Authentication-Results'")[1:]
    assert len(told) == len(mails), out
    return [re.findall(r"dkim=(\w+)", each) for each in told]


def _opendkim() -> tuple[str, dict[str, str]]:
    """Debian's program: installed, or unpacked by the Makefile."""
    if found := shutil.which("opendkim", path=f"{os.environ['PATH']}:/usr/sbin"):
        return found, dict(os.environ)
    unpacked = ROOT / ".venv" / "parsers" / "opendkim"
    libraries = ":".join([f"{unpacked}/usr/lib", *glob.glob(f"{unpacked}/usr/lib/*-linux-gnu*")])
    return str(unpacked / "usr/sbin/opendkim"), {**os.environ, "LD_LIBRARY_PATH": libraries}


def signed(pairs: list[Pair], recipient: Recipient | None = None, **changes: object) -> bytes:
    given = {"from_address": FROM, "reply_to": "office@example.com", "base_url": corpus.BASE, **changes}
    compiled = compile_mail(replace(content(**given), signing=keys(pairs)))
    return compiled.render(recipient or Recipient(42, "anna@example.org", {"first_name": "Anna"}), corpus.AT)


def test_both_signatures_cover_what_they_must(sqlite_stack: object, pairs: list[Pair]) -> None:
    raw = signed(pairs)
    parsed = parse(raw)
    assert parsed.keys() == ["DKIM-Signature", "DKIM-Signature", *HEADERS]
    for header, algorithm in zip(parsed.get_all("DKIM-Signature"), ("rsa", "ed25519"), strict=True):
        assert f"a={algorithm}-sha256; c=relaxed/simple; d={DOMAIN};" in header
        assert SIGNED in header.replace(": ", ":")
    assert max(map(len, raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 90  # List-Unsubscribe
    unsigned = compile_mail(content(from_address=FROM, reply_to="office@example.com", base_url=corpus.BASE))
    same = unsigned.render(Recipient(42, "anna@example.org", {"first_name": "Anna"}), corpus.AT)
    assert raw.endswith(same)
    without = signed(pairs[1:], reply_to="", base_url="")
    assert b"Reply-To" not in without and b"List-Unsubscribe-Post" not in without
    assert by_dkimpy(without, pairs)[0] is False  # it says s0, which has the other key


def test_a_signature_covers_the_files(sqlite_stack: object, pairs: list[Pair], tmp_path: Path) -> None:
    raw = test_attached.carrying({"a.pdf": b"x" * 100_000}, signing=keys(pairs), from_address=FROM)
    assert by_dkimpy(raw, pairs) == [True, True]
    assert by_opendkim([raw], pairs, tmp_path) == [["pass", "pass"]]
    assert by_dkimpy(raw.replace(b"eHh4\r\n", b"eHhY\r\n", 1), pairs) == [False, False]


def test_every_kind_of_mail_verifies(sqlite_stack: object, pairs: list[Pair], tmp_path: Path) -> None:
    mails = [signed(pairs, subject=line, from_name=line[:60], body=f"<p>{line}</p>") for line in corpus.LINES.values()]
    mails += [signed(pairs, body=body) for body in corpus.BODIES.values()]
    mails.append(signed(pairs, Recipient(7, "jörg@example.org", {"first_name": "x" * 10_000})))
    mails.append(signed(pairs, Recipient(7, f"{'a' * 60}@{'b' * 60}.example.com", {"first_name": "a  b\t c "})))
    for raw in mails[::4] + mails[-2:]:
        assert by_dkimpy(raw, pairs) == [True, True]
    assert by_opendkim(mails, pairs, tmp_path) == [["pass", "pass"]] * len(mails)


def test_whatever_is_changed_breaks_them(sqlite_stack: object, pairs: list[Pair], tmp_path: Path) -> None:
    raw = signed(pairs)
    head, end, body = raw.partition(b"\r\n\r\n")
    changed = [
        head + end + body.replace(b"Hi", b"Ho", 1),
        raw + b"more\r\n",
        raw.replace(b"\r\nFrom: ", b"\r\nFrom: evil@example.com\r\nFrom: ", 1),
    ]
    for name in HEADERS:
        if name != "Precedence":
            changed.append(re.sub(rb"\r\n%b: (?=\S)" % name.encode(), rb"\g<0>x", raw, count=1))
    assert all(each != raw for each in changed)
    for each in changed:
        assert by_dkimpy(each, pairs) == [False, False]
    assert not [told for told in by_opendkim(changed, pairs, tmp_path) if "pass" in told]
    respaced = raw.replace(b"Subject: ", b"SUBJECT:   ").replace(b"\r\nDate", b"  \r\nDate")
    assert by_dkimpy(respaced, pairs) == [True, True]  # as relays may do


def test_a_signed_mail_goes_through_the_gate(
    sqlite_stack: object, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    monkeypatch.setattr(gate, "check_head", lambda head, names, utf8_to=False: seen.append(head))
    assert signed(pairs).startswith(seen[-1]) and seen[-1].startswith(b"DKIM-Signature: ")


def test_a_key_of_another_secret_key_is_said(sqlite_stack: object, pairs: list[Pair]) -> None:
    (key, _) = keys(pairs)
    given = replace(content(from_address=FROM), signing=(replace(key, context="dkim:9"),))
    with pytest.raises(BadMail, match="Replace it on the Senders page"):
        compile_mail(given)
    assert key.sealed not in repr(given)
