"""A search for addresses by how they begin, or how the domain after their @ does; both as they are kept."""

import unicodedata
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from core import db
from core.audience import addresses

_LAST = "\U0010ffff"  # sorts after every letter, in bytes on both databases
_MOST_WORDS = 20


def term(typed: str) -> str:
    """What is looked for: lower case, ``@müller.de`` by its A-labels, of which only whole ones can be found.

    Beginning with @ it is a domain's beginning.
    """
    clean = _clean(typed)
    before, at, domain = clean.rpartition("@")
    return before + at + addresses.ascii_domain(domain) if at else clean


def words(typed: str) -> list[str]:
    """Its different words, each to be looked for, as they are kept; the longest 20, as the rarest first."""
    return sorted(filter(None, set(map(_clean, typed.split()))), key=lambda word: (-len(word), word))[:_MOST_WORDS]


def is_indexed(typed: str) -> bool:
    """Whether an index has what is looked for: one word, with an @."""
    return "@" in typed and len(words(typed)) == 1


def letters(typed: str) -> str:
    """The domain that ``typed`` may be the beginning of, with its letters."""
    return _clean(typed).rpartition("@")[2]


def kept_start(letters: str) -> str:
    """How a domain begins as it is kept, of which ``letters`` are a part with some beyond ASCII in it."""
    return ".".join([*takewhile(str.isascii, letters.split(".")), "xn--"])


def is_open(typed: str) -> bool:
    """Whether its last label has letters beyond ASCII: as it is kept, it is no beginning of a longer one."""
    return not letters(typed).rpartition(".")[2].isascii()


def as_domain(term: str) -> str:
    """The domain that ``term``, which has no @, may be the beginning of: ``müller`` is; empty for words in ASCII.

    Those begin an address only: whoever means a domain writes an @ before it.
    """
    international = not term.isascii() or "xn--" in term
    return addresses.ascii_domain(term) if international and "@" not in term else ""


def found(term: str, email: Any, domain: Any) -> ColumnElement[bool]:
    """Whether the columns of a row match ``term``.

    What may begin either (letters beyond ASCII) costs SQLite a walk over all addresses.
    """
    if term.startswith("@"):
        return begins(domain, term[1:])
    if other := as_domain(term):
        return or_(begins(email, term), begins(domain, other))
    return begins(email, term)


def begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """Whether ``column`` begins with ``prefix``, in words that an index serves."""
    return and_(column >= prefix, column < prefix + _LAST)


def _clean(typed: str) -> str:
    words = unicodedata.normalize("NFC", typed.replace("\0", "").strip())
    return words.lower() if "@" in words else db.folded(words)
