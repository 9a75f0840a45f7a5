"""What follows a refusal (DESIGN 6): for the mail, and for the sender or campaign it blames. Pure."""

from dataclasses import dataclass

from core.delivery.replies import Verdict
from core.models import MessageState

MAX_ATTEMPTS = 10
_IDENTICAL_REFUSALS = 3  # of the content, then the campaign pauses
_SHARE = 20  # one refusal in so many mails is not the content of all of them
DECIDED_LATELY = _IDENTICAL_REFUSALS * _SHARE  # mails for a domain that tell whether it refuses all

_RETRY = (300.0, 900.0, 1800.0, 3600.0)
_LONGEST_RETRY = 86400.0
_COOLDOWN = (30.0, 60.0, 3600.0)
# An account that gave the wrong password too often: each further try prolongs the lock-out (Gmail: 15 minutes).
_AUTH_COOLDOWN = (900.0, 3600.0)
_CONNECTION_COOLDOWN = (30.0, 60.0, 300.0, 900.0)

THROTTLES = frozenset({"throttle_rate", "throttle_connections", "quota_hour", "quota_day"})
QUOTAS = frozenset({"quota_hour", "quota_day"})
_BLOCKS = frozenset({"auth", "sender_not_allowed"})
_LATER = frozenset({"greylist", "temporary", "recipient_rate", "recipient_full"})
_CONTENT = frozenset({"policy", "content", "too_big"})


@dataclass(frozen=True)
class Consequence:
    """``state`` of the message now; what else is set happens too."""

    state: MessageState
    counts: bool = True  # an attempt of this mail
    retry_after: float | None = None  # seconds
    bounced: bool = False  # suppress the address
    cools: bool = False  # the sender waits
    blocks: bool = False  # the sender waits for its user, its campaigns pause
    blames_content: bool = False  # the third identical one pauses the campaign


def of_refusal(verdict: Verdict, attempts: int) -> Consequence:
    """``attempts``: counted before this one."""
    kind = verdict.kind
    if kind in THROTTLES or kind == "auth_temporary":
        return Consequence(MessageState.pending, counts=False, cools=True)
    if kind in _BLOCKS:
        return Consequence(MessageState.pending, counts=False, blocks=True)
    if kind in _LATER:
        if attempts + 1 >= MAX_ATTEMPTS:
            return Consequence(MessageState.failed)
        return Consequence(MessageState.pending, retry_after=_retry_after(verdict, attempts))
    return Consequence(MessageState.failed, bounced=kind == "bad_recipient", blames_content=kind in _CONTENT)


def passes(verdict: Verdict) -> bool:
    """Whether what was refused may be accepted later with nothing changed: a busy server, a limit that is full."""
    return verdict.kind in THROTTLES | _LATER | {"auth_temporary"}


def is_the_content(identical: int, alike: int, decided: int) -> bool:
    """Whether refusals blame the campaign, not single mails: then it pauses.

    ``identical`` of its mails were refused by the same rule, the last ``alike`` with no mail accepted between;
    ``decided`` mails were accepted or failed in all.
    """
    if identical < _IDENTICAL_REFUSALS:
        return False
    return alike >= _IDENTICAL_REFUSALS or identical * _SHARE >= decided


def refuses_all(refused: int, decided: int) -> bool:
    """Whether a domain does: of the ``decided`` mails for it lately, ``refused`` were by one rule."""
    return refused >= _IDENTICAL_REFUSALS and may_refuse_all(refused, decided)


def may_refuse_all(refused: int, decided: int) -> bool:
    """Whether it may, as far as that is seen."""
    return refused * _SHARE >= decided


def blames_domains(domains: int, refused: int, decided: int) -> bool:
    """Whether so many ``domains`` that refuse by one rule are to blame themselves, while others take the campaign:
    ``refused`` of its ``decided`` mails were. Three may well be right."""
    return domains < _IDENTICAL_REFUSALS or refused * _SHARE < decided


def waits_for_more(domains: int, refused: int) -> bool:
    """Whether it is to be seen yet if a domain refuses all: it ``refused`` few, and few ``domains`` do."""
    return domains < _IDENTICAL_REFUSALS and refused < _IDENTICAL_REFUSALS


def cooldown(verdict: Verdict, step: int) -> float:
    """Seconds a sender waits; ``step``: how many cooldowns it had since its last success."""
    if verdict.wait is not None:
        return verdict.wait
    ladder: tuple[float, ...] = _COOLDOWN if verdict.kind in THROTTLES else _CONNECTION_COOLDOWN
    if verdict.kind == "auth_temporary":
        ladder = _AUTH_COOLDOWN
    return ladder[min(step, len(ladder) - 1)]


def _retry_after(verdict: Verdict, attempts: int) -> float:
    if verdict.wait is not None:
        return min(verdict.wait, _LONGEST_RETRY)
    return _RETRY[min(attempts, len(_RETRY) - 1)]
