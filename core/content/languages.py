"""The language of what readers read that no user wrote: the end of a mail, and the pages behind its links."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ENGLISH = "en"


@dataclass(frozen=True)
class Words:
    """What is said in one language, ``name`` being its own; ``code`` is its tag (BCP 47)."""

    code: str
    name: str
    because: str
    view: str
    leave: str
    leave_asked: str
    will_stop: str
    left: str
    has_stopped: str
    again: str
    is_back: str
    comes_again: str
    broken: str
    broken_why: str
    later: str
    later_why: str


_FILE = Path(__file__).with_name("languages.toml")
ALL = {code: Words(code, **said) for code, said in tomllib.loads(_FILE.read_text("utf-8")).items()}


def of(code: str) -> Words:
    """English for a language that is not known."""
    return ALL.get(code, ALL[ENGLISH])


def accepted(header: str) -> Words:
    """The language of ours that a browser wants most by its Accept-Language (RFC 9110, 12.5.4), which anybody can
    write; English where it wants none."""
    wanted: list[tuple[float, str]] = []
    for part in header[:1_000].split(","):
        tag, _, quality = part.partition(";q=")
        code = tag.strip().partition("-")[0].lower()
        if code in ALL and (weight := _weight(quality)) > 0:
            wanted.append((weight, code))
    return ALL[max(wanted, key=lambda each: each[0])[1]] if wanted else ALL[ENGLISH]


def _weight(quality: str) -> float:
    try:
        return float(quality) if quality else 1.0
    except ValueError:
        return 0.0
