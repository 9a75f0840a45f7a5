"""What a mail server's refusal means: rules kept as data (``rules.toml``), the first that fits wins.

"5xx means a bad address" is wrong for two thirds of real 5xx texts, so the wording decides first, then the
enhanced status (RFC 3463), then the class of the code; and nothing but a clear word about the mailbox suppresses.
"""

import logging
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from core import clock, config
from core.delivery import waits

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

_WAITING = (ACCOUNT_KINDS | MAIL_KINDS) - {"auth", "sender_not_allowed"}
_NO_RECIPIENT_YET = ("connect", "ehlo", "auth", "mail")
_CAP = 2_000  # characters looked at: what makes a 100 KB line cost no more than a short one
_SOMEBODY = "Your mail provider"

_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_ADDRESS = re.compile(r"""[^\s<>()\[\],;:"'@]{1,64}@[^\s<>()\[\],;:"'@]{1,255}""")
_SAID = re.compile(r"\b([245]\d\d)[ -]")
# IronPort puts this in front of whatever the other server said.
_WRAPPER = re.compile(r"- unknown address error")


@dataclass(frozen=True)
class Verdict:
    """``kind``: one of KINDS. ``wait``: seconds the server asked for, or None. ``explanation``: for the user."""

    kind: str
    wait: float | None
    rule_id: str
    explanation: str


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


def classify(phase: str, code: int, enhanced: str, text: str, at: datetime | None = None) -> Verdict:
    """What a reply that is not a success means.

    ``phase``: connect, ehlo, auth, mail, rcpt, data or dot. ``code``: 0 where there was none. ``enhanced``: as
    ``5.1.1``, or "" (then looked for in the text). ``text``: the server's words, any length, any characters.
    ``at``: now, for waits named as a date (default: this machine's time). Never raises. An administrator adds rules, or
    puts others first, in ``DATA_DIR/reply_rules.toml`` (read once).
    """
    said = text[:_CAP]
    code = code or _code_in(said)
    enhanced = enhanced or _enhanced_in(said, code)
    words = _words(said, code)
    rule = next(rule for rule in _rules().ordered if rule.fits(phase, str(code), enhanced, words))
    kind = _within_reason(rule.kind, phase, code)
    wait = waits.named(words, at or clock.utcnow()) if kind in _WAITING else None
    return Verdict(kind, wait, rule.id, explain(rule.id, kind))


def is_success(phase: str, code: int) -> bool:
    """Whether ``code`` lets the mail go on in this phase. A 2xx that is not the expected one (Oracle's 254) is not."""
    expected = {"connect": (220,), "auth": (235,), "data": (354,), "rcpt": (250, 251, 252)}
    return code in expected.get(phase, (250,))


def explain(rule_id: str, kind: str, provider: str = "") -> str:
    """A sentence for the user about a kept rule id and kind; ``provider`` as "Hostinger" where it is known."""
    rules = _rules()
    rule = rules.by_id.get(rule_id)
    own = rule.explanation if rule is not None and rule.kind == kind else ""
    sentence = own or rules.sentences.get(kind, rules.sentences["permanent"])
    return sentence.replace("{provider}", provider or _SOMEBODY)


def _within_reason(kind: str, phase: str, code: int) -> str:
    """A 4xx is never final (RFC 5321 4.2.1), and before RCPT nothing was said about a recipient."""
    if 400 <= code < 500:
        if kind in FINAL_KINDS:
            return "temporary"
        if kind in ("auth", "sender_not_allowed") and code not in (401, 403):
            return "auth_temporary" if kind == "auth" else "temporary"
    if kind == "bad_recipient" and phase in _NO_RECIPIENT_YET:
        return "sender_not_allowed" if phase == "mail" else "permanent"
    return kind


def _words(said: str, code: int) -> str:
    """Lower case without accents, apostrophes, control characters, addresses, codes: what the patterns look at."""
    text = _plain(said)
    text = "".join(" " if ord(char) < 32 or 126 < ord(char) < 160 else char for char in text)
    text = _ADDRESS.sub("addr", text)
    text = re.sub(rf"(?<![\w.]){code}[ -]", " ", text) if code else text
    text = _ENHANCED.sub(" ", text)
    text = _WRAPPER.sub(" ", text)
    return " ".join(text.split())


# Letters that Unicode takes for a letter of their own, not for one with a sign.
_LATIN = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold()).translate(_LATIN)
    return "".join(char for char in parts if not unicodedata.combining(char) and char not in "'’‘`´")


def _code_in(said: str) -> int:
    found = _SAID.search(said)
    return int(found[1]) if found else 0


def _enhanced_in(said: str, code: int) -> str:
    """The first of the code's own class: a reply may tell its history (550 ... 450 4.1.1 ... 5.1.1)."""
    found = _ENHANCED.findall(said)
    return next((status for status in found if status[0] == str(code)[0]), found[0] if found else "")


def _status_fits(enhanced: str, start: str) -> bool:
    """``start`` is a whole status, or its beginning up to a dot; the class digit may be x."""
    if not start:
        return not enhanced
    if start[0] == "x":
        enhanced, start = enhanced[1:], start[1:]
    return enhanced == start or (start.endswith(".") and enhanced.startswith(start))


@dataclass(frozen=True)
class _Rules:
    ordered: tuple[Rule, ...]
    by_id: dict[str, Rule]
    sentences: dict[str, str]


def _rules() -> _Rules:
    return _kept(config.settings.data_dir / "reply_rules.toml")


@cache
def _kept(extra: Path) -> _Rules:
    try:
        return load(extra)
    except (ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        log.error("%s is left out, it cannot be read as rules: %s", extra, error)
        return load(None)


def load(extra: Path | None) -> _Rules:
    """The product's rules, after those in the administrator's file ``extra`` where there is one.

    Raises ValueError, KeyError or re.error for a file that has no rules in it.
    """
    shipped = tomllib.loads((Path(__file__).parent / "rules.toml").read_text())
    own = tomllib.loads(extra.read_text()) if extra is not None and extra.is_file() else {}
    ordered = tuple(_rule(row) for row in [*own.get("rule", []), *shipped["rule"]])
    sentences = {**shipped["sentences"], **own.get("sentences", {})}
    return _Rules(ordered, {rule.id: rule for rule in reversed(ordered)}, sentences)


def _rule(row: dict[str, Any]) -> Rule:
    if row["kind"] not in KINDS:
        raise ValueError(f"rule {row['id']}: there is no kind {row['kind']!r}")
    pattern = row.get("pattern")
    return Rule(
        id=row["id"],
        kind=row["kind"],
        phases=frozenset(row.get("phases", ())),
        codes=tuple(row.get("codes", ())),
        enhanced=tuple(row.get("enhanced", ())),
        pattern=re.compile(_one_line(pattern)) if pattern else None,
        explanation=row.get("explanation", ""),
    )


def _one_line(pattern: str) -> str:
    """A pattern may stand on several lines; it is brought to the form of the words that it looks at."""
    return _plain("".join(line.strip() for line in pattern.splitlines()))
