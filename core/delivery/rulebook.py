"""The rules by which replies are understood: the product's own (``rules.toml``) behind those of the administrator."""

import logging
import os
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

log = logging.getLogger(__name__)

ACCOUNT_KINDS = frozenset(
    {
        "throttle_connections",
        "throttle_rate",
        "quota_hour",
        "quota_day",
        "auth",
        "auth_temporary",
        "sender_not_allowed",
    }
)
MAIL_KINDS = frozenset({"greylist", "temporary", "recipient_rate", "recipient_full"})
FINAL_KINDS = frozenset(
    {"bad_recipient", "suppressed_by_provider", "policy", "content", "too_big", "protocol", "permanent"}
)
KINDS = ACCOUNT_KINDS | MAIL_KINDS | FINAL_KINDS
PHASES = ("connect", "ehlo", "auth", "mail", "rcpt", "data", "dot")
FILE = "reply_rules.toml"

_LOOK_EVERY = 1.0  # seconds between looks whether the administrator's file changed
_SHIPPED = Path(__file__).parent / "rules.toml"
_KEYS = frozenset({"id", "kind", "phases", "codes", "enhanced", "pattern", "explanation"})
_LISTS = {"phases": r"|".join(PHASES), "codes": r"\d{1,3}", "enhanced": r"|[x245](\.\d{0,3}){1,2}"}
# A repetition of what is itself repeated or a choice: the time it takes can grow without bounds (CWE-1333).
_MAY_EXPLODE = re.compile(r"\((?:[^()\\]|\\.)*[+*|}](?:[^()\\]|\\.)*\)(?:[+*]|\{\d*,\})")
# Letters that Unicode takes for a letter of their own, not for one with a sign.
_LATIN = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})


class BadRule(ValueError):
    """What is wrong with a rule, as a sentence for the log."""


@dataclass(frozen=True)
class Rule:
    """Fits where every part that is given fits; ``codes`` and ``enhanced`` are beginnings, enhanced "" means none."""

    id: str
    kind: str
    phases: frozenset[str]
    codes: tuple[str, ...]
    enhanced: tuple[str, ...]
    pattern: re.Pattern[str] | None
    explanation: str

    def fits(self, phase: str, code: str, enhanced: str, words: str) -> bool:
        return (
            (not self.phases or phase in self.phases)
            and (not self.codes or code.startswith(self.codes))
            and (not self.enhanced or any(_status_fits(enhanced, start) for start in self.enhanced))
            and (self.pattern is None or self.pattern.search(words) is not None)
        )


@dataclass(frozen=True)
class Rulebook:
    """``ordered``: the first that fits wins. ``sentences``: kind -> for the user, where the rule has none."""

    ordered: tuple[Rule, ...]
    by_id: dict[str, Rule]
    sentences: dict[str, str]


def current(data_dir: Path) -> Rulebook:
    """The rules as they stand; a change of ``DATA_DIR/reply_rules.toml`` is noticed within a second. Never raises."""
    return _watch(data_dir / FILE).rules()


@cache
def shipped() -> Rulebook:
    """The product's own rules. Raises on a mistake in them: that is ours."""
    return read(_SHIPPED.read_text())


def read(text: str, found: list[str] | None = None) -> Rulebook:
    """Rules from TOML. Raises tomllib.TOMLDecodeError, and BadRule unless ``found`` takes what is wrong with a rule."""
    said = tomllib.loads(text)
    rows = said.get("rule", [])
    ordered = []
    for number, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
        try:
            ordered.append(_rule(row, careful=found is not None))
        except BadRule as error:
            if found is None:
                raise
            name = row.get("id") if isinstance(row, dict) else None
            found.append(f"rule {number} ({name or 'without an id'}): {error}")
    sentences = dict(_sentences(said.get("sentences", {}), found))
    return Rulebook(tuple(ordered), {rule.id: rule for rule in reversed(ordered)}, sentences)


def plain(text: str) -> str:
    """Lower case, without accents and apostrophes: the form of patterns and of the words they look at."""
    parts = unicodedata.normalize("NFKD", text.casefold()).translate(_LATIN)
    return "".join(char for char in parts if not unicodedata.combining(char) and char not in "'’‘`´")


