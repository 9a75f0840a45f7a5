"""Date, Time and Time zone as typed, and the one moment they mean."""

import re
from datetime import date, datetime, time, timedelta

from core import clock
from core.campaigns.forecast import in_words
from core.errors import RuleError

_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?::\d{2})?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)


class Wrong(RuleError):
    """What is typed into one of the fields is no moment to come; ``field``: Date or Time."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def _soon(now: datetime) -> datetime:
    return now + timedelta(minutes=65 - now.minute % 5)


def _tomorrow(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(9))


def _monday(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=7 - now.weekday()), time(9))


# The time of the wall clock now -> the one suggested.
SUGGESTIONS = {"In an hour": _soon, "Tomorrow 09:00": _tomorrow, "Monday 09:00": _monday}


def moment(day: str | None, at: str | None, zone: str) -> datetime:
    """The moment in UTC. Raises Wrong for what is no date or time, clock.NoSuchTime, clock.AmbiguousTime."""
    return clock.local_to_utc(_day(day or ""), _time(at or ""), zone)


def past(moment: datetime, zone: str, now: datetime) -> Wrong:
    """Why ``moment`` cannot be: of a day that is over, or earlier today."""
    is_today = clock.to_zone(moment, zone).date() == clock.to_zone(now, zone).date()
    return Wrong("Time" if is_today else "Date", "This is in the past.")


def typed(moment: datetime | None, zone: str) -> tuple[str, str]:
    """``moment`` as the two fields show it in ``zone``."""
    local = clock.to_zone(moment, zone) if moment else None
    return (f"{local:%Y-%m-%d}", f"{local:%H:%M}") if local else ("", "")


def meaning(moment: datetime, zone: str, own_zone: str, now: datetime) -> str:
    """``Mon 23 Nov, 03:57 UTC, in about 14 h. For you: Mon 23 Nov, 09:27 IST``; nothing twice."""
    chosen, own, parts = clock.say(moment, zone), clock.say(moment, own_zone), [clock.say(moment, "UTC")]
    if moment > now:
        parts.append(f"in {in_words(moment - now)}" if moment - now >= timedelta(seconds=30) else "in a moment")
    words = ", ".join(parts)
    return words if own in (chosen, parts[0]) else f"{words}. For you: {own}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        words = "Choose a date." if not text.strip() else f"{text} is not a date as 2026-11-23."
        raise Wrong("Date", words) from None


def _time(text: str) -> time:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise Wrong("Time", "Choose a time." if not text.strip() else f"{text} is not a time as 09:27.")
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59:
        raise Wrong("Time", f"{text} is not a time as 09:27.")
    return time(hour, minute)
