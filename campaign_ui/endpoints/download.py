"""A file that is made while it is read, under a name that says what is in it."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from itertools import chain
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

_BOM = "\ufeff"  # by it Excel on Windows knows UTF-8; without, it reads "Müller" as "MÃ¼ller"
_NEVER = re.compile(r'[\\/:*?"<>|%]+')  # not in a file's name on Windows; a percent sign is not read alike everywhere
_MOST_BYTES = 150  # a file system takes 255


def csv(chunks: Iterator[str], what: str, of: str, day: date) -> Response:
    """``what`` is in it in our own words, ``of`` whose name it is (anybody's words, may be empty), ``day`` of today."""
    headers = attachment(what, of, day, "csv")
    return StreamingResponse(chain([_BOM], chunks), media_type="text/csv; charset=utf-8", headers=headers)


def attachment(what: str, of: str, day: date, ending: str) -> dict[str, str]:
    """The headers of a file ``Contacts - Müller & Co - 2026-11-26.csv``: in letters for whoever reads RFC 6266, before
    that in ASCII for who does not."""
    words = _safe(of)
    names = [" - ".join(part for part in (what, each, f"{day:%Y-%m-%d}") if part) for each in (_flat(words), words)]
    return _headers(*(f"{name}.{ending}" for name in names))


def named(name: str) -> dict[str, str]:
    """The headers of a file that has a name already."""
    words = _safe(name) or "file"
    return _headers(_flat(words) or "file", words)


def _headers(plain: str, whole: str) -> dict[str, str]:
    also = "" if plain == whole else f"; filename*=UTF-8''{quote(whole, safe='')}"
    return {"Content-Disposition": f'attachment; filename="{plain}"{also}', "Cache-Control": "no-store"}


def _flat(words: str) -> str:
    return _safe(unicodedata.normalize("NFKD", words.replace("ß", "ss")).encode("ascii", "ignore").decode())


def _safe(name: str) -> str:
    """``name`` as a part of a file's name: no path, nothing that does not print, not too long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", name))
    cut = _NEVER.sub(" ", shown).encode()[:_MOST_BYTES].decode(errors="ignore")
    return " ".join(cut.split()).strip(". ")
