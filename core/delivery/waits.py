"""How long a server's words ask us to wait."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 7 * 24 * 3600.0

# The first letter tells the unit, after other languages were brought to it.
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_OTHER_UNITS = {
    "stunde": "h", "ora": "h", "ore": "h", "uur": "h", "godzin": "h", "hodin": "h", "час": "h", "小": "h", "時": "h",
    "tag": "d", "jour": "d", "dia": "d", "giorn": "d", "天": "d", "日": "d",
    "мин": "m", "分": "m", "сек": "s", "秒": "s",
}  # fmt: skip
_UNIT = (
    r"(s(?:e[ckg]\w{0,7})?|m(?:in(?:ut\w{0,3})?[sn]?)?|h(?:(?:ou)?rs?|eures?|oras?)?|d(?:ays?|ias?)?"
    r"|stunden?|or[ae]|uur|godzin\w{0,2}|hodin\w{0,2}|tage?n?|jours?|giorn[io]|час\w{0,2}|минут\w{0,2}|секунд\w{0,2}"
    r"|秒|分钟?|分鐘|小时|小時|時間|天|日)(?![a-zа-я])"
)
_NUMBER = r"(?<![\d.:/-])(\d{1,6}(?:\.\d{1,3})?) ?"
_AND = r"(?:,? ?(?:and |und |et |y |e )?(\d{1,4}) ?" + _UNIT + ")?"  # "1h30m", "2 hours and 5 minutes"
_CUE = (
    r"(?:again|retry|retries|wait|come ?back|reconnect|return|resume|resend|try|delay\w{0,3}|greylist\w{0,4}|"
    r"graylist\w{0,4}|grey-?list\w{0,4}|deferr?\w{0,3}|block\w{0,3}|disabled|suspended|locked|paused|banned|limited|"
    r"reessay\w{0,3}|patient\w{0,3}|erneut|warten|spater|intent\w{0,5}|esper\w{0,3}|tente|riprova\w{0,2}|attend\w{0,3}|"
    r"повтор\w{0,5}|подожд\w{0,4}|попробу\w{0,3}|ponow\w{0,3}|sprobuj|expires?|next|重试|重試|再试|再試)"
)
# "try again in 15 minutes", "wait 300s", "greylisted for 5 minutes", "retry after 90 seconds"
_SPAN = re.compile(_CUE + r"[^.;\d]{0,40}?" + _NUMBER + _UNIT + _AND)
# "in 5 minutes try again", "after 1 hour, please retry", "через 10 минут повторите", "请在10分钟后重试"
_SPAN_FIRST = re.compile(
    r"(?:\b(?:in|after|for|within|nach|dans|apres|en|dentro de|tra|fra|em|za|po|через) (?:about |at least |the next )?"
    r"|在|于)" + _NUMBER + _UNIT + _AND + r"[^.;\d]{0,40}" + _CUE
)
# "come back in 00:04:32"
_CLOCK = re.compile(_CUE + r"[^.;\d]{0,30}?\b(\d{1,2}):(\d\d):(\d\d)\b(?! ?(?:gmt|utc|[+-]\d))")
_WORDS = re.compile(_CUE + r"[^.;\d]{0,30}\b(?:in|after|for|within) (an?|one) (minute|hour|day)\b")
_HEADER = re.compile(r"\bretry-after ?[:=] ?(\d{1,6})(?![\d:.]| ?[a-z])")  # as in HTTP: seconds
_SPELT = dict(zip("two three five ten fifteen thirty".split(), "2 3 5 10 15 30".split(), strict=True))
_SPELT["half an hour"] = "30 minutes"
_SPELT_NUMBER = re.compile(rf"\b({'|'.join(_SPELT)})\b")
_TOMORROW = re.compile(_CUE + r"[^.;\d]{0,30}\btomorrow\b")
_HOURLY = 3600.0  # in whose zone? One mail an hour finds out
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
    words = _SPELT_NUMBER.sub(lambda found: _SPELT[found[1]], words)
    if found := _CLOCK.search(words):
        hours, minutes, seconds = (int(part) for part in found.groups())
        return hours * 3600.0 + minutes * 60 + seconds
    if found := _SPAN.search(words) or _SPAN_FIRST.search(words):
        return _length(found[1], found[2]) + (_length(found[3], found[4]) if found[3] else 0.0)
    if found := _WORDS.search(words):
        return float(_SECONDS[found[2][0]])
    if found := _HEADER.search(words):
        return float(found[1])
    return _HOURLY if _TOMORROW.search(words) else None


def _length(number: str, unit: str) -> float:
    letter = next((letter for word, letter in _OTHER_UNITS.items() if unit.startswith(word)), unit[0])
    return float(number) * _SECONDS[letter]


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
