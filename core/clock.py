"""Time at the edges: aware UTC inside, the user's zone outside. The only caller of ``datetime.now``."""

from datetime import UTC, date, datetime, time

import pytz

from core.errors import RuleError

DEFAULT_ZONE = "Asia/Kolkata"
# Browsers still report these old names.
_RENAMED = {
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Europe/Kiev": "Europe/Kyiv",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
}


class NoSuchTime(RuleError):
    """The wall clock skips this time (start of summer time)."""


class AmbiguousTime(RuleError):
    """The wall clock shows this time twice (end of summer time); ``choices`` are both, in UTC, earlier first."""

    def __init__(self, sentence: str, choices: tuple[datetime, datetime]) -> None:
        super().__init__(sentence)
        self.choices = choices


def utcnow() -> datetime:
    """This machine's time, aware UTC. Leases and schedules use ``db.now`` instead."""
    return datetime.now(UTC)


def zone_or_default(name: str | None) -> str:
    """``name`` (by its present name) when pytz knows it, else the default zone."""
    name = _RENAMED.get(name or "", name)
    return name if name in pytz.all_timezones_set else DEFAULT_ZONE


def check_zone(name: str) -> None:
    """Raises RuleError for a time zone that pytz does not know by this name."""
    if zone_or_default(name) != name:
        raise RuleError(f"There is no time zone named {name!r}.")


def local_to_utc(day: date, at: time, zone: str) -> datetime:
    """The UTC moment at which a wall clock in ``zone`` shows ``day`` ``at``.

    Raises NoSuchTime or AmbiguousTime where summer time begins or ends: the user is asked, never guessed for.
    """
    tz = pytz.timezone(zone)
    naive = datetime.combine(day, at)
    try:
        return tz.localize(naive, is_dst=None).astimezone(UTC)
    except pytz.NonExistentTimeError:
        raise NoSuchTime(
            f"{naive:%d %b %Y %H:%M} does not exist in {zone}: the clocks go forward then. Choose another time."
        ) from None
    except pytz.AmbiguousTimeError:
        first, second = sorted(tz.localize(naive, is_dst=dst).astimezone(UTC) for dst in (True, False))
        raise AmbiguousTime(
            f"{naive:%d %b %Y %H:%M} happens twice in {zone}: the clocks go back then. Choose which one.",
            (first, second),
        ) from None


def to_zone(moment: datetime, zone: str) -> datetime:
    """``moment`` (aware) as the wall clock of ``zone`` shows it."""
    return moment.astimezone(pytz.timezone(zone))


def show(moment: datetime | None, zone: str, seconds: bool = False) -> str:
    """``22 Nov 2026, 09:27 IST``; a dash for None. Zones without letters show their offset (``UTC+05``)."""
    if moment is None:
        return "–"
    local = to_zone(moment, zone)
    return f"{local:%d %b %Y, %H:%M:%S}"[: None if seconds else -3] + f" {zone_label(moment, zone)}"


def say(moment: datetime, zone: str) -> str:
    """``Thu 26 Nov, 14:20 IST``: a moment of the next months, in a sentence; with the year where it is another one."""
    local = to_zone(moment, zone)
    year = f" {local:%Y}" if local.year != to_zone(utcnow(), zone).year else ""
    return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M} {zone_label(moment, zone)}"


def of_day(moment: datetime, zone: str) -> str:
    """``09:27:30 IST``; with the date where that is not today's."""
    shown, is_today = show(moment, zone, seconds=True), to_zone(moment, zone).date() == to_zone(utcnow(), zone).date()
    return shown.partition(", ")[2] if is_today else shown


def zone_label(moment: datetime, zone: str) -> str:
    """The zone's letters at that moment: IST, CET, EDT; ``UTC+03`` where there are none."""
    name = to_zone(moment, zone).tzname() or zone
    return f"UTC{name}" if name[:1] in "+-" else name
