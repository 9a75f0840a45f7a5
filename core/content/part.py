"""One body of a mail: what is the same in all of them, encoded once, and slots for what differs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import itemgetter

from core.content import links, merge, quoted
from core.content.gate import BadMail

PIXEL = merge.Field("@pixel")  # a name that the grammar cannot write
_OURS = ("unsubscribe_url", "view_url", PIXEL.name, links.CLICK.name)  # addresses that we made, or the token of one
_OWN = {name: index for index, name in enumerate(("email", *_OURS))}
_OWN_READY = [b""] * (len(_OWN) - 1)  # addresses are never simple; the token of clicks, the last one, is
_Write = Callable[[str, merge.Context], str]

# The texts by their number; and those that stand as they are in any place of a quoted-printable body, ready for it.
Filling = tuple[list[str], list[bytes]]
_SIMPLE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,70}")


class Values:
    """The texts that one mail is filled with, each looked up once; slots name them by their number."""

    def __init__(self) -> None:
        self._fields: dict[merge.Field, int] = {}

    def number(self, field: merge.Field) -> int:
        """Where the text of ``field`` will be, whatever its place."""
        if field.name in _OWN:
            return _OWN[field.name]
        return self._fields.setdefault(replace(field, context=merge.Context.text), len(_OWN) + len(self._fields))

    def of(self, own: list[str], given: Mapping[str, object]) -> Filling:
        """One text per number, in order: first the address, the addresses that we made, and the token of clicks."""
        texts = [merge.value(field, given) for field in self._fields]
        if "\0" in "".join(texts):
            raise BadMail("A merge field of this recipient has a NUL character in it.")
        simple = _SIMPLE.fullmatch
        ready = [text.encode() + quoted.SOFT_BREAK if simple(text) else b"" for text in texts]
        return own + texts, [*_OWN_READY, own[-1].encode() + quoted.SOFT_BREAK, *ready]


class Part:
    """One body: encoded runs and slots; or, when it is mostly not Latin, text that each render puts into base64.

    ``runs``: what is the same in every mail, around the places of a body: all of whole lines but for the last.
    """

    def __init__(self, pieces: list[str | merge.Field], write: _Write, values: Values) -> None:
        if any("\0" in piece for piece in pieces if isinstance(piece, str)):
            raise BadMail("The mail has a NUL character in it.")
        if not pieces or not isinstance(pieces[-1], str):
            pieces = [*pieces, "\n"]  # a soft break may not end a body
        self._is_base64 = quoted.grows_much("".join(piece for piece in pieces if isinstance(piece, str)))
        slots = dict.fromkeys(piece for piece in pieces if not isinstance(piece, str))
        # The addresses that we made are safe everywhere.
        self._slots = [(values.number(slot), None if slot.name in _OURS else write, slot.context) for slot in slots]
        place = {slot: index for index, slot in enumerate(slots)}
        order = [place[piece] for piece in pieces if not isinstance(piece, str)]
        self._order = itemgetter(*order) if len(order) > 1 else None
        runs = _around(pieces)
        self._text = b"%b".join([fixed(quoted.lines(run)) for run in runs]) if self._is_base64 else b""
        *before, last = [quoted.encode(run) for run in runs]
        self.runs = [b"", b""] if self._is_base64 else [*map(quoted.seam, before), last]

    @property
    def encoding(self) -> bytes:
        """The rest of the part's header block."""
        return b"Content-Transfer-Encoding: %b\r\n\r\n" % (b"base64" if self._is_base64 else b"quoted-printable")

    def coded(self, values: Filling) -> list[bytes]:
        """What differs in the body for one recipient, each once, of whole lines."""
        texts, ready = values
        if not self._is_base64:
            return [
                ready[number] or quoted.value(_put(texts[number], write, context))
                for number, write, context in self._slots
            ]
        plain = [quoted.lines(_put(texts[number], write, context)) for number, write, context in self._slots]
        return [quoted.base64_lines(self._text % self._in_order(plain))]

    def placed(self, coded: list[bytes]) -> tuple[bytes, ...]:
        """``coded`` for the places between ``runs``."""
        return tuple(coded) if self._is_base64 else self._in_order(coded)

    def _in_order(self, coded: list[bytes]) -> tuple[bytes, ...]:
        return self._order(coded) if self._order else tuple(coded)


def _around(pieces: list[str | merge.Field]) -> list[str]:
    """The texts before, between and behind the slots."""
    runs = [""]
    for piece in pieces:
        if isinstance(piece, str):
            runs[-1] += piece
        else:
            runs.append("")
    return runs


def _put(text: str, write: _Write | None, context: merge.Context) -> str:
    return text if write is None else write(text, context)


def fixed(raw: bytes) -> bytes:
    """``raw`` for a template of the % operator."""
    return raw.replace(b"%", b"%%")
