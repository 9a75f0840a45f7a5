"""Header fields written by us: Python's own folding breaks some and lets others through (see gate)."""

import binascii
import functools
import re
from datetime import datetime, tzinfo
from email.utils import format_datetime
from urllib.parse import quote

from core.audience import addresses
from core.content.gate import BadMail

_WIDTH = 76
_BREAKS = re.compile(r"[\t\r\n\x0b\x0c\x85\u2028\u2029]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATEXT}(?:\.{_ATEXT})*@(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")
_SPECIAL = re.compile(r"[\s()<>\[\]:;\\,\"]|@.*@")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
_Q = {
    chr(byte): "_" if byte == 32 else chr(byte) if chr(byte).isalnum() or chr(byte) in "!*+-/" else f"={byte:02X}"
    for byte in range(128)
}


def clean(text: str) -> str:
    """``text`` as one line. Raises BadMail for control characters and broken Unicode."""
    text = _BREAKS.sub(" ", text).strip()
    if _CONTROL.search(text):
        raise BadMail("A header would have a control character in it.")
    if not text.isascii():
        utf8(text)
    return text


def utf8(text: str) -> bytes:
    """``text`` in UTF-8. Raises BadMail for half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadMail("A text has a broken character (half of a pair) in it.") from None


def text(cleaned: str, used: int) -> bytes:
    """A cleaned text as an unstructured header's value, folded; ``used`` columns are taken on its first line."""
    if cleaned.isascii() and "=?" not in cleaned:
        if len(cleaned) + used <= _WIDTH:
            return cleaned.encode()
        if "  " not in cleaned and max(map(len, cleaned.split(" "))) < _WIDTH - used:
            return _fold(cleaned, used)
    return words(cleaned, used)


def _fold(cleaned: str, used: int) -> bytes:
    out, width = "", used - 1
    for word in cleaned.split(" "):
        if out and width + 1 + len(word) > _WIDTH:
            out, width = out + "\r\n", 0
        out, width = f"{out} {word}", width + 1 + len(word)
    return out[1:].encode()


def words(cleaned: str, used: int) -> bytes:
    """``cleaned`` as RFC 2047 encoded words, each of whole characters (email.header takes 20 times as long)."""
    latin = len(cleaned.encode()) < 1.5 * len(cleaned)  # readable as it is where most letters are Latin
    if latin:
        coded = "".join([_Q.get(char) or _q_token(char) for char in cleaned])
        if len(coded) <= _room(used, latin):
            return f"=?utf-8?q?{coded}?=".encode()
    kind, cost = ("q", _q_token) if latin else ("b", _b_token)
    out: list[str] = []
    now, size = "", 0
    room = _room(used, latin)
    for char in cleaned:
        token = cost(char)
        if size + len(token) > room and now:
            out.append(now)
            now, size, room = "", 0, _room(1, latin)
        now += char
        size += len(token)
    out.append(now)
    return "\r\n ".join(f"=?utf-8?{kind}?{_coded(part, latin)}?=" for part in out).encode()


def _room(used: int, latin: bool) -> int:
    room = _WIDTH - used - len("=?utf-8?q??=")
    return room if latin else room // 4 * 3


def _q_token(char: str) -> str:
    return _Q.get(char) or "".join(f"={byte:02X}" for byte in char.encode())


def _b_token(char: str) -> str:
    return "x" * len(char.encode())


def _coded(part: str, latin: bool) -> str:
    if latin:
        return "".join(map(_q_token, part))
    return binascii.b2a_base64(part.encode(), newline=False).decode()


def address(email: str) -> str:
    """``email`` as it goes on the wire: an international domain as A-labels (RFC 5890).

    Raises BadMail for what is no address, and for a local part that is not ASCII.
    """
    wire = recipient(email)
    if not wire.isascii():
        raise BadMail("The part of the address before the @ has letters that mail servers seldom accept.")
    return wire


def recipient(email: str) -> str:
    """As ``address``, but a local part beyond ASCII stands as it is (RFC 6532): such a mail is for SMTPUTF8 only."""
    if _ADDRESS.fullmatch(email) and "=?" not in email:
        return email
    try:
        wire = addresses.wire(email)
    except ValueError:
        raise BadMail("The address is not valid.") from None
    fits = _ADDRESS.fullmatch(wire) if wire.isascii() else wire.isprintable() and not _SPECIAL.search(wire)
    if not fits or "=?" in wire:
        raise BadMail("The address is not valid.")
    return wire


def domain(email: str) -> str:
    """The domain of ``email`` as A-labels."""
    return address(email).rpartition("@")[2].lower()


def mailbox(name: str, email: str, used: int) -> bytes:
    """``Name <address>``; the name as atoms, a quoted string or encoded words, whichever it needs."""
    name, wire = clean(name), f"<{address(email)}>".encode()
    if not name:
        return wire[1:-1]
    if not name.isascii() or "=?" in name or max(map(len, name.split(" "))) > 60:
        shown = words(name, used)
    elif _PHRASE.fullmatch(name):
        shown = _fold(name, used)
    else:
        quoted = '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"'
        shown = quoted.encode() if "  " in name else _fold(quoted, used)
    width = len(shown.rpartition(b"\n")[2]) + (0 if b"\n" in shown else used)
    return shown + (b" " if width + 1 + len(wire) <= _WIDTH else b"\r\n ") + wire


def mailto(email: str) -> str:
    """A link that writes an unsubscribe request to ``email``; the token of the mail follows it."""
    return f"mailto:{quote(address(email), safe='@+')}?subject=unsubscribe%20"


@functools.lru_cache(maxsize=8)
def _date(second: int, zone: tzinfo | None) -> bytes:
    return format_datetime(datetime.fromtimestamp(second, zone)).encode()


def date(at: datetime) -> bytes:
    """``at`` (aware) as a Date header's value."""
    return _date(int(at.timestamp()), at.tzinfo)
