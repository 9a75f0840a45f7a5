"""What a moment is for the recipients, where their contacts have a time zone or a country."""

from collections import Counter
from datetime import datetime
from functools import lru_cache

import pytz

from core import clock
from core.campaigns.preflight.survey import Survey

_MOST = 4


def local_times(found: Survey, at: datetime) -> list[str]:
    """``India (3,210): Thu 09:27``, the places with the most recipients first; a country of several zones has a range.

    Empty where nothing is known of where they live. Countries are named in English or by their ISO 3166 code.
    """
    counted: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for value, count in found.places.items():
        if (place := _zone(value) if found.places_are == "zones" else _country(value)) is not None:
            counted[place] += count
    said = [f"{name} ({count:,}): {_times(zones, at)}" for (name, zones), count in counted.most_common(_MOST)]
    known = sum(counted.values())
    if said and len(counted) > _MOST:
        said.append(f"{len(counted) - _MOST:,} more places")
    if said and found.is_done and known < found.recipients:
        said.append(f"unknown for {found.recipients - known:,}")
    return said


def _times(zones: tuple[str, ...], at: datetime) -> str:
    local = sorted(clock.to_zone(at, zone).replace(tzinfo=None) for zone in zones)
    first, last = local[0], local[-1]
    if first == last:
        return f"{first:%a %H:%M}"
    return (
        f"{first:%a %H:%M} to {last:%H:%M}" if first.date() == last.date() else f"{first:%a %H:%M} to {last:%a %H:%M}"
    )


def _zone(value: str) -> tuple[str, tuple[str, ...]] | None:
    name = _zones().get(value.lower().replace(" ", "_"))
    return (name, (name,)) if name else None


def _country(value: str) -> tuple[str, tuple[str, ...]] | None:
    code = _countries().get(value.lower().strip(" ."))
    zones = tuple(pytz.country_timezones.get(code, ())) if code else ()
    return (pytz.country_names[code], zones) if code and zones else None


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in pytz.all_timezones}


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Names and codes, lower case -> code."""
    known = {name.lower(): code for code, name in pytz.country_names.items()}
    known |= {code.lower(): code for code in pytz.country_names}
    usual = {
        "uk": "GB", "united kingdom": "GB", "great britain": "GB", "england": "GB", "usa": "US", "u.s.a": "US",
        "united states of america": "US", "uae": "AE", "south korea": "KR", "deutschland": "DE", "bharat": "IN",
        "holland": "NL", "the netherlands": "NL", "czechia": "CZ",
    }  # fmt: skip
    return known | usual
