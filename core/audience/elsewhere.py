"""Who of an upload left at another mail program: told by columns that the exports of such programs have.

Mailchimp (UNSUB_TIME, CLEAN_TIME, status), listmonk (status), MailerLite and ActiveCampaign (status), Brevo
(emailBlacklisted), Klaviyo (Email Marketing Consent), MailUp (OptOut_Date), ours (reason), and German ones. Only words
that leave no doubt: who is pending, unconfirmed or inactive did not leave.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from core.audience import columns
from core.audience.columns import Column
from core.models import SuppressionReason

_UNSUBSCRIBED, _BOUNCED = SuppressionReason.unsubscribed.value, SuppressionReason.bounced.value
_COMPLAINED, _BLOCKED = SuppressionReason.complained.value, SuppressionReason.blocked.value


@dataclass(frozen=True)
class Sign:
    """A column that may say it: the reason for a word (as ``columns.key`` makes it), or for what looks like a time.

    ``by_time``: of which reason it tells the time, empty for none.
    """

    index: int
    label: str
    words: Mapping[str, str]
    times: re.Pattern[str] | None = None
    by_time: str = ""


class Said(NamedTuple):
    """A column says of somebody, by ``word`` (empty: by a time) that they left; ``reason`` is a SuppressionReason.

    ``at``: when, where a column tells it.
    """

    label: str
    word: str
    reason: str
    at: datetime | None = None

    @property
    def source(self) -> str:
        """``column status: blocklisted``"""
        return f"column {self.label[:60]}{': ' * bool(self.word)}{self.word}"


@dataclass(frozen=True)
class Left:
    """``count`` different valid people left; the columns that say so, each with its words; the reasons."""

    count: int = 0
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reasons: frozenset[str] = frozenset()


NOBODY = Left()


def signs(named: Sequence[Column], email_index: int) -> tuple[Sign, ...]:
    """The columns that may say that somebody left."""
    others = [column for column in named if column.index != email_index]
    found = [sign for column in others if (sign := _sign(column)) is not None]
    if any(columns.key(column.label) == _REASON for column in others):
        found += [_since(column) for column in others if columns.key(column.label) == "since"]
    return tuple(found)


def said(cells: Sequence[str], signs: Sequence[Sign]) -> Said | None:
    """What the first of ``signs`` says of this row; None where none of them says that the person left."""
    for sign in signs:
        text = cells[sign.index].strip() if sign.index < len(cells) else ""
        if not text:
            continue
        if reason := sign.words.get(_key(text)):
            return Said(sign.label, text.lower(), reason, _when(cells, signs, reason))
        if sign.times is not None and sign.times.search(text):
            return Said(sign.label, "", sign.by_time, _when(cells, signs, sign.by_time))
    return None


def _when(cells: Sequence[str], signs: Sequence[Sign], reason: str) -> datetime | None:
    told = (sign for sign in signs if sign.by_time in (reason, _ANY_REASON) and sign.index < len(cells))
    return next((at for sign in told if (at := moment(cells[sign.index]))), None)


def moment(text: str) -> datetime | None:
    """The time that ``text`` begins with, UTC where it names no zone; None for what may be two different days."""
    found = _MOMENT.match(text.strip())
    if found is None:
        return None
    year, month, day = found.group("y", "m", "d") if found["y"] else found.group("y2", "m2", "d2")
    clock = f"{int(found['hour'] or 0):02}:{found['minute'] or '00'}:{found['second'] or '00'}"
    try:
        at = datetime.fromisoformat(f"{year}-{int(month):02}-{int(day):02}T{clock}{found['zone'] or '+00:00'}")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def summed(count: int, told: Sequence[Said]) -> Left:
    """``told``: everything that was said, in its order."""
    by_column: dict[str, list[str]] = {}
    for each in told:
        by_column.setdefault(each.label, []).extend([each.word] if each.word else [])
    return Left(count, by_column, frozenset(each.reason for each in told)) if count else NOBODY


def _sign(column: Column) -> Sign | None:
    key = columns.key(column.label)
    if key in _STATES:
        return Sign(column.index, column.label, _WORDS)
    if key == _REASON:
        return Sign(column.index, column.label, _OUR_WORDS)
    fact = _OF_WHAT.sub("", key)
    if not {key, fact}.isdisjoint(_SUBSCRIBED):
        return Sign(column.index, column.label, dict.fromkeys(_NO, _UNSUBSCRIBED))
    if reason := _FACTS.get(key) or _FACTS.get(fact):
        return Sign(column.index, column.label, dict.fromkeys(_YES, reason), _DATE, reason)
    if reason := _TIMES.get(key) or _TIMES.get(fact):
        return Sign(column.index, column.label, {}, _ANY_NUMBER, reason)
    return None


def _since(column: Column) -> Sign:
    """Of our own export."""
    return Sign(column.index, column.label, {}, by_time=_ANY_REASON)


@lru_cache(1_024)
def _key(text: str) -> str:
    return columns.key(text) if len(text) <= 40 else ""


def _each(reason: str, words: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), reason)


_DATE = re.compile(r"\d+[./-]\d+[./-]\d*[1-9]")  # not 0000-00-00
_ANY_NUMBER = re.compile(r"[1-9]")
_YEAR = r"(?:199|20\d)\d"
_MOMENT = re.compile(
    rf"(?:(?P<y>{_YEAR})[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)|(?P<d2>\d\d?)\.[ ]?(?P<m2>\d\d?)\.[ ]?(?P<y2>{_YEAR}))(?!\d)"
    r"(?:,?[T ]+(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\.\d+)?[ ]?(?P<zone>[+-]\d\d:?\d\d)?)?"
)
_REASON, _ANY_REASON = "reason", "any"
_YES = "true yes y 1 t x ja wahr j".split()
_NO = "false no n 0 f nein falsch".split()
_SUBSCRIBED = set("subscribed issubscribed emailsubscribed abonniert".split())
_OF_WHAT = re.compile(r"(?:vom|von)?(?:newsletter|rundbrief|e?mailing|e?mail)")
_STATES = set(
    """status state subscriberstatus subscriptionstatus emailstatus contactstatus memberstatus mailstatus
    emailsubscriptionstatus emailmarketingstatus emailmarketingconsent abostatus abonnementstatus
    abonnentenstatus newsletterstatus anmeldestatus kontaktstatus zustand""".split()
)
_WORDS = {
    **_each(_UNSUBSCRIBED, "unsubscribed unsubscribe unsub optedout optout abgemeldet ausgetragen abbestellt"),
    **_each(_BLOCKED, "blocklisted blacklisted disabled suppressed gesperrt deaktiviert"),
    **_each(_BOUNCED, "bounced bounce hardbounce hardbounced cleaned unzustellbar"),
    **_each(_COMPLAINED, "complained complaint complaints spam spamcomplaint markedasspam abuse junk"),
}
_OUR_WORDS = _WORDS | {"blocked": _BLOCKED, "manual": SuppressionReason.manual.value}
# Where a yes or a date says it.
_FACTS = {
    **_each(_UNSUBSCRIBED, "unsubscribed isunsubscribed optedout optout abgemeldet abmeldung abbestellt ausgetragen"),
    **_each(_BLOCKED, "blocklisted blacklisted emailblocklisted emailblacklisted isblocklisted suppressed gesperrt"),
    **_each(_BOUNCED, "bounced hardbounced cleaned"),
    **_each(_COMPLAINED, "complained spamcomplaint markedasspam"),
}
# Where whatever time stands there says it.
_TIMES = {
    **_each(_UNSUBSCRIBED, "unsubtime unsubscribedat unsubscribeat unsubscribetime unsubscribedate unsubscribeddate"),
    **_each(_UNSUBSCRIBED, "unsubscribedon dateunsubscribed optouttime optoutdate optedoutat"),
    **_each(_UNSUBSCRIBED, "abgemeldetam abmeldedatum abmeldungam abbestelltam"),
    **_each(_BOUNCED, "cleantime cleanedat bouncedat hardbouncedat"),
    **_each(_COMPLAINED, "complainedat"),
}
