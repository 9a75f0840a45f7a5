"""How long a server's words ask us to wait."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 7 * 24 * 3600.0

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNIT = r"(s(?:ec(?:ond)?s?|ek\w{0,6})?|m(?:in(?:ute)?[sn]?)?|h(?:(?:ou)?rs?|eures?)?|stunden?|d(?:ays?)?)\b"
_CUE = (
    r"(?:again|retry|retries|wait|come ?back|reconnect|return|resume|resend|try|delay\w{0,3}|greylist\w{0,4}|"
    r"graylist\w{0,4}|grey-?list\w{0,4}|deferr?\w{0,3}|block\w{0,3}|disabled|suspended|locked|paused|banned|limited|"
    r"reessay\w{0,3}|erneut|intente|expires?|next)"
)
# "try again in 15 minutes", "wait 300s", "greylisted for 5 minutes", "retry after 90 seconds"
_SPAN = re.compile(_CUE + r"[^.;\d]{0,40}?(?<![\d.:/-])(\d{1,6}) ?" + _UNIT)
# "in 5 minutes try again", "after 1 hour, please retry"
_SPAN_FIRST = re.compile(
    r"\b(?:in|after|for|within) (?:about |at least |the next )?(\d{1,6}) ?" + _UNIT + r"[^.;\d]{0,40}" + _CUE
)
# "come back in 00:04:32"
_CLOCK = re.compile(_CUE + r"[^.;\d]{0,30}?\b(\d{1,2}):(\d\d):(\d\d)\b(?! ?(?:gmt|utc|[+-]\d))")
_WORDS = re.compile(_CUE + r"[^.;\d]{0,30}\b(?:in|after|for|within) (an?|one) (minute|hour|day)\b")
_DATE_CUE = r"\b(?:until|till|after|before|at|on) "
_RFC_DATE = re.compile(_DATE_CUE + r"(?:\w{3,9}, )?(\d{1,2} \w{3} \d{4} \d\d:\d\d(?::\d\d)? ?(?:gmt|utc|z|[+-]\d{4})?)")
_ISO_DATE = re.compile(
    _DATE_CUE + r"(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,6})? ?(z|utc|gmt|[+-]\d\d:?\d\d)?"
)


def named(words: str, at: datetime) -> float | None:
    """Seconds from ``at`` that ``words`` (as ``replies`` normalises them) name, up to a week; None where none are."""
    seconds = _until(words, at)
    if seconds is None:
        seconds = _span(words)
    return min(seconds, LONGEST) if seconds is not None and seconds > 0 else None


def _span(words: str) -> float | None:
    if found := _CLOCK.search(words):
        hours, minutes, seconds = (int(part) for part in found.groups())
        return hours * 3600.0 + minutes * 60 + seconds
    if found := _SPAN.search(words) or _SPAN_FIRST.search(words):
        unit = "h" if found[2].startswith("stunde") else found[2][0]
        return float(found[1]) * _SECONDS[unit]
    if found := _WORDS.search(words):
        return float(_SECONDS[found[2][0]])
    return None


def _until(words: str, at: datetime) -> float | None:
    try:
        if found := _RFC_DATE.search(words):
            return _from(parsedate_to_datetime(found[1]), at)
        if found := _ISO_DATE.search(words):
            zone = (found[3] or "z").replace("utc", "+00:00").replace("gmt", "+00:00").replace("z", "+00:00")
            return _from(datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}"), at)
    except (ValueError, IndexError, OverflowError):
        pass
    return None


def _from(until: datetime, at: datetime) -> float:
    aware = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return (aware - at).total_seconds()
