"""What a mail server's refusal means: rules kept as data (``rules.toml``), the first that fits wins.

"5xx means a bad address" is wrong for two thirds of real 5xx texts, so the wording decides first, then the
enhanced status (RFC 3463), then the class of the code; and nothing but a clear word about the mailbox suppresses.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from core import clock, config
from core.delivery import rulebook, waits
from core.delivery.rulebook import ACCOUNT_KINDS, FINAL_KINDS, KINDS, MAIL_KINDS, PHASES

__all__ = [
    "CONNECTION",
    "FINAL_KINDS",
    "KINDS",
    "PHASES",
    "STOPPED",
    "UNREACHED",
    "Verdict",
    "classify",
    "explain",
    "is_success",
]

_WAITING = (ACCOUNT_KINDS | MAIL_KINDS) - {"auth", "sender_not_allowed"}
_NO_RECIPIENT_YET = ("connect", "ehlo", "auth", "mail")
_CAP = 2_000  # characters looked at: what makes a 100 KB line cost no more than a short one
_SOMEBODY = "Your mail provider"

# No connection came about; it ended; we did.
UNREACHED, CONNECTION, STOPPED = "unreached", "connection", "stopped"
LEFT_OUT = "left_out"  # see core.campaigns.refusing

# What is told by us, not by a server: rule id or kind -> sentence.
_OURS = {
    "bad_mail": "This mail could not be made or its address cannot be written, so nothing of it was sent.",
    LEFT_OUT: "Left out: the server of this domain had refused other mails of the campaign, again and again.",
    "forwarded": "It bounced at another address, to which this one forwards its mail. The address itself may work.",
    UNREACHED: "{provider} cannot be reached, so nothing is sent. We try again by ourselves.",
    CONNECTION: "The connection to {provider} ended too early. We try again.",
    STOPPED: "The program stopped while the mail server had this mail. It may have arrived.",
    "unknown": (
        "The connection ended after the mail was handed over and before the server answered. It may have arrived."
    ),
}

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


def classify(phase: str, code: int, enhanced: str, text: str, at: datetime | None = None) -> Verdict:
    """What a reply that is not a success means.

    ``phase``: connect, ehlo, auth, mail, rcpt, data or dot. ``code``: 0 where there was none. ``enhanced``: as
    ``5.1.1``, or "" (then looked for in the text). ``text``: the server's words, any length, any characters.
    ``at``: now, for waits named as a date (default: this machine's time). Never raises. An administrator puts other
    rules first in ``DATA_DIR/reply_rules.toml`` (docs/reply_rules.md).
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
    return code in _EXPECTED.get(phase, (250,))


_EXPECTED = {"connect": (220,), "auth": (235,), "data": (354,), "rcpt": (250, 251, 252)}


def explain(rule_id: str, kind: str, provider: str = "") -> str:
    """A sentence for the user about a kept rule id and kind; ``provider`` as "Hostinger" where it is known."""
    rules = _rules()
    rule = rules.by_id.get(rule_id)
    own = rule.explanation if rule is not None and rule.kind == kind else ""
    told = own or _OURS.get(rule_id) or _OURS.get(kind)
    sentence = told or rules.sentences.get(kind, rules.sentences["permanent"])
    return sentence.replace("{provider}", provider or _SOMEBODY)


def with_code(code: int | None, words: str) -> str:
    """A server's words behind its code, where they do not begin with it."""
    return words if code is None or words.startswith(str(code)) else f"{code} {words}".strip()


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
    text = rulebook.plain(said)
    text = "".join(" " if ord(char) < 32 or 126 < ord(char) < 160 else char for char in text)
    text = _ADDRESS.sub("addr", text)
    text = re.sub(rf"(?<![\w.]){code}[ -]", " ", text) if code else text
    text = _ENHANCED.sub(" ", text)
    text = _WRAPPER.sub(" ", text)
    return " ".join(text.split())


def _code_in(said: str) -> int:
    found = _SAID.search(said)
    return int(found[1]) if found else 0


def _enhanced_in(said: str, code: int) -> str:
    """The first of the code's own class: a reply may tell its history (550 ... 450 4.1.1 ... 5.1.1)."""
    found = _ENHANCED.findall(said)
    return next((status for status in found if status[0] == str(code)[0]), found[0] if found else "")


def _rules() -> rulebook.Rulebook:
    return rulebook.current(config.settings.data_dir)
