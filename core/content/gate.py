"""The last look at the bytes of every mail, whatever made them: nothing that was not set may be in a header."""

import base64
import binascii
import quopri
import re

from core.errors import RuleError

_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
_WORD = re.compile(rb"=\?utf-8\?([bq])\?([!->@-~]+)\?=")


class BadMail(RuleError):
    """This mail cannot be sent as it is; the sentence says why. One such recipient must not stop the others."""


def check(mail: bytes, names: list[bytes]) -> None:
    """Raise BadMail unless ``mail`` is a well-formed 7-bit mail (RFC 5322) with just the headers ``names``, in order.

    Lines end with CRLF, have at most 998 bytes and never start with a dot; no NUL, no control character in a header,
    no encoded word (RFC 2047) that hides a line end (CVE-2024-6923).
    """
    breaks = mail.count(b"\r\n")
    if mail.count(b"\n") != breaks or mail.count(b"\r") != breaks or not mail.endswith(b"\r\n"):
        raise BadMail("The mail has a line that does not end as RFC 5322 asks.")
    if not mail.isascii() or b"\0" in mail:
        raise BadMail("The mail has bytes that a mail must not have.")
    if b"\r\n." in mail or mail.startswith(b"."):
        raise BadMail("A line of the mail starts with a dot.")
    head, _, _ = mail.partition(b"\r\n\r\n")
    found = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    if found != names:
        raise BadMail("The mail has other headers than the program set: something in its text broke out.")
    if len(head.translate(None, _CONTROLS)) != len(head):
        raise BadMail("A header of the mail has a control character.")
    if b"=?" in head:
        _check_words(head)
    start = 0
    while len(mail) - start > 1000:  # strides from line end to line end: a tenth of the cost of splitting
        end = mail.rfind(b"\r\n", start, start + 1000)
        if end < 0:
            raise BadMail("The mail has a line of more than 998 bytes.")
        start = end + 2


def _check_words(head: bytes) -> None:
    words = _WORD.findall(head)
    if b"=?" in _WORD.sub(b"", head):
        raise BadMail("A header of the mail has a damaged encoded word.")
    for kind, coded in words:
        try:
            plain = base64.b64decode(coded, validate=True) if kind == b"b" else quopri.decodestring(coded, header=True)
        except binascii.Error:
            raise BadMail("A header of the mail has a damaged encoded word.") from None
        if len(plain.translate(None, _CONTROLS + b"\r\n")) != len(plain):
            raise BadMail("A header of the mail hides a control character in an encoded word.")
