"""Addresses as people paste them: one per line, with commas or semicolons, ``Name <a@b>``, ``"Doe, Jane" <a@b>``."""

import re
from collections.abc import Iterator

from core.audience import addresses

HEADER = ["email", "name", "first_name"]
_CUT = re.compile(r'"[^"\n]*"|<[^<>\n]*>|[,;]|[^",;<]+|.')
_NAMED = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*", re.DOTALL)


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each entry of ``text`` as (line number, [email, name, first name])."""
    for number, line in enumerate(text.replace("\0", "").splitlines(), 1):
        for entry in _entries(line):
            yield number, _cells(entry)


def _entries(line: str) -> Iterator[str]:
    if ";" not in line:
        yield from _cut(line, ",")
        return
    for entry in _cut(line, ";"):  # Outlook writes "Doe, Jane <a@b>; …"
        yield from _cut(entry, ",") if entry.count("@") > 1 else [entry]


def _cut(line: str, separators: str) -> Iterator[str]:
    entry, waiting = "", ""
    for piece in [*_CUT.findall(line), separators]:
        if piece not in separators:
            entry += piece
            continue
        entry = entry.strip()
        if "<" not in entry and entry.count("@") > 1:
            yield from entry.split()
        elif entry and "@" not in entry and not waiting and separators == ",":
            waiting, entry = entry, ""  # "Doe, Jane <a@b>" without quotes: a name cut in two
            continue
        elif waiting and "<" in entry:
            yield f"{waiting}, {entry}"
            waiting = ""
        else:
            yield from (part for part in (waiting, entry) if part)
            waiting = ""
        entry = ""
    if waiting:
        yield waiting


def _cells(entry: str) -> list[str]:
    named = _NAMED.fullmatch(entry)
    if named is None:
        return [entry, "", ""]
    name = named[1].strip(" \t\"'")
    if addresses.looks_like_one(name):  # "a@b" <a@b>, as mail programs write a person without a name
        return [named[2], "", ""]
    last, comma, first = name.partition(",")
    if comma:
        name = f"{first.strip()} {last.strip()}".strip()
    return [named[2], name, name.split()[0] if name else ""]
