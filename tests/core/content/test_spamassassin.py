"""SpamAssassin's rules about the form of a mail (as Debian ships them, without the network) are silent on ours."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

from core import crypto
from core.content import links, mail, starters
from core.content.dkim import SigningKey
from core.delivery.dkim_keys import new_pairs
from tests.core.content import corpus
from tests.core.content.parsed import content
from tests.core.content.test_attached import FILES, carrying

SCRIPT = Path(__file__).parent / "parsers" / "spamassassin.pl"
# What the program answers for: MIME and header rules; not the words of a mail, nor who sends it from where.
OURS = re.compile(
    r"(T_)?((MIME|MISSING|INVALID|HDRS?|HEADER|HEAD|MSGID|DATE|BASE64|MULTIPART|CTYPE|CHARSET|RATWARE|FORGED|BAD|BOGUS|"
    r"CORRUPT|ILLEGAL|LONG|MALFORMED|NULL|EMPTY|BLANK|LIST|UNPARSEABLE|FAKE|WEIRD|SUBJ_ILLEGAL|SUBJ_BRKN|SUBJECT_NEEDS|"
    r"FROM_ILLEGAL|FROM_MISSP|FROM_NO_USER|FROM_BLANK|FROM_UNBAL\d|FROM_WSP|FROM_ADDR_WS|FROM_EXCESS|TO_MALFORMED|"
    r"TO_NO_BRKTS|HTML_MIME|HTML_CHARSET|NO_HEADERS)(_.*)?|.*_(HDRS?|MIME|MSGID|ENCODED|ENCODING)(_.*)?)"
)
RECEIVED = (
    b"Return-Path: <news@example.com>\r\n"
    b"Received: from mail.example.com (mail.example.com [192.0.2.25])\r\n"
    b"\tby mx.example.org (Postfix) with ESMTPS id 4F2A91C0E7\r\n"
    b"\tfor <anna@example.org>; Sun, 22 Nov 2026 13:00:02 +0000 (UTC)\r\n"
)
BROKEN = b"From: x\r\nSubject: H\xe4\xc3\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx\r\n"


def test_no_rule_about_mime_or_headers_is_hit(sqlite_stack: object, tmp_path: Path) -> None:
    cases = corpus.cases()
    for number, case in enumerate(cases):
        (tmp_path / f"{number:03}.eml").write_bytes(RECEIVED + case.raw)
    for number, each in enumerate([*_signed_and_counted(), carrying(FILES)], len(cases)):
        cases.append(replace(cases[0], name=f"signed {number}", raw=each))
        (tmp_path / f"{number:03}.eml").write_bytes(RECEIVED + each)
    (tmp_path / "broken.eml").write_bytes(BROKEN)
    command = ["perl", str(SCRIPT), str(tmp_path), str(tmp_path)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    hits = {words[0]: set(words[1:]) for words in map(str.split, out.splitlines())}
    assert len(hits) == len(cases) + 1
    assert {"MISSING_DATE", "MISSING_MID", "MISSING_HEADERS"} <= hits.pop("broken.eml")  # the rules are there
    ours = {rule for rules in hits.values() for rule in rules if OURS.fullmatch(rule)}
    told = {cases[int(name[:3])].name: sorted(rules & ours) for name, rules in hits.items() if rules & ours}
    assert told == {}


def _signed_and_counted() -> list[bytes]:
    """Starters with DKIM signatures and with links whose clicks are counted."""
    signing = tuple(
        SigningKey("example.com", f"s{number}", pair.algorithm, crypto.seal(pair.private, "x"), "x")
        for number, pair in enumerate(new_pairs())
    )
    made = []
    for each in starters.all():
        given = content(subject=each.subject, body=each.body, body_kind=each.body_kind, base_url=corpus.BASE)
        counted = tuple((address, number) for number, address in enumerate(links.addresses(mail.whole_html(given)), 1))
        compiled = mail.compile_mail(replace(given, signing=signing, links=counted))
        made.append(compiled.render(mail.Recipient(1, "anna@example.org", {}), corpus.AT))
    return made