class _Watched:
    """The administrator's file, read again when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_at = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._rules: Rulebook | None = None

    def rules(self) -> Rulebook:
        if monotonic() - self._looked_at >= _LOOK_EVERY:
            self._looked_at = monotonic()
            stamp = self._changed_at()
            if self._rules is None or stamp != self._stamp:
                self._stamp, self._rules = stamp, self._read() if stamp else shipped()
        assert self._rules is not None
        return self._rules

    def _changed_at(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _read(self) -> Rulebook:
        found: list[str] = []
        try:
            own = read(self._path.read_text(encoding="utf-8"), found)
        except (OSError, ValueError) as error:
            kept = "the rules from before stay in force" if self._rules else "it is left out"
            log.error("%s cannot be read, %s: %s", self._path, kept, error)
            return self._rules or shipped()
        for sentence in found:
            log.error("%s, %s It is left out.", self._path, sentence)
        log.info("%s: %d rules are put before those of the product", self._path, len(own.ordered))
        base = shipped()
        return Rulebook(own.ordered + base.ordered, base.by_id | own.by_id, base.sentences | own.sentences)


@cache
def _watch(path: Path) -> _Watched:
    return _Watched(path)


def _rule(row: Any, careful: bool) -> Rule:
    if not isinstance(row, dict):
        raise BadRule("write it as a table, [[rule]].")
    if not isinstance(row.get("id"), str) or not row["id"] or len(row["id"]) > 40:
        raise BadRule("it needs an id of 1 to 40 letters.")
    if row.get("kind") not in KINDS:
        raise BadRule(f"there is no kind {row.get('kind')!r}; there are {', '.join(sorted(KINDS))}.")
    if strange := sorted(set(row) - _KEYS):
        raise BadRule(f"nobody knows {', '.join(strange)}; there are {', '.join(sorted(_KEYS))}.")
    lists = {name: _list(row, name) for name in _LISTS}
    explanation = row.get("explanation", "")
    if not isinstance(explanation, str) or len(explanation) > 500:
        raise BadRule("its explanation is a sentence of at most 500 letters.")
    if careful and not any(lists.values()) and "pattern" not in row:
        raise BadRule("it would fit every reply: give phases, codes, enhanced or a pattern.")
    return Rule(
        id=row["id"],
        kind=row["kind"],
        phases=frozenset(lists["phases"]),
        codes=lists["codes"],
        enhanced=lists["enhanced"],
        pattern=_pattern(row["pattern"], careful) if "pattern" in row else None,
        explanation=explanation,
    )


def _list(row: dict[str, Any], name: str) -> tuple[str, ...]:
    given = row.get(name, [])
    right = isinstance(given, list) and all(isinstance(one, str) and re.fullmatch(_LISTS[name], one) for one in given)
    if not right:
        raise BadRule(f"{name} is a list of texts as {_EXAMPLES[name]}, not {given!r}.")
    return tuple(given)


_EXAMPLES = {"phases": '["rcpt", "dot"]', "codes": '["550", "4"]', "enhanced": '["5.1.1", "x.7."]'}


def _pattern(pattern: Any, careful: bool) -> re.Pattern[str]:
    """It may stand on several lines, and is brought to the form of the words that it looks at.

    ``careful``: refuse what may take for ever, also where it need not (a choice that is repeated).
    """
    if not isinstance(pattern, str) or not pattern.strip():
        raise BadRule("its pattern is a text.")
    if found := re.search(r"\\[WSDB]", pattern):
        raise BadRule(f"its pattern is put in lower case, where {found[0]} means the opposite; write [^…] instead.")
    if careful and (found := _MAY_EXPLODE.search(pattern)):
        raise BadRule(
            f"its pattern could take for ever on some replies: {found[0]}. Bound the repetition, as {{0,40}}."
        )
    try:
        return re.compile(plain("".join(line.strip() for line in pattern.splitlines())))
    except (re.error, OverflowError, RecursionError) as error:
        raise BadRule(f"its pattern is no regular expression: {error}.") from error


def _sentences(said: Any, found: list[str] | None) -> Iterator[tuple[str, str]]:
    for kind, sentence in said.items() if isinstance(said, dict) else ():
        if kind in KINDS and isinstance(sentence, str):
            yield kind, sentence
        elif found is not None:
            found.append(f"sentence {kind!r}: there is no such kind, or it is no text.")


def _status_fits(enhanced: str, start: str) -> bool:
    """``start`` is a whole status, or its beginning up to a dot; the class digit may be x."""
    if not start:
        return not enhanced
    if start[0] == "x":
        enhanced, start = enhanced[1:], start[1:]
    return enhanced == start or (start.endswith(".") and enhanced.startswith(start))
