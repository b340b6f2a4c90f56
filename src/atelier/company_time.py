"""How people read times: in the company's zone, with the zone's name, in their language.

Patterns and names are those of Unicode's CLDR (https://cldr.unicode.org), as Babel has them.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_location

ENGLISH: Final = "en"
_MOMENTS: Final = {"en": "d MMM y, HH:mm", "ru": "d MMM y 'г.', HH:mm"}
_SHORT_MOMENTS: Final = {"en": "d MMM, HH:mm", "ru": "d MMM, HH:mm"}
_DAYS: Final = {"en": "d MMMM y", "ru": "d MMMM y\u00a0'г.'"}


def moment(at: datetime, zone: str, language: str = ENGLISH) -> str:
    """A time to the minute, with the name of its zone.

    >>> moment(datetime.fromisoformat("2026-03-07T09:05Z"), "Europe/Moscow")
    '7 Mar 2026, 12:05 (Moscow)'
    """
    return f"{_written(at, _MOMENTS[language], zone, language)} ({zone_name(zone, language)})"


def short_moment(at: datetime, zone: str, language: str = ENGLISH) -> str:
    """A time for people who have little room and know the year and the zone.

    >>> short_moment(datetime.fromisoformat("2026-03-07T09:05Z"), "Europe/Moscow", "ru")
    '7 мар., 12:05'
    """
    return _written(at, _SHORT_MOMENTS[language], zone, language)


def day(at: datetime, zone: str, language: str = ENGLISH) -> str:
    """The day that it is then in the zone.

    >>> day(datetime.fromisoformat("2026-03-07T22:05Z"), "Europe/Moscow")
    '8 March 2026'
    """
    return _written(at, _DAYS[language], zone, language)


@lru_cache
def zone_name(zone: str, language: str = ENGLISH) -> str:
    """The place that a zone is named after.

    >>> zone_name("Europe/Moscow", "ru")
    'Москва'
    """
    return get_timezone_location(ZoneInfo(zone), locale=language, return_city=True)


def _written(at: datetime, pattern: str, zone: str, language: str) -> str:
    return format_datetime(at, pattern, tzinfo=ZoneInfo(zone), locale=language)
