"""How people read times: in the company's zone, with the zone's name, in the language that
is spoken.

Patterns and names are those of Unicode's CLDR (https://cldr.unicode.org), as Babel has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_location

from atelier.languages import language

_MOMENTS: Final = {"en": "d MMM y, HH:mm", "ru": "d MMM y 'г.', HH:mm"}
_SHORT_MOMENTS: Final = {"en": "d MMM, HH:mm", "ru": "d MMM, HH:mm"}
_DAYS: Final = {"en": "d MMMM y", "ru": "d MMMM y\u00a0'г.'"}


def moment(at: datetime, zone: str) -> str:
    """A time to the minute, with the name of its zone.

    >>> moment(datetime.fromisoformat("2026-03-07T09:05Z"), "Europe/Moscow")
    '7 Mar 2026, 12:05 (Moscow)'
    """
    return f"{_written(at, _MOMENTS, zone)} ({zone_name(zone)})"


def short_moment(at: datetime, zone: str) -> str:
    """A time for people who have little room and know the year and the zone.

    >>> short_moment(datetime.fromisoformat("2026-03-07T09:05Z"), "Europe/Moscow")
    '7 Mar, 12:05'
    """
    return _written(at, _SHORT_MOMENTS, zone)


def day(at: datetime, zone: str) -> str:
    """The day that it is then in the zone.

    >>> day(datetime.fromisoformat("2026-03-07T22:05Z"), "Europe/Moscow")
    '8 March 2026'
    """
    return _written(at, _DAYS, zone)


def zone_name(zone: str) -> str:
    """The place that a zone is named after.

    >>> zone_name("Europe/Moscow")
    'Moscow'
    """
    return _place(zone, language())


@lru_cache
def _place(zone: str, spoken: str) -> str:
    return get_timezone_location(ZoneInfo(zone), locale=spoken, return_city=True)


def _written(at: datetime, patterns: Mapping[str, str], zone: str) -> str:
    spoken = language()
    return format_datetime(at, patterns[spoken], tzinfo=ZoneInfo(zone), locale=spoken)
