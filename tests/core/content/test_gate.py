from datetime import UTC, datetime

import pytest

from core.content import gate, headers, quoted
from core.content.mail import BadMail, Recipient, compile_mail
from tests.core.content.parsed import content

NAMES = (b"From", b"Subject")
GOOD = b"From: a@b.c\r\nSubject: Hello\r\n world\r\n\r\nText\r\n"


def test_a_good_mail_passes() -> None:
    gate.check(GOOD, NAMES)
    gate.check(GOOD.replace(b"Hello", b"=?utf-8?q?H=C3=BC?=\r\n =?utf-8?b?w7w=?="), NAMES)
    gate.check(GOOD.replace(b"Text", b"x" * 998), NAMES)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (GOOD.replace(b"Hello", b"Hello\r\nBcc: x@y.z"), "other headers"),
        (GOOD.replace(b"Hello", b"Hello\r\nSubject: again"), "other headers"),
        (b"\r\n" + GOOD, "other headers"),
        (GOOD.replace(b"Subject: Hello", b"no colon"), "other headers"),
        (GOOD.replace(b"Subject: Hello", b"Subject : Hello"), "other headers"),
        (GOOD.replace(b"Hello\r\n world", b"Hello\r\n \r\n world"), "other headers"),
        (GOOD.replace(b"Hello\r\n world", b"Hello\r\n \t"), "other headers"),
        (GOOD.replace(b"Hello", b"Hello\nBcc: x@y.z"), "does not end"),
        (GOOD.replace(b"Hello", b"Hello\rBcc: x@y.z"), "does not end"),
        (GOOD.replace(b"Text", b"Te\rxt"), "does not end"),
        (GOOD.replace(b"Text", b"Te\nxt"), "does not end"),
        (GOOD.replace(b"Text", b"Te\n\rxt"), "does not end"),
        (GOOD[:-2], "does not end"),
        (b"", "does not end"),
        (GOOD.replace(b"Text", b".Text"), "dot"),
        (GOOD.replace(b"Text", b"x" * 999), "998"),
        (GOOD.replace(b"Hello", b"x" * 999), "998"),
        (GOOD.replace(b"Text", "ü".encode()), "bytes"),
        (GOOD.replace(b"Text", b"\0"), "bytes"),
        (GOOD.replace(b"Hello", b"a\x1bb"), "control"),
        (GOOD.replace(b"Hello", b"=?utf-8?q?a=0d=0aBcc:_x?="), "hides|damaged"),
        (GOOD.replace(b"Hello", b"=?utf-8?q?a=0D=0ABcc=3A_x?="), "hides"),
        (GOOD.replace(b"Hello", b"=?utf-8?b?DQpCY2M6IHg=?="), "hides"),
        (GOOD.replace(b"Hello", b"=?utf-8?b?x?="), "damaged"),
        (GOOD.replace(b"Hello", b"=?utf-16?b?DQpCY2M6IHg=?="), "damaged"),
        (GOOD.replace(b"Hello", b"=?utf-8?q?x"), "damaged"),
    ],
)
def test_a_broken_or_forged_mail_does_not(bad: bytes, why: str) -> None:
    with pytest.raises(BadMail, match=why):
        gate.check(bad, NAMES)


def test_every_render_goes_through_the_gate(sqlite_stack: object, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_mail(content(body="<p>{{ first_name }}</p>", base_url="https://a.example", reply_to="a@b.c"))
    anna, at = Recipient(1, "a@b.c", {"first_name": "Anna"}), datetime(2026, 1, 1, tzinfo=UTC)
    compiled.render(anna, at)
    for broken in (b"Anna=\r\n.\r\n", b"Anna\r=\r\n", b"Anna", b"\xfc=\r\n", b"\0=\r\n", b"x" * 1000 + b"\r\n"):
        monkeypatch.setattr(quoted, "value", lambda text, broken=broken: broken)
        with pytest.raises(BadMail):
            compiled.render(Recipient(1, "a@b.c", {"first_name": "Anna!"}), at)
    monkeypatch.undo()
    monkeypatch.setattr(headers, "recipient", lambda email: "a@b.c\r\nBcc: x@y.z")
    with pytest.raises(BadMail, match="other headers"):
        compiled.render(anna, at)


def test_what_is_the_same_in_all_mails_goes_through_the_gate(
    sqlite_stack: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for broken in (b".", b"a\rb", b"a\nb", b"\xfc", b"\0", b"x" * 1000):
        monkeypatch.setattr(quoted, "encode", lambda text, broken=broken: broken)
        with pytest.raises(BadMail):
            compile_mail(content(body="<p>{{ first_name }}</p>"))


LIST = b"From: a@b.c\r\nList-Unsubscribe: <https://b.c/u/x>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<https://b.c/u/x>", b"=?utf-8?q?=3Chttps=3A//b.c/u/x=3E?="),
        (b"<https://b.c/u/x>", b"<https://b.c/u/\r\n x>"),
        (b"<https://b.c/u/x>", b"\r\n <https://b.c/u/x>"),
        (b"<https://b.c/u/x>", b"<https://b.c/u/x>,\r\n <mailto:a@b.c>"),
        (b"<https://b.c/u/x>", b"<javascript:x>"),
        (b"<https://b.c/u/x>", b"https://b.c/u/x"),
        (b"=One-Click", b"=One-Click\r\n x"),
        (b": List-Unsubscribe=One-Click", b": =?utf-8?q?List-Unsubscribe=3DOne-Click?="),
    ],
)
def test_list_unsubscribe_is_plain_and_unfolded(old: bytes, new: bytes) -> None:
    names = (b"From", b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Subject")
    good = LIST + b"Subject: x\r\n\r\nText\r\n"
    gate.check(good, names)
    gate.check(LIST.partition(b"List-Unsubscribe-P")[0] + b"Subject: x\r\n\r\nText\r\n", (*names[:2], names[3]))
    with pytest.raises(BadMail, match="List-Unsubscribe"):
        gate.check(good.replace(old, new), names)


UTF8 = "From: a@b.c\r\nTo: jörg@b.c\r\nSubject: Hello\r\n\r\nText\r\n".encode()
UTF8_NAMES = (b"From", b"To", b"Subject")


def test_utf8_stands_only_in_to_and_only_where_it_may() -> None:
    gate.check(UTF8, UTF8_NAMES, utf8_to=True)
    gate.check(UTF8.replace(b"To: ", b"To: \r\n "), UTF8_NAMES, utf8_to=True)
    bad = [
        UTF8.replace(b"Hello", "Hellö".encode()),
        UTF8.replace(b"Text", "Täxt".encode()),
        UTF8.replace(b"a@b", "ä@b".encode()),
        UTF8.replace("ö".encode(), b"\xf6"),
        UTF8.replace("ö".encode(), "ö\u2028x".encode()),
        UTF8.replace("ö".encode(), "ö\x85x".encode()),
        UTF8.replace("ö".encode(), "ö\u202ex".encode()),
    ]
    for mail in bad:
        with pytest.raises(BadMail, match="bytes"):
            gate.check(mail, UTF8_NAMES, utf8_to=True)
    with pytest.raises(BadMail, match="bytes"):
        gate.check(UTF8, UTF8_NAMES)
