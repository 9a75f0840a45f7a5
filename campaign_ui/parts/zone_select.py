"""A time zone, found by its name, its country or its distance from UTC."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pytz
from nicegui import ui

from core import clock


def zone_select(label: str, value: str, on_change: Callable[..., Any] | None = None) -> ui.select:
    """All common zones, and ``value`` where it is another one."""
    now = clock.utcnow().replace(minute=0, second=0, microsecond=0)
    options = _options(now)
    if value not in options:
        options = {value: _words(value, "", now), **options}
    select = ui.select(options, label=label, value=value, with_input=True, on_change=on_change)
    with select.add_slot("no-option"):
        ui.label("No city, country or distance from UTC is written so.").classes("text-[13px] cm-mute px-4 py-2")
    return select


@lru_cache(maxsize=2)
def _options(now: datetime) -> dict[str, str]:
    country = {zone: pytz.country_names[code] for code, zones in pytz.country_timezones.items() for zone in zones}
    return {zone: _words(zone, country.get(zone, ""), now) for zone in pytz.common_timezones}


def _words(zone: str, country: str, now: datetime) -> str:
    """``America/New York · UTC−05:00 · United States``: where there is no room for all of it, the end is cut."""
    return " · ".join(part for part in (zone.replace("_", " "), _distance(zone, now), country) if part)


def _distance(zone: str, now: datetime) -> str:
    offset = clock.to_zone(now, zone).utcoffset() or timedelta()
    sign, minutes = "−" if offset < timedelta() else "+", abs(round(offset.total_seconds() / 60))
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"
