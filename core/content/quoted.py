"""Quoted-printable (RFC 2045 6.7) that may be cut into runs and slots: no line of it ever starts with a dot."""

import binascii
import re

SOFT_BREAK = b"=\r\n"
_WIDTH = 75  # and "=" makes 76
_TOKENS = [chr(byte) if 32 <= byte <= 126 and byte != 61 else f"={byte:02X}" for byte in range(256)]
_GUARDED = (".", "From ")
_TOKENS_GUARDED = {".": "=2E", "F": "=46"}
_PLAIN_VALUE = re.compile(r"(?!From )[!-\-/-<>-~][ -<>-~]{0,70}")


def lines(text: str) -> bytes:
    """``text`` with every line end as CRLF, in UTF-8."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()


def encode(text: str) -> bytes:
    """``text`` encoded; line ends become CRLF. Ends in the middle of a line when ``text`` does."""
    return b"\r\n".join(_encode_line(line) for line in lines(text).split(b"\r\n"))


def seam(run: bytes) -> bytes:
    """An encoded run made ready for a slot after it, which begins on a line of its own."""
    if not run or run.endswith(b"\r\n"):
        return run
    return (run[:-3] + b" " if run.endswith(b"=20") else run) + SOFT_BREAK


def value(text: str) -> bytes:
    """A recipient's value for a slot that begins a line; ends with a soft break unless it is empty."""
    if _PLAIN_VALUE.fullmatch(text):
        return text.encode() + SOFT_BREAK
    if "\n" in text or "\r" in text:
        return encode(text) + SOFT_BREAK
    return _encode_line(text.encode()) + SOFT_BREAK if text else b""


def grows_much(text: str) -> bool:
    """Whether base64 is clearly shorter: mostly letters that are not Latin (each byte of them takes three)."""
    raw = text.encode()
    return 3 * sum(byte > 126 for byte in raw) > len(raw)


def base64_lines(raw: bytes) -> bytes:
    """``raw`` in base64, 76 to a line, with a CRLF at the end."""
    coded = binascii.b2a_base64(raw, newline=False)
    return b"\r\n".join([coded[start : start + 76] for start in range(0, len(coded), 76)]) + b"\r\n"


def _encode_line(raw: bytes) -> bytes:
    coded = "".join([_TOKENS[byte] for byte in raw])
    if coded.endswith(" "):
        coded = coded[:-1] + "=20"
    out, start = [], 0
    while len(coded) - start > (room := _room(coded, start)):
        end = start + room
        if coded[end - 1] == "=":
            end -= 1
        elif coded[end - 2] == "=":
            end -= 2
        out.append(_guard(coded[start:end]))
        start = end
    out.append(_guard(coded[start:]))
    return "=\r\n".join(out).encode()


def _room(coded: str, start: int) -> int:
    return _WIDTH - 2 if coded.startswith(_GUARDED, start) else _WIDTH


def _guard(line: str) -> str:
    """A dot at the start would need stuffing; "From " there is changed by old mailboxes."""
    return _TOKENS_GUARDED[line[0]] + line[1:] if line.startswith(_GUARDED) else line
