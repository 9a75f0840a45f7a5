"""What a search looks for: words, and beginnings of addresses or of the domain after their @; all as they are kept."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_

from core import db
from core.audience import addresses, columns

_LAST = "\U0010ffff"  # sorts after every letter, in bytes on both databases
_MOST_WORDS = 20
_VALUE = re.compile(r'["“„]([^"“”]*)["“”]?|(\S*)')


class Word(NamedTuple):
    """What is looked for, as it is kept; in the merge field of that name only, where there is one."""

    text: str
    field: str = ""

    @property
    def is_address(self) -> bool:
        """Whether it begins an address or, with nothing before its @, a domain."""
        return "@" in self.text and not self.field


def term(typed: str) -> str:
    """What is looked for: lower case, ``@müller.de`` by its A-labels, of which only whole ones can be found.

    Beginning with @ it is a domain's beginning.
    """
    clean = _clean(typed)
    before, at, domain = clean.rpartition("@")
    return before + at + addresses.ascii_domain(domain) if at else clean


def words(typed: str, fields: Collection[str] = ()) -> list[Word]:
    """Its different words, each to be looked for; the longest 20, as the rarest first.

    ``city:berlin`` and ``city:"new york"`` are looked for in that merge field, in any case, where ``fields`` has it.
    """
    found = {word for word in _parted(typed, fields) if word.text}
    return sorted(found, key=lambda word: (-len(word.text), word))[:_MOST_WORDS]


def is_indexed(words: list[Word]) -> bool:
    """Whether an index has what is looked for: one beginning of an address or of a domain."""
    return len(words) == 1 and words[0].is_address


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
    """The domain, as it is kept, that ``term`` may be the beginning of, where that is another word: ``müller`` is.

    Empty for what has an @, and for words in ASCII that are no A-label.
    """
    international = not term.isascii() or "xn--" in term
    return addresses.ascii_domain(term) if international and "@" not in term else ""


def begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """Whether ``column`` begins with ``prefix``, in words that an index serves."""
    return and_(column >= prefix, column < prefix + _LAST)


def _parted(typed: str, fields: Collection[str]) -> Iterator[Word]:
    while typed := typed.lstrip():
        word = typed.split(maxsplit=1)[0]
        name, colon, _ = word.partition(":")
        if colon and (field := columns.field_name(name)) in fields:
            value = _VALUE.match(typed, len(name) + 1)
            assert value is not None  # it may be empty
            yield Word(db.folded(_plain(value[1] or value[2] or "")), field)
            typed = typed[value.end() :]
        else:
            yield Word(_clean(word))
            typed = typed[len(word) :]


def _clean(typed: str) -> str:
    words = _plain(typed)
    return words.lower() if "@" in words else db.folded(words)


def _plain(typed: str) -> str:
    return unicodedata.normalize("NFC", typed.replace("\0", "").strip())
