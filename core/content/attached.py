"""Files that a mail carries behind its body (RFC 2046, RFC 2183): the same bytes in every mail of a campaign."""

import hashlib
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

from core.content import quoted
from core.errors import RuleError

NAME_LENGTH = 100
# Of all files of a mail: in base64 they are a third more, and many servers take 10 MB.
MOST_BYTES, MOST = 5_000_000, 10
TOO_LARGE = (
    f"A mail carries at most {MOST_BYTES // 1_000_000} MB of files. Put a larger one on a website and link to it."
)
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_BEFORE_ENDING = re.compile(r" (?=\.[^. ]*\Z)")
_KIND = re.compile(r"[a-z]{1,40}/[a-z0-9.+-]{1,59}")
_ANY = "application/octet-stream"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_KINDS = {
    ".docx": f"{_OFFICE}wordprocessingml.document",
    ".xlsx": f"{_OFFICE}spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".epub": "application/epub+zip",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
}
_GUESSED = mimetypes.MimeTypes()  # not with the machine's own list: the same on each
# What Gmail refuses, also in an archive: https://support.google.com/mail/answer/6590
_REFUSED = frozenset(
    "ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe hta img ins iso "
    "isp jar jnlp js jse lib lnk mde mjs msc msi msix msixbundle msp mst nsh pif ps1 scr sct shb sys vb vbe vbs vhd "
    "vxd wsc wsf wsh xll".split()
)


@dataclass(frozen=True)
class Attachment:
    """A file by its ``name``, media type (``kind``) and ``size`` in bytes; ``digest`` (SHA-256) stands for its data."""

    name: str
    kind: str
    size: int
    digest: str


def described(name: str, data: bytes) -> Attachment:
    """A file as it will be attached. Raises RuleError for one that no mail should carry."""
    shown = _shown(name)
    ending = PurePath(shown).suffix.lower()
    if not data:
        raise RuleError(f"{shown} is empty.")
    if ending.removeprefix(".") in _REFUSED:
        raise RuleError(f"Gmail and others refuse mails that carry a {ending} file, so {shown} was not attached.")
    return Attachment(shown, _kind(ending), len(data), hashlib.sha256(data).hexdigest())


def tail(attachments: Sequence[Attachment], files: Sequence[bytes], boundary: bytes) -> bytes:
    """The end of a multipart/mixed body: its last parts, one for each of ``files``, and its closing line."""
    parts = [
        b"--%b\r\n%b%b" % (boundary, _head(attachment), quoted.base64_lines(data))
        for attachment, data in zip(attachments, files, strict=True)
    ]
    return b"".join([*parts, b"--%b--\r\n" % boundary])


def _head(attachment: Attachment) -> bytes:
    name = attachment.name
    is_plain = name.isascii() and len(name) < 60
    called = f'filename="{name}"' if is_plain else f"filename*=UTF-8''{quote(name, safe='')}"  # RFC 2231
    return (
        f"Content-Type: {attachment.kind}\r\n"
        f"Content-Disposition: attachment;\r\n {called}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode()


def _shown(name: str) -> str:
    """``name`` as a file may be called anywhere, cut before its ending."""
    plain = "".join(char if char.isprintable() else " " for char in _NOT_IN_NAMES.sub(" ", name))
    plain = _BEFORE_ENDING.sub("", " ".join(plain.split())).strip(". ") or "file"
    ending = PurePath(plain).suffix[:20]
    return plain if len(plain) <= NAME_LENGTH else plain[: NAME_LENGTH - len(ending)].rstrip(". ") + ending


def _kind(ending: str) -> str:
    kind = _KINDS.get(ending) or _GUESSED.guess_type(f"file{ending}")[0] or _ANY
    # A message in base64 is no valid part (RFC 2046 section 5.2.1).
    return kind if _KIND.fullmatch(kind) and not kind.startswith(("message/", "multipart/")) else _ANY
